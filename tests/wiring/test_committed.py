"""What a test committed is gone after it, and what migrations wrote is there as it was (tests/committed.py)."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.db import connection

from sisimport.audit.models import AuditEntry
from sisimport.audit.writing import Doer, write
from students.models import Student
from tests import committed
from tests.factories import SchoolFactory, StudentFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


def _as_migrated() -> list[list[tuple[object, ...]]]:
    return [
        sorted(model.objects.values_list()) for model in (ContentType, Permission, Group, Group.permissions.through)
    ]


@pytest.mark.parametrize("damage", [Group.objects.all().delete, Permission.objects.all().delete, UserFactory])
def test_after_a_test_all_is_as_migrations_left_it(damage: Callable[[], object]) -> None:
    before = _as_migrated()
    StudentFactory(school=SchoolFactory())
    damage()

    committed.restore()

    assert all(before)
    assert _as_migrated() == before
    assert not Student.objects.exists()
    assert not User.objects.exists()


def test_the_record_of_access_is_emptied_though_it_refuses_to_be() -> None:
    before = list(AuditEntry.objects.values_list())
    number = write("page", Doer(UserFactory()), subject="a page")
    assert AuditEntry.objects.filter(pk=number).exists()

    committed.restore()

    assert list(AuditEntry.objects.values_list()) == before


def test_a_table_that_grew_is_small_again() -> None:
    school = SchoolFactory()
    Student.objects.bulk_create(StudentFactory.build(school=school) for _ in range(4_000))

    committed.restore()

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_relation_size('students_student')")
        assert cursor.fetchone()[0] < committed.LARGE
