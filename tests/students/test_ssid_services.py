"""Giving SSIDs to students by hand, and numbers that families tell (rules ID-1 to ID-5, M-1, M-7, M-8)."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from students.models import SSID, RecordEdit, ReportedSSID, School, Student
from students.services import SSIDRefusedError, assign_ssid, report_ssid, verify_reported
from tests.students.people import school, student, user

pytestmark = pytest.mark.django_db

NUMBER, OTHER = "9012345678", "9012345679"


@pytest.fixture
def oak() -> School:
    return school()


def current(of: Student) -> SSID:
    return SSID.objects.get(student=of, retired_at__isnull=True)


def test_m6_staff_gives_an_ssid_and_the_time_line_says_who(oak: School) -> None:
    sam, staff = student(oak), user("staff")

    assign_ssid(student=sam, ssid="901-234 5678", user=staff, reason="School list")

    assert (current(sam).ssid, current(sam).origin, current(sam).verified) == (NUMBER, "staff", True)
    edit = RecordEdit.objects.get()
    assert (edit.user, edit.before, edit.after, edit.reason) == (staff, None, NUMBER, "School list")


@pytest.mark.parametrize(
    "typed",
    ["", "12345", "90123456789", "90123A5678", "9.01235E+09", "100234", "0000100234"],
    ids=["blank", "short", "long", "letter", "spreadsheet", "local number", "local number with zeros"],
)
def test_m1_anything_but_ten_digits_and_the_local_number_are_refused(oak: School, typed: str) -> None:
    sam = student(oak, "100234")

    with pytest.raises(SSIDRefusedError) as refused:
        assign_ssid(student=sam, ssid=typed, user=None)

    assert refused.value.code == "SSID-FORMAT"
    assert not SSID.objects.exists()


def test_id5_the_ssid_of_another_student_is_refused(oak: School) -> None:
    student(oak, "1", ssid=NUMBER)

    with pytest.raises(SSIDRefusedError) as refused:
        assign_ssid(student=student(oak, "2"), ssid=NUMBER, user=None)

    assert refused.value.code == "SSID-TAKEN"


def test_d9_a_different_ssid_is_replaced_only_when_asked_for(oak: School) -> None:
    sam = student(oak, ssid=NUMBER)

    with pytest.raises(SSIDRefusedError) as refused:
        assign_ssid(student=sam, ssid=OTHER, user=None)
    assign_ssid(student=sam, ssid=OTHER, user=None, replace=True)

    assert refused.value.code == "SSID-CONFLICT"
    assert list(SSID.objects.values_list("ssid", flat=True)) == [OTHER]


def test_m8_a_verified_ssid_is_not_replaced_by_one_that_is_not(oak: School) -> None:
    sam = student(oak, ssid=NUMBER)

    with pytest.raises(SSIDRefusedError):
        assign_ssid(student=sam, ssid=OTHER, user=None, verified=False, replace=True)

    assert current(sam).ssid == NUMBER


def test_m8_a_number_given_by_the_family_is_not_an_ssid_until_it_is_verified(oak: School) -> None:
    sam = student(oak)

    report_ssid(student=sam, ssid=NUMBER, user=user())
    assert not SSID.objects.exists()
    verify_reported(student=sam, user=None)

    assert (current(sam).origin, current(sam).verified) == ("student", True)
    assert not ReportedSSID.objects.exists()


def test_m8_a_number_given_by_mistake_takes_it_away_from_nobody(oak: School) -> None:
    sam, ana = student(oak, "1"), student(oak, "2")

    report_ssid(student=sam, ssid=NUMBER, user=user())
    assign_ssid(student=ana, ssid=NUMBER, user=None)

    assert current(ana).ssid == NUMBER


def test_m8_reporting_looks_up_no_number_of_anybody(oak: School) -> None:
    """The statements are the same whether the number is somebody's or nobody's: so are answer and time."""
    student(oak, "1", ssid=NUMBER)
    sam, told = student(oak, "2"), user()
    statements = []
    for number in (NUMBER, OTHER):
        ReportedSSID.objects.all().delete()
        with CaptureQueriesContext(connection) as captured:
            report_ssid(student=sam, ssid=number, user=told)
        statements.append(
            [q["sql"].split(" WHERE ")[0].replace(number, "?")[:90] for q in captured if "SAVEPOINT" not in q["sql"]]
        )

    assert statements[0] == statements[1]
    assert not any("students_ssid" in sql for sql in statements[0])
