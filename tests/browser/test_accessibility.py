"""Every page of the product, looked at by axe-core: wide and narrow, light and dark. No violation, no broken content policy.

The admin's pages are in test_admin_accessibility.py.
"""

from collections.abc import Callable
from typing import Any

import pytest
from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.urls import reverse
from playwright.sync_api import expect

from sisimport.accounts import people
from students import families
from students.models import School
from tests.browser.district import (
    FAMILY_PAGES,
    NO_PAGES,
    OPEN_PAGES,
    PROTECTED_PAGES,
    STAFF_STEPS,
    District,
    family_pages,
    make_district,
    staff_pages,
)
from tests.browser.look import Look, is_looked_at_once, one_sight_or_every
from tests.factories import PASSWORD, LEAFactory, SchoolFactory, UserFactory
from tests.longer import first_of
from tests.web.test_access import all_patterns

pytestmark = pytest.mark.django_db(transaction=True)

Visit = Callable[..., Any]
SEND = "main form button[type=submit]"


@pytest.fixture
def district(transactional_db: None) -> District:
    return make_district()


def _say_who(page: Any) -> None:
    """Pages of a second factor ask for the password first."""
    page.goto(reverse("account_reauthenticate"))
    page.fill("[name=password]", PASSWORD)
    with page.expect_navigation():
        page.click(SEND)


@one_sight_or_every
def test_pages_of_staff_have_no_violation(visit: Visit, axe: str, district: District, every_sight: bool) -> None:
    look = Look(visit(district.staff), axe, every_sight=every_sight)
    pages = staff_pages(district)
    if not every_sight:
        pages = {name: address for name, address in pages.items() if is_looked_at_once(name)}
    _say_who(look.page)

    for name, address in pages.items():
        look.at(name, address)

    assert look.wrong == [], "\n".join(look.wrong)
    assert look.seen == {name.split(" ")[0] for name in pages}


def _look_at_opened(look: Look, pages: dict[str, str]) -> None:
    """Pages with everything opened that is folded, and one that shows a new token; `script/test` opens what others fold."""
    page = look.page
    page.goto(pages["api_docs"])
    for summary in page.query_selector_all("main details summary"):
        if summary.is_visible():  # some are for narrow windows only
            summary.click()
    look.here("api_docs, opened")
    page.goto(pages["api_tokens"])
    page.fill("#id_name", "Evening")
    page.check("main [name=scopes][value='runs:read']")
    look.sent("api_tokens, a token made", "form.card button[type=submit]")
    page.goto(pages["collection"])
    for summary in page.query_selector_all("main details:not(.menu) > summary"):  # an open menu covers what is below
        if summary.is_visible():  # some are for narrow windows only
            summary.click()
    look.here("collection, opened")


@one_sight_or_every
def test_pages_that_staff_reach_by_a_form_have_no_violation(
    visit: Visit, axe: str, district: District, every_sight: bool
) -> None:
    look = Look(visit(district.staff), axe, every_sight=every_sight, sparing=True)
    pages, records = staff_pages(district), district.records
    page = look.page

    def step(name: str, start: str, button: str, **typed: str) -> None:
        """Open a page, type, send, and look at where that leads."""
        if not every_sight and not is_looked_at_once(name):
            return
        page.goto(pages[start])
        for field, value in typed.items():
            page.fill(f"main [name={field}]", value)
        look.sent(name, button)

    step("record with a mistake", "record", "[name=save]", ssid="12")
    step("record_find students", "record_find", SEND, text="gar")
    step("school_list to print", "school_list", "[name=print]")
    step("family_accounts, the letter", "family_accounts", "[name=invite]")
    step("enrollment refused", "enrollment submitted", "[name=approve]")
    step("run_match_line, a search", "run_match_line", "form:has([name=words]) button[type=submit]", words="gar")
    step(
        "run_matches_accept",
        "run_matches",
        f"form[action='{reverse('run_matches_accept', args=[district.test.pk])}'] button",
    )
    choose = reverse("run_candidates_choose", args=[records.candidates.pk])
    step("run_candidates_choose", "run_candidates", f"form[action='{choose}'] button")
    pages["utah_create of a school"] = f"{pages['utah_create']}?school={School.objects.get(name='Juniper High').pk}"
    step("utah_create, a preview", "utah_create of a school", "[name=do][value=preview]")
    step(
        "account_change_password, mistakes",
        "account_change_password",
        SEND,
        oldpassword="x",
        password1="12",
        password2="1",
    )
    if every_sight:
        _look_at_opened(look, pages)
    page.goto(reverse("student", args=[district.known.pk]))
    page.click(f"form[action='{reverse('show_ssid', args=[district.known.pk])}'] button")
    expect(page.locator("main")).to_contain_text(district.known.ssids.get().ssid)
    look.here("student, the SSID shown")
    page.goto(pages["search"])
    page.fill("#search-text", "gar")
    look.sent("search, something found", "main form[role=search] button")
    page.keyboard.press("?")
    look.here("search, the keys shown")
    page.goto(pages["runs"])
    for summary in page.query_selector_all(".list-tools summary"):
        if summary.is_visible():  # some are for narrow windows only
            summary.click()
    look.here("runs, saved filters open")
    LEAFactory(code="2345678", name="Lincoln (demo)")
    look.at("practice", reverse("practice"))
    page.set_viewport_size({"width": 390, "height": 900})
    page.goto(pages["home"])
    page.click(".topbar button")
    look.here("home, the menu open")

    assert look.wrong == [], "\n".join(look.wrong)
    assert not every_sight or look.seen >= STAFF_STEPS


@one_sight_or_every
def test_pages_of_a_second_factor_have_no_violation(
    visit: Visit, axe: str, district: District, every_sight: bool
) -> None:
    look = Look(visit(district.records.protected), axe, every_sight=every_sight, sparing=True)
    _say_who(look.page)

    for name in sorted(PROTECTED_PAGES):
        look.at(name, reverse(name))

    assert look.wrong == [], "\n".join(look.wrong)
    assert look.seen == PROTECTED_PAGES


@pytest.mark.parametrize("language", first_of(["es", "en"]))  # Spanish has the longer words
@one_sight_or_every
def test_pages_of_families_have_no_violation(
    visit: Visit, axe: str, district: District, language: str, every_sight: bool
) -> None:
    look = Look(visit(district.parent, language=language), axe, every_sight=every_sight, sparing=True)
    pages = family_pages(district)

    for name, address in pages.items():
        look.at(name, address)
    look.page.goto(pages["family_ssid"])
    look.page.fill("[name=ssid]", "12")
    look.sent("family_ssid with a mistake", SEND)
    look.page.goto(reverse("family_student", args=[district.known.pk]))
    look.sent("family_student, the SSID shown", "[name=show]")

    assert look.wrong == [], "\n".join(look.wrong)
    assert look.seen == FAMILY_PAGES


def _staff_code() -> str:
    """The code of somebody who was invited."""
    school = SchoolFactory()
    return people.invite(email="nora@example.org", roles=["registrar"], schools=[school], giver=None).code


@one_sight_or_every
def test_pages_before_signing_in_have_no_violation(
    visit: Visit, axe: str, district: District, every_sight: bool
) -> None:
    look = Look(visit(), axe, every_sight=every_sight, sparing=True)
    page, join = look.page, reverse("family_join")
    for name in ("account_login", "account_signup", "account_inactive", "account_email_verification_sent"):
        look.at(name, reverse(name))
    look.at("account_confirm_email, a wrong link", reverse("account_confirm_email", args=["x"]))
    look.at("account_reset_password", reverse("account_reset_password"))
    page.fill("[name=email]", "nobody@example.org")
    look.sent("account_reset_password_done", SEND)
    address = "account_reset_password_from_key"
    key = [user_pk_to_url_str(district.parent), default_token_generator.make_token(district.parent)]
    look.at(f"{address}, a wrong link", reverse(address, args=[key[0], "x-y"]))
    look.at(address, reverse(address, args=key))
    page.fill("[name=password1]", "an-invented-passphrase")
    page.fill("[name=password2]", "an-invented-passphrase")
    look.sent("account_reset_password_from_key_done", "[name=action]")
    look.at("family_join, the code", join)
    page.fill("[name=code]", "guessed")
    look.sent("family_join, a code that is not open", SEND)
    page.fill("[name=code]", district.code)
    look.sent("family_join", SEND)
    page.fill("[name=username]", "9012345678")
    page.fill("[name=password]", "12345678")
    look.sent("family_join with mistakes", SEND)
    page.goto(reverse("staff_join"))
    page.fill("[name=code]", "guessed")
    look.sent("staff_join, a code that is not open", SEND)
    page.fill("[name=code]", _staff_code())
    look.sent("staff_join", SEND)
    look.at("emergency_sign_in", reverse("emergency_sign_in"))
    page.goto(reverse("account_login"))
    page.fill("[name=login]", "protected")
    page.fill("[name=password]", PASSWORD)
    look.sent("mfa_authenticate", SEND)
    newcomer = UserFactory(username="newcomer", password=None)
    newcomer.set_unusable_password()
    newcomer.save()
    without = Look(visit(newcomer), axe, every_sight=every_sight, sparing=True)
    without.at("account_set_password", reverse("account_set_password"))

    assert look.wrong + without.wrong == [], "\n".join(look.wrong + without.wrong)
    assert look.seen | without.seen == OPEN_PAGES


@one_sight_or_every
def test_pages_of_errors_have_no_violation(
    visit: Visit, axe: str, district: District, monkeypatch: pytest.MonkeyPatch, every_sight: bool
) -> None:
    def fail(_code: str) -> None:
        raise RuntimeError

    for user, language in ((district.staff, "en"), (district.parent, "es"), (None, "es")):
        look = Look(visit(user, language=language), axe, every_sight=every_sight, sparing=True)
        if user == district.staff:
            look.at("run not there", "/runs/999999/", 404)
        else:
            look.at("nothing", "/nothing/", 404)
        if user != district.staff:
            look.page.goto(reverse("family_join"))
            look.page.fill("[name=code]", "x")
            look.page.context.clear_cookies(name="csrftoken")
            look.sent("family_join, open too long", "main form button")
        if user == district.parent:
            look.at("collection not allowed", reverse("collection"), 403)
        if user is None:
            monkeypatch.setattr(families, "find_invitation", fail)
            look.page.goto(reverse("family_join"))
            look.page.fill("[name=code]", "x")
            look.sent("family_join fails", "main form button")
        assert look.wrong == [], "\n".join(look.wrong)
    look = Look(visit(UserFactory()), axe, every_sight=every_sight, sparing=True)
    look.at("home of somebody without a group", reverse("home"))
    assert look.wrong == [], "\n".join(look.wrong)


def test_every_address_is_looked_at_or_known_to_be_no_page(district: District) -> None:
    staff = {name.split(" ")[0] for name in staff_pages(district)} | STAFF_STEPS
    looked_at = staff | PROTECTED_PAGES | FAMILY_PAGES | OPEN_PAGES
    ours = {pattern.name for _path, pattern, namespaces in all_patterns() if pattern.name and not namespaces}
    assert ours - looked_at - NO_PAGES == set(), "add the page to tests/browser/district.py"
    assert looked_at & NO_PAGES == set()
