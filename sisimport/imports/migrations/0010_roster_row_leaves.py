from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('imports', '0009_reverts_again'),
    ]

    operations = [
        migrations.DeleteModel(
            name='RosterRow',
        ),
    ]
