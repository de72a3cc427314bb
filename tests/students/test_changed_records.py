"""The changed-record flag: written by the database, so that no edit can miss it (rule U-4)."""

import datetime as dt

import pytest

from students.models import LEA, WATCHED_FIELDS, ChangedRecord, Student
from students.queries import student_json

pytestmark = pytest.mark.django_db


@pytest.fixture
def student() -> Student:
    return add(LEA.objects.create(code="07", state="UT"), "100")


def add(lea: LEA, number: str) -> Student:
    student = Student.objects.create(
        lea=lea, local_number=number, last_name="Lee", first_name="Sam", birth_date=dt.date(2011, 3, 4), gender="M"
    )
    student.refresh_from_db()
    return student


def open_changes(student: Student) -> list[tuple[str, str, str]]:
    return list(ChangedRecord.objects.filter(student=student, cleared_by=None).values_list("field", "before", "after"))


NEW_VALUES = dict.fromkeys(WATCHED_FIELDS, "Z") | {"birth_date": "2011-03-05", "gender": "F", "legal_gender": "F"}


@pytest.mark.parametrize("field", list(WATCHED_FIELDS))
def test_u4_an_edit_of_a_watched_field_flags_the_student_with_what_changed_from_what(
    student: Student, field: str
) -> None:
    before = str(getattr(student, field))
    setattr(student, field, NEW_VALUES[field])

    student.save()

    assert open_changes(student) == [(field, before, NEW_VALUES[field])]


def test_u4_saving_without_a_change_flags_nobody(student: Student) -> None:
    student.save()

    assert open_changes(student) == []


def test_u4_other_fields_do_not_flag(student: Student) -> None:
    Student.objects.filter(pk=student.pk).update(grade="07", home_language="spa", alias_first_name="Sammy")

    assert open_changes(student) == []


def test_u4_a_new_student_is_not_flagged(student: Student) -> None:
    assert open_changes(student) == []


def test_u4_one_statement_over_many_students_flags_each_that_changed(student: Student) -> None:
    others = [add(student.lea, str(number)) for number in range(101, 104)]

    Student.objects.exclude(pk=others[0].pk).update(last_name="Diaz")

    assert {s.local_number for s in [student, *others] if open_changes(s)} == {"100", "102", "103"}


def test_u4_several_edits_are_kept_in_their_order(student: Student) -> None:
    Student.objects.filter(pk=student.pk).update(last_name="Diaz")
    Student.objects.filter(pk=student.pk).update(last_name="Ruiz")

    assert open_changes(student) == [("last_name", "Lee", "Diaz"), ("last_name", "Diaz", "Ruiz")]


def test_u4_students_of_california_are_not_watched(student: Student) -> None:
    california = add(LEA.objects.create(code="1234567", state="CA"), "100")

    Student.objects.update(last_name="Diaz")

    assert open_changes(california) == []
    assert open_changes(student) == [("last_name", "Lee", "Diaz")]


def test_u4_show_student_tells_what_the_state_has_not_confirmed(student: Student) -> None:
    assert student_json(student)["changed"] == []
    for name in ("Leigh", "Li"):
        student.last_name = name
        student.save()

    (told,) = student_json(student)["changed"]

    assert (told["field"], told["before"], told["after"]) == ("last_name", "Lee", "Li")


def test_u4_show_student_says_nothing_of_it_where_the_state_keeps_no_flag() -> None:
    assert "changed" not in student_json(add(LEA.objects.create(code="1234567"), "100"))
