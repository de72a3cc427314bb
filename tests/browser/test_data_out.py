"""The page Data out in the browser: its forms can be told apart and used by everybody, wide and narrow."""

from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from tests.browser.look import Look, one_sight_or_every
from tests.factories import SchoolFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


@one_sight_or_every
def test_what_is_refused_is_in_its_own_form(
    visit: Callable[..., Any], axe: str, transactional_db: None, every_sight: bool
) -> None:
    SchoolFactory(code="0123456", name="Maple Hollow Middle School")
    page = visit(UserFactory(import_admin=True, all_schools=True, username="admin"))
    look = Look(page, axe, every_sight=every_sight)
    page.goto(reverse("exports"))
    form = page.get_by_role("form", name="New since last time")
    form.get_by_role("button", name="Download").click()
    expect(form.get_by_role("alert")).to_contain_text("Choose either a run or a start of the period")
    expect(page.get_by_role("alert")).to_have_count(1)
    look.here("exports refused")
    with page.expect_download() as started:
        page.get_by_role("form", name="Students, SSIDs, scores").get_by_role("button", name="Download").click()
    assert started.value.suggested_filename.startswith("scores-")
    assert not look.wrong
