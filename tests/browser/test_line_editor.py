"""The editor of refused lines: what is typed is kept, nothing is lost by a slip, a phone shows what is wrong."""

from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from sisimport.imports.models import ImportRun, LineDraft
from tests.browser.look import Look, one_sight_or_every
from tests.factories import UserFactory
from tests.imports.journey import make_district, run_file
from tests.web.test_line_editor import GOOD, TYPE, UNKNOWN, WRONG_NAME

pytestmark = pytest.mark.django_db(transaction=True)
_ASKS = """() => { const leaving = new Event("beforeunload", {cancelable: true});
  dispatchEvent(leaving); return leaving.defaultPrevented; }"""


@pytest.fixture
def run(transactional_db: None) -> ImportRun:
    district = make_district()
    district.student()
    district.another()
    return run_file(TYPE, f"{GOOD}\n{WRONG_NAME}\n\n{UNKNOWN}\n").run


@one_sight_or_every
def test_what_is_typed_is_kept_automatically_and_the_browser_asks_until_then(
    run: ImportRun, visit: Callable[..., Any], axe: str, every_sight: bool
) -> None:
    page = visit(UserFactory(registrar=True, all_schools=True), width=390)
    page.goto(reverse("correct_lines", args=[run.pk]))
    folded = page.locator("fieldset.line-editor details.more")
    expect(folded).to_have_count(2)
    assert folded.evaluate_all("all => all.every((one) => !one.open)"), "a telephone shows only what is wrong"
    assert page.evaluate("document.documentElement.scrollHeight") < 3 * 900
    assert not page.evaluate(_ASKS)

    field = page.get_by_label("line 2", exact=False).first
    wrong = field.input_value()
    field.fill("O'Neil")
    assert page.evaluate(_ASKS), "not kept yet"
    expect(page.locator("[data-kept]")).to_have_text("Kept. 1 line corrected so far.")

    assert not page.evaluate(_ASKS)
    assert LineDraft.objects.get().line == 2
    page.reload()
    expect(page.locator(".changed .was").first).to_contain_text(wrong)
    look = Look(page, axe, every_sight=every_sight)
    look.here("correct_lines")
    assert look.wrong == []


def test_a_wide_screen_opens_the_other_fields(run: ImportRun, visit: Callable[..., Any]) -> None:
    page = visit(UserFactory(registrar=True, all_schools=True))
    page.goto(reverse("correct_lines", args=[run.pk]))
    page.wait_for_function("document.querySelectorAll('details[data-open-wide][open]').length === 2")
