"""Each page says how long the things that it holds are kept, as the settings say (docs/how-to/keep-and-remove.md)."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from sisimport.web.templatetags.ui import kept_for
from tests.assessments.test_results_page import make as make_scores
from tests.automation.test_file_lists import delivered, sent
from tests.factories import StudentFactory, UserFactory

pytestmark = pytest.mark.django_db


def record(_admin: Any) -> str:
    return reverse("access_record")


def record_of_a_student(_admin: Any) -> str:
    return reverse("student_looks", args=[StudentFactory().pk])


def results(_admin: Any) -> str:
    make_scores(oak=15)
    return reverse("results")


@pytest.mark.parametrize(
    ("setting", "page"),
    [
        ("KEEP_VIEWS_DAYS", record),
        ("KEEP_VIEWS_DAYS", record_of_a_student),
        ("KEEP_DELIVERIES_DAYS", lambda admin: sent(admin)[0]),
        ("KEEP_DELIVERED_EXPORTS_DAYS", lambda admin: delivered(admin)[0]),
        ("KEEP_SCORES_DAYS", results),
    ],
    ids=["record", "student", "webhook", "delivery", "results"],
)
def test_a_page_says_how_long_what_it_holds_is_kept(
    setting: str, page: Callable[[Any], str], client: Client, settings: Any
) -> None:
    admin = UserFactory(import_admin=True, all_schools=True)
    client.force_login(admin)
    address = page(admin)

    setattr(settings, setting, 1234)
    assert "kept for 1,234 days" in client.get(address).content.decode()

    setattr(settings, setting, 0)
    assert "kept permanently" in client.get(address).content.decode()


def test_one_day_is_a_day(settings: Any) -> None:
    settings.KEEP_VIEWS_DAYS = 1
    assert kept_for("views") == "Each is kept for 1 day."
