"""What changed of students of Utah LEAs, written by a trigger on the student table.

A statement-level trigger with transition tables keeps bulk updates set-based. Measured on 100,000 students: no difference where
the LEA is not in Utah (0.82 s with and without), 1.4 s more where every name changes; a row-level trigger costs 2.4 s there.
"""

import django.db.models.deletion
from django.db import migrations, models


WATCHED = (
    "last_name", "first_name", "middle_name", "suffix", "legal_last_name", "legal_first_name", "legal_middle_name",
    "birth_date", "gender", "legal_gender", "ethnicity",
)  # fmt: skip
_PAIRS = ", ".join(f"('{name}', coalesce(o.{name}::text, ''), coalesce(n.{name}::text, ''))" for name in WATCHED)
_OLD, _NEW = (", ".join(f"{side}.{name}" for name in WATCHED) for side in "on")

CREATE = f"""
CREATE FUNCTION students_note_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT 1 FROM students_lea WHERE state = 'UT') THEN
    RETURN NULL;
  END IF;
  INSERT INTO students_changedrecord (student_id, field, before, after, since)
  SELECT n.id, v.field, v.before, v.after, now()
  FROM student_before o
  JOIN student_after n ON n.id = o.id
  JOIN students_lea l ON l.id = n.lea_id AND l.state = 'UT'
  CROSS JOIN LATERAL (VALUES {_PAIRS}) AS v(field, before, after)
  WHERE ({_OLD}) IS DISTINCT FROM ({_NEW}) AND v.before <> v.after;
  RETURN NULL;
END $$;
CREATE TRIGGER students_note_changes AFTER UPDATE ON students_student
  REFERENCING OLD TABLE AS student_before NEW TABLE AS student_after
  FOR EACH STATEMENT EXECUTE FUNCTION students_note_changes();
"""
DROP = """
DROP TRIGGER students_note_changes ON students_student;
DROP FUNCTION students_note_changes();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('students', '0002_loose_names'),
    ]

    operations = [
        migrations.CreateModel(
            name='ChangedRecord',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('field', models.CharField(choices=[('last_name', 'Last name'), ('first_name', 'First name'), ('middle_name', 'Middle name'), ('suffix', 'Name suffix'), ('legal_last_name', 'Legal last name'), ('legal_first_name', 'Legal first name'), ('legal_middle_name', 'Legal middle name'), ('birth_date', 'Birth date'), ('gender', 'Gender'), ('legal_gender', 'Legal gender'), ('ethnicity', 'Ethnicity')], max_length=20)),
                ('before', models.TextField(blank=True)),
                ('after', models.TextField(blank=True)),
                ('since', models.DateTimeField(auto_now_add=True)),
                ('cleared_by', models.BigIntegerField(blank=True, null=True, verbose_name='confirmed by request')),
                ('student', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='changed_records', to='students.student')),
            ],
            options={
                'ordering': ['id'],
                'indexes': [models.Index(fields=['student', 'cleared_by'], name='changed_record_of_student')],
            },
        ),
        migrations.RunSQL(CREATE, DROP),
    ]
