"""State profiles of LEAs (rules ID-1 and ID-8) and the command that sets them."""

import datetime as dt
import json

import pytest
from django.core.management import call_command

from students.models import LEA, SSID, StateProfile, Student
from students.profiles import PROFILES, StateChangeError, set_lea_state

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("state", "text", "expected"),
    [
        ("CA", "9012345678", True),
        ("CA", "901234567", False),
        ("CA", "90123456789", False),
        ("CA", "901234567٣", False),
        ("UT", "1", True),
        ("UT", "1234567", True),
        ("UT", "9012345678", True),
        ("UT", "90123456789", False),
        ("UT", "", False),
        ("UT", "12 34", False),
    ],
)
def test_id1_id8_the_form_of_an_ssid_depends_on_the_state(state: str, text: str, expected: bool) -> None:
    assert PROFILES[StateProfile(state)].is_ssid(text) is expected


def test_a_state_can_be_set_before_the_roster_brings_the_lea(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("set_lea", "07", "--state", "UT", "--name", "Canyon District", "--json")

    assert json.loads(capsys.readouterr().out) == {
        "lea": "07",
        "name": "Canyon District",
        "state": "UT",
        "created": True,
    }
    assert LEA.objects.get(code="07").state == "UT"


def with_ssid(ssid: str, state: str) -> Student:
    lea = LEA.objects.create(code="07", state=state)
    student = Student.objects.create(
        lea=lea, local_number="1", last_name="Lee", first_name="Sam", birth_date=dt.date(2011, 3, 4)
    )
    SSID.objects.create(student=student, ssid=ssid, state=state, origin="roster")
    return student


def test_ssids_move_along_when_the_state_changes() -> None:
    student = with_ssid("9012345678", "CA")

    set_lea_state(code="07", state=StateProfile.UTAH)

    assert SSID.objects.get(student=student).state == "UT"


def test_id1_a_state_whose_form_the_ssids_do_not_have_is_refused() -> None:
    student = with_ssid("1234567", "UT")

    with pytest.raises(StateChangeError, match="1 SSIDs"):
        set_lea_state(code="07", state=StateProfile.CALIFORNIA)

    assert SSID.objects.get(student=student).state == LEA.objects.get(code="07").state == "UT"


def test_id5_a_state_where_another_student_has_the_number_is_refused() -> None:
    with_ssid("9012345678", "CA")
    other = LEA.objects.create(code="08", state="UT")
    holder = Student.objects.create(lea=other, local_number="1", last_name="Roe", birth_date=dt.date(2011, 3, 4))
    SSID.objects.create(student=holder, ssid="9012345678", state="UT", origin="staff")

    with pytest.raises(StateChangeError, match="belong to other students"):
        set_lea_state(code="07", state=StateProfile.UTAH)

    assert LEA.objects.get(code="07").state == "CA"


def test_a_code_that_is_none_is_refused() -> None:
    with pytest.raises(SystemExit) as stopped:
        call_command("set_lea", "Canyon", "--state", "UT")

    assert stopped.value.code == 2
