"""How long sessions last, and what ends them."""

import time
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from allauth.usersessions.models import UserSession
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from sisimport.accounts import people
from sisimport.accounts.access import REGISTRAR, VIEWER
from tests.factories import PASSWORD, SchoolFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _limits(settings: Any) -> None:
    settings.SESSION_IDLE_SECONDS = 1800


@pytest.fixture
def rosa() -> Any:
    return UserFactory(registrar=True, all_schools=True, username="rosa")


def sign_in(name: str = "rosa", password: str = PASSWORD) -> Client:
    browser = Client(headers={"User-Agent": "Firefox"})
    answer = browser.post(reverse("account_login"), {"login": name, "password": password})
    assert answer.status_code == 302
    assert browser.get(reverse("home")).status_code == 200
    return browser


def is_in(browser: Client) -> bool:
    return browser.get(reverse("home")).status_code == 200


def later(browser: Client, **kept: float) -> None:
    """As if this many seconds had gone by since the session began, or was seen."""
    session = browser.session
    for name, seconds in kept.items():
        session[name] = time.time() - seconds
    session.save()


def test_a_session_ends_after_half_an_hour_of_nothing(rosa: Any) -> None:
    browser = sign_in()
    later(browser, began=7000, seen=1700)
    assert is_in(browser)
    assert time.time() - browser.session["seen"] < 60  # being asked for counts
    later(browser, seen=1900)

    answer = browser.get(reverse("runs"), follow=True)

    assert answer.redirect_chain[-1][0] == f"{reverse('account_login')}?next={reverse('runs')}"
    assert "because you were inactive for a while" in answer.content.decode()
    assert "because you were inactive" not in browser.get(reverse("account_login")).content.decode()


def test_a_session_ends_after_twelve_hours_in_any_case(rosa: Any) -> None:
    browser = sign_in()
    later(browser, began=12 * 3600 - 60)
    assert is_in(browser)
    later(browser, began=12 * 3600 + 1)
    assert "a session ends after several hours" in browser.get(reverse("home"), follow=True).content.decode()


def test_a_page_that_watches_a_run_keeps_no_session(rosa: Any) -> None:
    browser = sign_in()
    later(browser, seen=900)
    browser.get(reverse("run_status", args=[1]))
    assert time.time() - browser.session["seen"] > 800
    assert browser.get(reverse("stay_signed_in")).status_code == 204
    assert time.time() - browser.session["seen"] < 60


def test_own_sessions_are_listed_and_the_others_ended(rosa: Any) -> None:
    here, there = sign_in(), sign_in()

    page = here.get(reverse("usersessions_list")).content.decode()
    assert page.count("Firefox") == 2
    assert page.count("this one") == 1
    assert here.post(reverse("usersessions_list")).status_code == 302

    assert is_in(here)
    assert not is_in(there)
    assert UserSession.objects.count() == 1


def test_another_password_ends_all_others(rosa: Any) -> None:
    here, there = sign_in(), sign_in()
    sent = {"oldpassword": PASSWORD, "password1": "cedar-lake-horse-9", "password2": "cedar-lake-horse-9"}
    assert here.post(reverse("account_change_password"), sent).status_code == 302
    assert is_in(here)
    assert not is_in(there)


def test_another_second_factor_ends_all_others(rosa: Any, django_capture_on_commit_callbacks: Any) -> None:
    from allauth.mfa.totp.internal import auth as totp

    here, there = sign_in(), sign_in()
    here.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    here.get(reverse("mfa_activate_totp"))
    secret = here.session["mfa.totp.secret"]
    code = totp.format_hotp_value(totp.hotp_value(secret, next(totp.yield_hotp_counters_from_time())))
    with django_capture_on_commit_callbacks(execute=True):
        answer = here.post(reverse("mfa_activate_totp"), {"code": code})
    assert answer.status_code == 302
    assert rosa.authenticator_set.exists(), answer.url
    assert is_in(here)
    assert not is_in(there)


@pytest.mark.parametrize("what", ["roles", "schools", "nothing"])
def test_other_roles_or_schools_end_all(what: str, rosa: Any) -> None:
    browser = sign_in()

    people.change_person(
        person=rosa,
        roles=[VIEWER] if what == "roles" else [REGISTRAR],
        schools=[SchoolFactory()] if what == "schools" else [],
        all_schools=what != "schools",
        giver=None,
    )

    assert is_in(browser) is (what == "nothing")


@pytest.mark.parametrize("what", ["groups", "nothing"])
def test_other_roles_in_the_admin_end_all(what: str, rosa: Any, client: Client) -> None:
    browser = sign_in()
    client.force_login(UserFactory(is_superuser=True, is_staff=True))
    role = VIEWER if what == "groups" else REGISTRAR
    sent: dict[str, Any] = {"username": "rosa", "is_active": "on", "groups": [Group.objects.get(name=role).pk]}
    sent |= {"date_joined_0": "2026-01-01", "date_joined_1": "08:00:00"}
    sent |= {"access-TOTAL_FORMS": "1", "access-INITIAL_FORMS": "1", "access-0-id": rosa.access.pk}
    sent |= {"access-0-user": rosa.pk, "access-0-all_schools": "on"}
    answer = client.post(reverse("admin:auth_user_change", args=[rosa.pk]), sent)
    assert answer.status_code == 302, answer.context["errors"]

    assert is_in(browser) is (what == "nothing")


def test_someone_who_is_deactivated_is_out_at_once(rosa: Any) -> None:
    browser = sign_in()
    people.deactivate(person=rosa, giver=None)
    assert not is_in(browser)


def test_the_page_warns_before(rosa: Any, settings: Any) -> None:
    browser = sign_in()
    page = browser.get(reverse("home")).content.decode()
    assert 'data-seconds="1800"' in page
    settings.SESSION_IDLE_SECONDS = 0
    assert 'id="idle"' not in browser.get(reverse("home")).content.decode()


def test_signing_in_works_without_an_address(rosa: Any) -> None:
    """A web server on a socket of the file system names none."""
    browser = Client(REMOTE_ADDR="")
    assert browser.post(reverse("account_login"), {"login": "rosa", "password": PASSWORD}).status_code == 302
    TOTP.activate(rosa, generate_totp_secret())


def test_another_secret_key_ends_no_session_while_the_former_one_is_named(rosa: Any, settings: Any) -> None:
    browser, other = sign_in(), sign_in()
    former = settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "n" * 50, [former]
    assert is_in(browser)
    assert is_in(browser)  # signed again by now
    settings.SECRET_KEY_FALLBACKS = []
    assert is_in(browser)
    assert not is_in(other)
