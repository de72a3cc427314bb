"""A registrar drops another system's export on the first page, names its columns once, and imports it at once the next time."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from sisimport.imports.management.run_in_process import run_to_end
from sisimport.imports.models import ImportRun
from tests.browser.look import Look, one_sight_or_every
from tests.factories import UserFactory
from tests.imports.journey import make_district

pytestmark = pytest.mark.django_db(transaction=True)

HEADER = "Student_Number\tState_StudentNumber\tLast_Name\tFirst_Name\tDOB\tGender\tGrade_Level\tSchoolID\tEntryDate\tHome_Room"
LINES = [
    "115001\t9001150001\tQuist\tNel\t03/04/2015\tF\t5\t101\t08/12/2024\t12B",
    "115002\t9001150002\tRuiz\tAna\t05/06/2015\tWoman\tGrade 5\t101\t08/12/2024\t12B",
    "115003\t\tOh\tLee\t07/08/2010\tM\t9\tMaple Hihg\t08/12/2024\t3",
]


@one_sight_or_every
def test_columns_are_named_once(
    visit: Callable[..., Any], axe: str, tmp_path: Path, transactional_db: None, every_sight: bool
) -> None:
    district = make_district()
    district.student(
        local_number="115001", last_name="Quist", first_name="Nel", birth_date=date(2015, 3, 4), gender="F", grade="05"
    )
    file = tmp_path / "students.text"
    file.write_text("\n".join([HEADER, *LINES]) + "\n", encoding="utf-8")
    page = visit(UserFactory(registrar=True, all_schools=True), scripts=True)
    look = Look(page, axe, every_sight=every_sight)

    # home -> what the file may be -> map its columns
    page.goto(reverse("home"))
    with page.expect_navigation():
        page.set_input_files("input[type=file][name=files]", str(file))
    page.click("a.btn:has-text('Map its columns')")
    expect(page.locator("main")).to_contain_text("Columns that are read")
    look.here("map_columns")
    expect(page.get_by_label("101 means")).to_have_value("0123456")
    expect(page.get_by_label("Maple Hihg means")).to_have_value("0123457")
    expect(page.locator("main")).to_contain_text("Home_Room")
    expect(page.locator("main")).not_to_contain_text("9001150001")

    # another look, then kept and tested
    page.get_by_label("Woman means").fill("F")
    with page.expect_navigation():
        page.click("text=Show what I chose")
    expect(page.get_by_label("Woman means")).to_have_value("F")
    page.fill("[name=name]", "Our system")
    with page.expect_navigation():
        page.click("text=Keep and test")
    run = run_to_end(ImportRun.objects.latest("pk"))
    page.reload()
    expect(page.locator("main")).to_contain_text("mapping “Our system”")
    assert (run.error_count, run.planned_count) == (0, 3)

    # the mappings, and the next file
    page.goto(reverse("column_mappings"))
    look.here("column_mappings")
    look.sent("column_mapping", "main >> text=Our system")
    page.goto(reverse("home"))
    with page.expect_navigation():
        page.set_input_files("input[type=file][name=files]", str(file))
    expect(page.locator("main")).to_contain_text("Students (CSV)")
    with page.expect_navigation():
        page.click("main button:has-text('Test')")
    assert run_to_end(ImportRun.objects.latest("pk")).facts["mapping"]["name"] == "Our system"
    assert look.wrong == [], "\n".join(look.wrong)
