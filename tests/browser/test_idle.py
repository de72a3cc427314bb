"""The warning before a session ends, in a browser."""

from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from tests.browser.look import Look, one_sight_or_every
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


@one_sight_or_every
def test_the_page_warns_two_minutes_before_and_stays_when_asked_to(
    visit: Callable[..., Any], axe: str, settings: Any, every_sight: bool
) -> None:
    settings.SESSION_IDLE_SECONDS = 121  # of which two minutes are the warning
    look = Look(visit(UserFactory(registrar=True, all_schools=True)), axe, every_sight=every_sight)
    page = look.page
    page.goto(reverse("home"))

    expect(page.locator("#idle")).to_be_visible()
    look.here("home, about to be signed out")
    with page.expect_response(f"**{reverse('stay_signed_in')}") as answer:
        page.get_by_role("button", name="Stay signed in").click()

    assert answer.value.status == 204
    assert look.wrong == [], "\n".join(look.wrong)
