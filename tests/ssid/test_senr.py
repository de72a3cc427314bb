"""Requests for SSIDs: what is asked of the state, and what is remembered of it (section 11 of the SSID rules)."""

import datetime as dt

import pytest
from django.db import IntegrityError, transaction

from ssid.models import SENRLine, SENRRequest
from students.models import LEA, School, Student

pytestmark = pytest.mark.django_db


@pytest.fixture
def student() -> Student:
    lea = LEA.objects.create(code="1234567")
    school = School.objects.create(lea=lea, code="0123456")
    return Student.objects.create(
        lea=lea, school=school, local_number="100240", last_name="Lee", first_name="Sam", birth_date="2011-03-04"
    )


def add_line(student: Student, *, line: int, status: str = "out", answer: str = "") -> SENRLine:
    assert student.school is not None
    request = SENRRequest.objects.create(lea=student.lea, schools=[student.school.pk], school_year="2026-2027")
    return SENRLine.objects.create(
        request=request,
        line=line,
        student=student,
        school=student.school,
        local_number=student.local_number,
        last_name="Lee",
        first_name="Sam",
        birth_date=dt.date(2011, 3, 4),
        identity_hash=1,
        sent=[""] * 35,
        status=status,
        answer=answer,
    )


def test_a_student_has_one_line_that_is_out(student: Student) -> None:
    add_line(student, line=1)
    with pytest.raises(IntegrityError), transaction.atomic():
        add_line(student, line=2)


def test_a_student_may_be_asked_for_again_once_answered(student: Student) -> None:
    add_line(student, line=1, status="answered", answer="No Match")
    add_line(student, line=2)
    assert student.senr_lines.filter(status="out").count() == 1
