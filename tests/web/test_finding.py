"""Search from anywhere: students, runs, schools, pages, settings and help; what is typed is in no address."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from sisimport.files.issues import codes
from sisimport.web.finding import Hits, find
from sisimport.web.help import rules
from sisimport.web.keys import KEYS
from tests.factories import SchoolFactory, SSIDFactory, StudentFactory, UserFactory
from tests.imports.journey import District

pytestmark = pytest.mark.django_db


def by_kind(found: list[Hits]) -> dict[str, list[str]]:
    return {hits.title: [hit.label for hit in hits.hits] for hits in found}


def searched(client: Client, text: str) -> dict[str, list[str]]:
    answer = client.post(reverse("search"), {"text": text}, follow=True)
    assert answer.status_code == 200
    return by_kind(answer.context["found"])


@pytest.mark.long
def test_each_kind_is_found(client: Client, registrar: Any) -> None:
    student = StudentFactory(school=SchoolFactory(name="Juniper High", code="0654321"), last_name="Okafor")
    SSIDFactory(student=student, ssid="9012345999")

    assert searched(client, "okaf")["Students"] == [student.full_name]
    assert searched(client, "9012345999")["Students"] == [student.full_name]
    assert searched(client, student.local_number)["Students"] == [student.full_name]
    assert searched(client, "juniper")["Schools"] == ["Juniper High"]
    assert searched(client, "0654321")["Schools"] == ["Juniper High"]
    assert "Missing SSIDs" in searched(client, "missing")["Pages and settings"]
    assert "Second factor" in searched(client, "second")["Pages and settings"]
    assert searched(client, "DEMO-MISMATCH")["Help"][0] == codes.get("DEMO-MISMATCH").title
    assert "What each role may do" in searched(client, "each role")["Help"]
    assert searched(client, "D-9")["Help"][0] == "Rule D-9"
    assert searched(client, "zzzz") == {}
    assert searched(client, "   ") == {}


@pytest.mark.parametrize(
    ("typed", "page"),
    [("undo", "Runs"), ("revert", "Runs"), ("letters", "Families"), ("correct wrong", "Students"), ("scores", "Compare"),
     ("principal", "Missing SSIDs"), ("upload", "Home"), ("RFEP", "English learners"), ("parents", "Families"),
     ("masking", "Runs"), ("show SSIDs", "Students"), ("help revert", "Runs"),
     ("How do I undo", "Runs"), ("help with masking", "Students")],
)  # fmt: skip
def test_a_page_is_found_by_what_is_done_there(client: Client, typed: str, page: str) -> None:
    client.force_login(UserFactory(is_superuser=True, all_schools=True))
    assert page in searched(client, typed)["Pages and settings"]


def test_a_rule_is_found_by_its_words(client: Client, registrar: Any) -> None:
    words = rules.numbers()["D-9"]
    assert "Rule D-9" in searched(client, words[:80].rsplit(" ", 1)[0])["Help"]


def test_a_run_is_found_by_its_number_and_by_its_file(client: Client, registrar: Any, district: District) -> None:
    from tests.files.samples import line
    from tests.imports.journey import run_file

    run = run_file("ssid-download", line(), name="ssid-october.txt").run

    assert searched(client, "october")["Runs"] == [f"Run {run.pk}: ssid-october.txt"]
    assert f"Run {run.pk}: ssid-october.txt" in searched(client, f"run {run.pk}")["Runs"]
    assert f"Run {run.pk}: ssid-october.txt" in searched(client, str(run.pk))["Runs"]
    assert "Runs" not in searched(client, "9" * 30)


def test_what_is_typed_is_in_no_address_and_is_not_kept_while_one_types(client: Client, registrar: Any) -> None:
    answer = client.post(reverse("search"), {"text": "Okafor"})
    assert answer["Location"] == reverse("search")

    brief = client.post(reverse("search"), {"text": "Juniper"}, headers={"HX-Request": "true"})
    assert "HX-Push-Url" not in brief.headers
    assert client.get(reverse("search")).context["text"] == "Okafor"

    everyone = client.post(reverse("search"), {"text": "Okafor", "students": "1"})
    assert everyone["Location"] == reverse("students")
    assert client.get(reverse("students")).context["wanted"].text == "Okafor"


def test_nobody_finds_what_they_may_not_see(client: Client) -> None:
    ours, theirs = SchoolFactory(name="Cedar High"), SchoolFactory(name="Juniper High")
    StudentFactory(school=theirs, last_name="Okafor")
    viewer = UserFactory(viewer=True, schools=[ours])

    assert "Students" not in by_kind(find(viewer, "okafor"))
    assert "Schools" not in by_kind(find(viewer, "juniper"))
    assert "District settings" not in by_kind(find(viewer, "settings")).get("Pages and settings", [])
    admin = UserFactory(import_admin=True)
    assert "District settings" in by_kind(find(admin, "district settings"))["Pages and settings"]
    assert find(UserFactory(), "cedar") == []


def test_a_search_costs_the_same_however_much_is_found(client: Client, registrar: Any) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            found = find(registrar, "diaz")
        assert len(found[0].hits) <= 6
        return len(asked)

    find(registrar, "diaz")
    StudentFactory()
    few = queries()
    for _n in range(9):
        StudentFactory()

    assert queries() <= few
    assert find(registrar, "diaz")[0].more


def test_every_page_has_the_field_and_works_without_scripts(client: Client, registrar: Any) -> None:
    for name in ("home", "runs", "collection", "search", "help"):
        text = client.get(reverse(name)).content.decode()
        form = re.search(r'<form class="finder" method="post" action="([^"]+)".*?</form>', text, re.DOTALL)
        assert form
        assert form[1] == reverse("search")
        assert 'type="submit"' in form[0]


def test_the_list_of_keys_is_that_of_the_scripts(client: Client, registrar: Any) -> None:
    """Each key that is told is in the script that is to listen for it."""
    spelled = {"Esc": "Escape", "↓": "ArrowDown", "1 to 9": "[1-9r]", "u": '"u"', "r": "[1-9r]"}
    for key in KEYS:
        script = (Path(settings.BASE_DIR) / "static" / "js" / key.script).read_text(encoding="utf-8")
        assert spelled.get(key.key, f'"{key.key}"') in script, key

    page = client.get(reverse("help_keys")).content.decode()
    assert page.count("<kbd>/</kbd>") >= 2  # the page's own list, and the dialog
    assert '<dialog id="keys"' in page
