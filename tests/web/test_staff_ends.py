"""Yearly ends of staff accounts: told before, never the last admin, renewed on the page People."""

import datetime as dt
import json
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from sisimport.accounts import people, staff_ends
from sisimport.accounts.access import IMPORT_ADMIN
from sisimport.accounts.models import DirectoryAccess
from sisimport.runtime.chores import all_chores
from students.models import DistrictSettings, School, StaffAccess
from tests.factories import LEAFactory, SchoolFactory, UserFactory

pytestmark = pytest.mark.django_db
User = get_user_model()


def at(*when: int) -> dt.datetime:
    return timezone.make_aware(dt.datetime(*when, 12))  # type: ignore[arg-type, misc]  # noqa: DTZ001


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    def set_to(*day: int) -> None:
        monkeypatch.setattr(timezone, "now", lambda: at(*day))

    return set_to


@pytest.fixture
def school() -> School:
    made: School = SchoolFactory()
    DistrictSettings.objects.create(lea=made.lea, staff_accounts_end="07-01")
    return made


def someone(school: School, *renewed: int, **more: Any) -> Any:
    user = UserFactory(**{"registrar": True, "schools": [school]} | more)
    StaffAccess.objects.filter(user=user).update(renewed_at=at(*renewed or (2026, 9, 1)))
    return user


def may_sign_in(user: Any) -> bool:
    return bool(User.objects.get(pk=user.pk).is_active)


def tidy(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    capsys.readouterr()
    call_command("end_staff_accounts", "--json", *words)
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.parametrize(("day", "active"), [((2027, 6, 30), True), ((2027, 7, 1), False), ((2027, 9, 1), False)])
def test_an_account_ends_on_the_day_and_its_sessions_with_it(
    client: Client, school: School, clock: Any, day: tuple[int, ...], active: bool
) -> None:
    user = someone(school)
    clock(*day)
    client.force_login(user)
    staff_ends.notify_and_end()

    assert may_sign_in(user) is active
    assert client.get(reverse("home")).status_code == (200 if active else 302)


def test_an_account_opened_shortly_before_lasts_another_year(school: School, clock: Any) -> None:
    user = someone(school, 2027, 5, 20)
    clock(2027, 7, 2)
    staff_ends.notify_and_end()

    assert may_sign_in(user)
    assert staff_ends.end_of(user) == dt.date(2028, 7, 1)


def test_without_a_date_of_the_district_nobody_ends(school: School, clock: Any) -> None:
    DistrictSettings.objects.update(staff_accounts_end="")
    user, clocked = someone(school), clock(2030, 1, 1)
    staff_ends.notify_and_end()

    assert clocked is None
    assert may_sign_in(user)


def test_of_several_districts_the_latest_end_counts_and_one_without_is_none(school: School, clock: Any) -> None:
    later, never = (SchoolFactory(lea=LEAFactory(code=code)) for code in ("2234567", "3234567"))
    DistrictSettings.objects.create(lea=later.lea, staff_accounts_end="08-15")
    both, free = someone(school, schools=[school, later]), someone(school, schools=[school, never])
    clock(2027, 8, 1)
    staff_ends.notify_and_end()
    assert may_sign_in(both)
    clock(2027, 8, 15)
    staff_ends.notify_and_end()

    assert (may_sign_in(both), may_sign_in(free)) == (False, True)


@pytest.mark.parametrize("who", ["superuser", "program", "directory"])
def test_who_is_never_ended(school: School, clock: Any, who: str) -> None:
    user = someone(school, is_superuser=who == "superuser")
    if who == "program":
        user.set_unusable_password()
        user.save()
    if who == "directory":
        DirectoryAccess.objects.create(user=user)
    clock(2027, 7, 2)
    staff_ends.notify_and_end()

    assert may_sign_in(user)


def test_the_last_import_admin_of_a_school_is_kept(
    school: School, clock: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    other = SchoolFactory(lea=school.lea)
    early, late = (someone(school, registrar=False, import_admin=True) for _ in range(2))
    User.objects.filter(pk=early.pk).update(last_login=at(2026, 10, 1))
    User.objects.filter(pk=late.pk).update(last_login=at(2027, 6, 1))
    limited = someone(school, registrar=False, group=IMPORT_ADMIN, schools=[other])
    User.objects.filter(pk=limited.pk).update(last_login=at(2027, 5, 1))
    clock(2027, 7, 2)

    looked = tidy(capsys, "--dry-run")
    assert may_sign_in(early)
    done = tidy(capsys)

    assert looked == done
    assert (done["ended"], done["kept"]) == ([early.username, limited.username], [late.username])
    assert (may_sign_in(early), may_sign_in(late), may_sign_in(limited)) == (False, True, False)


def test_an_admin_of_some_schools_is_kept_where_nobody_else_is(school: School, clock: Any) -> None:
    admin = someone(school, registrar=False, group=IMPORT_ADMIN)
    clock(2027, 7, 2)
    staff_ends.notify_and_end()
    assert may_sign_in(admin)

    UserFactory(is_superuser=True)
    staff_ends.notify_and_end()
    assert not may_sign_in(admin)


def test_each_is_reported_once_by_mail_in_the_month_before(school: School, clock: Any, mailoutbox: list[Any]) -> None:
    user = someone(school)
    clock(2027, 5, 30)
    staff_ends.notify_and_end()
    assert mailoutbox == []
    clock(2027, 6, 2)
    for _again in range(2):
        staff_ends.notify_and_end(site="https://sis.example.org")

    (mail,) = mailoutbox
    assert mail.to == [user.email]
    assert mail.subject.endswith("ends on 7/1/2027")
    assert "https://sis.example.org/people/" in mail.body


def test_the_workers_do_it_once_a_day(school: School, clock: Any, settings: Any) -> None:
    assert any(chore.name == "yearly ends of staff accounts" for chore in all_chores())
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    user = someone(school)
    clock(2027, 7, 1)

    first, second = staff_ends.once_a_day(), staff_ends.once_a_day()

    assert first is not None
    assert (first.ended, second) == ([user.username], None)


def test_an_admin_renews_all_on_the_page_people(client: Client, school: School, clock: Any) -> None:
    admin = UserFactory(import_admin=True, is_superuser=True)
    soon, gone, put_out = someone(school), someone(school), someone(school)
    people.deactivate(person=put_out, giver=None)
    clock(2027, 7, 2)
    StaffAccess.objects.filter(user=soon).update(renewed_at=at(2027, 6, 25))
    staff_ends.notify_and_end()
    client.force_login(admin)

    page = client.get(reverse("people")).content.decode()
    assert "1 account ends within 30 days, or ended on the yearly date" in page
    assert "ended on 7/1/2027" in page
    client.post(reverse("people"), {"renew": "1"})

    assert (may_sign_in(gone), may_sign_in(put_out)) == (True, False)
    assert staff_ends.end_of(gone) == dt.date(2028, 7, 1)
    assert "on the yearly date" not in client.get(reverse("people")).content.decode()


def test_one_account_is_renewed_on_its_page(client: Client, school: School, clock: Any) -> None:
    user = someone(school)
    clock(2027, 6, 10)
    client.force_login(UserFactory(import_admin=True, is_superuser=True))
    assert "7/1/2027" in client.get(reverse("person", args=[user.pk])).content.decode()

    client.post(reverse("person", args=[user.pk]), {"renew": "1"})

    assert staff_ends.end_of(user) == dt.date(2028, 7, 1)


def test_nobody_renews_their_own_account_or_one_with_more(client: Client, school: School, clock: Any) -> None:
    admin = someone(school, registrar=False, group=IMPORT_ADMIN, is_staff=True)
    more = someone(school, registrar=False, import_admin=True)
    Group.objects.get_or_create(name=IMPORT_ADMIN)
    clock(2027, 6, 10)

    assert staff_ends.to_renew(admin) == []
    for person in (admin, more):
        with pytest.raises(people.PeopleError):
            staff_ends.renew_one(person=person, giver=admin)


def test_letting_somebody_in_again_is_a_renewal(school: School, clock: Any) -> None:
    user = someone(school)
    clock(2027, 7, 2)
    staff_ends.notify_and_end()
    assert not may_sign_in(user)

    people.reactivate(person=user, giver=None)
    staff_ends.notify_and_end()

    assert may_sign_in(user)
