"""The match desk and the choice of candidates in a real browser: mouse, keyboard alone, without scripts."""

import re
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from sisimport.imports.models import ImportRun, MatchDecision, RememberedMatch
from students.models import School
from tests.factories import UserFactory
from tests.matching.test_decisions import download, run_download
from tests.ssid.request_files import HEADER, RESULT, current_ssid, line, make_district, make_student, run_test, update

pytestmark = pytest.mark.django_db(transaction=True)

EL = "Lee,Sam,M,20110304,EL,20150901,spa,Lee,Ana"
OTHER = "Li,Sam,F,20110305,EO,,eng,Li,Bo"


@pytest.fixture
def school(transactional_db: None) -> School:
    return make_district()


@pytest.fixture
def registrar(school: School) -> Any:
    return UserFactory(registrar=True, schools=[school])


@pytest.fixture
def admin(transactional_db: None) -> Any:
    return UserFactory(import_admin=True)


def own(run: ImportRun, user: Any) -> ImportRun:
    ImportRun.objects.filter(pk=run.pk).update(created_by=user)
    return run


def requests_file(school: School, user: Any) -> ImportRun:
    rows = [f"{HEADER},{RESULT}"]
    for number, name in (("100240", "Sam"), ("100241", "Kim"), ("100242", "Lou")):
        make_student(school, number, first_name=name)
        rows.append(line(number, first=name, ssid=f"80123456{number[-2:]}", more=EL))
        rows.append(line(number, first=name, ssid=f"80123457{number[-2:]}", score="100%", more=OTHER))
    return own(run_test(rows, schools=[school.pk]), user)


def test_a_registrar_chooses_refuses_and_gives_a_reason(
    visit: Callable[..., Any], school: School, registrar: Any
) -> None:
    run = requests_file(school, registrar)
    page = visit(registrar)
    page.goto(reverse("run", args=[run.pk]))
    page.get_by_role("link", name="Choose candidates").click()

    cards = page.locator("fieldset.compare")
    expect(cards).to_have_count(3)
    cards.nth(0).locator("thead input[type=radio]").nth(0).check()
    cards.nth(0).get_by_label("Reason").fill("Seen the papers")
    cards.nth(1).get_by_label("None of them").check()
    page.get_by_role("button", name="Save choices").click()

    expect(page.get_by_text("Saved 2 choices.")).to_be_visible()
    expect(page.locator("fieldset.compare")).to_have_count(1)
    saved = {d.line: (d.answer, d.reason) for d in MatchDecision.objects.filter(run=run)}
    assert saved == {2: ("accept", "Seen the papers"), 4: ("refuse", "")}
    update(run)
    assert MatchDecision.objects.get(line=2).made_by == registrar
    page.goto(reverse("run_candidates", args=[run.pk]) + "?state=chosen")
    expect(page.get_by_text(re.compile("Accepted by .*: Seen the papers"))).to_be_visible()
    expect(page.get_by_text("This Test has already been updated")).to_be_visible()
    expect(page.get_by_role("button", name="Save choices")).to_have_count(0)


def test_all_at_or_above_a_score_are_chosen_after_a_preview(
    visit: Callable[..., Any], school: School, registrar: Any
) -> None:
    run = requests_file(school, registrar)
    page = visit(registrar, scripts=False)
    page.goto(reverse("run_candidates", args=[run.pk]))
    page.get_by_label("Choose many").fill("95")
    page.get_by_role("button", name="Preview").click()

    expect(page.locator("main tbody tr")).to_have_count(3)
    assert not MatchDecision.objects.exists()
    page.get_by_role("button", name="Choose 3").click()

    expect(page.get_by_text("Chose 3 candidates.")).to_be_visible()
    assert {d.line for d in MatchDecision.objects.filter(run=run)} == {3, 5, 7}


def test_requests_are_decided_with_the_keyboard_alone(
    visit: Callable[..., Any], school: School, registrar: Any
) -> None:
    run = requests_file(school, registrar)
    page = visit(registrar)
    page.goto(reverse("run_candidates", args=[run.pk]))
    page.wait_for_load_state()

    for key in ("n", "1", "n", "r", "n", "2", "Enter"):
        page.keyboard.press(key)

    expect(page.get_by_text("Saved 3 choices.")).to_be_visible()
    assert {d.line: d.answer for d in MatchDecision.objects.filter(run=run)} == {2: "accept", 4: "refuse", 7: "accept"}


def test_a_match_is_accepted_with_a_reason_shown_as_remembered_and_taken_back(
    visit: Callable[..., Any], school: School, registrar: Any
) -> None:
    student = make_student(school, last_name="O'Neil")
    run = own(run_download(download(last="ONeil"), schools=[school.pk]), registrar)
    page = visit(registrar)
    page.goto(reverse("match_desk"))
    page.click("text=download.txt")
    expect(page.get_by_label(re.compile("Accept many"))).to_have_count(0)  # a threshold is for import admins

    page.locator(".offers input[type=radio]").first.check()
    page.get_by_label("Reason").fill("Birth certificate seen")
    page.get_by_role("button", name="Save decisions").click()
    expect(page.get_by_text("Saved 1 decision.")).to_be_visible()
    page.goto(reverse("match_desk"))
    expect(page.get_by_text("Birth certificate seen")).to_be_visible()
    page.goto(reverse("run_matches", args=[run.pk]) + "?state=accepted")
    page.get_by_label("Take back").check()
    page.get_by_role("button", name="Save decisions").click()

    expect(page.get_by_text("Saved 1 decision.")).to_be_visible()
    assert not RememberedMatch.objects.filter(ended_at__isnull=True).exists()
    update(run)
    assert current_ssid(student) is None


def test_lines_are_low_the_search_answers_while_one_types_and_marks_are_not_lost(
    visit: Callable[..., Any], school: School, registrar: Any
) -> None:
    make_student(school, last_name="O'Neil", first_name="Samuel", middle_name="Lee")
    make_student(school, "100778", last_name="Quiñones", first_name="Ximena", birth_date="2015-05-05")
    run = own(run_download(download(last="ONeil"), schools=[school.pk]), registrar)
    page = visit(registrar)
    page.goto(reverse("run_matches", args=[run.pk]))
    assert page.locator("fieldset.near").bounding_box()["height"] <= 160

    asks = """() => { const leaving = new Event("beforeunload", {cancelable: true});
        dispatchEvent(leaving); return leaving.defaultPrevented; }"""
    assert page.evaluate(asks) is False
    page.locator(".offers input[type=radio]").first.check()
    assert page.evaluate(asks) is True
    page.get_by_label("Decide later").check()
    assert page.evaluate(asks) is False
    page.goto(reverse("run_match_line", args=[run.pk, 1]))

    page.locator("#desk-words").fill("quinones")
    expect(page.get_by_text("1 student found.")).to_be_visible()
    expect(page.locator(":focus")).to_have_attribute("name", "words")
    page.locator("#desk-found input").check()
    with page.expect_request(lambda request: request.method == "POST") as sent:
        page.get_by_role("button", name="Save decision").click()
    assert "other-1=s" in (sent.value.post_data or ""), sent.value.post_data
    expect(page.get_by_text("Saved 1 decision.")).to_be_visible()


def test_candidates_are_below_each_other_where_there_is_no_room_beside(
    visit: Callable[..., Any], school: School, registrar: Any
) -> None:
    """Nobody scrolls sideways to compare two candidates, on the desk and among those of a request."""
    for number, first in (("100340", "Sue"), ("100341", "Sam"), ("100342", "Sal")):
        make_student(school, number, last_name="O'Neil", first_name=first)
    run = own(run_download(download("100999", last="ONeil"), schools=[school.pk]), registrar)
    asked = requests_file(school, registrar)
    page = visit(registrar, width=390)
    addresses = (reverse("run_match_line", args=[run.pk, 1]), reverse("run_candidates", args=[asked.pk]))
    for width, address in product((390, 320), addresses):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(address)
        tables = page.locator(".compare .table-wrap")
        assert tables.count() >= 1
        assert tables.first.locator("td[data-label]").first.is_visible()
        assert tables.evaluate_all("all => all.filter((each) => each.scrollWidth > each.clientWidth).length") == 0
        for choice in page.locator(".compare input[type=radio]").all():
            assert choice.is_visible()


@pytest.mark.faults  # choosing many goes without scripts in the suite, and so does a file
def test_the_search_and_its_save_work_without_scripts(
    visit: Callable[..., Any], school: School, registrar: Any
) -> None:
    student = make_student(school, "100777", last_name="Quiñones", first_name="Ximena", birth_date="2015-05-05")
    run = own(run_download(download("100999"), schools=[school.pk]), registrar)
    page = visit(registrar, scripts=False)
    page.goto(reverse("run_match_line", args=[run.pk, 1]))
    page.locator("#desk-words").fill("quinones")
    page.locator("#desk-words").press("Enter")
    page.locator("#desk-found input").check()
    page.get_by_role("button", name="Save decision").click()

    expect(page.get_by_text("Saved 1 decision.")).to_be_visible()
    assert MatchDecision.objects.get(run=run).student_id == student.pk


def test_another_student_is_found_and_accepted_with_the_keyboard_alone(
    visit: Callable[..., Any], school: School, registrar: Any
) -> None:
    student = make_student(school, "100777", last_name="Quiñones", first_name="Ximena", birth_date="2015-05-05")
    run = own(run_download(download("100999"), schools=[school.pk]), registrar)
    page = visit(registrar)
    page.goto(reverse("run_match_line", args=[run.pk, 1]))

    expect(page.locator(":focus")).to_have_attribute("name", "words")
    page.keyboard.type("quinones")  # the answer comes while one types; Enter would send the form as without scripts
    expect(page.get_by_text("1 student found.")).to_be_visible()
    expect(page.locator(":focus")).to_have_attribute("name", "words")
    page.keyboard.press("Tab")  # Search
    page.keyboard.press("Tab")  # the student
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.type("Called the school")
    page.keyboard.press("Enter")

    expect(page.get_by_text("Saved 1 decision.")).to_be_visible()
    decision = MatchDecision.objects.get(run=run)
    assert (decision.student_id, decision.reason) == (student.pk, "Called the school")


@pytest.mark.faults  # as candidates above a score are chosen, in a browser; tests/matching/test_desk_pages.py asks for the rest
def test_an_import_admin_accepts_all_at_or_above_a_threshold_after_a_preview(
    visit: Callable[..., Any], school: School, admin: Any
) -> None:
    student = make_student(school, last_name="O'Neil")
    run = run_download(download(last="ONeil"), download("100999", last="Poe", first="Edgar", ssid="9012345679"))
    page = visit(admin)
    page.goto(reverse("run_matches", args=[run.pk]))
    page.get_by_role("button", name="Preview").click()

    expect(page.get_by_role("heading", name=re.compile("1 match at 92"))).to_be_visible()
    assert not MatchDecision.objects.exists()
    page.get_by_role("button", name="Accept 1 match").click()

    expect(page.get_by_text("Accepted 1 match.")).to_be_visible()
    update(run)
    assert current_ssid(student) == "9012345678"


@pytest.mark.faults  # as tests/matching/test_desk_pages.py without a browser
def test_somebody_who_may_only_look_sees_no_button(
    visit: Callable[..., Any], school: School, registrar: Any, admin: Any
) -> None:
    run = own(requests_file(school, registrar), admin)
    page = visit(registrar)
    page.goto(reverse("run_candidates", args=[run.pk]))

    expect(page.get_by_text("You can only view this page")).to_be_visible()
    expect(page.get_by_role("button", name="Save choices")).to_have_count(0)
