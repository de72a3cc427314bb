"""The schema `reporting`: every view is there and documented, goes for migrations and comes again, and has its own reader."""

import datetime as dt
import re
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from django.utils.crypto import get_random_string
from psycopg import sql

from sisimport.reporting.exports import Export
from sisimport.reporting.schema import RoleRefusedError, before_migrations, column_types, make_current, make_role
from sisimport.reporting.views import VERSION, VIEWS
from students.missing import enrolled_today
from students.models import Student
from tests.factories import EnrollmentFactory, LEAFactory, SSIDFactory, StudentFactory


def rows(statement: str, *values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


def described() -> dict[tuple[str, str], str]:
    """View and column -> its comment in the database."""
    return {
        (view, column): comment
        for view, column, comment in rows(
            "SELECT c.relname, a.attname, col_description(c.oid, a.attnum) FROM pg_class c"
            " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0"
            " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'reporting' AND c.relkind = 'v'"
        )
    }


@pytest.mark.django_db
class TestViews:
    def test_every_column_is_there_and_says_in_the_database_what_it_means(self) -> None:
        assert described() == {(view.name, column.name): column.meaning for view in VIEWS for column in view.columns}

    def test_a_version_keeps_its_columns(self) -> None:
        """Queries of others count on names, order and types: a new column goes to the end of its view and of its lines in
        columns.txt; anything else is a new version."""
        version, *pinned = (Path(__file__).parent / "columns.txt").read_text().splitlines()
        assert version == f"version {VERSION}"
        assert [" ".join((*column, kind)) for column, kind in column_types().items()] == pinned

    def test_every_view_can_be_read(self) -> None:
        SSIDFactory()
        for view in VIEWS:
            rows(f"SELECT * FROM reporting.{view.name}")
        assert len(rows("SELECT * FROM reporting.students")) == 1

    @pytest.mark.parametrize("what", ["SELECT * FROM reporting.scores", "SELECT * FROM reporting.as_tested"])
    def test_a_query_of_one_year_reads_that_year_alone(self, what: str) -> None:
        rows("SELECT sis_make_score_years(%s)", [2023, 2024, 2025])
        plan = "\n".join(line for (line,) in rows(f"EXPLAIN {what} WHERE school_year_end = 2024"))
        assert set(re.findall(r"on (assessments_score_\w+)", plan)) == {"assessments_score_2024"}
        assert len(set(re.findall(r"on (assessments_score_\w+)", "\n".join(x for (x,) in rows(f"EXPLAIN {what}"))))) > 3

    def test_an_export_of_one_year_reads_that_year_alone(self) -> None:
        rows("SELECT sis_make_score_years(%s)", [2023, 2024, 2025])
        where, values = Export(what="scores", school_year="2023-24").where()
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("EXPLAIN SELECT * FROM reporting.scores AS v {}").format(where), values)
            plan = "\n".join(line for (line,) in cursor.fetchall())
        assert set(re.findall(r"on (assessments_score_\w+)", plan)) == {"assessments_score_2024"}

    def test_they_go_before_migrations_and_come_again(self) -> None:
        before_migrations(plan=[("a migration", False)])
        assert described() == {}
        make_current()
        assert len(described()) == sum(len(view.columns) for view in VIEWS)

    def test_without_migrations_nothing_happens(self) -> None:
        before_migrations(plan=[])
        assert described()


@pytest.mark.faults
@pytest.mark.django_db(transaction=True)
@pytest.mark.long
def test_a_column_of_a_view_can_be_migrated_back_and_forth() -> None:
    """PostgreSQL refuses to drop a column that a view shows: the views must not be in the way. Nor may the roles of the
    database, whose rights are given again on what it had then."""
    call_command("migrate", "students", "0004", verbosity=0)
    call_command("migrate", verbosity=0)
    assert len(described()) == sum(len(view.columns) for view in VIEWS)


@pytest.fixture
def reader(transactional_db: None) -> Any:
    """A session of the role that `reporting_role` makes, and what it may not outlive."""
    name = f"reader_{get_random_string(8).lower()}"
    password = make_role(name)
    settings = connection.get_connection_params()
    kept = {key: settings[key] for key in ("host", "port", "dbname") if settings.get(key)}
    with psycopg.connect(**kept, user=name, password=password, autocommit=True) as session:
        yield session
    rows_of = (
        "ALTER DEFAULT PRIVILEGES IN SCHEMA reporting REVOKE ALL ON TABLES FROM {0}; DROP OWNED BY {0}; DROP ROLE {0}"
    )
    with connection.cursor() as cursor:
        cursor.execute(rows_of.format(name))


@pytest.mark.django_db(transaction=True)
class TestRole:
    def test_it_reads_every_view(self, reader: Any) -> None:
        SSIDFactory()
        assert reader.execute("SELECT count(*) FROM students").fetchone() == (1,)
        for view in VIEWS:
            reader.execute(f"SELECT * FROM reporting.{view.name}")

    def test_it_reads_and_writes_nothing_else(self, reader: Any) -> None:
        tables = [name for (name,) in rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        assert len(tables) > 20
        for name in tables:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute(f'SELECT * FROM public."{name}"')
        reader.execute("SET default_transaction_read_only = off")
        for statement in (
            "DELETE FROM reporting.students",
            "CREATE TABLE public.own (a int)",
            "CREATE TABLE reporting.own (a int)",
        ):
            with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.ObjectNotInPrerequisiteState)):
                reader.execute(statement)

    def test_it_has_a_right_on_nothing_else_in_the_database(self, reader: Any) -> None:
        """Whatever schema it is in, and whatever is added: tables, partitions, sequences, functions that run as their owner."""
        found = reader.execute(
            "SELECT n.nspname, c.relname, has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')"
            " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND c.relkind IN ('r', 'p', 'v', 'm', 'f')"
            " AND (has_any_column_privilege(c.oid, 'SELECT, INSERT, UPDATE, REFERENCES')"
            " OR has_table_privilege(c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER'))"
        ).fetchall()
        assert sorted(found) == sorted(("reporting", view.name, False) for view in VIEWS)
        for statement in (
            """SELECT s.relname FROM pg_class s
              WHERE CASE s.relkind WHEN 'S' THEN has_sequence_privilege(s.oid, 'USAGE, SELECT, UPDATE') END""",
            """SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
              WHERE n.nspname <> 'pg_catalog' AND p.prosecdef AND has_function_privilege(p.oid, 'EXECUTE')""",
            "SELECT r.rolname FROM pg_roles r WHERE r.rolname <> current_user AND pg_has_role(r.oid, 'MEMBER')",
            "SELECT schemaname, tablename FROM pg_stats WHERE schemaname NOT IN ('pg_catalog', 'information_schema')",
            "SELECT query FROM pg_stat_activity WHERE usename <> current_user AND query NOT IN ('', '<insufficient privilege>')",
        ):
            assert reader.execute(statement).fetchall() == [], statement

    def test_it_calls_nothing_that_reads_files_or_writes_the_record(self, reader: Any) -> None:
        reader.execute("SET default_transaction_read_only = off")
        reader.execute("SET search_path = public")
        for called in (
            "pg_read_file('/etc/hostname')",
            "pg_ls_dir('.')",
            "lo_import('/etc/hostname')",
            "public.audit_role('a', '{}'::bigint[])",
            "public.audit_purge(current_date, 1::bigint, '', '')",
            "public.sis_drop_score_year(2020)",
            "public.sis_drop_run_range(1::bigint)",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute(f"SELECT {called}")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute("COPY (SELECT 1) TO PROGRAM 'true'")

    def test_it_writes_nothing_unless_a_database_administrator_lets_it(self, reader: Any) -> None:
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            reader.execute("CREATE TEMPORARY TABLE own (a int)")

    def test_a_new_password_leaves_what_the_administrator_allowed(self, reader: Any) -> None:
        """Data teams build models with this sign-in where the administrator lets it write a schema of theirs."""
        name = reader.info.user
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER ROLE {name} SET default_transaction_read_only = off")
        make_role(name)
        settings = rows("SELECT unnest(setconfig) FROM pg_db_role_setting WHERE setrole = %s::regrole", name)
        assert ("default_transaction_read_only=off",) in settings

    def test_it_still_reads_after_the_views_were_made_again(self, reader: Any) -> None:
        before_migrations(plan=[("a migration", False)])
        make_current()
        assert reader.execute("SELECT count(*) FROM scores").fetchone() == (0,)

    def test_asked_again_it_gets_a_new_password(self, reader: Any) -> None:
        assert make_role(reader.info.user)

    def test_a_role_with_other_rights_is_never_changed(self, transactional_db: None) -> None:
        (name,) = rows("SELECT current_user")[0]
        with pytest.raises(RoleRefusedError, match="Choose another name"):
            make_role(name)


@pytest.mark.django_db
def test_enrolled_means_what_it_means_on_the_pages() -> None:
    today = timezone.localdate()
    for day in (today - dt.timedelta(days=1), today, today + dt.timedelta(days=1)):
        student = StudentFactory(enrollment=None)
        EnrollmentFactory(student=student, school=student.school, exit_date=day)
    StudentFactory()
    StudentFactory(enrollment=None)
    StudentFactory(enrollment=None, school=None, lea=LEAFactory())
    enrolled = {pk for (pk,) in rows("SELECT student_id FROM reporting.students WHERE enrolled")}
    assert enrolled == set(enrolled_today(Student.objects.all()).values_list("pk", flat=True))
    assert len(enrolled) == 4
