"""How a program tells PostgreSQL whose rows a statement may see, and how policies come and go."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.management.sql import emit_post_migrate_signal, emit_pre_migrate_signal
from django.db import NotSupportedError, ProgrammingError, connection, transaction
from django.db.migrations import Migration
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Sum
from psycopg import sql

from sisimport.accounts import database_rights
from sisimport.accounts.access import REGISTRAR
from sisimport.accounts.row_scope import scope_of
from sisimport.runtime import row_scope, row_walls
from sisimport.runtime.database_roles import WEB
from sisimport.runtime.row_walls import WALLED
from students.families import is_family
from students.models import FamilyMember, Headcount, Student
from tests.as_roles import acting_as
from tests.factories import StudentFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def as_web(db: None) -> Iterator[Any]:
    """The test's own connection as the web server's, whose statements say what `row_scope` answers; two students."""
    students = [StudentFactory(), StudentFactory()]
    armed = row_scope.arm(True)
    with acting_as(WEB):
        yield students
    row_scope.arm(armed)
    row_scope.end()


def test_an_edit_of_an_own_student_is_counted_and_counts_of_other_schools_are_not_seen(as_web: Any) -> None:
    own, _other = as_web
    row_scope.begin(lambda: row_scope.of(schools=[own.school_id]))

    assert Student.objects.filter(pk=own.pk).update(grade="09") == 1

    counted = Headcount.objects.values("school", "grade").annotate(n=Sum("students")).exclude(n=0)
    assert list(counted.values_list("school", "grade", "n")) == [(own.school_id, "09", 1)]
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        Headcount.objects.all().delete()


def test_each_way_of_asking_says_it(as_web: Any) -> None:
    own, other = as_web
    asked = "SELECT id FROM students_student ORDER BY id"
    row_scope.begin(lambda: row_scope.of(schools=[own.school_id]))

    assert list(Student.objects.values_list("pk", flat=True)) == [own.pk]
    assert [one.pk for one in Student.objects.iterator(chunk_size=1)] == [own.pk]
    with connection.cursor() as cursor:
        cursor.execute(asked)
        assert cursor.fetchall() == [(own.pk,)]
        cursor.execute(sql.SQL(asked))
        assert cursor.fetchall() == [(own.pk,)]
        with cursor.copy(f"COPY ({asked}) TO STDOUT") as out:
            assert b"".join(out).split() == [str(own.pk).encode()]
    with connection.chunked_cursor() as cursor:
        cursor.execute(asked)
        assert cursor.fetchall() == [(own.pk,)]
    with row_scope.across_schools():
        assert Student.objects.count() == 2
    assert Student.objects.filter(pk=other.pk).update(grade="09") == 0
    row_scope.end()
    assert Student.objects.count() == 0


def test_statements_about_no_student_are_sent_as_they_are(as_web: Any) -> None:
    row_scope.begin(lambda: pytest.fail("asked for a statement about no student"))
    assert row_scope.prefix_of("SELECT * FROM students_school") == ""
    assert row_scope.prefix_of("SELECT * FROM students_staffaccess_schools") == ""
    row_scope.begin(lambda: "schools=1")
    assert row_scope.prefix_of('SELECT 1 FROM "students_student"') == "SET LOCAL sisimport.rows = 'schools=1'; "
    row_scope.arm(False)
    assert row_scope.prefix_of('SELECT 1 FROM "students_student"') == ""


def test_a_command_in_the_web_servers_container_sees_all() -> None:
    """It has the web server's role, and nobody signed in."""
    armed = row_scope.arm(True, usual=row_scope.ALL)
    try:
        assert row_scope.prefix_of("SELECT 1 FROM students_ssid") == "SET LOCAL sisimport.rows = 'all'; "
    finally:
        row_scope.arm(armed)


def test_no_plan_of_a_page_is_used_twice() -> None:
    """The functions of the policies are answered when a statement is planned: a plan that is kept would keep the answer."""
    parameters = connection.get_connection_params()
    assert issubclass(parameters["cursor_factory"], psycopg.ClientCursor)
    assert parameters["prepare_threshold"] is None


def test_who_is_told_what() -> None:
    own, other = StudentFactory(), StudentFactory()
    nobody, family, both = UserFactory(), UserFactory(), UserFactory(group=REGISTRAR, schools=[other.school])
    for user in (family, both):
        FamilyMember.objects.create(user=user, student=own)

    assert scope_of(AnonymousUser()) == ""
    assert scope_of(nobody) == ""
    assert scope_of(UserFactory(is_superuser=True)) == "all"
    assert scope_of(UserFactory(group=REGISTRAR, all_schools=True)) == "all"
    assert scope_of(UserFactory(group=REGISTRAR, schools=[own.school])) == f"schools={own.school_id}"
    assert scope_of(family) == f"students={own.pk}"
    assert scope_of(both) == f"schools={other.school_id}"
    assert is_family(both)  # as each page of families finds first
    assert scope_of(both) == f"schools={other.school_id};students={own.pk}"


def standing() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid WHERE polname = %s",
            [row_walls.POLICY],
        )
        return {name for (name,) in cursor.fetchall()}


def test_policies_are_taken_down_again(db: None) -> None:
    assert standing() == set(WALLED)
    with connection.cursor() as cursor:
        row_walls.take_down(cursor)
        row_walls.take_down(cursor)
        cursor.execute("SELECT relname FROM pg_class WHERE relrowsecurity AND NOT relispartition ORDER BY relname")
        assert [name for (name,) in cursor.fetchall()] == [
            "imports_importchange",
            "imports_importissue",
            "imports_setaside",
        ]
        cursor.execute(
            "SELECT count(*) FROM pg_policy WHERE polname IN (%s, %s)", [row_walls.POLICY, row_walls.OPEN_POLICY]
        )
        assert cursor.fetchone() == (0,)
        row_walls.put_up(cursor)
    assert standing() == set(WALLED)


def test_switched_off_they_are_taken_down_by_migrate(settings: Any) -> None:
    settings.ROW_POLICIES = False
    database_rights.after_migrations(plan=[])
    assert standing() == set()
    settings.ROW_POLICIES = True
    database_rights.after_migrations(plan=[])
    assert standing() == set(WALLED)


def test_a_migration_may_change_a_column_that_a_policy_names() -> None:
    """PostgreSQL refuses to; so policies stand aside while migrations run, and bind again afterwards."""
    change = "ALTER TABLE students_withoutssid ALTER COLUMN school_id TYPE integer"

    with pytest.raises(NotSupportedError, match="used in a policy definition"), transaction.atomic():
        change_now(change)
    plan = [(Migration("0099", "erasing"), False)]
    emit_pre_migrate_signal(verbosity=0, interactive=False, db="default", plan=plan)
    assert standing() == set()
    change_now(change)
    emit_post_migrate_signal(verbosity=0, interactive=False, db="default", plan=plan)

    assert standing() == set(WALLED)


def change_now(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def test_nothing_to_migrate_leaves_them_standing() -> None:
    emit_pre_migrate_signal(verbosity=0, interactive=False, db="default", plan=[])
    assert standing() == set(WALLED)


def test_a_database_that_waits_for_migrations_gets_none() -> None:
    """Migrated back it is for a release that may not say whose rows it wants; before an upgrade it lacks columns."""
    last = MigrationRecorder.Migration.objects.filter(app="erasing").latest("pk")
    last.delete()
    emit_pre_migrate_signal(verbosity=0, interactive=False, db="default", plan=[(Migration("0099", "erasing"), True)])
    database_rights.after_migrations(plan=[(Migration("0099", "erasing"), True)])
    assert standing() == set()
    MigrationRecorder.Migration(app=last.app, name=last.name, applied=last.applied).save()
    database_rights.after_migrations(plan=[(Migration("0099", "erasing"), False)])
    assert standing() == set(WALLED)
