"""An import admin adds a year in the browser, imports a file of it, and undoes what may be undone."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from assessments.models import Score
from sisimport.imports.management.run_in_process import run_to_end
from sisimport.imports.models import ImportRun
from tests.assessments.score_files import ALL
from tests.browser.look import Look, one_sight_or_every
from tests.factories import SchoolFactory, SSIDFactory, StudentFactory, UserFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("newest_is_2024_25")]

NEW_NAME = "Scale Score Overall"


def header(layout: str) -> list[str]:
    last = ALL[layout]
    return [NEW_NAME if column.field == "scale_score" else column.name for column in last.columns]


def record(layout: str, **facts: str) -> str:
    cells = [""] * len(ALL[layout].columns)
    cells[-1] = ALL[layout].end_marker or ""
    for field, value in facts.items():
        cells[ALL[layout].fields[field].position - 1] = value
    return "^".join(cells)


def add_year(page: Any, path: Path, year: str) -> None:
    page.goto(reverse("added_layouts"))
    page.set_input_files("[name=file]", str(path))
    page.fill("[name=school_year]", year)
    page.click("text=Compare the columns")
    expect(page.locator("main")).to_contain_text(f"{NEW_NAME}” now")
    expect(page.locator("[name=column-scale_score]")).to_have_value(NEW_NAME)


def run_file(page: Any, kind: str, path: Path, work: str) -> None:
    page.goto(reverse("upload", args=["caaspp"]) + f"?type={kind}")
    page.check(f"[name=work][value={work}]")
    page.set_input_files("[name=file]", str(path))
    with page.expect_navigation():
        page.click("[data-run]")
    run_to_end(ImportRun.objects.latest("pk"))


@one_sight_or_every
def test_a_year_is_added_used_and_kept_and_another_one_undone(
    visit: Callable[..., Any], axe: str, tmp_path: Path, transactional_db: None, every_sight: bool
) -> None:
    student = StudentFactory(school=SchoolFactory(code="0123456"), last_name="Lee", first_name="Sam")
    SSIDFactory(student=student, ssid="9012345678")
    page = visit(UserFactory(import_admin=True, all_schools=True, username="admin"))
    look = Look(page, axe, every_sight=every_sight)
    last = "caaspp-2024-25"
    heading = tmp_path / "header.csv"
    heading.write_text("^".join(header(last)) + "\r\n", encoding="utf-8")

    # upload the header -> compare -> answer
    add_year(page, heading, "2025-26")
    look.here("added_layout")
    expect(page.locator("[name=level-SBELA-4]")).to_have_value("Advanced")
    page.click("summary:has-text('CAA for ELA')")
    page.fill("[name=level-CAAELA-3]", "Level 3, alternate")
    page.click("text=Add 2025-26")

    # -> the layout in the list
    expect(page.locator("main table")).to_contain_text("CAASPP 2025-2026")
    look.here("added_layouts")

    # -> Test and Import of a file of 2025-26
    scored = record(
        last, record_type="01", ssid="9012345678", last_name="Lee", first_name="Sam", grade_assessed="05",
        birth_date=f"{student.birth_date:%Y-%m-%d}", final_test_completed_date="2026-04-12", scale_score="2555",
        achievement_level="4", uin="1",
    )  # fmt: skip
    file = tmp_path / "scores.csv"
    file.write_text("^".join(header(last)) + f"\r\n{scored}\r\n", encoding="utf-8")
    for work in ("test", "import"):
        run_file(page, "caaspp-2025-2026", file, work)
    score = Score.objects.get(assessment__parent=None)
    assert (score.school_year, score.scale_score, score.result_name) == (2026, "2555", "Advanced")

    # -> there is no undo, for runs used it
    page.goto(reverse("added_layouts"))
    row = page.locator("tr", has_text="CAASPP 2025-2026")
    expect(row).to_contain_text("in use")
    expect(row.locator("button")).to_have_count(0)

    # -> another one is undone
    initial = "elpac-initial-2024-25"
    heading.write_text("^".join(header(initial)) + "\r\n", encoding="utf-8")
    add_year(page, heading, "2025-26")
    page.click("text=Add 2025-26")
    expect(page.locator("main table")).to_contain_text("ELPAC Initial 2025-2026")
    page.locator("tr", has_text="ELPAC Initial 2025-2026").locator("button").click()
    expect(page.locator("main")).to_contain_text("elpac-initial-2025-26 was removed")
    expect(page.locator("main table")).not_to_contain_text("ELPAC Initial 2025-2026")
    assert look.wrong == [], "\n".join(look.wrong)
