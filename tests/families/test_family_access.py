"""How long a family's account sees a student: to the district's yearly date, unless the school renews it."""

import datetime as dt
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from sisimport.runtime.chores import all_chores
from ssid.collection import family_notices
from students import families, family_access
from students.models import DistrictSettings, FamilyMember
from students.models.districts import validate_month_day
from tests.factories import EnrollmentFactory, SchoolFactory, StudentFactory, UserFactory

pytestmark = pytest.mark.django_db


def at(*day: int, hour: int = 12) -> dt.datetime:
    return timezone.make_aware(dt.datetime(*day, hour))  # type: ignore[arg-type, misc]  # noqa: DTZ001


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    """`clock(moment)` sets the time."""
    return lambda moment: monkeypatch.setattr(timezone, "now", lambda: moment)


@pytest.fixture
def member() -> FamilyMember:
    student = StudentFactory(first_name="Eva", last_name="Diaz", school=SchoolFactory(name="Cedar High"))
    made: FamilyMember = FamilyMember.objects.create(
        user=UserFactory(username="parent", email="p@example.org"), student=student, renewed_at=at(2026, 9, 1)
    )
    return made


def sees(member: FamilyMember) -> bool:
    return families.family_students(member.user).exists()


@pytest.mark.parametrize(
    ("now", "seen"),
    [(at(2027, 6, 30, hour=23), True), (at(2027, 7, 1, hour=0), False), (at(2028, 1, 1), False)],
    ids=["the last evening", "on July 1", "later"],
)
def test_an_account_ends_on_july_1_by_the_clock_of_the_district(
    member: FamilyMember, clock: Any, now: dt.datetime, seen: bool
) -> None:
    clock(now)
    assert sees(member) is seen
    assert (family_access.ends([member])[member.pk] or now.date()) == dt.date(2027, 7, 1)


def test_an_account_opened_shortly_before_lasts_another_year(member: FamilyMember, clock: Any) -> None:
    member.renewed_at = at(2027, 5, 20)
    member.save()
    clock(at(2027, 7, 2))
    assert sees(member)
    assert family_access.ends([member])[member.pk] == dt.date(2028, 7, 1)


@pytest.mark.parametrize(
    ("chosen", "now", "seen"),
    [("08-15", at(2027, 8, 14), True), ("08-15", at(2027, 8, 15), False), ("", at(2036, 1, 1), True)],
    ids=["before another date", "on another date", "switched off"],
)
def test_a_district_chooses_another_date_or_none(
    member: FamilyMember, clock: Any, chosen: str, now: dt.datetime, seen: bool
) -> None:
    DistrictSettings.objects.create(lea=member.student.lea, family_accounts_end=chosen)
    clock(now)
    assert sees(member) is seen


@pytest.mark.parametrize("text", ["7-1", "02-29", "13-01", "07/01", "0701"])
def test_a_date_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="07-01 is July 1"):
        validate_month_day(text)


def test_a_family_is_told_before_and_after(client: Client, member: FamilyMember, clock: Any) -> None:
    page = reverse("family_student", args=[member.student_id])

    def shown(*now: int, address: str = page, language: str = "en") -> str:
        clock(at(*now))
        client.force_login(member.user)
        return str(client.get(address, headers={"accept-language": language}).content.decode())

    assert "ends on" not in shown(2027, 5, 1)
    assert "ends on 7/1/2027" in shown(2027, 6, 2)
    assert "termina el 1 de julio de 2027" in shown(2027, 6, 2, language="es")
    assert "Eva" not in shown(2027, 7, 1)  # as if there were no such student
    assert "Diaz ended on 7/1/2027" in shown(2027, 7, 1, address=reverse("family"))


def test_a_family_with_an_address_gets_one_mail_for_each_end(
    member: FamilyMember, clock: Any, mailoutbox: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    FamilyMember.objects.create(
        user=UserFactory(email=""), student=StudentFactory(lea=member.student.lea), renewed_at=at(2026, 9, 1)
    )
    clock(at(2027, 5, 1))
    call_command("notify_families")
    assert mailoutbox == []
    clock(at(2027, 6, 2))
    for _again in range(2):
        call_command("notify_families", site="https://sis.example.org")

    (mail,) = mailoutbox
    assert mail.to == ["p@example.org"]
    assert mail.subject == "Your account ends on 7/1/2027 / Su cuenta termina el 1 de julio de 2027"
    (page,) = [text for text, kind in mail.alternatives if kind == "text/html"]
    assert '<div lang="es">' in page
    assert 'href="https://sis.example.org/family/"' in page
    assert "ends on 7/1/2027" in mail.body
    assert "1 de julio de 2027" in mail.body
    assert "https://sis.example.org/family/" in mail.body
    assert "Eva" not in mail.subject + mail.body
    assert "Notices sent: 1. Kept for an administrator: 0. Accounts without an address: 1." in capsys.readouterr().out


def test_the_workers_tell_families_once_a_day_and_each_once(
    member: FamilyMember, clock: Any, mailoutbox: list[Any], monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    """Whichever worker comes first on a day does it; what breaks off is continued at the next turn."""
    assert any(chore.name == "notices of family accounts that end" for chore in all_chores())
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    clock(at(2027, 6, 2))
    with monkeypatch.context() as broken:
        broken.setattr(family_notices, "notify_families", lambda **_site: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            family_notices.notify_once_a_day()

    first, second = family_notices.notify_once_a_day(), family_notices.notify_once_a_day()
    clock(at(2027, 6, 3))
    next_day = family_notices.notify_once_a_day()

    assert (first and first.sent, second, next_day and next_day.sent) == (1, None, 0)
    assert [mail.to for mail in mailoutbox] == [["p@example.org"]]
    assert "/family/" in mailoutbox[0].body


def test_one_action_renews_the_accounts_of_a_schools_enrolled_students(
    client: Client, member: FamilyMember, clock: Any
) -> None:
    school = member.student.school
    left = StudentFactory(school=school, lea=member.student.lea, enrollment=None)
    EnrollmentFactory(student=left, school=school, start_date=dt.date(2026, 8, 1), exit_date=dt.date(2026, 12, 1))
    gone = FamilyMember.objects.create(user=UserFactory(), student=left, renewed_at=at(2026, 9, 1))
    clock(at(2027, 7, 2))
    client.force_login(UserFactory(ssid_staff=True, schools=[school]))

    shown = client.get(reverse("families")).context["page"].object_list[0]
    assert (shown.students, shown.seen, shown.ended) == (1, 0, 1)
    answer = client.post(reverse("school_renew", args=[school.pk]), follow=True)

    assert "1 account of enrolled students is renewed for a year." in answer.content.decode()
    assert sees(member)
    assert not sees(gone)
    assert client.post(reverse("school_renew", args=[SchoolFactory().pk])).status_code == 404


def test_a_new_code_opens_an_account_that_ended(member: FamilyMember, clock: Any) -> None:
    clock(at(2027, 7, 2))
    invitation, _code = families.invite_family(students=[member.student], user=None)

    families.accept_invitation(invitation=invitation, user=member.user)

    assert sees(member)
