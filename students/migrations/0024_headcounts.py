"""How many students each school and grade has, and how many of them no SSID: counts in step, as signed changes that are only added.

One row for each statement and school, grade and day, so nobody waits for anybody's count; what is read is a sum (headcounts.py).
Each of three tables is counted by what its own rows were and are, so that the sums are exact whatever the order of statements and
triggers. For that, who has left carries school and grade, and who has no SSID the last day: both are kept by the triggers that keep
these tables.
"""

from importlib import import_module

import django.db.models.deletion
from django.db import migrations, models

_search = import_module("students.migrations.0007_search")
_last_days = import_module("students.migrations.0011_last_days")


def _functions(create: str) -> str:
    """The functions at the head of what an earlier migration made, to stand in place of newer ones."""
    return create.split("CREATE TRIGGER")[0].replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")


NOW_MISSING = """
  INSERT INTO students_withoutssid (student_id, school_id, grade, last_key, first_key, last_day)
  SELECT s.id, s.school_id, s.grade, s.last_key, s.first_key, l.day FROM students_student s
  LEFT JOIN students_lastday l ON l.student_id = s.id AND l.student_id = ANY ($1)
  WHERE s.id = ANY ($1) AND NOT EXISTS (SELECT 1 FROM students_ssid i
    WHERE i.student_id = s.id AND i.student_id = ANY ($1) AND i.retired_at IS NULL)
  ON CONFLICT DO NOTHING"""
_LEFT = """
  INSERT INTO students_lastday (student_id, day, school_id, grade)
  SELECT l.student_id, l.day, s.school_id, coalesce(s.grade, '''') FROM (
    SELECT e.student_id, max(e.exit_date) AS day FROM students_enrollment e WHERE e.student_id = ANY ($1)
    GROUP BY e.student_id HAVING bool_and(e.exit_date IS NOT NULL)) AS l
  LEFT JOIN students_student s ON s.id = l.student_id AND s.id = ANY ($1)
  ON CONFLICT (student_id) DO UPDATE SET day = excluded.day, school_id = excluded.school_id, grade = excluded.grade"""
_LEFT_WITHOUT_SSID = """
  UPDATE students_withoutssid w SET last_day = l.day FROM unnest($1) AS c (id)
  LEFT JOIN students_lastday l ON l.student_id = c.id AND l.student_id = ANY ($1)
  WHERE w.student_id = c.id AND w.student_id = ANY ($1) AND w.last_day IS DISTINCT FROM l.day"""
# Of those who were edited, mostly few are in either table: these are looked for first.
_EDITED = """
CREATE OR REPLACE FUNCTION students_note_edited_without_ssid() RETURNS trigger LANGUAGE plpgsql SET enable_nestloop = off AS $$
DECLARE
  edited bigint[];
  kept bigint[];
BEGIN
  SELECT array_agg(n.id) INTO edited FROM student_after n;
  IF edited IS NULL THEN
    RETURN NULL;
  END IF;
  EXECUTE 'SELECT array_agg(w.student_id) FROM students_withoutssid w WHERE w.student_id = ANY ($1)' INTO kept USING edited;
  IF kept IS NOT NULL THEN
    EXECUTE 'UPDATE students_withoutssid w
      SET school_id = s.school_id, grade = s.grade, last_key = s.last_key, first_key = s.first_key
      FROM students_student s WHERE s.id = w.student_id AND s.id = ANY ($1) AND w.student_id = ANY ($1)
        AND (w.school_id, w.grade, w.last_key, w.first_key)
          IS DISTINCT FROM (s.school_id, s.grade, s.last_key, s.first_key)' USING kept;
  END IF;
  EXECUTE 'SELECT array_agg(l.student_id) FROM students_lastday l WHERE l.student_id = ANY ($1)' INTO kept USING edited;
  IF kept IS NOT NULL THEN
    EXECUTE 'UPDATE students_lastday l SET school_id = s.school_id, grade = s.grade
      FROM students_student s WHERE s.id = l.student_id AND s.id = ANY ($1) AND l.student_id = ANY ($1)
        AND (l.school_id, l.grade) IS DISTINCT FROM (s.school_id, s.grade)' USING kept;
  END IF;
  RETURN NULL;
END $$;
"""
_WRITE_LEFT = "EXECUTE 'INSERT INTO students_lastday"
_LAST_DAYS = _functions(_last_days.CREATE)
_AT = _LAST_DAYS.index(_WRITE_LEFT)
NEW_FUNCTIONS = (
    _functions(_search.CREATE).replace(_search.NOW_MISSING, NOW_MISSING)
    + _EDITED
    + _LAST_DAYS[:_AT]
    + f"EXECUTE '{_LEFT}' USING changed;\n    EXECUTE '{_LEFT_WITHOUT_SSID}' USING changed;"
    + _LAST_DAYS[_LAST_DAYS.index("USING changed;", _AT) + len("USING changed;") :]
)
OLD_FUNCTIONS = _functions(_search.CREATE) + _functions(_last_days.CREATE)

# Of each counted table: the day of its rows, and what one of them counts: after which day, students, those without SSID.
_COUNTED = {
    "students_student": ("NULL::date", "(NULL::date, 1, 0)"),
    "students_lastday": ("r.day", "(c.day, -1, 0)"),
    "students_withoutssid": (
        "r.last_day",
        "(NULL::date, 0, 1), (c.day, 0, CASE WHEN c.day IS NOT NULL THEN -1 END)",
    ),
}
_INTO = """
  INSERT INTO students_headcount (school_id, grade, after, students, without_ssid)
  SELECT c.school_id, c.grade, v.after, c.n * v.students, c.n * v.without_ssid FROM (
    SELECT r.school_id, r.grade, r.day, sum(r.n) AS n FROM ({rows}) AS r
    WHERE r.school_id IS NOT NULL GROUP BY r.school_id, r.grade, r.day HAVING sum(r.n) <> 0) AS c
  CROSS JOIN LATERAL (VALUES {counts}) AS v (after, students, without_ssid)
  WHERE v.students <> 0 OR v.without_ssid <> 0"""
_COUNT = f"""
CREATE FUNCTION students_count_heads() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  side text := 'SELECT r.school_id, r.grade, ' || TG_ARGV[0] || ' AS day, %s AS n FROM %s r';
  sides text := CASE TG_OP
    WHEN 'INSERT' THEN format(side, '1', 'rows_after')
    WHEN 'DELETE' THEN format(side, '-1', 'rows_before')
    ELSE format(side, '1', 'rows_after') || ' UNION ALL ' || format(side, '-1', 'rows_before') END;
BEGIN
  EXECUTE format('{_INTO.format(rows="%s", counts="%s")}', sides, TG_ARGV[1]);
  RETURN NULL;
END $$;
"""
_SIDES = {
    "INSERT": "NEW TABLE AS rows_after",
    "UPDATE": "OLD TABLE AS rows_before NEW TABLE AS rows_after",
    "DELETE": "OLD TABLE AS rows_before",
}
_TRIGGERS = "".join(
    f"""
CREATE TRIGGER students_heads_{event.lower()} AFTER {event} ON {table} REFERENCING {sides}
  FOR EACH STATEMENT EXECUTE FUNCTION students_count_heads('{day}', '{counts}');"""
    for table, (day, counts) in _COUNTED.items()
    for event, sides in _SIDES.items()
)
_FILL = """
UPDATE students_lastday l SET school_id = s.school_id, grade = s.grade FROM students_student s WHERE s.id = l.student_id;
UPDATE students_withoutssid w SET last_day = l.day FROM students_lastday l WHERE l.student_id = w.student_id;
""" + "".join(
    _INTO.format(rows=f"SELECT r.school_id, r.grade, {day} AS day, 1 AS n FROM {table} r", counts=counts) + ";"
    for table, (day, counts) in _COUNTED.items()
)
CREATE = NEW_FUNCTIONS + _FILL + _COUNT + _TRIGGERS
DROP = (
    "".join(f"DROP TRIGGER students_heads_{event.lower()} ON {table};" for table in _COUNTED for event in _SIDES)
    + "DROP FUNCTION students_count_heads();"
    + OLD_FUNCTIONS
)


class Migration(migrations.Migration):

    dependencies = [
        ('students', '0023_staff_accounts_end'),
    ]

    operations = [
        migrations.CreateModel(
            name='Headcount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('grade', models.CharField(max_length=2)),
                ('after', models.DateField(null=True)),
                ('students', models.IntegerField()),
                ('without_ssid', models.IntegerField()),
                ('school', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='students.school')),
            ],
            options={
                'verbose_name': 'change of a headcount',
                'verbose_name_plural': 'changes of headcounts',
                'default_permissions': (),
            },
        ),
        migrations.AddField(
            model_name='lastday',
            name='grade',
            field=models.CharField(db_default='', default='', max_length=2),
        ),
        migrations.AddField(
            model_name='lastday',
            name='school',
            field=models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='students.school'),
        ),
        migrations.AddField(
            model_name='withoutssid',
            name='last_day',
            field=models.DateField(null=True),
        ),
        migrations.RunSQL(CREATE, DROP),
    ]
