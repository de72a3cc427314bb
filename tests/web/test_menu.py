"""The menu: no two things are called alike, each state has its entries, numbers beside them are true and cost little."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from sisimport.web import navigation
from sisimport.web.navigation import MOST_COUNTED, Link
from students.models import StateProfile
from students.services import assign_ssid
from tests.factories import EnrollmentFactory, LEAFactory, SchoolFactory, StudentFactory, UserFactory

pytestmark = pytest.mark.django_db


def entries(user: Any) -> dict[str, Link]:
    menu = navigation.menu(user, current_url="/", url_name="home")
    return {link.label: link for section in menu for link in section.links}


@pytest.fixture
def everybody(client: Client) -> Any:
    """Somebody who sees every entry, with schools in both states."""
    user = UserFactory(is_superuser=True, is_staff=True, all_schools=True)
    SchoolFactory(lea=LEAFactory())
    SchoolFactory(lea=LEAFactory(code="27", name="Canyon", state=StateProfile.UTAH))
    client.force_login(user)
    return user


def test_no_two_things_are_called_alike(client: Client, everybody: Any) -> None:
    menu = navigation.menu(everybody, current_url="/", url_name="home")
    links = [link for section in menu for link in section.links]
    assert len({link.label for link in links}) == len(links)
    called: dict[str, set[str]] = {}
    for link in links:
        page = client.get(link.url, follow=True)
        heading = re.search(r"<h1[^>]*>(.*?)</h1>", page.content.decode(), re.DOTALL)
        for name in filter(None, [link.label, heading and heading[1].strip()]):
            called.setdefault(name, set()).add(link.url)

    assert {name: urls for name, urls in called.items() if len(urls) > 1} == {}


def test_entries_of_a_state_are_for_districts_of_it(everybody: Any) -> None:
    both = entries(everybody)
    assert both["SSID requests"].state == "California"
    assert both["SSID Process"].state == "Utah"
    assert both["Runs"].state == ""

    california = entries(UserFactory(registrar=True, schools=[SchoolFactory()]))
    utah = entries(UserFactory(registrar=True, schools=[SchoolFactory(lea=LEAFactory(code="28", state="UT"))]))

    assert "SSID Process" not in california
    assert {"SSID requests", "EL differences", "CALPADS SSID"} <= california.keys()
    assert "SSID Process" in utah
    assert not {"SSID requests", "EL differences", "CALPADS SSID", "CAASPP Import"} & utah.keys()
    assert {link.state for link in [*california.values(), *utah.values()]} == {""}


def test_a_new_installation_has_what_california_needs() -> None:
    assert "CALPADS SSID" in entries(UserFactory(registrar=True, all_schools=True))


def test_the_number_of_missing_ssids_is_that_of_the_page_and_follows_each_change(client: Client) -> None:
    school, user = SchoolFactory(), UserFactory(registrar=True, all_schools=True)
    students = [StudentFactory(school=school) for _n in range(3)]
    gone = StudentFactory(school=school, enrollment=None)
    EnrollmentFactory(student=gone, exit_date="2025-06-01")
    client.force_login(user)
    assert entries(user)["Missing SSIDs"].count == 3
    assert client.get(reverse("collection")).context["missing"] == 3

    assign_ssid(student=students[0], ssid="9012345678", user=user, reason="Letter")

    assert entries(user)["Missing SSIDs"].count == 2


def test_a_number_is_counted_no_further_than_it_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    school, user = SchoolFactory(), UserFactory(registrar=True, all_schools=True)
    for _n in range(4):
        StudentFactory(school=school)
    monkeypatch.setattr("ssid.navigation.MOST_COUNTED", 2)
    with CaptureQueriesContext(connection) as asked:
        link = entries(user)["Missing SSIDs"]

    assert link.count == 3
    counting = [query["sql"] for query in asked if "withoutssid" in query["sql"]]
    assert len(counting) == 1
    assert "LIMIT 3" in counting[0]
    assert Link("Missing SSIDs", "/", False, MOST_COUNTED + 1).count_text == "999+"
    assert Link("Missing SSIDs", "/", False, 0).count_text == ""


def test_a_menu_costs_the_same_whatever_is_there(client: Client) -> None:
    user = UserFactory(registrar=True, all_schools=True)
    StudentFactory()

    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            entries(UserFactory._meta.model.objects.get(pk=user.pk))
        return len(asked)

    few = queries()
    for _n in range(12):
        StudentFactory()

    assert queries() == few
