"""sis_loose(text) leaves out the ʻokina, half rings and primes as it does other apostrophes: OʻNeil is O'Neil.

What was worked out with the old function is worked out again for the names that hold such a sign.
"""

from django.db import migrations

_BODY = r"""
CREATE OR REPLACE FUNCTION sis_loose(value text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT regexp_replace(
    translate(lower(normalize(value, NFKD)), 'øØłŁđĐ', 'oolldd'),
    '[\u0300-\u036f[:punct:][:space:]%s\u0060\u00b4\u2010-\u2015]', '', 'g')
$$;
"""
_NEW, _OLD = r"\u2018-\u201b\u02b9-\u02bf\u2032", r"\u2018\u2019\u02bc"
_AGAIN = r"""
UPDATE students_student SET last_name = last_name
WHERE concat(last_name, first_name, middle_name, suffix, alias_last_name, alias_first_name, legal_last_name, legal_first_name)
  ~ '[\u201a\u201b\u02b9-\u02bf\u2032]'
"""


class Migration(migrations.Migration):
    dependencies = [("students", "0024_headcounts")]
    operations = [
        migrations.RunSQL([_BODY % _NEW, _AGAIN], [_BODY % _OLD, _AGAIN]),
    ]
