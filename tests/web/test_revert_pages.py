"""A revert on the page: what it put back, what it kept and why, and the way on."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from sisimport.imports.models import ImportRun, RunStatus, Work
from sisimport.web import states
from students.models import Student
from tests.factories import UserFactory
from tests.imports.journey import District, finish, make_district, run_file
from tests.roster.test_roster import JOSE, csv

pytestmark = pytest.mark.django_db


@pytest.fixture
def district() -> District:
    made = make_district()
    for number in ("1", "2", "3"):
        made.student(local_number=number)
    return made


@pytest.fixture
def admin(client: Client) -> Any:
    user = UserFactory(import_admin=True)
    client.force_login(user)
    return user


def renamed(name: str, *numbers: str) -> ImportRun:
    content = csv(*(JOSE | {"local_number": number, "alias_last_name": name} for number in numbers))
    return run_file("students", content, Work.UPDATE).run


def page(client: Client, run: ImportRun) -> str:
    return " ".join(client.get(reverse("run", args=[run.pk])).content.decode().split())


def press_revert(client: Client, run: ImportRun) -> ImportRun:
    answer = client.post(reverse("start_revert", args=[run.pk]), follow=True)
    number = int(answer.redirect_chain[-1][0].strip("/").split("/")[-1])
    return finish(ImportRun.objects.get(pk=number)).run


def test_a_revert_says_what_it_kept_and_why_and_the_button_stays(
    client: Client, admin: Any, district: District
) -> None:
    first, second = renamed("Beta", "1", "2", "3"), renamed("Gamma", "1")
    Student.objects.filter(local_number="2").update(alias_last_name="Delta")

    undone = press_revert(client, first)

    told = page(client, undone)
    assert "Put back 1 line." in told
    assert "Something in 2 lines was kept:" in told
    assert "1 record: a later run has written the same data" in told
    assert "1 record: edited since" in told
    assert f'<a href="{reverse("run", args=[second.pk])}">run {second.pk}</a>. Revert it, newest first' in told
    of_first = page(client, first)
    assert "This run was reverted in part." in of_first
    assert "Revert the rest" in of_first
    assert states_listed(client)[first.pk] == "Reverted in part"


def test_the_button_is_gone_when_all_is_put_back(client: Client, admin: Any, district: District) -> None:
    first, second = renamed("Beta", "1", "2"), renamed("Gamma", "1")
    press_revert(client, first)

    last = press_revert(client, second)

    assert "put back what an earlier revert had to keep because of this run" in page(client, last)
    (along,) = ImportRun.objects.filter(pk__in=last.facts["finished"])
    assert f'Made automatically, with <a href="{reverse("run", args=[last.pk])}">' in page(client, along)
    for run in (first, second):
        told = page(client, run)
        assert "This run was reverted." in told
        assert reverse("start_revert", args=[run.pk]) not in told
    assert not Student.objects.exclude(alias_last_name="").exists()


def test_a_revert_that_put_nothing_back_is_not_reported_as_one(client: Client, admin: Any, district: District) -> None:
    run = renamed("Beta", "1")
    Student.objects.update(alias_last_name="Delta")
    press_revert(client, run)
    assert "A revert of this run could put nothing back." in page(client, run)
    assert states_listed(client)[run.pk] == "Completed"


def states_listed(client: Client, **query: str) -> dict[int, str]:
    """What the list of runs calls the state of each."""
    listed = client.get(reverse("runs"), query)
    body = listed.content.decode().split("<tbody>")[1].split("</tbody>")[0]
    rows = re.findall(r"<tr>(.*?)</tr>", body, re.DOTALL)
    found = {}
    for row in rows:
        badge = re.search(r'class="badge [^"]*"><span aria-hidden="true">.</span>([^<]+)<', row)
        number = re.search(r'data-label="Run">(\d+)<', row)
        assert badge, row
        assert number, row
        found[int(number[1])] = badge[1]
    return found


def test_an_undone_run_looks_undone_in_the_list_on_its_page_and_on_its_test(
    client: Client, admin: Any, district: District
) -> None:
    update = renamed("Beta", "1", "2")
    assert update.test_run is not None
    assert states_listed(client) == {update.pk: "Completed", update.test_run.pk: "Applied"}
    assert "What was done</h2>" in page(client, update)

    undone = press_revert(client, update)

    assert states_listed(client) == {undone.pk: "All put back", update.pk: "Reverted", update.test_run.pk: "Reverted"}
    told = page(client, update)
    assert "What was done, and then undone</h2>" in told
    assert "<dt>Imported</dt><dd>0</dd>" in told
    assert "<dt>Reverted</dt><dd>2</dd>" in told
    of_test = page(client, update.test_run)
    assert f'applied by <a href="{reverse("run", args=[update.pk])}">run {update.pk}</a>' in of_test
    assert f'reverted by <a href="{reverse("run", args=[undone.pk])}">run {undone.pk}</a>' in of_test
    listed = client.get(reverse("runs")).content.decode()
    assert "2 reverted" in listed
    assert listed.count(f'reverted by <a href="{reverse("run", args=[undone.pk])}">run {undone.pk}</a>') == 2
    last = client.get(reverse("home")).content.decode().split("Last runs</h2>")[1]
    assert last.count("</span>Reverted</span>") == 2  # one vocabulary of states on all pages


def test_the_page_of_a_revert_says_what_to_do_next(client: Client, admin: Any, district: District) -> None:
    undone = press_revert(client, renamed("Beta", "1", "2"))
    told = page(client, undone)
    assert "<dt>Put back</dt><dd>2</dd>" in told
    assert "Nothing is left to undo" in told
    assert reverse("test_again", args=[undone.pk]) in told
    assert "Nothing to say" not in told


def test_the_list_filters_by_the_state_it_shows(client: Client, admin: Any, district: District) -> None:
    undone, standing = renamed("Beta", "1"), renamed("Gamma", "2")
    press_revert(client, undone)
    all_states = states_listed(client)
    for key, label in (("reverted", "Reverted"), ("applied", "Applied"), ("completed", "Completed")):
        shown = states_listed(client, status=key)
        assert shown, key
        wanted = {pk for pk, state in all_states.items() if state == label}
        assert {pk for pk in shown if all_states[pk] == label} == wanted
    assert standing.pk not in states_listed(client, status="reverted")


def test_every_state_has_words_a_sign_and_a_place_of_its_own() -> None:
    assert len({state.key for state in states.ALL}) == len(states.ALL)
    assert all(state.label and state.sign for state in states.ALL)
    assert {status.value for status in RunStatus} <= {state.key for state in states.ALL}
