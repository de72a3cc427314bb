from django.db import migrations, models


class Migration(migrations.Migration):
    """What undoing an edit by hand asks for beside the texts of its entries."""

    dependencies = [
        ('students', '0017_family_accounts_end'),
    ]

    operations = [
        migrations.AddField(
            model_name='recordedit',
            name='journal',
            field=models.JSONField(blank=True, null=True),
        ),
    ]
