"""Every page of the product, looked at by axe-core: wide and narrow, light and dark. No violation, no broken content policy."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.browser.district import (
    FAMILY_PAGES,
    NO_PAGES,
    OPEN_PAGES,
    District,
    family_pages,
    make_district,
    staff_pages,
)
from tests.pages.test_access import all_patterns

pytestmark = pytest.mark.django_db(transaction=True)

RUN_AXE = "async (options) => (await axe.run(document, {resultTypes: ['violations'], ...options})).violations"
# Only colours differ between light and dark: what else is wrong was found in light.
COLOURS = {"runOnly": ["color-contrast", "link-in-text-block"]}
WIDTHS = (1280, 390)
# Wider than the window: the reader of a narrow screen would have to scroll sideways (WCAG 1.4.10).
TOO_WIDE = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"


class Look:
    """Opens pages in one window and notes what is wrong with them."""

    def __init__(self, page: Any, axe: str) -> None:
        self.page, self.axe = page, axe
        self.wrong: list[str] = []
        page.on("console", self._heard)

    def _heard(self, message: Any) -> None:
        if message.type == "error" and "404" not in message.text:
            self.wrong.append(f"{self.page.url}: console: {message.text[:200]}")

    def at(self, name: str, address: str) -> None:
        self.page.goto(address)
        self.here(name)

    def here(self, name: str) -> None:
        """Look at the page as it stands."""
        self.page.evaluate(self.axe)
        for width in WIDTHS:
            self.page.set_viewport_size({"width": width, "height": 900})
            for scheme in ("light", "dark"):
                self.page.emulate_media(color_scheme=scheme)
                self._run(f"{name}, {width} px, {scheme}", {} if scheme == "light" else COLOURS)
            if self.page.evaluate(TOO_WIDE):
                self.wrong.append(f"{name}: wider than the window of {width} px")
        self.page.set_viewport_size({"width": WIDTHS[0], "height": 900})
        self.page.emulate_media(color_scheme="light")

    def _run(self, sight: str, options: dict[str, Any]) -> None:
        for violation in self.page.evaluate(RUN_AXE, options):
            for node in violation["nodes"][:3]:
                self.wrong.append(f"{sight}: {violation['id']}: {node['html'][:160]} {node['failureSummary'][:240]}")


@pytest.fixture
def district(transactional_db: None) -> District:
    return make_district()


def test_pages_of_staff_have_no_violation(visit: Callable[..., Any], axe: str, district: District) -> None:
    look = Look(visit(district.staff), axe)

    for name, address in staff_pages(district).items():
        look.at(name, address)
    _use_forms(look, district)

    assert look.wrong == [], "\n".join(look.wrong)


def _use_forms(look: Look, district: District) -> None:
    """Pages that appear after a form is sent: mistakes pointed out, lists made, an SSID shown."""
    page, pages = look.page, staff_pages(district)
    page.goto(pages["record"])
    page.fill("[name=ssid]", "12")
    page.click("[name=save]")
    look.here("record with a mistake")
    page.goto(pages["school_list"])
    page.click("[name=print]")
    look.here("list to print")
    page.goto(pages["family_accounts"])
    page.click("[name=invite]")
    look.here("invitation")
    page.goto(pages["record_find"])
    page.fill("[name=text]", "gar")
    page.click("main form button[type=submit]")
    look.here("students found")
    page.goto(pages["collection"])
    for summary in page.query_selector_all("main details summary"):
        summary.click()
    look.here("collection, opened")


def test_pages_of_families_and_of_nobody_have_no_violation(
    visit: Callable[..., Any], axe: str, district: District
) -> None:
    wrong: list[str] = []
    for language in ("en", "es"):
        look = Look(visit(district.parent, language=language), axe)
        for name, address in family_pages(district).items():
            look.at(f"{name} ({language})", address)
        look.page.goto(family_pages(district)["family_ssid"])
        look.page.fill("[name=ssid]", "12")
        look.page.click("main form button[type=submit]")
        look.here(f"family_ssid with a mistake ({language})")
        wrong += look.wrong
    look = Look(visit(), axe)
    look.at("account_login", "/accounts/login/")
    look.at("account_reset_password", "/accounts/password/reset/")
    look.at("family_join, the code", "/family/join/")
    look.page.fill("[name=code]", "guessed")
    look.page.click("main form button[type=submit]")
    look.here("family_join, a code that is not open")
    look.page.fill("[name=code]", district.code)
    look.page.click("main form button[type=submit]")
    look.here("family_join")
    look.page.click("main form button[type=submit]")
    look.here("family_join with mistakes")
    wrong += look.wrong

    assert wrong == [], "\n".join(wrong)


def test_every_address_is_looked_at_or_known_to_be_no_page(district: District) -> None:
    looked_at = {name.split(" ")[0] for name in staff_pages(district)} | {*FAMILY_PAGES, *OPEN_PAGES}
    ours = {pattern.name for _path, pattern, namespaces in all_patterns() if pattern.name and not namespaces}
    assert ours - looked_at - NO_PAGES == set(), "add the page to tests/browser/district.py"
