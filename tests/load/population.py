"""A county's worth of invented students, made by the database itself in well under a minute for 600,000 of them.

The shape matters more than the words: a few last names are borne by thousands, as Garcia is, every twelfth student is
registered under a legal name, every twentieth has no SSID, every thirtieth has left, and one student in two hundred
thousand has been changed by hundreds of imports.
"""

from datetime import timedelta

from django.apps import apps
from django.db import connection
from django.db.models import ForeignKey
from django.utils import timezone

from sisimport.imports.models import ImportRun, RunStatus, Work
from students.models import Student

STUDENTS = 600_000
SCHOOLS = 181
_FIRST_ID = 1
_LOAD = (
    # Ten LEAs, the first as large as all others: one district of 300,000 and nine small ones.
    """
    INSERT INTO students_lea (id, code, name, state)
    SELECT i, (1234560 + i)::text, 'District ' || i, 'CA' FROM generate_series(1, 10) i
    """,
    """
    INSERT INTO students_school (id, lea_id, code, name)
    SELECT i, CASE WHEN i <= %(schools)s / 2 THEN 1 ELSE 2 + i %% 9 END, (1000000 + i)::text, 'School ' || lpad(i::text, 3, '0')
    FROM generate_series(1, %(schools)s) i
    """,
    """
    CREATE TEMPORARY TABLE invented AS
    WITH parts AS (
      SELECT ARRAY['Gar','Mar','Lo','Nguy','San','Her','Ro','Del','O''N','De la ','Mc','Ka','Ta','Wil','Jo','Bra','Ser','Vi',
        'Al','Fu','Quin','Iz','Ya','Ü','Éx','Chan','Pat','Sin','Wes','Ze'] AS a,
      ARRAY['cia','tin','pez','en','chez','nan','bles','gado','eil','cruz','son','ur','mas','ley','nes','dy','rano','lla',
        'varado','entes','ones','quierdo','mada','nal','pósito','dra','el','gh','ton','pata'] AS b,
      ARRAY['',' ','-'] AS c
    )
    SELECT i AS id,
      a[1 + floor(30 * power(random(), 2.2))::int] || b[1 + floor(30 * power(random(), 2.2))::int]
        || CASE WHEN i %% 9 = 0
          THEN c[1 + (i %% 3)::int] || a[1 + floor(30 * random())::int] || b[1 + floor(30 * random())::int] ELSE '' END AS last,
      a[1 + floor(30 * power(random(), 1.6))::int] || b[1 + floor(30 * random())::int] AS first,
      a[1 + floor(30 * random())::int] AS middle, 1 + (hashint8(i) & 2147483647) %% %(schools)s AS school,
      DATE '2006-01-01' + floor(random() * 5000)::int AS born,
      (ARRAY['KN','01','02','03','04','05','06','07','08','09','10','11','12'])[1 + floor(random() * 13)::int] AS grade
    FROM generate_series(1, %(students)s) i, parts
    """,
    """
    INSERT INTO students_student (id, lea_id, local_number, school_id, grade, last_name, first_name, middle_name, suffix,
      legal_last_name, legal_first_name, legal_middle_name, alias_last_name, alias_first_name, birth_date, gender,
      legal_gender, birth_country, birth_state, home_language, ethnicity)
    SELECT i.id, s.lea_id, CASE WHEN i.id %% 50 = 0 THEN 'A' ELSE '' END || (100000 + i.id)::text, s.id, i.grade, i.last,
      i.first, i.middle, '',
      CASE WHEN i.id %% 12 = 0 THEN i.last || 'ez' ELSE '' END, CASE WHEN i.id %% 12 = 0 THEN i.first ELSE '' END, '',
      CASE WHEN i.id %% 40 = 0 THEN 'Del ' || i.last ELSE '' END, CASE WHEN i.id %% 25 = 0 THEN left(i.first, 3) ELSE '' END,
      i.born, CASE WHEN i.id %% 2 = 0 THEN 'F' ELSE 'M' END, '', 'US', 'CA', 'spa', ''
    FROM invented i JOIN students_school s ON s.id = i.school ORDER BY i.id
    """,
    """
    INSERT INTO students_enrollment (student_id, school_id, grade, start_date, exit_date)
    SELECT id, school, grade, DATE '2024-08-12', CASE WHEN id %% 30 = 0 THEN DATE '2025-01-10' END FROM invented ORDER BY id
    """,
    """
    INSERT INTO students_ssid (student_id, state, ssid, origin, verified, created_at, retired_at)
    SELECT id, 'CA', (9000000000 + id)::text, 'state_file', true, now(), NULL FROM invented WHERE id %% 20 <> 7
    UNION ALL
    SELECT id, 'CA', (8000000000 + id)::text, 'state_file', true, now(), now() FROM invented WHERE id %% 33 = 1
    """,
    """
    INSERT INTO students_elrecord (student_id, program_status, state_elas, state_language)
    SELECT id, 'EL', CASE WHEN id %% 100 = 0 THEN 'RFEP' ELSE 'EL' END, 'spa' FROM invented WHERE id %% 5 = 0 ORDER BY id
    """,
    "DROP TABLE invented",
)
TABLES = ("lea", "school", "student", "enrollment", "ssid")


def populate(students: int = STUDENTS, *, schools: int = SCHOOLS) -> None:
    """Fill the empty tables of student records: students 1 to `students`, with the statistics of a district at rest."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT setseed(0.5)")
        for statement in _LOAD:
            cursor.execute(statement, {"students": students, "schools": schools})
        for table in TABLES:
            cursor.execute(
                f"SELECT setval(pg_get_serial_sequence('students_{table}', 'id'), max(id)) FROM students_{table}"
            )


# Imports of one file each: all plan for one student, whom every run changes; a hundred other lines fill each plan.
_HISTORY = (
    """
    INSERT INTO imports_importchange (run_id, line, seq, part, kind, object_id, student_id, before, after)
    SELECT i, n, 0, 'ssid', 'ssid', i, CASE n WHEN 1 THEN %(student)s ELSE 1 + (i * 101 + n) %% %(among)s END,
      '{"verified": false}', '{"verified": true}'
    FROM generate_series(1, %(changes)s) i, generate_series(1, 101) n
    """,
    """
    INSERT INTO students_recordedit (student_id, at, what, field, before, after, reason)
    SELECT 1 + i %% %(among)s, now() - i * interval '1 minute', 'Student', 'grade', '04', '05', 'Moved up'
    FROM generate_series(1, 100000) i
    """,
    """
    INSERT INTO audit_auditentry (students, count, at, kind)
    SELECT ARRAY[1 + i %% %(among)s], 1, now() - i * interval '1 second', 'page' FROM generate_series(1, 300000) i
    """,
)


def remember(*, student: int, changes: int) -> None:
    """Years of work: runs, of which every one changed this student, edits, and looks at students."""
    among = min(40_000, Student.objects.count())
    now = timezone.now()
    ImportRun.objects.bulk_create(
        ImportRun(
            pk=number,
            import_type="ssid-download",
            work=Work.IMPORT,
            status=RunStatus.COMPLETED,
            attempts=1,
            record_count=101,
            import_count=101,
            planned_count=101,
            started_at=now - number * timedelta(hours=1),
            finished_at=now - number * timedelta(hours=1),
        )
        for number in range(1, changes + 1)
    )
    with connection.cursor() as cursor:
        for statement in _HISTORY:
            cursor.execute(statement, {"student": student, "changes": changes, "among": among})


def settle() -> None:
    """What autovacuum does to a database that is left alone: statistics, and pages marked as seen by all."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def depopulate() -> None:
    """Remove what `populate` and later tests wrote."""
    # Tables that no foreign key leads to stay as they are, whatever else is emptied.
    unchecked = {
        model._meta.db_table
        for label in ("students", "imports", "ssid")
        for model in apps.get_app_config(label).get_models()
        for field in model._meta.concrete_fields
        if model._meta.managed and isinstance(field, ForeignKey) and not field.db_constraint
    }
    with connection.cursor() as cursor:
        tables = ", ".join(
            sorted({"students_lea", "imports_importrun", "imports_importchange", "imports_storedobject", *unchecked})
        )
        cursor.execute(f"TRUNCATE {tables} RESTART IDENTITY CASCADE")
        cursor.execute("ANALYZE")
