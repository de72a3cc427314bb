"""The article on test set-ups says what an import really makes."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from assessments.models import Assessment
from tests.assessments.score_files import ela, start, text
from tests.assessments.score_home import LAYOUT, TYPE
from tests.factories import UserFactory
from tests.ssid.journey import District, district

pytestmark = pytest.mark.django_db


@pytest.fixture
def home(db: None) -> District:
    made = district()
    made.add("100", ssid="9012345678")
    return made


@pytest.fixture
def article(client: Client) -> str:
    client.force_login(UserFactory(registrar=True, all_schools=True))
    answer = client.get(reverse("setup_article"))
    assert answer.status_code == 200
    return answer.content.decode()


def rows(page: str) -> list[str]:
    return [re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", row)) for row in re.findall(r"<tr>(.*?)</tr>", page, re.DOTALL)]


def test_the_article_says_what_a_new_set_up_holds(home: District, article: str) -> None:
    start(TYPE, text(LAYOUT, ela()), work="import")
    made = Assessment.objects.get(parent__isnull=True)

    row = next(row for row in rows(article) if made.name in row and f" {made.state_code} " in row)

    for part in made.children.all():
        assert f"{part.name} ({part.state_code})" in row
    for result in made.results:
        assert f"{result['code']} {result['name']}" in row
    assert "scale score" in row


def test_a_result_whose_code_is_its_name_stands_once(home: District, article: str) -> None:
    row = next(row for row in rows(article) if "Initial ELPAC - Overall 2024-2025" in row)

    assert row.count("Novice English Learner") == 1


def test_the_upload_screen_leads_to_the_article(client: Client, article: str) -> None:
    assert reverse("setup_article") in client.get(reverse("upload", args=["caaspp"])).content.decode()


def test_what_the_import_does_not_fill_in_is_blank(home: District, article: str) -> None:
    start(TYPE, text(LAYOUT, ela()), work="import")
    made: Any = Assessment.objects.get(parent__isnull=True)

    assert (made.passing_score, made.shown_to_families) == ("", False)
    assert "What you can change" in article
