from django.db import migrations, models


class Migration(migrations.Migration):
    """The words in which one run is reported, where they are others than its district's."""

    dependencies = [
        ('imports', '0019_run_phase_seconds'),
    ]

    operations = [
        migrations.AddField(
            model_name='importrun',
            name='report_words',
            field=models.CharField(blank=True, choices=[('own', 'Our own: what was found, what was expected, what to do'), ('screen', 'Those of the CALPADS SSID Import screen (StateID …, WARNING: … DOES NOT match …)')], db_default='', default='', help_text='Blank: as the district has chosen.', max_length=8, verbose_name='words of the results report'),
        ),
    ]
