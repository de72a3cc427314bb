"""What each page shows on paper: its words and numbers, nothing that one could only click, nothing beside the sheet."""

from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse

from tests.browser.district import District, make_district

pytestmark = pytest.mark.django_db(transaction=True)

LETTER = 710  # pixels between the margins of a sheet of 8.5 inches
# What somebody could click: on paper it would be a promise that nobody keeps.
CLICKABLE = """() => [...document.querySelectorAll(
    "button, input, select, textarea, .btn, .side, .topbar, .filters, .list-tools, .tabs, .chips, .drop, .pager a, "
    + ".save-bar, .crumbs, details:not([open]) > summary"
)].filter((each) => {
    if (!each.checkVisibility({visibilityProperty: true}) || each.closest(".family details")) return false;
    const box = each.getBoundingClientRect();
    return box.width > 1 && box.height > 1;
}).map((each) => `${each.tagName} ${each.className} ${each.textContent.trim().slice(0, 30)}`)"""
BESIDE_THE_SHEET = """() => {
    const sheet = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= sheet) return [];
    return [...document.querySelectorAll("main *")].filter((each) => each.getBoundingClientRect().right > sheet + 1)
        .map((each) => `${each.tagName} ${each.getAttribute("class")} ${each.textContent.trim().slice(0, 30)}`);
}"""
# A sheet is narrower than a screen: what a cell cannot hold lies over the next one. What may scroll is cut at its edge.
OUT_OF_ITS_CELL = """() => [...document.querySelectorAll("main :is(td, th) :is(.badge, a, span, strong)")].filter((each) => {
    if (!each.checkVisibility({visibilityProperty: true}) || each.closest(".visually-hidden, .table-wrap")) return false;
    return each.getBoundingClientRect().right > each.closest("td, th").getBoundingClientRect().right + 1;
}).map((each) => `${each.tagName} ${each.className} ${each.textContent.trim().slice(0, 30)}`)"""


@pytest.fixture
def district(transactional_db: None) -> District:
    return make_district()


def printed(district: District) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Address -> words that the sheet must show."""
    run, student, school = district.test.pk, district.student, district.school
    return {
        "run": (reverse("run", args=[run]), ("What an Update would do", "Record Count", "Error detail")),
        "run_print": (reverse("run_print", args=[run]), ("Error detail",)),
        "run_changes": (reverse("run_changes", args=[district.update.pk]), ()),
        "run_matches": (reverse("run_matches", args=[run]), ("Near matches", "line 2")),
        "runs": (reverse("runs"), ("Reverted", "State")),
        "collection": (reverse("collection"), ("without SSID", "Complete")),
        "senr_requests": (reverse("senr_requests"), ("Ask the state for SSIDs",)),
        "students": (reverse("students"), ("Students",)),
        "student": (reverse("student", args=[student.pk]), (student.last_name, "Scores")),
        "english_learners": (reverse("english_learners"), ("By status", "By school")),
        "enrollment_paper": (reverse("enrollment_paper", args=[student.pk]), (student.last_name, "SSID")),
        "school_list": (reverse("school_list", args=[school.pk]), ("without SSID",)),
        "people": (reverse("people"), ("People",)),
        "utah_board": (reverse("utah_board"), ("Due by",)),
        "home": (reverse("home"), ("What is waiting for you",)),
    }


def test_each_sheet_shows_its_words_and_nothing_to_click(visit: Callable[..., Any], district: District) -> None:
    page = visit(district.staff)
    page.set_viewport_size({"width": LETTER, "height": 950})
    wrong = []
    for name, (address, words) in printed(district).items():
        page.emulate_media(media="screen")
        page.goto(address)
        page.emulate_media(media="print")
        wrong += [f"{name}: {each}" for each in page.evaluate(CLICKABLE)[:4]]
        text = page.locator("body").inner_text()
        wrong += [f"{name}: “{each}” is not on the sheet" for each in words if each not in text]
        wrong += [f"{name}: beside the sheet: {each}" for each in page.evaluate(BESIDE_THE_SHEET)[:5]]
        wrong += [f"{name}: out of its cell: {each}" for each in page.evaluate(OUT_OF_ITS_CELL)[:5]]
    assert wrong == [], "\n".join(wrong)


def test_a_list_for_a_principal_and_letters_are_printed_whole(visit: Callable[..., Any], district: District) -> None:
    """Pages that a form makes: only the sheet, without the head of the page where it goes to a family."""
    page = visit(district.staff)
    page.set_viewport_size({"width": LETTER, "height": 950})
    page.goto(reverse("school_list", args=[district.school.pk]))
    with page.expect_navigation():
        page.click("[name=print]")
    page.emulate_media(media="print")
    assert page.evaluate(CLICKABLE) == []
    assert page.locator("main table").first.is_visible()
    assert page.evaluate(BESIDE_THE_SHEET) == []
