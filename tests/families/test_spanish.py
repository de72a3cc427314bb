"""Pages of families and the way in, in Spanish: no English sentence is left on any of them, in any state.

Every step is taken twice by people with the same data, in English and in Spanish. A text that is the same in both is either data
(a name, a number) or was forgotten.
"""

import datetime as dt
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from allauth.account.forms import default_token_generator
from allauth.account.models import EmailAddress
from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

from assessments.models import Assessment, Score
from students import collection, families
from students.models import AnnualEnrollment, CollectionPolicy, FamilyMember, ReportedSSID, SecondCheck
from tests.accounts.waiting import wait_for_outbox
from tests.factories import PASSWORD, ELRecordFactory, SchoolFactory, SSIDFactory, StudentFactory, UserFactory

pytestmark = pytest.mark.django_db

Steps = Iterator[tuple[str, Any]]
# The same in both languages, and right so.
DATA = {
    "SIS Import", "SSID", "Español", "English", "Cedar High", "Eva Diaz", "Ana Diaz", "eva@example.org",
    "marisol", "family-diaz", "family-diaz@example.org",
    "Total", "Error", "No",
}  # fmt: skip
_SPOKEN = ("aria-label", "alt", "title", "placeholder", "data-label")
# Words that no Spanish sentence has: for texts that hold something else in each language.
_ENGLISH = {"the", "your", "you", "is", "are", "please", "of", "and", "with", "this", "not", "been", "for", "or"}
_WORD = re.compile(r"[A-Za-zÁÉÍÓÚÑáéíóúñ]{2,}")


class Texts(HTMLParser):
    """What a page says: its text and the attributes that are read out."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.said: list[str] = []
        self._silent = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in ("script", "style")
        self.said += [value for name, value in attrs if name in _SPOKEN and value]

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        text = " ".join(data.split())
        if text and not self._silent:
            self.said.append(text)


def _said(answer: Any) -> list[str]:
    texts = (text.removesuffix(" · SIS Import") for text in Texts(answer.content.decode()).said)
    return [text for text in texts if _WORD.search(text) and text not in DATA]


def _speaking(language: str, **more: Any) -> Client:
    return Client(headers={"Accept-Language": f"{language},en;q=0.5" if language != "en" else "en"}, **more)


def way_in(language: str) -> Steps:
    """Pages before one is signed in, with their mistakes."""
    client = _speaking(language)
    user = UserFactory(email="eva@example.org")
    login, reset = reverse("account_login"), reverse("account_reset_password")
    yield "sign in", client.get(login)
    yield "sign in, nothing typed", client.post(login, {})
    yield "sign in, wrong password", client.post(login, {"login": user.username, "password": "wrong"})
    yield "reset", client.get(reset)
    yield "reset, nothing typed", client.post(reset, {})
    yield "reset, no address", client.post(reset, {"email": "x"})
    yield "reset, sent", client.post(reset, {"email": "eva@example.org"}, follow=True)
    key = [user_pk_to_url_str(user), default_token_generator.make_token(user)]
    name = "account_reset_password_from_key"
    yield "reset, wrong link", client.get(reverse(name, args=[key[0], "x-y"]))
    page = client.get(reverse(name, args=key), follow=True)
    yield "new password", page
    address = page.redirect_chain[-1][0]
    yield "new password, too easy", client.post(address, {"password1": "12345678", "password2": "12345678"})
    yield "new password, two different", client.post(address, {"password1": "sdf76sdfg", "password2": "other-one"})
    yield "new password, nothing typed", client.post(address, {})
    passphrase = "an-invented-passphrase"
    yield "new password, saved", client.post(address, {"password1": passphrase, "password2": passphrase}, follow=True)
    yield "no sign-up", client.get(reverse("account_signup"))
    yield "closed account", client.get(reverse("account_inactive"))
    yield "not found", client.get("/family/nothing/")
    strict = _speaking(language, enforce_csrf_checks=True)
    yield "open too long", strict.post(login, {})


def joining(language: str) -> Steps:
    client = _speaking(language)
    join = reverse("family_join")
    code = families.invite_family(
        students=[StudentFactory(first_name="Eva", middle_name="", last_name="Diaz")], user=None
    )[1]
    UserFactory(username="marisol")
    yield "code", client.get(join)
    yield "code, unknown", client.post(join, {"code": "guessed"})
    yield "new account", client.post(join, {"code": code}, follow=True)
    yield "new account, nothing typed", client.post(join, {"username": "", "password": ""})
    yield "new account, too easy", client.post(join, {"username": "marisol", "password": "12345678"})
    yield "new account, a number", client.post(join, {"username": "9012345678", "password": "password"})
    yield "new account, odd signs", client.post(join, {"username": "a b", "password": "a-b"})
    yield (
        "joined",
        client.post(join, {"username": "eva-diaz", "password": "an-invented-passphrase"}, follow=True),
    )
    sister = families.invite_family(
        students=[StudentFactory(first_name="Ana", middle_name="", last_name="Diaz")], user=None
    )[1]
    yield "one more student", client.post(join, {"code": sister}, follow=True)
    yield "two students", client.post(join, {}, follow=True)


def at_home(language: str) -> Steps:
    """The student's pages in all their states."""
    school, parent = SchoolFactory(name="Cedar High"), UserFactory()
    child = StudentFactory(
        first_name="Eva", middle_name="", last_name="Diaz", school=school, grade="05", birth_date=dt.date(2014, 3, 8)
    )
    FamilyMember.objects.create(user=parent, student=child)
    CollectionPolicy.objects.all().delete()
    policy = CollectionPolicy.objects.create(pk=1)
    client = _speaking(language)
    client.force_login(parent)

    def student() -> Any:
        return client.get(reverse("family_student", args=[child.pk]))

    yield "nothing on record", student()
    yield "may not enter it", client.get(reverse("family_ssid", args=[child.pk]), follow=True)
    policy.families_may_enter = policy.online_enrollment = True
    policy.required_from = dt.date(2015, 7, 1)
    policy.save()
    enter = reverse("family_ssid", args=[child.pk])
    yield "enter it", client.get(enter)
    yield "enter it, nothing typed", client.post(enter, {"ssid": ""})
    yield "enter it, too short", client.post(enter, {"ssid": "12"})
    yield "enter it, too long", client.post(enter, {"ssid": "1" * 40})
    yield "entered", client.post(enter, {"ssid": "9012345678"}, follow=True)
    ReportedSSID.objects.all().delete()
    SSIDFactory(student=child, ssid={"en": "9012345671", "es": "9012345672"}[language], verified=False)
    _scores(child)
    for status in ("EL", "Exited EL", "Pending", "Not EL", "EO"):
        child_el = ELRecordFactory(student=child, program_status=status, identified_date=dt.date(2019, 9, 3))
        yield f"EL status {status}", student()
        child_el.delete()
    yield "SSID shown", client.post(reverse("family_student", args=[child.pk]), {"show": ""})
    enroll = reverse("family_enroll", args=[child.pk])
    yield "enroll", client.get(enroll)
    for number in range(6):
        yield f"enroll, wrong number {number}", client.post(enroll, {"ssid": "9999999999"})
    SecondCheck.objects.all().delete()
    child.ssids.update(verified=True)
    yield "enrolled", client.post(enroll, {"ssid": child.ssids.get().ssid}, follow=True)
    form = AnnualEnrollment.objects.get(student=child)
    collection.approve_enrollment(form=form, user=parent)
    yield "approved", student()
    for grade in ("TK", "KN", "UE", "US", "AD", "PS", "IN", "TD"):
        child.grade = grade
        child.save(update_fields=["grade"])
        yield f"grade {grade}", student()
    yield "a page of the staff", client.get(reverse("students"))
    yield "somebody else's", client.get(reverse("family_student", args=[999_999]))
    yield "no such page", client.get("/nothing/")


def _scores(child: Any) -> None:
    names = {"4": "Standard Exceeded", "3": "Standard Met", "2": "Standard Nearly Met", "1": "Standard Not Met"}
    results = [{"code": code, "name": name, "passing": code > "2"} for code, name in names.items()]
    test, _new = Assessment.objects.get_or_create(
        state_code="SBELA", name="Smarter Balanced for ELA", defaults={"shown_to_families": True, "results": results}
    )
    part, _new = Assessment.objects.get_or_create(
        state_code="SBELA-R", name="Reading", parent=test, defaults={"shown_to_families": True}
    )
    more = {"student": child, "grade": "05"}
    Score.objects.create(assessment=test, school_year=2023, scale_score="2433", result="1", **more)
    Score.objects.create(assessment=test, school_year=2024, scale_score="2540", result="3", **more)
    Score.objects.create(assessment=part, school_year=2024, raw_score="7", **more)
    Score.objects.create(assessment=test, school_year=2025, status="NT", **more)


def account(language: str) -> Steps:
    """The account of a family: password, address, second factor."""
    parent = UserFactory(username="family-diaz")
    FamilyMember.objects.create(user=parent, student=StudentFactory())
    client = _speaking(language)
    client.post(reverse("account_login"), {"login": parent.username, "password": PASSWORD})
    yield "account", client.get(reverse("account"))
    change = reverse("account_change_password")
    yield "password", client.get(change)
    yield "password, nothing typed", client.post(change, {})
    wrong = {"oldpassword": "wrong", "password1": "12345678", "password2": "87654321"}
    yield "password, mistakes", client.post(change, wrong)
    good = {"oldpassword": PASSWORD, "password1": "an-invented-passphrase", "password2": "an-invented-passphrase"}
    yield "password, changed", client.post(change, good, follow=True)
    email = reverse("account_email")
    yield "address, none", client.get(email)
    yield "address, not one", client.post(email, {"action_add": "", "email": "x"})
    yield "address, added", client.post(email, {"action_add": "", "email": "eva@example.org"}, follow=True)
    EmailAddress.objects.update(verified=True)
    yield (
        "address, primary",
        client.post(email, {"action_primary": "", "email": "eva@example.org"}, follow=True),
    )
    yield "second factor", client.get(reverse("mfa_index"))
    session = client.session
    session["account_authentication_methods"] = []  # as if it had been long ago
    session.save()
    again, app = reverse("account_reauthenticate"), reverse("mfa_activate_totp")
    yield "who are you?", client.get(app, follow=True)
    yield "who are you?, wrong", client.post(again, {"password": "wrong"})
    client.post(again, {"password": "an-invented-passphrase"})
    yield "second factor, app", client.get(app)
    yield "second factor, wrong code", client.post(app, {"code": "123456"})
    TOTP.activate(parent, generate_totp_secret())
    RecoveryCodes.activate(parent)
    yield "second factor, on", client.get(reverse("mfa_index"))
    yield "recovery codes", client.get(reverse("mfa_view_recovery_codes"))
    yield "recovery codes, new ones", client.get(reverse("mfa_generate_recovery_codes"))
    yield "second factor, off?", client.get(reverse("mfa_deactivate_totp"))
    yield "sign out?", client.get(reverse("account_logout"))
    session = client.session
    session["account_authentication_methods"] = []
    session.save()
    yield "who are you?, code", client.get(reverse("mfa_reauthenticate"))
    yield "who are you?, wrong code", client.post(reverse("mfa_reauthenticate"), {"code": "123456"})
    newcomer = _speaking(language)
    sign_in = {"login": parent.username, "password": "an-invented-passphrase"}
    yield "code asked", newcomer.post(reverse("account_login"), sign_in, follow=True)
    yield "code asked, wrong", newcomer.post(reverse("mfa_authenticate"), {"code": "123456"})
    yield "signed out", client.post(reverse("account_logout"), follow=True)


@pytest.mark.parametrize("steps", [way_in, joining, at_home, account], ids=lambda steps: steps.__name__)
def test_no_english_sentence_is_left(steps: Any, settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = False
    english = {name: (answer.status_code, _said(answer)) for name, answer in steps("en")}
    get_user_model().objects.all().delete()  # the Spanish people have the same names

    forgotten = {}
    for name, answer in steps("es"):
        assert answer.status_code == english[name][0], name
        assert '<html lang="es">' in answer.content.decode(), name
        said = _said(answer)
        left = {text for text in said if text in english[name][1] or _ENGLISH & set(text.lower().split())}
        if left:
            forgotten[name] = sorted(left)

    assert forgotten == {}


@pytest.mark.django_db(transaction=True)
def test_the_message_of_a_password_reset_is_in_spanish(mailoutbox: list[Any]) -> None:
    UserFactory(email="eva@example.org")

    _speaking("es").post(reverse("account_reset_password"), {"email": "eva@example.org"})
    wait_for_outbox()

    text = f"{mailoutbox[0].subject} {mailoutbox[0].body}"
    assert "contraseña" in text
    assert _ENGLISH & set(text.lower().split()) == set()


def test_pages_of_staff_stay_english_whatever_the_browser_says() -> None:
    client = _speaking("es")
    client.force_login(UserFactory(import_admin=True))

    for name in ("home", "account_change_password", "collection_policy"):
        page = client.get(reverse(name)).content.decode()
        assert '<html lang="en">' in page
        assert "contraseña" not in page
    missing = client.get("/runs/999999/").content.decode()
    assert "students and runs of other schools are not shown" in missing


def test_the_language_is_switched_by_a_button_and_kept() -> None:
    client = _speaking("en")
    page = client.get(reverse("account_login")).content.decode()
    assert 'name="language" value="es"' in page

    client.post(reverse("set_language"), {"language": "es", "next": reverse("account_login")})

    assert '<html lang="es">' in client.get(reverse("account_login")).content.decode()
    assert client.cookies[settings.LANGUAGE_COOKIE_NAME]["max-age"] == settings.LANGUAGE_COOKIE_AGE


def test_the_page_of_our_own_failure_is_in_the_readers_language(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_token: str) -> None:
        raise RuntimeError

    monkeypatch.setattr(families, "find_invitation", fail)
    client = _speaking("es", raise_request_exception=False)

    answer = client.post(reverse("family_join"), {"code": "x"})

    assert answer.status_code == 500
    assert '<html lang="es">' in answer.content.decode()
    assert "Algo salió mal por nuestra parte" in answer.content.decode()
