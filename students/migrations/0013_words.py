"""What the admin calls edits, looks at students and the schools of people. No table changes."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("students", "0012_district_contacts")]

    operations = [
        migrations.AlterModelOptions(
            "recordedit",
            {
                "ordering": ["-at", "-id"],
                "verbose_name": "edit of a record",
                "verbose_name_plural": "edits of records",
            },
        ),
        migrations.AlterModelOptions(
            "staffaccess",
            {"verbose_name": "schools of a person", "verbose_name_plural": "schools of people"},
        ),
        migrations.AlterModelOptions(
            "studentview",
            {"ordering": ["-at"], "verbose_name": "look at a student", "verbose_name_plural": "looks at students"},
        ),
    ]
