"""The database's roles: what web server and workers may do, tried by connections of theirs, statement by statement."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import ProgrammingError, connection, transaction
from psycopg import sql
from psycopg.errors import InsufficientPrivilege

from sisimport.accounts import database_rights
from sisimport.imports.models import ImportChange, ImportRun, Work
from sisimport.imports.storage import run_ranges
from sisimport.runtime import database_roles
from sisimport.runtime.database_roles import LIMITED, RolesRefusedError, role_name
from sisimport.runtime.table_rights import TABLES
from tests.as_roles import acting_as

Session = psycopg.Connection[Any]
PASSWORD = "of-the-test-only-1234"
JOURNALS = ("imports_importchange", "imports_importissue", "imports_setaside")
RECORD = ("audit_auditentry", "audit_auditseal", "audit_auditday")


@pytest.fixture(scope="module")
def roles(django_db_setup: None, django_db_blocker: Any) -> None:
    with django_db_blocker.unblock():
        database_rights.make_roles(passwords=dict.fromkeys(LIMITED, PASSWORD), new_passwords=False, keep_owner=True)
        if not run_ranges.ranges():  # a worker of another test dropped the only one, of which nothing was kept
            run_ranges.make_ranges()


def _parameters() -> dict[str, Any]:
    parameters = dict(connection.get_connection_params())
    for name in ("cursor_factory", "context", "prepare_threshold"):
        parameters.pop(name, None)
    return parameters


@pytest.fixture
def connect(roles: None, db: None) -> Callable[[str], Any]:
    """A session of a role of its own, whose work is undone at the end."""

    @contextmanager
    def connected(kind: str) -> Iterator[Session]:
        name = role_name(str(connection.settings_dict["NAME"]), kind)
        with psycopg.connect(**_parameters() | {"user": name, "password": PASSWORD}) as session:
            yield session
            session.rollback()

    return connected


def refused(session: Session, statement: str) -> bool:
    """Whether the role may not do it. Any other error is the test's."""
    try:
        with session.transaction(force_rollback=True):
            session.execute(statement.encode())
    except InsufficientPrivilege:
        return True
    return False


@pytest.mark.django_db
def test_every_table_has_a_line_of_rights() -> None:
    with connection.cursor() as cursor:
        missing = database_roles.unclassed_tables(cursor)

    assert missing == [], (
        "give each of them a line in sisimport/runtime/table_rights.py (or take the line of none away)"
    )


@pytest.mark.parametrize("kind", LIMITED)
def test_a_role_may_do_with_each_table_what_its_line_says_and_no_more(kind: str, connect: Callable[[str], Any]) -> None:
    wrong = []
    with connect(kind) as session:
        columns = dict(
            session.execute(
                "SELECT relname, (SELECT quote_ident(attname) FROM pg_attribute"
                " WHERE attrelid = c.oid AND attnum > 1 AND NOT attisdropped AND attgenerated = ''"
                " AND has_column_privilege(c.oid, attnum, 'UPDATE') ORDER BY attnum LIMIT 1)"
                " FROM pg_class c WHERE relnamespace = 'public'::regnamespace"
            ).fetchall()
        )
        for table, rights in TABLES.items():
            given = getattr(rights, kind)
            column = columns[table] or _first_column(session, table)  # of none it may change: any will do to be refused
            tried = {
                "SELECT": f"SELECT FROM {table} LIMIT 0",
                "DELETE": f"DELETE FROM {table} WHERE false",
                "UPDATE": f"UPDATE {table} SET {column} = {column} WHERE false",
                "TRUNCATE": f"TRUNCATE {table}",
                "ALTER": f"ALTER TABLE {table} DISABLE TRIGGER ALL",
                "DROP": f"DROP TABLE {table}",
            }
            if "INSERT (" not in given:
                tried["INSERT"] = f"INSERT INTO {table} ({column}) SELECT {column} FROM {table} WHERE false"
            wrong += [f"{verb} {table}" for verb, text in tried.items() if refused(session, text) == (verb in given)]

    assert wrong == []


def _first_column(session: Session, table: str) -> str:
    row = session.execute(
        "SELECT quote_ident(attname) FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 1 AND NOT attisdropped"
        " AND attgenerated = '' ORDER BY attnum LIMIT 1",
        [table],
    ).fetchone()
    assert row
    return str(row[0])


def test_a_worker_may_erase_a_student_from_every_text(connect: Callable[[str], Any]) -> None:
    from sisimport.erasing.personal_data import tables

    with connect("worker") as session:
        closed = [
            f"{model._meta.db_table}.{column}"
            for model, table in tables()
            if not table.sealed
            for column in (model._meta.get_field(name).column for name in table.texts)
            if refused(session, f'UPDATE {model._meta.db_table} SET "{column}" = "{column}" WHERE false')
        ]

    assert closed == [], "give workers UPDATE of these columns in sisimport/runtime/table_rights.py"


# What the words of a line must never come to say, whatever it says: (role, statement).
FORBIDDEN = [
    *((kind, f"DELETE FROM {table} WHERE false") for kind in LIMITED for table in RECORD),
    *((kind, f"UPDATE {table} SET {column} = {column}") for kind in LIMITED
      for table, column in (("audit_auditentry", "who"), ("audit_auditseal", "hash"), ("audit_auditday", "hash"))),
    *((kind, "INSERT INTO audit_auditentry (id, kind) VALUES (1, 'page')") for kind in LIMITED),
    *((kind, "INSERT INTO audit_auditentry (at, kind) VALUES ('2020-01-01', 'page')") for kind in LIMITED),
    *((kind, "ALTER TABLE audit_auditentry DISABLE TRIGGER audit_keep") for kind in LIMITED),
    *((kind, "CREATE TABLE public.mine (id int)") for kind in LIMITED),
    *((kind, "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'") for kind in LIMITED),
    *((kind, "CREATE SCHEMA mine") for kind in LIMITED),
    *((kind, "SELECT rolpassword FROM pg_authid") for kind in LIMITED),
    *((kind, "COPY auth_user TO PROGRAM 'cat'") for kind in LIMITED),
    *((kind, "SELECT pg_read_file('PG_VERSION')") for kind in LIMITED),
    *((kind, "CREATE ROLE other") for kind in LIMITED),
    *((kind, "UPDATE django_migrations SET name = name") for kind in LIMITED),
    *((kind, "UPDATE auth_permission SET name = name") for kind in LIMITED),
    ("web", "INSERT INTO audit_auditseal SELECT * FROM audit_auditseal WHERE false"),
    ("web", "UPDATE audit_audittotal SET entries = 0"),
    ("web", "SELECT audit_purge('2020-01-01', NULL, '', '')"),
    ("web", "SELECT audit_reword(1, '', '')"),
    ("web", "INSERT INTO audit_auditrewording (entry_id, hash) VALUES (1, '')"),
    *((kind, "UPDATE audit_auditrewording SET hash = hash") for kind in LIMITED),
    # Who goes past the table to its partitions goes past its policies.
    *((kind, f"{verb} FROM {table}_rest") for kind in LIMITED for table in JOURNALS for verb in ("SELECT", "DELETE")),
    *((kind, f"INSERT INTO {table}_rest SELECT * FROM {table} WHERE false") for kind in LIMITED for table in JOURNALS),
    *((kind, f"ALTER TABLE {table} DETACH PARTITION {table}_rest") for kind in LIMITED for table in JOURNALS),
    *((kind, f"{verb} FROM assessments_score_rest") for kind in LIMITED for verb in ("SELECT", "DELETE")),
    *((kind, "INSERT INTO assessments_score_rest SELECT * FROM assessments_score WHERE false") for kind in LIMITED),
    *((kind, "ALTER TABLE assessments_score DETACH PARTITION assessments_score_rest") for kind in LIMITED),
    ("web", "SELECT sis_make_score_years('{2020}')"),
    ("web", "SELECT sis_drop_score_year(2020)"),
    ("web", "SELECT sis_measure_scores('{2020}')"),
    ("web", "SELECT * FROM sis_make_run_ranges(0)"),
    ("web", "SELECT sis_drop_run_range(1000)"),
    ("web", "SELECT sis_measure_run(1)"),
    ("web", "UPDATE imports_importchange SET line = line WHERE false"),
    ("web", "UPDATE imports_importissue SET line = line WHERE false"),
    ("web", "DELETE FROM imports_setaside WHERE false"),
    ("web", "INSERT INTO imports_setaside SELECT * FROM imports_setaside WHERE false"),
    ("web", "UPDATE imports_importrun SET applied_order = NULL"),
    ("web", "UPDATE imports_importrun SET test_run_id = NULL"),
    ("web", "DELETE FROM imports_importrun WHERE false"),
    ("web", "DELETE FROM students_recordedit WHERE false"),
    *((kind, "UPDATE students_recordedit SET before = ''") for kind in LIMITED),
    ("web", "DELETE FROM assessments_score WHERE false"),
    ("worker", "INSERT INTO auth_user SELECT * FROM auth_user WHERE false"),
    ("worker", "UPDATE auth_user SET is_superuser = true"),
    ("worker", "UPDATE auth_user SET password = ''"),
    ("worker", "INSERT INTO auth_user_groups SELECT * FROM auth_user_groups WHERE false"),
    ("worker", "INSERT INTO students_staffaccess SELECT * FROM students_staffaccess WHERE false"),
    ("worker", "UPDATE api_apitoken SET scopes = scopes"),
]  # fmt: skip


@pytest.mark.parametrize("kind", LIMITED)
def test_what_must_never_be_allowed_is_refused(kind: str, connect: Callable[[str], Any]) -> None:
    with connect(kind) as session:
        allowed = [text for of, text in FORBIDDEN if of == kind and not refused(session, text)]

    assert allowed == []


@pytest.mark.parametrize("kind", LIMITED)
def test_no_range_is_open_but_through_its_table(kind: str, connect: Callable[[str], Any]) -> None:
    with connect(kind) as session, connection.cursor() as cursor:
        cursor.execute("SELECT owner_table, part FROM sis_run_ranges()")
        there = cursor.fetchall()
        allowed = [
            text
            for table, part in there
            for text in (
                f"SELECT FROM {part}",
                f"DELETE FROM {part}",
                f"INSERT INTO {part} SELECT * FROM {table} WHERE false",
                f"ALTER TABLE {table} DETACH PARTITION {part}",
            )
            if not refused(session, text)
        ]

    assert {table for table, _part in there} == set(JOURNALS)
    assert allowed == []


def test_a_worker_makes_ranges_that_are_open_to_nobody_but_through_their_table(connect: Callable[[str], Any]) -> None:
    with connect("worker") as session:
        while session.execute("SELECT made FROM sis_make_run_ranges(0)").fetchone() == (0,):
            session.execute("SELECT nextval('imports_importrun_id_seq') FROM generate_series(1, 200)")
        # The newest is one of those just made; the number of the next run lies before its end, whatever other tests used up.
        newest = "SELECT first_run, until_run, part FROM sis_run_ranges() WHERE owner_table = %s ORDER BY until_run DESC LIMIT 1"
        (first, until, part) = session.execute(newest, ["imports_importchange"]).fetchone() or (0, 0, "")
        session.execute(
            "INSERT INTO imports_importchange (run_id, line, seq, part, kind, object_id) VALUES (%s, 1, 0, '', '', 1)",
            [first],
        )
        assert session.execute("SELECT count(*) FROM imports_importchange WHERE run_id = %s", [first]).fetchone() == (
            1,
        )
        session.execute("SELECT sis_measure_run(%s)", [first])
        assert refused(session, f"SELECT FROM {part}")
        assert session.execute("SELECT sis_drop_run_range(%s)", [until]).fetchone() == (False,)


@pytest.mark.parametrize("kind", LIMITED)
@pytest.mark.parametrize("other", ["migrate", "web", "worker", ""])
def test_no_role_becomes_another(kind: str, other: str, connect: Callable[[str], Any]) -> None:
    name = role_name(str(connection.settings_dict["NAME"]), other) if other else str(connection.settings_dict["USER"])
    with connect(kind) as session:
        known = session.execute(
            "SELECT to_regrole(%s) IS NOT NULL AND %s <> current_user", [f'"{name}"', name]
        ).fetchone()
        assert known
        assert not known[0] or refused(session, f'SET ROLE "{name}"')


@pytest.mark.parametrize("kind", LIMITED)
def test_an_entry_is_added_and_never_taken_away_again_not_even_with_the_right_to_delete(
    kind: str, connect: Callable[[str], Any], other_session: Session
) -> None:
    add = "INSERT INTO audit_auditentry (kind, who) VALUES ('sign_in', 'ada') RETURNING id, at > now() - interval '1 hour'"
    with connect(kind) as session:
        (number, is_now) = session.execute(add).fetchone() or (0, False)
        assert number
        assert is_now

    name = role_name(str(connection.settings_dict["NAME"]), kind)
    # Somebody gave the right by hand: the trigger asks whether it is the owner, and the setting of a purge says nothing.
    with other_session.transaction(force_rollback=True):
        other_session.execute(sql.SQL("GRANT ALL ON audit_auditentry TO {}").format(sql.Identifier(name)))
        other_session.execute(add.encode())
        other_session.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(name)))
        other_session.execute("SET LOCAL sisimport.audit_purge = 'on'")
        for statement in (
            "DELETE FROM audit_auditentry",
            "UPDATE audit_auditentry SET who = 'eve'",
            "TRUNCATE audit_auditentry",
        ):
            assert refused(other_session, statement), statement


@pytest.mark.django_db
def test_the_web_server_plans_lines_of_a_test_and_touches_no_plan_that_was_applied(roles: None) -> None:
    test, applied = (ImportRun.objects.create(import_type="students", work=Work.TEST) for _number in range(2))
    update = ImportRun.objects.create(import_type="students", work=Work.UPDATE, test_run=applied, applied_order=1)
    for run in (test, applied, update):
        ImportChange.objects.create(run=run, line=1, seq=1, part="", kind="student", object_id=1, before={}, after={})

    def removed(run: ImportRun, kind: str) -> int:
        with acting_as(kind), connection.cursor() as cursor:
            cursor.execute("DELETE FROM imports_importchange WHERE run_id = %s", [run.pk])
            return int(cursor.rowcount)

    def may_add(run: ImportRun) -> bool:
        values = {"line": 2, "seq": 1, "part": "", "kind": "student", "object_id": 1, "before": {}, "after": {}}
        try:
            with transaction.atomic(), acting_as("web"):
                ImportChange.objects.create(run=run, **values)
        except ProgrammingError as error:
            if "row-level security" not in str(error):
                raise
            return False
        return True

    assert [may_add(run) for run in (test, applied, update)] == [True, False, False]
    assert [removed(run, "web") for run in (test, applied, update)] == [2, 0, 0]
    assert [removed(run, "worker") for run in (applied, update)] == [1, 1]


@pytest.mark.django_db
def test_a_table_that_a_migration_adds_is_closed_until_it_has_a_line(roles: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE students_novelty (id int)")
        assert database_roles.unclassed_tables(cursor) == ["students_novelty"]
        database_rights.after_migrations(plan=[])
        cursor.execute("SELECT has_table_privilege(%s, 'students_novelty', 'SELECT')", [_name("web")])
        assert cursor.fetchone()[0] is False


@pytest.mark.django_db
def test_rights_are_given_again_after_migrations_and_nothing_more_is_kept(roles: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f'GRANT ALL ON audit_auditentry, auth_permission TO "{_name("web")}"')
        cursor.execute(f'REVOKE ALL ON students_student FROM "{_name("web")}"')
        database_rights.after_migrations()  # a test's tables were emptied: not a migration
        assert not _may(cursor, "students_student", "SELECT")
        database_rights.after_migrations(plan=[])
        assert _may(cursor, "students_student", "SELECT")
        assert not _may(cursor, "audit_auditentry", "UPDATE")
        assert not _may(cursor, "auth_permission", "DELETE")


def _name(kind: str) -> str:
    return role_name(str(connection.settings_dict["NAME"]), kind)


def _may(cursor: Any, table: str, verb: str) -> bool:
    cursor.execute("SELECT has_table_privilege(%s, %s, %s)", [_name("web"), table, verb])
    return bool(cursor.fetchone()[0])


@pytest.mark.django_db
def test_a_role_of_somebody_else_or_with_power_over_the_server_is_not_taken(roles: None) -> None:
    def make() -> None:
        database_rights.make_roles(passwords={}, new_passwords=False, keep_owner=True)

    with connection.cursor() as cursor:
        cursor.execute(f'ALTER ROLE "{_name("web")}" CREATEDB')
        with pytest.raises(RolesRefusedError, match=r"rights over the whole server.*NOCREATEDB"):
            make()
        cursor.execute(f'ALTER ROLE "{_name("web")}" NOCREATEDB BYPASSRLS')
        with pytest.raises(RolesRefusedError, match="NOBYPASSRLS"):
            make()
        cursor.execute(f'ALTER ROLE "{_name("web")}" NOBYPASSRLS')
        make()
        cursor.execute(f'COMMENT ON ROLE "{_name("web")}" IS NULL')
        with pytest.raises(RolesRefusedError, match="not created by this command"):
            make()


@pytest.mark.django_db
def test_workers_alone_are_past_row_policies(roles: None) -> None:
    """PostgreSQL refuses COPY into a table with policies to everybody else; no policy of ours binds workers."""
    with connection.cursor() as cursor:
        names = [_name(kind) for kind in LIMITED]
        cursor.execute("SELECT rolname FROM pg_roles WHERE rolbypassrls AND rolname = ANY (%s)", [names])
        assert cursor.fetchall() == [(_name("worker"),)]


@pytest.mark.django_db
def test_a_user_who_may_not_make_roles_is_told_how(roles: None) -> None:
    with (
        acting_as("worker"),
        pytest.raises(RolesRefusedError, match=r"may not create roles\. Run it once with the address"),
    ):
        database_rights.make_roles(passwords={}, new_passwords=False, keep_owner=True)
