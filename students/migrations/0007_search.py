"""Names and numbers are found by indexes; who has no SSID stands in a table that triggers keep.

The triggers are statement-level with transition tables: an import of half a million SSIDs costs one set-based DELETE. Three
things keep that from ever being quadratic, whatever the statistics say (a table that was empty when they were taken counts
as one row): statements are planned each time (EXECUTE), for the plan of one edit must not be kept for the import that comes
next; every table is asked for an array of keys; and what is joined is hashed, never looped over.
"""

import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
import django.db.models.functions.text
import students.models.people
from django.db import migrations, models


NOW_MISSING = """
  INSERT INTO students_withoutssid (student_id, school_id, grade, last_key, first_key)
  SELECT s.id, s.school_id, s.grade, s.last_key, s.first_key FROM students_student s
  WHERE s.id = ANY ($1) AND NOT EXISTS (SELECT 1 FROM students_ssid i
    WHERE i.student_id = s.id AND i.student_id = ANY ($1) AND i.retired_at IS NULL)
  ON CONFLICT DO NOTHING"""
NO_LONGER = "DELETE FROM students_withoutssid WHERE student_id = ANY ($1)"
CREATE = f"""
CREATE FUNCTION students_note_without_ssid() RETURNS trigger LANGUAGE plpgsql SET enable_nestloop = off AS $$
DECLARE
  missing bigint[];
  given bigint[];
BEGIN
  IF TG_OP = 'INSERT' AND TG_TABLE_NAME = 'students_student' THEN
    SELECT array_agg(n.id) INTO missing FROM student_after n;
  ELSIF TG_OP = 'DELETE' AND TG_TABLE_NAME = 'students_student' THEN
    SELECT array_agg(o.id) INTO given FROM student_before o;
  ELSIF TG_OP = 'INSERT' THEN
    SELECT array_agg(n.student_id) INTO given FROM ssid_after n WHERE n.retired_at IS NULL;
  ELSIF TG_OP = 'DELETE' THEN
    SELECT array_agg(o.student_id) INTO missing FROM ssid_before o WHERE o.retired_at IS NULL;
  ELSE
    EXECUTE 'SELECT array_agg(o.student_id) FILTER (WHERE o.retired_at IS NULL),
        array_agg(n.student_id) FILTER (WHERE n.retired_at IS NULL)
      FROM ssid_before o JOIN ssid_after n ON n.id = o.id
      WHERE (o.student_id, o.retired_at IS NULL) IS DISTINCT FROM (n.student_id, n.retired_at IS NULL)' INTO missing, given;
  END IF;
  IF missing IS NOT NULL THEN
    EXECUTE '{NOW_MISSING}' USING missing;
  END IF;
  IF given IS NOT NULL THEN
    EXECUTE '{NO_LONGER}' USING given;
  END IF;
  RETURN NULL;
END $$;
CREATE FUNCTION students_note_edited_without_ssid() RETURNS trigger LANGUAGE plpgsql SET enable_nestloop = off AS $$
BEGIN
  EXECUTE 'UPDATE students_withoutssid w
    SET school_id = s.school_id, grade = s.grade, last_key = s.last_key, first_key = s.first_key
    FROM students_student s WHERE s.id = w.student_id AND s.id = ANY ($1) AND w.student_id = ANY ($1)
      AND (w.school_id, w.grade, w.last_key, w.first_key) IS DISTINCT FROM (s.school_id, s.grade, s.last_key, s.first_key)'
    USING (SELECT array_agg(n.id) FROM student_after n);
  RETURN NULL;
END $$;
CREATE TRIGGER students_without_ssid_new AFTER INSERT ON students_student
  REFERENCING NEW TABLE AS student_after FOR EACH STATEMENT EXECUTE FUNCTION students_note_without_ssid();
CREATE TRIGGER students_without_ssid_edited AFTER UPDATE ON students_student
  REFERENCING NEW TABLE AS student_after FOR EACH STATEMENT EXECUTE FUNCTION students_note_edited_without_ssid();
CREATE TRIGGER students_without_ssid_gone AFTER DELETE ON students_student
  REFERENCING OLD TABLE AS student_before FOR EACH STATEMENT EXECUTE FUNCTION students_note_without_ssid();
CREATE TRIGGER students_without_ssid_given AFTER INSERT ON students_ssid
  REFERENCING NEW TABLE AS ssid_after FOR EACH STATEMENT EXECUTE FUNCTION students_note_without_ssid();
CREATE TRIGGER students_without_ssid_changed AFTER UPDATE ON students_ssid
  REFERENCING OLD TABLE AS ssid_before NEW TABLE AS ssid_after FOR EACH STATEMENT EXECUTE FUNCTION students_note_without_ssid();
CREATE TRIGGER students_without_ssid_taken AFTER DELETE ON students_ssid
  REFERENCING OLD TABLE AS ssid_before FOR EACH STATEMENT EXECUTE FUNCTION students_note_without_ssid();
INSERT INTO students_withoutssid (student_id, school_id, grade, last_key, first_key)
  SELECT s.id, s.school_id, s.grade, s.last_key, s.first_key FROM students_student s
  WHERE NOT EXISTS (SELECT 1 FROM students_ssid i WHERE i.student_id = s.id AND i.retired_at IS NULL);
"""
DROP = """
DROP TRIGGER students_without_ssid_new ON students_student;
DROP TRIGGER students_without_ssid_edited ON students_student;
DROP TRIGGER students_without_ssid_gone ON students_student;
DROP TRIGGER students_without_ssid_given ON students_ssid;
DROP TRIGGER students_without_ssid_changed ON students_ssid;
DROP TRIGGER students_without_ssid_taken ON students_ssid;
DROP FUNCTION students_note_without_ssid();
DROP FUNCTION students_note_edited_without_ssid();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('students', '0006_ssid_student_index'),
    ]

    operations = [
        migrations.CreateModel(
            name='WithoutSSID',
            fields=[
                ('student', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, primary_key=True, related_name='without_ssid', serialize=False, to='students.student')),
                ('grade', models.CharField(max_length=2)),
                ('last_key', models.TextField(db_collation='C')),
                ('first_key', models.TextField(db_collation='C')),
            ],
            options={
                'verbose_name': 'student without SSID',
                'verbose_name_plural': 'students without SSID',
                'default_permissions': (),
            },
        ),
        migrations.AlterModelOptions(
            name='student',
            options={'ordering': ['last_key', 'first_key', 'id']},
        ),
        migrations.AddField(
            model_name='student',
            name='first_key',
            field=models.GeneratedField(db_persist=True, expression=students.models.people._NameKey(models.F('first_name'), models.F('middle_name')), output_field=models.TextField(db_collation='C')),
        ),
        migrations.AddField(
            model_name='student',
            name='last_key',
            field=models.GeneratedField(db_persist=True, expression=students.models.people._NameKey(models.F('last_name'), models.F('suffix')), output_field=models.TextField(db_collation='C')),
        ),
        migrations.AddField(
            model_name='student',
            name='other_names',
            field=models.GeneratedField(db_persist=True, expression=models.Case(models.When(models.Q(('alias_first_name', ''), ('alias_last_name', ''), ('legal_first_name', ''), ('legal_last_name', '')), then=None), default=students.models.people._Lexemes(students.models.people._Lexeme(models.F('last_name'), models.F('suffix'), mark='l'), students.models.people._Lexeme(models.F('first_name'), models.F('middle_name'), mark='f'), students.models.people._Lexeme(models.F('legal_last_name'), mark='l'), students.models.people._Lexeme(models.F('legal_first_name'), mark='f'), students.models.people._Lexeme(models.F('alias_last_name'), mark='l'), students.models.people._Lexeme(models.F('alias_first_name'), mark='f'))), output_field=django.contrib.postgres.search.SearchVectorField()),
        ),
        migrations.AddIndex(
            model_name='student',
            index=models.Index(fields=['last_key', 'first_key', 'id', 'school', 'grade'], name='student_by_last_name'),
        ),
        migrations.AddIndex(
            model_name='student',
            index=models.Index(fields=['first_key', 'last_key', 'id', 'school', 'grade'], name='student_by_first_name'),
        ),
        migrations.AddIndex(
            model_name='student',
            index=models.Index(django.contrib.postgres.indexes.OpClass(django.db.models.functions.text.Upper('local_number'), name='text_pattern_ops'), name='student_by_local_number'),
        ),
        migrations.AddIndex(
            model_name='student',
            index=django.contrib.postgres.indexes.GinIndex(condition=models.Q(('other_names__isnull', False)), fastupdate=False, fields=['other_names'], name='student_by_other_names'),
        ),
        migrations.AddField(
            model_name='withoutssid',
            name='school',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='students.school'),
        ),
        migrations.AddIndex(
            model_name='withoutssid',
            index=models.Index(fields=['school', 'grade'], name='without_ssid_school_grade'),
        ),
        migrations.AddIndex(
            model_name='withoutssid',
            index=models.Index(fields=['last_key', 'first_key', 'student', 'school', 'grade'], name='without_ssid_by_name'),
        ),
        migrations.RunSQL(CREATE, DROP),
    ]
