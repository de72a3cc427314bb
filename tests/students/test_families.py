"""Accounts of families: invitations, whose students they see, and the second check (rules M-4, M-8)."""

import datetime as dt

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from students import families
from students.families import CheckLockedError, InvitationRefusedError
from students.models import FamilyInvitation, School, SecondCheck
from tests.students.people import school, student, user

pytestmark = pytest.mark.django_db

NUMBER, WRONG = "9012345678", "9012345679"


@pytest.fixture
def oak() -> School:
    return school()


def test_an_invitation_opens_an_account_for_its_students(oak: School) -> None:
    sam, ana = student(oak, "1"), student(oak, "2")
    student(oak, "3")
    invitation, _code = families.invite_family(students=[sam, ana], user=None)

    parent = families.accept_invitation(invitation=invitation, username="lee", password="an invented passphrase")

    assert set(families.family_students(parent)) == {sam, ana}
    assert families.is_family(parent)


def test_the_secret_of_an_invitation_is_not_kept(oak: School) -> None:
    invitation, code = families.invite_family(students=[student(oak)], user=None)
    kept = str(FamilyInvitation.objects.filter(pk=invitation.pk).values().get())
    assert code not in kept
    assert code.replace("-", "") not in kept


def test_a_code_is_found_however_it_was_typed(oak: School) -> None:
    invitation, code = families.invite_family(students=[student(oak)], user=None)
    for typed in (code, code.lower(), code.replace("-", " "), f" {code.replace('-', '')} "):
        assert families.find_invitation(typed) == invitation


def test_codes_are_long_and_random(oak: School) -> None:
    codes = {families.invite_family(students=[], user=None)[1] for _ in range(20)}
    assert len(codes) == 20
    assert {len(code.replace("-", "")) for code in codes} == {20}


def test_an_invitation_is_valid_once(oak: School) -> None:
    invitation, _code = families.invite_family(students=[student(oak)], user=None)
    families.accept_invitation(invitation=invitation, user=user("first"))

    with pytest.raises(InvitationRefusedError):
        families.accept_invitation(invitation=invitation, username="second", password="an invented passphrase")

    assert not get_user_model().objects.filter(username="second").exists()


@pytest.mark.parametrize("state", ["expired", "withdrawn", "used"])
def test_an_invitation_that_is_not_open_is_refused(oak: School, state: str) -> None:
    invitation, code = families.invite_family(students=[student(oak)], user=None)
    if state == "expired":
        FamilyInvitation.objects.update(expires_at=timezone.now() - dt.timedelta(seconds=1))
    elif state == "withdrawn":
        families.withdraw_invitation(invitation=invitation)
    else:
        families.accept_invitation(invitation=invitation, user=user("first"))

    assert families.find_invitation(code) is None
    assert families.open_invitation(invitation.pk) is None
    with pytest.raises(InvitationRefusedError):
        families.accept_invitation(invitation=invitation, user=user())


def test_an_unknown_code_finds_nothing(oak: School) -> None:
    families.invite_family(students=[student(oak)], user=None)
    for typed in ("", "guessed", "AAAAA-AAAAA-AAAAA-AAAAA"):
        assert families.find_invitation(typed) is None


def test_a_second_invitation_adds_a_student_to_the_account(oak: School) -> None:
    sam, ana, parent = student(oak, "1"), student(oak, "2"), user()
    for one in (sam, ana):
        families.accept_invitation(invitation=families.invite_family(students=[one], user=None)[0], user=parent)
    assert set(families.family_students(parent)) == {sam, ana}


def test_a_closed_account_sees_nobody(oak: School) -> None:
    parent = families.accept_invitation(
        invitation=families.invite_family(students=[student(oak)], user=None)[0], user=user()
    )
    parent.is_active = False
    assert not families.family_students(parent).exists()


def test_m4_the_students_own_verified_ssid_passes(oak: School) -> None:
    assert families.pass_second_check(student=student(oak, ssid=NUMBER), ssid="9012 345 678", user=user())


@pytest.mark.parametrize("case", ["wrong", "none on record", "not verified", "retired", "another student's"])
def test_m4_anything_else_does_not(oak: School, case: str) -> None:
    student(oak, "1", ssid=WRONG)
    sam = student(oak, "2", ssid="" if case == "none on record" else NUMBER, verified=case != "not verified")
    if case == "retired":
        sam.ssids.update(retired_at=timezone.now())
    typed = {"wrong": "9012345670", "another student's": WRONG}.get(case, NUMBER)

    assert families.pass_second_check(student=sam, ssid=typed, user=user()) is False


def test_m4_the_number_on_record_changes_nothing_in_what_is_asked_of_the_database(oak: School) -> None:
    parent = user()
    statements = []
    for who in (student(oak, "1", ssid=NUMBER), student(oak, "2"), student(oak, "3", ssid=WRONG, verified=False)):
        with CaptureQueriesContext(
            connection,
        ) as captured:
            families.pass_second_check(student=who, ssid="1111111111", user=parent)
        statements.append([q["sql"].split(" WHERE ")[0][:80] for q in captured if "SAVEPOINT" not in q["sql"]])
    assert statements[0] == statements[1] == statements[2]


def test_m4_five_wrong_numbers_lock_the_account_even_for_the_right_one(oak: School) -> None:
    sam, parent = student(oak, ssid=NUMBER), user()
    for _ in range(5):
        families.pass_second_check(student=sam, ssid=WRONG, user=parent)

    with pytest.raises(CheckLockedError):
        families.pass_second_check(student=sam, ssid=NUMBER, user=parent)

    assert families.check_locked_until(parent) is not None
    assert families.check_locked_until(user("somebody else")) is None


def test_m4_the_lock_is_of_all_students_of_the_account_together(oak: School) -> None:
    sam, ana, parent = student(oak, "1", ssid=NUMBER), student(oak, "2"), user()
    for who in (sam, ana, sam, ana, sam):
        families.pass_second_check(student=who, ssid=WRONG, user=parent)
    with pytest.raises(CheckLockedError):
        families.pass_second_check(student=ana, ssid=NUMBER, user=parent)


def test_m4_the_lock_ends_automatically(oak: School) -> None:
    sam, parent = student(oak, ssid=NUMBER), user()
    for _ in range(5):
        families.pass_second_check(student=sam, ssid=WRONG, user=parent)
    SecondCheck.objects.update(at=timezone.now() - families.LOCKED_FOR)

    assert families.pass_second_check(student=sam, ssid=NUMBER, user=parent)
