from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name='RosterRow',
            fields=[
                ('line', models.IntegerField(primary_key=True, serialize=False)),
                ('lea_id', models.BigIntegerField(null=True)),
                ('state', models.CharField(default='CA', max_length=2)),
                ('refused', models.BooleanField(default=False)),
                ('candidates', models.SmallIntegerField(default=0)),
                ('candidate_text', models.TextField()),
                ('accepted', models.SmallIntegerField(default=0)),
                ('given_number', models.TextField()),
                ('lea', models.TextField()),
                ('school', models.TextField()),
                ('local_number', models.TextField()),
                ('ssid', models.TextField()),
                ('last_name', models.TextField()),
                ('first_name', models.TextField()),
                ('middle_name', models.TextField()),
                ('suffix', models.TextField()),
                ('legal_last_name', models.TextField()),
                ('legal_first_name', models.TextField()),
                ('legal_middle_name', models.TextField()),
                ('alias_last_name', models.TextField()),
                ('alias_first_name', models.TextField()),
                ('birth_date', models.DateField(null=True)),
                ('gender', models.TextField()),
                ('legal_gender', models.TextField()),
                ('birth_country', models.TextField()),
                ('birth_state', models.TextField()),
                ('home_language', models.TextField()),
                ('grade', models.TextField()),
                ('enrollment_start', models.DateField(null=True)),
                ('enrollment_exit', models.DateField(null=True)),
                ('el_status', models.TextField()),
                ('el_identified_date', models.DateField(null=True)),
                ('el_tbd_date', models.DateField(null=True)),
                ('el_exit_date', models.DateField(null=True)),
                ('ethnicity', models.TextField()),
                ('student_pk', models.BigIntegerField(null=True)),
                ('school_pk', models.BigIntegerField(null=True)),
                ('home_school_pk', models.BigIntegerField(null=True)),
                ('home_grade', models.TextField()),
                ('home_exit', models.DateField(null=True)),
                ('is_new', models.BooleanField(default=False)),
                ('alike', models.TextField()),
                ('dup_number', models.SmallIntegerField(default=0)),
                ('dup_number_line', models.IntegerField(default=0)),
                ('dup_line', models.SmallIntegerField(default=0)),
                ('dup_line_line', models.IntegerField(default=0)),
                ('dup_ssid', models.SmallIntegerField(default=0)),
                ('dup_ssid_line', models.IntegerField(default=0)),
            ],
            options={
                'db_table': 'staged_roster',
                'managed': False,
            },
        ),
    ]
