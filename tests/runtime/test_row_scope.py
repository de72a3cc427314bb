"""How a program tells PostgreSQL whose rows a statement may see, and how policies come and go."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from psycopg import sql

from sisimport.accounts.access import REGISTRAR
from sisimport.accounts.row_scope import scope_of
from sisimport.runtime import row_scope, row_walls
from sisimport.runtime.database_roles import WEB
from sisimport.runtime.row_walls import WALLED
from students.families import is_family
from students.models import FamilyMember, Student
from tests.as_roles import acting_as, make_roles
from tests.factories import StudentFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def as_web(db: None) -> Iterator[Any]:
    """The test's own connection as the web server's, whose statements say what `row_scope` answers; two students."""
    make_roles(policies=True)
    students = [StudentFactory(), StudentFactory()]
    armed = row_scope.arm(True)
    with acting_as(WEB):
        yield students
    row_scope.arm(armed)
    row_scope.end()


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


def test_policies_are_taken_down_again(db: None) -> None:
    make_roles(policies=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_policy WHERE polname = %s", [row_walls.POLICY])
        assert cursor.fetchone() == (len(WALLED),)
        row_walls.take_down(cursor)
        row_walls.take_down(cursor)
        cursor.execute("SELECT relname FROM pg_class WHERE relrowsecurity ORDER BY relname")
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
        cursor.execute("SELECT count(*) FROM pg_policy WHERE polname = %s", [row_walls.POLICY])
        assert cursor.fetchone() == (len(WALLED),)
