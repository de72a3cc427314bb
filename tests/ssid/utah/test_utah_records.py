"""Utah students through the other doors: the roster, and SSIDs given by hand (rules U-4, U-7, ID-8)."""

import pytest

from sisimport.imports.models import Work
from students.models import SSID, ChangedRecord, Student
from students.services import SSIDRefusedError, assign_ssid
from tests.imports.journey import revert, run_file
from tests.ssid.utah.exchange import Utah, current, is_flagged, utah

pytestmark = pytest.mark.django_db

HEADER = "lea,school,local_number,ssid,last_name,first_name,birth_date,gender,ethnicity\n"


@pytest.fixture
def district() -> Utah:
    return utah()


def test_u4_a_roster_that_changes_a_name_flags_the_student(district: Utah) -> None:
    changed, same = district.add("100"), district.add("101")
    roster = HEADER + "07,0123,100,,Diaz,Sam100,2011-03-04,M,\n07,0123,101,,Lee,Sam101,2011-03-04,M,\n"

    run_file("students", roster, Work.UPDATE)

    assert ChangedRecord.objects.values_list("student", "field", "before", "after").get() == (
        changed.pk,
        "last_name",
        "Lee",
        "Diaz",
    )
    assert not is_flagged(same)


def test_u4_a_reverted_roster_flags_the_student_as_well(district: Utah) -> None:
    student = district.add("100")
    roster = run_file("students", HEADER + "07,0123,100,,Diaz,Sam100,2011-03-04,M,\n", Work.UPDATE)
    ChangedRecord.objects.update(cleared_by=1)

    revert(roster.run)

    assert Student.objects.get(pk=student.pk).last_name == "Lee"
    assert is_flagged(student)


def test_a_flag_does_not_keep_a_new_student_from_being_removed_by_a_revert(district: Utah) -> None:
    new = run_file("students", HEADER + "07,0123,100,,Lee,Sam,2011-03-04,M,\n", Work.UPDATE)
    second = run_file("students", HEADER + "07,0123,100,,Diaz,Sam,2011-03-04,M,\n", Work.UPDATE)

    revert(second.run)
    revert(new.run)

    assert not Student.objects.exists()


@pytest.mark.parametrize(("ssid", "expected"), [("1234567", "1234567"), ("12345678901", None), ("12A", None)])
def test_id8_a_roster_brings_utah_ssids_of_one_to_ten_digits(district: Utah, ssid: str, expected: str | None) -> None:
    report = run_file("students", HEADER + f"07,0123,100,{ssid},Lee,Sam,2011-03-04,M,\n", Work.UPDATE)

    assert current(Student.objects.get()) == expected
    assert ("SSID-FORMAT" in report.codes()) is (expected is None)
    if expected is None:
        assert "one to ten digits" in report.issue("SSID-FORMAT")["message"]


def test_u7_staff_give_a_utah_ssid_by_hand(district: Utah) -> None:
    student = district.add("100")

    assign_ssid(student=student, ssid="1234567", user=None, reason="Found at the state site")

    assert SSID.objects.values_list("state", "ssid").get() == ("UT", "1234567")


def test_u7_by_hand_the_form_is_checked_as_well(district: Utah) -> None:
    with pytest.raises(SSIDRefusedError, match="one to ten digits"):
        assign_ssid(student=district.add("100"), ssid="12345678901", user=None)
