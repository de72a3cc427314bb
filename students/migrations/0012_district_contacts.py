"""Whom a district says to ask, and its links to documentation: shown on the pages of the help."""

from django.db import migrations, models

import students.models.districts


class Migration(migrations.Migration):
    dependencies = [("students", "0011_last_days")]

    operations = [
        migrations.AddField(
            model_name="districtsettings",
            name="contacts",
            field=models.TextField(
                blank=True,
                default="",
                help_text="Shown on the pages of the help: names, telephone numbers and addresses of your office, a line each.",
                max_length=1000,
                verbose_name="whom to ask",
            ),
        ),
        migrations.AddField(
            model_name="districtsettings",
            name="documentation",
            field=models.TextField(
                blank=True,
                default="",
                help_text="Your own and the state's, a line each: a title, a blank, and the address. "
                "For example: Our import calendar https://example.org/calendar",
                max_length=2000,
                validators=[students.models.districts.validate_links],
                verbose_name="links to documentation",
            ),
        ),
    ]
