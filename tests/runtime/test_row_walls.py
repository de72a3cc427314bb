"""The second wall around student records: row policies of the web server's role, tried by its own connection, table by table.

Each table holds one row about a student of each of two schools, and no statement has a condition: what comes back is what the
database lets through.
"""

import ast
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.apps import apps
from django.db import connection
from psycopg import sql
from psycopg.errors import FeatureNotSupported, InsufficientPrivilege

from sisimport.runtime import row_walls
from sisimport.runtime.database_roles import WEB, WORKER, role_name
from sisimport.runtime.row_walls import SETTING, WALLED
from sisimport.runtime.table_rights import TABLES

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]
Session = psycopg.Connection[Any]

# Tables of students that no policy binds, and why.
OPEN = {
    "imports_absentlist": "numbers alone: who they are is asked of students_student",
    "imports_matchdecision": "numbers of lines and students, reasons; asked for by run",
    "students_familyinvitation_students": "numbers alone",
    "students_familymember": "numbers alone: says which students an account sees",
    "audit_auditentry": "numbers alone: the record of access, for those who see all",
    "erasing_erasure": "numbers alone",
    "automation_deliveredexport": "a count",
    "students_missingsnapshot": "counts",
    "assessments_resultcount": "counts",
}  # fmt: skip

# Who looks over the wall, how often, and what for.
LOOKS_ACROSS = {
    "assessments/admin.py": 1,  # whether a set-up has scores of anybody
    "assessments/results/counts.py": 1,  # sums of those who took a test twice, by the school of the time
    "assessments/scores/setups.py": 1,  # whether a set-up has scores of a year
    "sisimport/accounts/row_scope.py": 1,  # who the students of a family are
    "sisimport/audit/writing.py": 1,  # of which district the students of an entry are
    "sisimport/imports/runs/decisions.py": 1,  # plans lines of a Test again, as a worker does
    "sisimport/web/help/first_steps.py": 1,  # whether there is any student
    "ssid/requests/enrollment_file.py": 1,  # who left one of the schools may be at another one
    "ssid/requests/request_lists.py": 1,  # the same, as a file
    "ssid/requests/services.py": 2,  # so may be whom it asked for
    "ssid/requests/views.py": 2,  # the same; and whether all lines of a request are the reader's
    "students/admin/forms.py": 1,  # whether an SSID is somebody else's
    "students/admin/users.py": 2,  # the name of a removed account is taken from all it did
    "students/editing.py": 4,  # to a school that the user does not see
    "students/families.py": 1,  # whoever holds an invitation sees nobody yet
    "students/family_access.py": 1,  # names those whom an account no longer sees
    "students/models/people.py": 1,  # a local number is unique in the district
    "students/profiles.py": 2,  # SSIDs of a district that goes to another state
    "students/services.py": 2,  # whether an SSID is somebody else's
    "students/undoing.py": 1,  # back to a school that the user does not see
}  # fmt: skip
OWN, OTHER = 1, 2  # the schools, and the student of each
SCOPES = {
    "nothing was said": (None, set()),
    "nobody": ("", set()),
    "what was said means nothing": ("schools=; students='", set()),
    "own school": ("schools=1", {OWN}),
    "other school": ("schools=2", {OTHER}),
    "a school of nobody": ("schools=3", set()),
    "both schools": ("schools=1,2", {OWN, OTHER}),
    "whole district": ("all", {OWN, OTHER}),
    "a family": ("students=1", {OWN}),
    "staff who are a family": ("schools=2;students=1", {OWN, OTHER}),
}  # fmt: skip
# Of runs, requests and lists: nothing for families.
NOT_FOR_FAMILIES = {name for name in WALLED if name.startswith(("imports_import", "ssid_match"))} | {
    "students_headcount",
    "students_withoutssid",
}
VALUES = {
    "bool": "false",
    "date": "'2010-01-01'",
    "timestamptz": "now()",
    "_int4": "'{1}'",
    "_int8": "'{}'",
    "_text": "'{}'",
    "jsonb": "'{}'",
}


MORE = {"state": "'CA'", "program_status": "'EL'"}


@pytest.fixture(scope="module")
def two_schools(django_db_setup: None, django_db_blocker: Any) -> Iterator[Session]:
    """A session of the owner with a transaction that is never finished, in which each table has a row of each school."""
    with django_db_blocker.unblock():
        parameters = dict(connection.get_connection_params())
        for name in ("cursor_factory", "context", "prepare_threshold"):
            parameters.pop(name, None)
    with psycopg.connect(**parameters) as session:
        session.execute("SET CONSTRAINTS ALL DEFERRED")
        add(session, "students_lea", id=1)
        for table, more in (("imports_importrun", {}), ("students_student", {"lea_id": 1})):
            for number in (OWN, OTHER):
                add(session, table, id=number, school_id=number, local_number=f"'{number}'", last_name="'X'", **more)
        # Whatever is added or removed there, triggers count: the counts come last.
        for table in sorted(set(WALLED) - {"students_student"}, key=lambda name: (name == "students_headcount", name)):
            session.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
            for number in (OWN, OTHER):
                numbers = {"run_id": number, "request_id": 1, "student_id": number, "school_id": number, "line": number}
                add(session, table, **numbers, **MORE, ssid=f"'{9_000_000_000 + number}'", key=f"'{number}'")
        yield session
        session.rollback()


def add(session: Session, table: str, **given: Any) -> None:
    """A row with what is given, and something that can be in every other column that must hold a value."""
    columns = session.execute(
        "SELECT attname, typname FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid WHERE attrelid = %s::regclass"
        " AND attnum > 0 AND NOT attisdropped AND attgenerated = '' AND (attname = ANY (%s)"
        " OR (attnotnull AND attidentity = '' AND NOT atthasdef)) ORDER BY attnum",
        [table, list(given)],
    ).fetchall()
    values = {
        name: str(given.get(name, VALUES.get(kind, "1" if kind.startswith("int") else "''"))) for name, kind in columns
    }
    statement = (
        f"INSERT INTO {table} ({', '.join(values)}) OVERRIDING SYSTEM VALUE VALUES ({', '.join(values.values())})"
    )
    session.execute(statement.encode())


class Web:
    """Sends statements as the web server's role, each with the settings that say whose rows it may see; all is rolled back."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.role = sql.Identifier(role_name(session.info.dbname, WEB))

    def send(self, scope: str | None, *statements: str) -> list[Any]:
        """The rows of the last statement, or how many it was about."""
        with self.acting(scope):
            for statement in statements:
                cursor = self.session.execute(statement.encode())
            return cursor.fetchall() if cursor.description else [cursor.rowcount]

    def plan(self, scope: str, statement: str) -> str:
        with self.acting(scope):
            self.session.execute("SET LOCAL enable_seqscan = off")
            return "\n".join(line for (line,) in self.session.execute(f"EXPLAIN (COSTS OFF) {statement}".encode()))

    @contextmanager
    def acting(self, scope: str | None) -> Iterator[None]:
        with self.session.transaction(force_rollback=True):
            if scope is not None:
                self.session.execute("SELECT set_config(%s, %s, true)", [SETTING, scope])
            self.session.execute(sql.SQL("SET LOCAL ROLE {}").format(self.role))
            yield

    def may(self, table: str, right: str) -> bool:
        statement = "SELECT has_table_privilege(%s, %s, %s)"
        row = self.session.execute(statement, [role_name(self.session.info.dbname, WEB), table, right]).fetchone()
        return bool(row and row[0])


@pytest.fixture
def web(two_schools: Session) -> Web:
    return Web(two_schools)


def _whose(table: str) -> str:
    """The column that says whose row it is; a count's school has the number of its student."""
    return {"students_student": "id", "students_headcount": "school_id"}.get(table, "student_id")


def _expected(table: str, told: str) -> set[int]:
    if told == "a family" and table in NOT_FOR_FAMILIES:
        return set()
    if told == "staff who are a family" and table in NOT_FOR_FAMILIES - {"imports_importchange"}:
        return {OTHER}
    return SCOPES[told][1]


@pytest.mark.parametrize("table", sorted(WALLED))
def test_a_table_shows_students_of_the_schools_that_were_given(table: str, web: Web) -> None:
    statement = f"SELECT {_whose(table)} FROM {table}"

    seen = {told: {student for (student,) in web.send(scope, statement)} for told, (scope, _ids) in SCOPES.items()}

    assert seen == {told: _expected(table, told) for told in SCOPES}


@pytest.mark.parametrize("table", sorted(WALLED))
def test_what_is_not_seen_is_neither_changed_nor_removed(table: str, web: Web) -> None:
    column = "user_id" if table == "students_recordedit" else _whose(table)
    if table == "students_recordedit" or web.may(table, "UPDATE"):
        assert web.send("schools=1", f"UPDATE {table} SET {column} = {column}") == [1]
        assert web.send("", f"UPDATE {table} SET {column} = {column}") == [0]
    if web.may(table, "DELETE"):
        assert web.send("schools=1", f"DELETE FROM {table}") == [1]
        assert web.send(None, f"DELETE FROM {table}") == [0]


@pytest.mark.parametrize("table", sorted(name for name in WALLED if "INSERT" in TABLES[name].web))
def test_nobody_is_added_where_nobody_is_seen(table: str, web: Web) -> None:
    """A row of their own school is taken, the same of another one is refused, and leaves nothing."""
    refused = f'new row violates row-level security policy "{row_walls.POLICY}" for table "{table}"'
    with web.session.transaction(force_rollback=True):
        if table == "students_student":
            web.session.execute("SET LOCAL session_replication_role = replica")
        web.session.execute(f"DELETE FROM {table}".encode())
        add_one(web, table, OWN)
        for scope in ("schools=1", "", "students=1"):
            with pytest.raises(InsufficientPrivilege, match=refused):
                add_one(web, table, OTHER, scope)
        assert web.send("all", f"SELECT {_whose(table)} FROM {table}") == []


def add_one(web: Web, table: str, number: int, scope: str = "schools=1") -> None:
    given = {"run_id": number, "request_id": 1, "student_id": number, "school_id": number, "line": number, "lea_id": 1}
    numbers = {name: value for name, value in given.items() if table != "students_student" or name != "id"}
    with web.acting(scope):
        add(
            web.session,
            table,
            **numbers,
            **MORE,
            id=900 + number,
            last_name="'X'",
            local_number="'9'",
            ssid="'9000000009'",
        )


def test_a_student_is_not_sent_to_a_school_that_is_not_seen(web: Web) -> None:
    with pytest.raises(InsufficientPrivilege, match="violates row-level security"):
        web.send("schools=1", "UPDATE students_student SET school_id = 2 WHERE id = 1")
    assert web.send("schools=1,2", "UPDATE students_student SET school_id = 2 WHERE id = 1") == [1]


def test_a_run_limited_to_schools_that_are_seen_shows_all_its_lines(web: Web) -> None:
    """The page of such a run counts its lines from its summary: none of them may be missing."""
    limited = "UPDATE imports_importrun SET schools = '{1}'"
    for table in ("imports_importissue", "imports_importchange"):
        with web.session.transaction(force_rollback=True):
            web.session.execute(limited.encode())
            assert len(web.send("schools=1", f"SELECT 1 FROM {table}")) == 2
            assert len(web.send("schools=2", f"SELECT 1 FROM {table}")) == 1


@pytest.mark.parametrize("table", ["imports_importissue", "imports_importchange", "ssid_matchrequest"])
def test_lines_about_nobody_are_for_staff(table: str, web: Web) -> None:
    with web.session.transaction(force_rollback=True):
        web.session.execute(f"UPDATE {table} SET student_id = NULL WHERE student_id = 2".encode())
        if table != "imports_importchange":
            web.session.execute(f"UPDATE {table} SET school_id = NULL WHERE student_id IS NULL".encode())
        seen = {
            scope: len(web.send(scope, f"SELECT 1 FROM {table}")) for scope in ("", "students=1", "schools=1", "all")
        }
    assert seen == {"": 0, "students=1": 0, "schools=1": 2, "all": 2}


# ---- the settings hold for one transaction ----


def test_the_next_user_of_a_session_sees_nobody(two_schools: Session) -> None:
    """As a pooler hands it on: nothing is reset between two transactions, and outside of one each message is its own."""
    said = f"SET LOCAL {SETTING} = 'all'; SELECT sis_seen_schools(), current_setting('{SETTING}')"
    parameters = two_schools.info.get_parameters() | {"password": two_schools.info.password or None}
    with psycopg.connect(**{**parameters, "autocommit": True}) as session:
        cursor = session.execute(said.encode())
        assert cursor.nextset()
        assert cursor.fetchone() == ([], "all")
        assert session.execute(f"SELECT current_setting('{SETTING}', true)".encode()).fetchone() == ("",)


def test_what_was_reported_goes_with_a_transaction_that_is_undone(web: Web) -> None:
    with web.acting("schools=1"):
        with web.session.transaction(force_rollback=True):
            web.session.execute(f"SET LOCAL {SETTING} = 'all'".encode())
            assert web.session.execute("SELECT count(*) FROM students_student").fetchone() == (2,)
        assert web.session.execute("SELECT count(*) FROM students_student").fetchone() == (1,)


def test_other_roles_are_under_no_policy(two_schools: Session) -> None:
    worker = sql.Identifier(role_name(two_schools.info.dbname, WORKER))
    for table in WALLED:
        with two_schools.transaction(force_rollback=True):
            two_schools.execute(sql.SQL("SET LOCAL ROLE {}").format(worker))
            assert len(two_schools.execute(f"SELECT 1 FROM {table}".encode()).fetchall()) == 2


# ---- what it costs ----

PAGES = (
    "SELECT * FROM students_student WHERE lea_id = 1 AND local_number = '1'",
    "SELECT * FROM students_student WHERE school_id IN (1) ORDER BY last_key, first_key, id LIMIT 50",
    "SELECT * FROM students_ssid WHERE student_id IN (1, 2) AND retired_at IS NULL",
    "SELECT * FROM students_ssid WHERE state = 'CA' AND ssid = '9000000001'",
    "SELECT count(*) FROM students_withoutssid WHERE school_id = 1",
    "SELECT * FROM imports_importissue WHERE run_id = 1 ORDER BY line, seq LIMIT 50",
    "SELECT * FROM imports_importchange WHERE student_id = 1 ORDER BY run_id DESC LIMIT 20",
    "SELECT * FROM assessments_score WHERE student_id IN (1, 2)",
    "SELECT count(*) FROM assessments_score WHERE assessment_id = 1 AND school_year = 2024 AND as_tested <> ''",
)


@pytest.mark.parametrize("statement", PAGES)
def test_the_whole_district_and_workers_have_the_plans_of_the_owner(statement: str, web: Web) -> None:
    with web.session.transaction(force_rollback=True):
        web.session.execute("SET LOCAL enable_seqscan = off")
        plan = f"EXPLAIN (COSTS OFF) {statement}".encode()
        owners = web.session.execute(plan).fetchall()
        web.session.execute(
            sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(role_name(web.session.info.dbname, WORKER)))
        )
        assert web.session.execute(plan).fetchall() == owners
    assert web.plan("all", statement).splitlines() == [line for (line,) in owners]


def test_a_policy_is_a_condition_that_an_index_answers(web: Web) -> None:
    plan = web.plan("schools=1", "SELECT * FROM students_student")
    assert "Index Cond: (school_id = ANY ('{1}'::bigint[]))" in plan
    assert "sis_" not in plan  # nothing is asked while it runs
    assert "One-Time Filter: false" in web.plan("", "SELECT * FROM students_student")


@pytest.mark.parametrize("statement", PAGES[2:4])
def test_rows_of_a_student_are_found_by_their_index_and_the_student_by_its_key(statement: str, web: Web) -> None:
    plan = web.plan("schools=1", statement)
    assert re.search(r"Index (Only )?Scan|Bitmap Index Scan", plan)
    assert "students_student_pkey" in plan or "hashed SubPlan" in plan
    assert "Index Cond: (student_id = ANY" in plan or "= '9000000001'" in plan


# ---- what has a policy, and who may look over the wall ----


def without_policy_or_reason() -> set[str]:
    """Tables that name a student, and of which nothing says whose rows a page may see."""
    named = {
        model._meta.db_table
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and any("student" in (field.column or "") for field in model._meta.local_fields)
    }
    about_none = {"students_districtsettings", "assessments_publicresult"}
    return (named | {"students_student"}) - set(WALLED) - set(OPEN) - about_none


def test_every_table_that_names_a_student_has_a_policy_or_a_reason() -> None:
    assert without_policy_or_reason() == set()
    assert not set(WALLED) & set(OPEN)


@pytest.mark.parametrize("table", sorted(WALLED))
def test_a_policy_that_is_taken_away_is_missed(table: str, web: Web) -> None:
    """The rows that the tests above count are those that the policy holds back, and nothing else does."""
    with web.session.transaction(force_rollback=True):
        web.session.execute(f"ALTER POLICY {row_walls.POLICY} ON {table} USING (true)".encode())
        assert {student for (student,) in web.send("", f"SELECT {_whose(table)} FROM {table}")} == {OWN, OTHER}


def test_the_places_that_look_across_schools_are_these() -> None:
    """Each decides something by students of the whole district, and shows none of them but who the user may see."""
    found: dict[str, int] = {}
    for folder in ("sisimport", "students", "ssid", "assessments"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            calls = [
                node
                for node in ast.walk(ast.parse(file.read_text()))
                if isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name | ast.Attribute)
                and (node.func.id if isinstance(node.func, ast.Name) else node.func.attr) == "across_schools"
            ]
            if calls:
                found[file.relative_to(ROOT).as_posix()] = len(calls)
    assert found == LOOKS_ACROSS


# ---- scores: written by COPY, which policies forbid ----


def _score_policies(session: Session) -> list[str]:
    found = session.execute("SELECT polname FROM pg_policy WHERE polrelid = 'assessments_score'::regclass ORDER BY 1")
    return [name for (name,) in found.fetchall()]


def test_workers_copy_into_a_table_with_policies_and_the_web_server_does_not(two_schools: Session) -> None:
    worker, web = (sql.Identifier(role_name(two_schools.info.dbname, kind)) for kind in (WORKER, WEB))
    columns = "student_id, assessment_id, school_year, scale_score, raw_score, result, grade, status, error_band, measure, uin"
    with two_schools.transaction(force_rollback=True):
        two_schools.execute(sql.SQL("GRANT INSERT ON assessments_score TO {}").format(web))
        two_schools.execute(sql.SQL("SET LOCAL ROLE {}").format(worker))
        with two_schools.cursor().copy(f"COPY assessments_score ({columns}) FROM STDIN".encode()) as into:
            into.write_row((7, 7, 2026, *[""] * 8))
        assert two_schools.execute("SELECT count(*) FROM assessments_score WHERE student_id = 7").fetchone() == (1,)
        two_schools.execute(sql.SQL("SET LOCAL ROLE {}").format(web))
        with (
            pytest.raises(FeatureNotSupported, match="row-level security"),
            two_schools.cursor().copy(f"COPY assessments_score ({columns}) FROM STDIN".encode()) as into,
        ):
            into.write_row((8, 8, 2026, *[""] * 8))


def test_scores_have_no_policy_where_workers_could_not_write_them(two_schools: Session) -> None:
    """Who made the roles was not a superuser, as at a hosted server: imports must continue."""
    worker = sql.Identifier(role_name(two_schools.info.dbname, WORKER))
    before = _score_policies(two_schools)
    with two_schools.transaction(force_rollback=True):
        two_schools.execute(sql.SQL("ALTER ROLE {} NOBYPASSRLS").format(worker))
        row_walls.put_up(two_schools.cursor())
        assert _score_policies(two_schools) == []
        assert two_schools.execute(
            "SELECT relrowsecurity FROM pg_class WHERE relname = 'assessments_score'"
        ).fetchone() == (False,)
        row_walls.put_up(two_schools.cursor())  # again: nothing to do, nothing put up
        two_schools.execute(sql.SQL("ALTER ROLE {} BYPASSRLS").format(worker))
        row_walls.put_up(two_schools.cursor())
        assert _score_policies(two_schools) == before == [row_walls.OPEN_POLICY, row_walls.POLICY]
