from django.db import migrations


def name_the_run(apps, schema_editor):
    """Files of corrected lines that were made before said it on their runs only."""
    runs = apps.get_model("imports", "ImportRun").objects.filter(corrects__isnull=False, file__isnull=False)
    files = apps.get_model("imports", "ImportFile").objects
    for file_id, run_id in runs.order_by("pk").values_list("file_id", "corrects_id"):
        files.filter(pk=file_id).update(lines_of_id=run_id)


class Migration(migrations.Migration):

    dependencies = [
        ('imports', '0015_noted_corrections'),
    ]

    operations = [
        migrations.RunPython(name_the_run, migrations.RunPython.noop),
    ]
