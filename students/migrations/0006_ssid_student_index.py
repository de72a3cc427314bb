"""A full index on the student of an SSID. With partial ones only, each removed student cost a scan of all SSIDs."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("students", "0005_collection_and_families"),
    ]

    operations = [
        migrations.AlterField(
            model_name="ssid",
            name="student",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="ssids", to="students.student"
            ),
        ),
        # Former SSIDs of a student are found by the full index as well.
        migrations.RemoveIndex(model_name="ssid", name="ssid_retired_of_student"),
    ]
