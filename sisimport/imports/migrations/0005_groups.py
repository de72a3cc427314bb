"""The four groups. Their permissions follow each migrate (groups.grant_permissions): they exist only after it."""

from django.db import migrations

GROUPS = ("registrar", "import admin", "SSID staff", "viewer")


def make_groups(apps, schema_editor):
    for name in GROUPS:
        apps.get_model("auth", "Group").objects.get_or_create(name=name)


class Migration(migrations.Migration):
    dependencies = [
        ("imports", "0004_bulk_rows_unchecked"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]
    operations = [migrations.RunPython(make_groups, migrations.RunPython.noop)]
