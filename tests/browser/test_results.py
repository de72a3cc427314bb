"""The Results page in the browser: pictures with their tables, usable without scripts, wide and narrow, light and dark."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from assessments.models import Assessment, PublicResult, ResultCount, Score
from assessments.scores.result_counts import recount_all
from students.models import School
from tests.browser.look import Look, one_sight_or_every
from tests.browser.test_print import BESIDE_THE_SHEET, CLICKABLE, LETTER
from tests.factories import SchoolFactory, StudentFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)

RESULTS = [{"code": f"{n}", "name": f"Standard {name}", "passing": n > 2} for n, name in
           ((4, "Exceeded"), (3, "Met"), (2, "Nearly Met"), (1, "Not Met"))]  # fmt: skip


def count(
    setup: int, year: int, grade: str, school: Any, levels: tuple[int, int, int, int], group: str = "all"
) -> None:
    total = sum(levels)
    ResultCount.objects.create(
        assessment_id=setup, school_year=year, student_group=group, lea=school.lea.code.zfill(7), school=school.code,
        grade=grade, tested=total + 2, scored=total, level_1=levels[0], level_2=levels[1], level_3=levels[2],
        level_4=levels[3], level_5=0, scale_count=total, scale_sum=total * (2380 + 60 * int(grade) % 40 + year % 7),
    )  # fmt: skip


def district() -> None:
    oak = SchoolFactory(code="0123456", name="Maple Hollow Middle School")
    elm = SchoolFactory(code="0123457", name="Summit Elementary", lea=oak.lea)
    setup = Assessment.objects.create(state_code="SBELA", name="Smarter Balanced for ELA", results=RESULTS).pk
    for year in (2023, 2024):
        for n, grade in enumerate(("03", "04", "05", "06")):
            count(setup, year, grade, oak, (24 + n, 22, 28 + year % 5, 26))
            count(setup, year, grade, elm, (10, 30 - n, 18, 12))
            count(setup, year, grade, elm, (4, 12, 8, 5), group="l:EL")
            count(setup, year, grade, oak, (1, 1, 0, 0), group="h:Y")
            for group in ("s:N", "e:300", "l:RFEP"):  # those with the longest names
                count(setup, year, grade, elm, (5, 6, 7, 8), group=group)
    for place in ("0" * 14, f"{oak.lea.code.zfill(7)[:2]}{'0' * 12}", f"{oak.lea.code.zfill(7)}{'0' * 7}"):
        published(place)


def published(place: str) -> None:
    """What the state says of a place: numbers as long as they get."""
    for grade in ("3", "4", "5", "6"):
        PublicResult.objects.create(
            key=f"{place}-2024-1-1-{grade}", place=place, test="SBELA", school_year=2024, student_group="1", grade=grade,
            scored="2900000", mean="2574.0", met="51.25",
        )  # fmt: skip


@one_sight_or_every
def test_results_by_grade_group_and_school(
    visit: Callable[..., Any], axe: str, transactional_db: None, every_sight: bool
) -> None:
    district()
    page = visit(UserFactory(import_admin=True, all_schools=True, username="admin"))
    look = Look(page, axe, every_sight=every_sight)
    page.goto(reverse("results"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Smarter Balanced for ELA, 2023-24")
    expect(page.locator("table.spread tbody tr")).to_have_count(4)
    page.click("text=View as a table of numbers")
    expect(page.locator("main")).to_contain_text("District, as the state counts")
    look.here("results")
    page.click("text=By school")
    page.click("table.spread >> text=Summit Elementary")
    expect(page).to_have_url(re.compile("by=grade&school=.*"))
    page.goto(f"{reverse('results')}?by=group")
    look.here("results by group")
    page.goto(f"{reverse('results')}?by=group&print=1")
    expect(page.locator("table.spread")).to_contain_text("Hidden: few students")
    look.here("results on paper")
    assert not look.wrong
    folder = os.environ.get("PICTURES")
    for width, scheme in ((1280, "light"), (390, "light"), (320, "dark"), (1280, "dark")):
        if folder:
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme)
            page.goto(f"{reverse('results')}?by=grade")
            page.click("text=View as a table of numbers")
            page.screenshot(path=Path(folder) / f"results-{width}-{scheme}.png", full_page=True)


def test_a_sheet_of_results_holds_every_column(visit: Callable[..., Any], transactional_db: None) -> None:
    district()
    page = visit(UserFactory(import_admin=True, all_schools=True, username="admin"), width=LETTER)
    views = ("by=grade", "by=group", "by=year", "by=school&beside=year", "by=grade&beside=school")
    for asked in (*views, "by=school&test=ELPACS"):
        if asked not in views:
            learn()
        page.emulate_media(media="screen")
        page.goto(f"{reverse('results')}?{asked}&print=1")
        page.emulate_media(media="print")
        heads = page.locator("details table th[scope=col]").all_inner_texts()
        assert {"Tested", "Met or above"} <= set(heads), f"{asked}: the numbers are on paper without being unfolded"
        assert page.evaluate(BESIDE_THE_SHEET) == [], asked
        assert page.evaluate(CLICKABLE) == [], asked


def learn() -> None:
    """ELPAC of two years: with the columns of progress, the widest table there is."""
    setup = Assessment.objects.create(state_code="ELPACS", name="ELPAC Overall", results=RESULTS)
    elm = School.objects.get(name="Summit Elementary")
    for number in range(40):
        student = StudentFactory(school=elm)
        for year in (2023, 2024):
            Score.objects.create(
                student=student, assessment=setup, school_year=year, scale_score="1500", result=f"{1 + (number + year) % 4}",
                grade="05", as_tested=f"{elm.lea.code.zfill(7)},{elm.code},{elm.code},Y,,,,,,,,,",
            )  # fmt: skip
    recount_all()
