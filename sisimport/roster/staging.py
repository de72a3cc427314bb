"""Keys and places of a roster file: records that its lines will create get their keys before the plan names them.

Set-based steps around the roster's rules and plan, over the staged lines of one run.
"""

from django.db.models import Exists, OuterRef, Q

from sisimport.files.issues import Severity
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.engine.sql import execute, fetch_all, fetch_one
from sisimport.imports.engine.statistics import hash_joins_only
from sisimport.imports.models import MatchDecision
from sisimport.roster import new_places
from sisimport.roster.new_places import LEA_SEQ, SCHOOL_SEQ
from students.models import LEA, School

_FRESH = "nextval(pg_get_serial_sequence('{table}', 'id'))"


def allocate(context: RunContext) -> None:
    """Find or allocate the keys of district, school and student."""
    new_places.keep_districts(context)
    execute(
        f"""
        WITH new AS (SELECT lea, {_FRESH.format(table="students_lea")} AS id FROM (
          SELECT DISTINCT lea FROM staged_roster WHERE lea_id IS NULL AND lea <> '' AND NOT refused) AS l)
        UPDATE staged_roster r SET lea_id = new.id FROM new WHERE new.lea = r.lea AND r.lea_id IS NULL
        """
    )
    # One UPDATE for all keys: each leaves the lines as they were in the table, where every later statement steps over them.
    execute(
        f"""
        WITH named AS (SELECT DISTINCT lea_id, school FROM staged_roster WHERE school <> '' AND lea_id IS NOT NULL),
        schools AS MATERIALIZED (
          SELECT n.lea_id, n.school, coalesce(s.id, {_FRESH.format(table="students_school")}) AS id
          FROM named n LEFT JOIN students_school s ON s.lea_id = n.lea_id AND s.code = n.school),
        keys AS (SELECT DISTINCT lea_id, local_number FROM staged_roster WHERE lea_id IS NOT NULL),
        students AS MATERIALIZED (
          SELECT k.lea_id, k.local_number, s.id IS NULL AS is_new,
            coalesce(s.id, {_FRESH.format(table="students_student")}) AS id
          FROM keys k LEFT JOIN students_student s ON s.lea_id = k.lea_id AND s.local_number = k.local_number)
        UPDATE staged_roster r SET student_pk = k.student_pk, is_new = k.is_new, school_pk = k.school_pk,
          home_school_pk = k.school_pk, home_grade = CASE WHEN k.school_pk IS NULL THEN r.home_grade ELSE r.grade END,
          home_exit = CASE WHEN k.school_pk IS NULL THEN r.home_exit ELSE r.enrollment_exit END
        FROM (
          SELECT l.line, p.id AS student_pk, p.is_new, c.id AS school_pk
          FROM staged_roster l JOIN students p ON p.lea_id = l.lea_id AND p.local_number = l.local_number
          LEFT JOIN schools c ON c.lea_id = l.lea_id AND c.school = l.school
        ) AS k WHERE k.line = r.line
        """
    )
    new_places.keep_schools(context)
    new_places.find_first(context)
    context.lea_ids = {pk for (pk,) in fetch_all("SELECT DISTINCT lea_id FROM staged_roster WHERE lea_id IS NOT NULL")}


def find_undated() -> None:
    """Which stay a line without start date is about; none if another line of the file names a stay at that school."""
    if not fetch_all(
        "SELECT 1 FROM staged_roster WHERE enrollment_start IS NULL AND NOT is_new AND NOT refused LIMIT 1"
    ):
        return
    execute(
        """
        WITH undated AS (
          SELECT DISTINCT r.student_pk, r.school_pk FROM staged_roster r
          WHERE r.enrollment_start IS NULL AND NOT r.is_new AND NOT r.refused AND NOT EXISTS (
            SELECT 1 FROM staged_roster o
            WHERE o.student_pk = r.student_pk AND o.school_pk = r.school_pk AND o.enrollment_start IS NOT NULL)
        ), stays AS (
          SELECT u.student_pk, u.school_pk, CASE WHEN count(*) = 1 THEN min(e.id)
            WHEN count(*) FILTER (WHERE e.exit_date IS NULL) = 1 THEN min(e.id) FILTER (WHERE e.exit_date IS NULL)
            ELSE 0 END AS id
          FROM undated u JOIN students_enrollment e ON e.student_id = u.student_pk AND e.school_id = u.school_pk
          GROUP BY u.student_pk, u.school_pk
        )
        UPDATE staged_roster r SET undated_pk = s.id FROM stays s
        WHERE s.student_pk = r.student_pk AND s.school_pk = r.school_pk AND r.enrollment_start IS NULL
        """
    )


def find_alike(context: RunContext) -> None:
    """New students who may already be on record under another number: same birth date and, spelling aside, same names.

    A student whom the file also names by their own number is someone else.
    """
    schools = "" if context.run.schools is None else "AND s.school_id = ANY(%s)"
    params = [] if context.run.schools is None else [list(context.run.schools)]
    execute(
        f"""
        WITH new AS MATERIALIZED (
          SELECT line, lea_id, birth_date, sis_loose(coalesce(nullif(legal_last_name, ''), last_name)) AS last,
            sis_loose(coalesce(nullif(legal_first_name, ''), first_name)) AS first
          FROM staged_roster WHERE is_new AND NOT refused AND birth_date IS NOT NULL
        ), known AS MATERIALIZED (
          SELECT s.id, s.lea_id, s.local_number, s.birth_date, sis_loose(s.match_last_name) AS last,
            sis_loose(s.match_first_name) AS first
          FROM students_student s WHERE s.birth_date IN (SELECT birth_date FROM new) {schools}
            AND NOT EXISTS (SELECT 1 FROM staged_roster o WHERE o.student_pk = s.id)
        )
        UPDATE staged_roster r SET alike = a.number FROM (
          SELECT n.line, min(k.local_number) AS number
          FROM new n JOIN known k USING (lea_id, birth_date, last, first) GROUP BY n.line
        ) AS a WHERE a.line = r.line
        """,
        params,
    )
    _find_in_other_districts(schools, params)


def _find_in_other_districts(schools: str, params: list[list[int]]) -> None:
    """Like `find_alike`, under another district's code: if that district is new here, or the student's number is the
    same. A wrong code would make a second record of every student; a student who moved to a district on record gets
    that district's number."""
    if fetch_one("SELECT count(*) FROM students_lea WHERE id IN (SELECT lea_id FROM students_student)") == (0,):
        return
    execute(
        f"""
        WITH new AS MATERIALIZED (
          SELECT r.line, r.lea_id, r.local_number, r.birth_date, l.id IS NULL AS new_lea,
            sis_loose(coalesce(nullif(r.legal_last_name, ''), r.last_name)) AS last,
            sis_loose(coalesce(nullif(r.legal_first_name, ''), r.first_name)) AS first
          FROM staged_roster r LEFT JOIN students_lea l ON l.id = r.lea_id
          WHERE r.is_new AND NOT r.refused AND r.birth_date IS NOT NULL AND r.alike = ''
        )
        UPDATE staged_roster r SET alike = a.number FROM (
          SELECT n.line, min(s.local_number || ' of district ' || d.code) AS number
          FROM new n JOIN students_student s ON s.birth_date = n.birth_date AND s.lea_id <> n.lea_id
            AND (n.new_lea OR s.local_number = n.local_number)
            AND sis_loose(s.match_last_name) = n.last AND sis_loose(s.match_first_name) = n.first
          JOIN students_lea d ON d.id = s.lea_id WHERE true {schools} GROUP BY n.line
        ) AS a WHERE a.line = r.line
        """,
        params,
    )


def declared_new(context: RunContext) -> Q:
    """Lines that a person said are about no one on record: the whole file by its option, or single lines on the match
    desk."""
    if context.option("new_students") == "yes":
        return Q(line__gt=0)
    refused = MatchDecision.objects.filter(run_id=context.run.pk, subject="match", answer=MatchDecision.Answer.REFUSE)
    return Q(line__in=list(refused.values_list("line", flat=True)))


def codes_of_districts() -> list[str]:
    """Codes of the districts on record that have schools, but none under the district's own code, as a charter's would
    be."""
    codes = School.objects.values("code")
    found = LEA.objects.filter(Exists(School.objects.filter(lea=OuterRef("pk")))).exclude(code__in=codes)
    return list(found.values_list("code", flat=True))


def lines_that_say_new(context: RunContext, key: str, table: str) -> list[int]:
    """The lines that say of a district (lea_id) or school (school_pk) that it is new."""
    brought = new_places.brought(context)
    return brought.first[key] if brought is not None else _first_lines(key, table)


def _first_lines(key: str, table: str) -> list[int]:
    """The first line of every district (lea_id) or school (school_pk) that is not on record yet."""
    named = f"SELECT DISTINCT {key} AS pk FROM staged_roster WHERE {key} IS NOT NULL"
    with hash_joins_only():
        rows = fetch_all(
            f"""
            WITH {_fresh(named, table)}
            SELECT min(r.line) FROM fresh n JOIN staged_roster r ON r.{key} = n.pk WHERE NOT r.refused GROUP BY n.pk
            """
        )
    return [line for (line,) in rows]


def _fresh(named: str, table: str) -> str:
    """SQL of `fresh`: the rows of `named` whose `pk` is not in the table yet. They are chosen before lines are joined: mostly
    there are none, and no line is compared with every school."""
    return f"fresh AS MATERIALIZED (SELECT * FROM ({named}) AS n WHERE NOT EXISTS (SELECT 1 FROM {table} t WHERE t.id = n.pk))"


def choose_lines(run_id: int) -> None:
    """Which line counts for a student with several: the first one that is not refused.

    Called after the rules, since a refused line must not affect the student's other lines.
    """
    if not fetch_all("SELECT 1 FROM staged_roster GROUP BY student_pk HAVING count(*) > 1 LIMIT 1"):
        return
    # A student with several lines belongs to the school of the open line that starts last.
    execute(
        """
        WITH several AS MATERIALIZED (
          SELECT student_pk FROM staged_roster WHERE student_pk IS NOT NULL GROUP BY student_pk HAVING count(*) > 1),
        refused AS MATERIALIZED (
          SELECT DISTINCT line FROM imports_importissue WHERE run_id = %s AND severity = %s AND part = 'record'),
        chosen AS MATERIALIZED (
          SELECT r.line,
            row_number() OVER (PARTITION BY r.student_pk ORDER BY r.line) AS of_student,
            row_number() OVER (PARTITION BY r.student_pk, r.school_pk, r.enrollment_start ORDER BY r.line) AS of_stay,
            first_value(r.school_pk) OVER home AS school_pk, first_value(r.grade) OVER home AS grade,
            first_value(r.enrollment_exit) OVER home AS enrollment_exit
          FROM staged_roster r
          WHERE NOT r.refused AND r.student_pk IN (SELECT student_pk FROM several)
            AND r.line NOT IN (SELECT line FROM refused)
          WINDOW home AS (PARTITION BY r.student_pk
            ORDER BY r.enrollment_exit DESC NULLS FIRST, r.is_primary DESC, r.enrollment_start DESC NULLS LAST,
              r.line))
        UPDATE staged_roster r SET dup_number = least(chosen.of_student - 1, 1), dup_line = least(chosen.of_stay - 1, 1),
          home_school_pk = chosen.school_pk, home_grade = chosen.grade, home_exit = chosen.enrollment_exit
        FROM chosen WHERE chosen.line = r.line
        """,
        [run_id, int(Severity.ERROR)],
    )


def create_places(run_id: int, *, part: str) -> None:
    """Schools and districts that the plan refers to and that do not exist yet are made with the first line that needs
    them."""
    for seq, kind, table, pk, key, values in (
        (
            SCHOOL_SEQ,
            "school",
            "students_school",
            "school_pk",
            "school_id",
            "jsonb_build_object('lea_id', r.lea_id, 'code', r.school)",
        ),
        (LEA_SEQ, "lea", "students_lea", "lea_id", "lea_id", "jsonb_build_object('code', r.lea)"),
    ):
        needed = (
            f"SELECT (c.after->>'{key}')::bigint AS pk, min(c.line) AS line FROM imports_importchange c"
            f" WHERE c.run_id = %s AND jsonb_exists(c.after, '{key}') GROUP BY 1"
        )
        with hash_joins_only():
            execute(
                f"""
                WITH {_fresh(needed, table)}
                INSERT INTO imports_importchange
                  (run_id, line, seq, part, kind, object_id, student_id, guard, before, after)
                SELECT DISTINCT ON (n.pk) %s, n.line, {seq}, %s, '{kind}', n.pk, NULL, NULL, NULL, {values}
                FROM fresh n JOIN staged_roster r ON r.{pk} = n.pk ORDER BY n.pk, r.line
                """,
                [run_id, run_id, part],
            )
