"""Row policies of the tables of students: a second barrier behind `students/access.py`. This is the complete list: each table has
a line.

They restrict only the web server's role. Each statement says in its own transaction whose rows it may see (row_scope.py):

    all                      the whole district
    schools=1,2;students=5   students of these schools, and student 5
    (anything else)          no one

Created and removed along with the roles' rights (database_roles.py), with a cursor of psycopg or Django.

The functions are declared IMMUTABLE but are not: this way the planner puts their results into the plan, and a policy is reduced
to `school_id = ANY ('{1,2}')`, which can use an index, or to nothing for workers and the whole district. This is safe because no
plan of a page is used twice: Django sends each statement as text and binds the values itself (a test checks this).
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from psycopg import sql

SETTING = "sisimport.rows"
POLICY, OPEN_POLICY = "rows_of_schools", "everybody"

_STUDENT = """
sis_sees_all() OR (sis_sees_schools() AND school_id = ANY (sis_seen_schools()))
OR (sis_sees_students() AND id = ANY (sis_seen_students()))"""
# Applies the policy of students, by the primary key.
_SEEN = "EXISTS (SELECT FROM public.students_student seen WHERE seen.id = {table}.student_id)"
_OF_STUDENT = f"sis_sees_all() OR {_SEEN}"
_AT_SCHOOL = "sis_sees_all() OR (sis_sees_schools() AND school_id = ANY (sis_seen_schools()))"
# Data sent about a student stays with the school that sent it.
_OF_STUDENT_OR_AT_SCHOOL = f"{_AT_SCHOOL} OR {_SEEN}"
# For a run: lines about visible students, lines about no one on record (the page decides by the run which of those), and all
# lines of a run that was limited to visible schools.
_OF_RUN = """
sis_sees_all() OR (sis_sees_schools() AND ({about} OR EXISTS (
  SELECT FROM public.imports_importrun limited WHERE limited.id = {{table}}.run_id AND limited.schools <@ sis_seen_schools())))"""
_LINE = _OF_RUN.format(about="school_id = ANY (sis_seen_schools()) OR (school_id IS NULL AND student_id IS NULL)")
_CHANGE = _OF_RUN.format(about=f"student_id IS NULL OR {_SEEN}")

WALLED: Mapping[str, str] = {
    "students_student": _STUDENT,
    **dict.fromkeys(
        (
            "imports_rememberedmatch",
            "students_annualenrollment",
            "students_changedrecord",
            "students_elrecord",
            "students_enrollment",
            "students_guardian",
            "students_lastday",
            "students_recordedit",
            "students_reportedssid",
            "students_secondcheck",
            "students_ssid",
            "students_stateenrollment",
        ),
        _OF_STUDENT,
    ),
    **dict.fromkeys(("students_headcount", "students_withoutssid"), _AT_SCHOOL),
    **dict.fromkeys(("ssid_senrline", "ssid_utahrequeststudent"), _OF_STUDENT_OR_AT_SCHOOL),
    **dict.fromkeys(("imports_importissue", "ssid_matchrequest"), _LINE),
    "imports_importchange": _CHANGE,
    "assessments_score": _OF_STUDENT,
}
# Workers write them by COPY, which PostgreSQL refuses under any policy to a role that is neither owner nor exempt from policies
# (BYPASSRLS). These tables have one only if the workers' role is exempt; no condition of a policy applies to workers anyway.
COPIED = frozenset({"assessments_score"})

_READ = f"coalesce(current_setting('{SETTING}', true), '')"
_LIST = "coalesce(string_to_array(substring({read} FROM '(?:^|;){name}=([0-9,]+)'), ',')::bigint[], '{{}}')"
_FUNCTIONS = {
    "sis_sees_all() RETURNS boolean": f"current_user <> current_database() || '_web' OR {_READ} = 'all'",
    "sis_sees_schools() RETURNS boolean": f"{_READ} ~ '(^|;)schools=[0-9]'",
    "sis_sees_students() RETURNS boolean": f"{_READ} ~ '(^|;)students=[0-9]'",
    "sis_seen_schools() RETURNS bigint[]": _LIST.format(read=_READ, name="schools"),
    "sis_seen_students() RETURNS bigint[]": _LIST.format(read=_READ, name="students"),
}


def put_up(cursor: Any) -> None:
    """Create missing or outdated functions and policies described here. Must run in a transaction, as the owner."""
    standing = _standing(cursor)
    cursor.execute(
        "SELECT array_agg(name) FROM unnest(%s::text[]) AS name WHERE to_regclass('public.' || name) IS NOT NULL",
        [[*WALLED]],
    )
    there = set(cursor.fetchone()[0] or ())  # a database that was migrated back has only that version's tables
    if not workers_are_past_policies(cursor):
        there -= COPIED
        for table in standing.keys() & COPIED:
            _take_down(cursor, table)
    if all(standing.get(table) == _digest(table) for table in there):
        return
    for head, body in _FUNCTIONS.items():
        cursor.execute(
            f"CREATE OR REPLACE FUNCTION public.{head} LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$SELECT {body}$$"
        )
    for table in WALLED:
        if table in there and standing.get(table) != _digest(table):
            for statement in _policies(cursor, table):
                cursor.execute(statement)


def take_down(cursor: Any) -> None:
    """Remove them all; policies of migrations stay. Must run in a transaction, as the owner."""
    for table in _standing(cursor):
        _take_down(cursor, table)


def _take_down(cursor: Any, table: str) -> None:
    name = sql.Identifier("public", table)
    cursor.execute(sql.SQL("DROP POLICY {} ON {}").format(sql.Identifier(POLICY), name))
    cursor.execute(sql.SQL("DROP POLICY IF EXISTS {} ON {}").format(sql.Identifier(OPEN_POLICY), name))
    if not _others(cursor, table):
        cursor.execute(sql.SQL("ALTER TABLE {} DISABLE ROW LEVEL SECURITY").format(name))


def workers_are_past_policies(cursor: Any) -> bool:
    """Whether the workers' role of this database may COPY into tables with policies."""
    cursor.execute("SELECT rolbypassrls FROM pg_roles WHERE rolname = current_database() || '_worker'")
    found = cursor.fetchone()
    return bool(found and found[0])


def _standing(cursor: Any) -> dict[str, str]:
    """Tables that currently have the policy, with the digest of its text."""
    cursor.execute(
        "SELECT c.relname, coalesce(obj_description(p.oid, 'pg_policy'), '')"
        " FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid"
        " WHERE p.polname = %s AND c.relnamespace = 'public'::regnamespace",
        [POLICY],
    )
    return dict(cursor.fetchall())


def _others(cursor: Any, table: str) -> bool:
    """Whether the table has other policies, which grant rights, while this one only restricts them."""
    cursor.execute(
        "SELECT EXISTS (SELECT FROM pg_policy WHERE polrelid = %s::regclass AND polname <> ALL (%s))",
        [f"public.{table}", [POLICY, OPEN_POLICY]],
    )
    return bool(cursor.fetchone()[0])


def _policies(cursor: Any, table: str) -> Iterator[sql.Composable]:
    name, policy, everybody = sql.Identifier("public", table), sql.Identifier(POLICY), sql.Identifier(OPEN_POLICY)
    yield sql.SQL("DROP POLICY IF EXISTS {} ON {}").format(policy, name)
    yield sql.SQL("DROP POLICY IF EXISTS {} ON {}").format(everybody, name)
    yield sql.SQL("ALTER TABLE {} ENABLE ROW LEVEL SECURITY").format(name)
    if not _others(cursor, table):
        yield sql.SQL("CREATE POLICY {} ON {} USING (true)").format(everybody, name)
    # The text is our own, from this file.
    yield sql.SQL("CREATE POLICY {} ON {} AS RESTRICTIVE USING ({})").format(policy, name, sql.SQL(_text(table)))
    yield sql.SQL("COMMENT ON POLICY {} ON {} IS {}").format(policy, name, sql.Literal(_digest(table)))


def _text(table: str) -> str:
    return WALLED[table].format(table=table)


def _digest(table: str) -> str:
    return hashlib.sha256(f"{_FUNCTIONS} {_text(table)}".encode()).hexdigest()
