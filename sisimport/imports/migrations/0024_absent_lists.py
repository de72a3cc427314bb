"""One value for each list of absent students, where there was a row for each student: 270,000 of them for a small file of a large
district. Lists of old runs are carried over, forth and back."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import sisimport.imports.models.absent

_GATHER = """
    INSERT INTO imports_absentlist (run_id, students, with_el, at)
    SELECT a.run_id, range_agg(int8range(student_id, student_id + 1)),
      coalesce(range_agg(int8range(student_id, student_id + 1)) FILTER (WHERE has_el_data), '{}'),
      (SELECT coalesce(r.finished_at, r.created_at) FROM imports_importrun r WHERE r.id = a.run_id)
    FROM imports_absentstudent a WHERE EXISTS (SELECT FROM imports_importrun r WHERE r.id = a.run_id) GROUP BY a.run_id
"""
_SPREAD = """
    INSERT INTO imports_absentstudent (run_id, student_id, has_el_data)
    SELECT a.run_id, number, number <@ a.with_el
    FROM imports_absentlist a, unnest(a.students) AS r, generate_series(lower(r), upper(r) - 1) AS number
"""


class Migration(migrations.Migration):
    dependencies = [("imports", "0023_applied_plans_stay")]

    operations = [
        migrations.CreateModel(
            name="AbsentList",
            fields=[
                (
                    "run",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="absent_list",
                        serialize=False,
                        to="imports.importrun",
                    ),
                ),
                ("students", sisimport.imports.models.absent.StudentSet()),
                (
                    "with_el",
                    sisimport.imports.models.absent.StudentSet(help_text="Those of them with EL data when the run looked."),
                ),
                (
                    "at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(),
                        help_text="When the run, or a decision on one of its lines, looked.",
                    ),
                ),
            ],
            options={
                "verbose_name": "list of absent students",
                "verbose_name_plural": "lists of absent students",
            },
        ),
        migrations.RunSQL(_GATHER, _SPREAD),
        migrations.DeleteModel(name="AbsentStudent"),
    ]
