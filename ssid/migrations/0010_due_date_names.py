"""Names of the usual due dates as Americans write days: a district's row replaces the usual date of the same name."""

from django.db import migrations

_RENAME = """
UPDATE ssid_utahduedate d SET name = '{new}' WHERE d.name = '{old}'
AND NOT EXISTS (SELECT FROM ssid_utahduedate o WHERE o.lea_id = d.lea_id AND o.name = '{new}')
"""
_NAMES = [("1 October file", "October 1 file"), ("1 December file", "December 1 file")]


class Migration(migrations.Migration):
    dependencies = [("ssid", "0009_match_requests_unchecked")]

    operations = [
        migrations.RunSQL(_RENAME.format(old=old, new=new), _RENAME.format(old=new, new=old)) for old, new in _NAMES
    ]
