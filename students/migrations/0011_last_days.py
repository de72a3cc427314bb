"""Who has left, or will, with the last day: kept by triggers, so that "enrolled today" is no look at all enrollments.

The triggers are statement-level and planned each time, for the reasons that migration 0007 gives. Enrollments without exit date
of students who are not in the table, all but every one of a roster, change nothing and are put aside first.
"""

import django.db.models.deletion
from django.db import migrations, models


_LAST_DAYS = """
  SELECT e.student_id, max(e.exit_date) FROM students_enrollment e {of}
  GROUP BY e.student_id HAVING bool_and(e.exit_date IS NOT NULL)"""
CREATE = f"""
CREATE FUNCTION students_note_last_day() RETURNS trigger LANGUAGE plpgsql SET enable_nestloop = off AS $$
DECLARE
  changed bigint[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    EXECUTE 'SELECT array_agg(DISTINCT n.student_id) FROM enrollment_after n WHERE n.exit_date IS NOT NULL
      OR n.student_id IN (SELECT l.student_id FROM students_lastday l)' INTO changed;
  ELSIF TG_OP = 'DELETE' THEN
    EXECUTE 'SELECT array_agg(DISTINCT o.student_id) FROM enrollment_before o
      WHERE o.student_id IN (SELECT l.student_id FROM students_lastday l)
        OR o.student_id IN (SELECT e.student_id FROM students_enrollment e)' INTO changed;
  ELSE
    EXECUTE 'SELECT array_agg(DISTINCT s.id) FROM enrollment_before o JOIN enrollment_after n ON n.id = o.id
      CROSS JOIN LATERAL (VALUES (o.student_id), (n.student_id)) AS s (id)
      WHERE (o.student_id, o.exit_date) IS DISTINCT FROM (n.student_id, n.exit_date)' INTO changed;
  END IF;
  IF changed IS NOT NULL THEN
    EXECUTE 'DELETE FROM students_lastday WHERE student_id = ANY ($1)' USING changed;
    EXECUTE 'INSERT INTO students_lastday (student_id, day) {_LAST_DAYS.format(of="WHERE e.student_id = ANY ($1)")}
      ON CONFLICT (student_id) DO UPDATE SET day = excluded.day' USING changed;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER students_last_day_new AFTER INSERT ON students_enrollment
  REFERENCING NEW TABLE AS enrollment_after FOR EACH STATEMENT EXECUTE FUNCTION students_note_last_day();
CREATE TRIGGER students_last_day_changed AFTER UPDATE ON students_enrollment
  REFERENCING OLD TABLE AS enrollment_before NEW TABLE AS enrollment_after
  FOR EACH STATEMENT EXECUTE FUNCTION students_note_last_day();
CREATE TRIGGER students_last_day_gone AFTER DELETE ON students_enrollment
  REFERENCING OLD TABLE AS enrollment_before FOR EACH STATEMENT EXECUTE FUNCTION students_note_last_day();
INSERT INTO students_lastday (student_id, day) {_LAST_DAYS.format(of="")};
"""
DROP = """
DROP TRIGGER students_last_day_new ON students_enrollment;
DROP TRIGGER students_last_day_changed ON students_enrollment;
DROP TRIGGER students_last_day_gone ON students_enrollment;
DROP FUNCTION students_note_last_day();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('students', '0010_enrollment_facts'),
    ]

    operations = [
        migrations.CreateModel(
            name='LastDay',
            fields=[
                ('student', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, primary_key=True, related_name='last_day', serialize=False, to='students.student')),
                ('day', models.DateField()),
            ],
            options={
                'verbose_name': 'last day of enrollment',
                'verbose_name_plural': 'last days of enrollment',
                'default_permissions': (),
            },
        ),
        migrations.RunSQL(CREATE, DROP),
    ]
