"""Runs and files are called so in the admin too. No table changes."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("imports", "0011_crashed_attempts")]

    operations = [
        migrations.AlterModelOptions("importfile", {"ordering": ["-uploaded_at"], "verbose_name": "file"}),
        migrations.AlterModelOptions("importrun", {"ordering": ["-id"], "verbose_name": "run"}),
    ]
