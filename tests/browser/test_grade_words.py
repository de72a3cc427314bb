"""What a district's grades mean can be set on the report itself, with one click."""

from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from sisimport.imports.models import ImportRun, RunStatus
from tests.browser.look import Look, one_sight_or_every
from tests.factories import UserFactory
from tests.imports.journey import finish, make_district, run_file
from tests.longer import first_of
from tests.roster.test_grade_words import content

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("width", first_of([390, 1280]))
@one_sight_or_every
def test_one_click_on_the_report_says_what_the_grades_mean(
    transactional_db: None, visit: Callable[..., Any], axe: str, width: int, every_sight: bool
) -> None:
    make_district()
    run = run_file("students", content("0", "-1", "5")).run
    assert run.refused_count == 2
    page = visit(UserFactory(import_admin=True), width=width)

    page.goto(reverse("run", args=[run.pk]))
    expect(page.get_by_role("link", name="Set it for all files of the district")).to_be_visible()
    look = Look(page, axe, every_sight=every_sight)
    look.here("run")
    page.get_by_role("button", name="Test again: -1 is transitional kindergarten, 0 kindergarten").click()
    page.wait_for_url(lambda address: not address.endswith(f"/{run.pk}/"))

    again = ImportRun.objects.latest("pk")
    assert again.options["grade_words"] == "tk"
    again = finish(again).run
    assert (again.status, again.refused_count, again.planned_count) == (RunStatus.COMPLETED, 0, 3)
    assert look.wrong == []
