"""The longest names that a record can have, on the page of a run, as wide as a phone."""

from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse

from tests.browser.look import TOO_WIDE
from tests.factories import SchoolFactory, StudentFactory, UserFactory
from tests.files.samples import line
from tests.imports.journey import run_file

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("last", ["Hovhannisyan-Beltrán García", "Wolfeschlegelsteinhausenbergerdorffvoralternwaren"])
def test_a_long_name_beside_an_issue_keeps_the_page_as_wide_as_the_window(visit: Callable[..., Any], last: str) -> None:
    student = StudentFactory(
        school=SchoolFactory(code="0123456"),
        local_number="100234",
        last_name=last,
        first_name="Jean-Pierre",
        middle_name="Luis",
    )
    run = run_file("ssid-download", f"{line(last_name='Other')}\n").run
    page = visit(UserFactory(import_admin=True), width=390)
    page.goto(reverse("run", args=[run.pk]) + "?severity=all")
    assert page.locator(f"main a[href='{reverse('student', args=[student.pk])}']").count()
    for width in (390, 320):
        page.set_viewport_size({"width": width, "height": 900})
        assert not page.evaluate(TOO_WIDE), width
