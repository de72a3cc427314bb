"""The group report on paper: a page for each student, with all tests and parts of four years."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse

from assessments.models import Assessment, Score
from tests.factories import StudentFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)

TESTS = {"SBELA": ("Reading", "Writing", "Listening", "Research"), "SBMATH": ("Concepts", "Problem Solving", "Reasoning"),
         "CAST": ("Life Sciences", "Physical Sciences", "Earth and Space"), "CSA": ("Reading", "Writing", "Listening"),
         "ELPACS": ("Oral", "Written", "Listening", "Speaking", "Reading", "Writing")}  # fmt: skip
NAMES = ("Standard Not Met", "Standard Nearly Met", "Standard Met", "Somewhat/Moderately Developed")


def with_scores(number: str) -> None:
    student, results = (
        StudentFactory(local_number=number),
        [{"code": f"{n}", "name": NAMES[n - 1]} for n in range(1, 5)],
    )
    for code, parts in TESTS.items():
        test, _made = Assessment.objects.get_or_create(
            state_code=code, parent=None, defaults={"name": f"California Assessment {code}", "results": results}
        )
        of_test = [test]
        for part in parts:
            about = {"name": part, "results": results}
            one, _made = Assessment.objects.get_or_create(state_code=f"{code}-{part[:5]}", parent=test, defaults=about)
            of_test.append(one)
        Score.objects.bulk_create(
            Score(
                student=student,
                assessment=one,
                school_year=year,
                scale_score="2510",
                result=str(1 + year % 4),
                grade="05",
            )
            for one in of_test
            for year in (2022, 2023, 2024, 2025)
        )


# Words in these cells that are on two lines, as the sheet shows them.
_BROKEN = """(cells) => [...document.querySelectorAll(cells)].flatMap((cell) => {
  const walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT), broken = [];
  for (let text = walker.nextNode(); text; text = walker.nextNode())
    for (const word of text.data.matchAll(/[A-Za-z]+/g)) {
      const range = document.createRange();
      range.setStart(text, word.index);
      range.setEnd(text, word.index + word[0].length);
      if (new Set([...range.getClientRects()].map((one) => Math.round(one.top))).size > 1) broken.push(word[0]);
    }
  return broken;
})"""


def test_each_student_has_one_sheet_of_paper(visit: Callable[..., Any]) -> None:
    with_scores("000501")
    with_scores("000502")
    page = visit(UserFactory(import_admin=True, all_schools=True, username="admin"))
    page.goto(reverse("group_report"))
    page.select_option("#shape", "pages")
    page.fill("#numbers", "000501 000502")
    with page.expect_navigation():
        page.get_by_role("button", name="Show").click()
    assert page.locator(".sheet").count() == 2
    assert page.locator(".sheet tbody tr").count() == 2 * (5 + 19 + 4)  # CSA is another test since 2024-25
    paper = page.pdf(format="Letter")
    assert len(re.findall(rb"/Type\s*/Page[^s]", paper)) == 2
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 710, "height": 950})  # 8.5 inches less the margins
    assert page.evaluate(_BROKEN, ".sheet td") == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 710


def test_a_group_in_one_table_extends_across_the_sheet_and_breaks_no_word(visit: Callable[..., Any]) -> None:
    with_scores("000501")
    page = visit(UserFactory(import_admin=True, all_schools=True, username="admin"))
    page.goto(reverse("group_report"))
    page.fill("#numbers", "000501")
    page.get_by_role("button", name="Show").click()
    page.locator(".table.group").wait_for()
    paper = page.pdf(format="Letter", prefer_css_page_size=True)
    assert re.findall(rb"/MediaBox \[0 0 ([0-9]+)", paper) == [b"792"]
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 980, "height": 740})  # 11 inches less the margins
    assert page.evaluate(_BROKEN, ".table.group td small") == []
