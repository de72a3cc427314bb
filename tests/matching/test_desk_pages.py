"""Pages of the match desk and of choosing candidates: what they show, what they save, and for whom."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from sisimport.accounts.access import IMPORT_ADMIN, REGISTRAR
from sisimport.imports.models import ImportRun, MatchDecision, RememberedMatch
from sisimport.matching import lists
from students.models import School, Student
from tests.matching.conftest import own, sign_in
from tests.matching.test_choosing_pages import ROWS
from tests.matching.test_decisions import accept, download, run_download
from tests.ssid.request_files import (
    codes,
    current_ssid,
    make_student,
    run_test,
    update,
)

pytestmark = pytest.mark.django_db


def test_the_desk_lists_tests_that_wait(school: School, admin: Client) -> None:
    make_student(school, last_name="O'Neil")
    run = run_download(download(last="ONeil"))

    page = admin.get(reverse("match_desk"))

    assert reverse("run_matches", args=[run.pk]) in page.text


def test_the_desk_lists_requests_with_candidates_to_choose(school: School, admin: Client) -> None:
    make_student(school)
    run = run_test(ROWS)

    page = admin.get(reverse("match_desk"))

    assert reverse("run_candidates", args=[run.pk]) in page.text


def test_the_page_of_a_test_leads_to_what_waits(school: School, admin: Client) -> None:
    make_student(school)
    run = run_test(ROWS)

    page = admin.get(reverse("run", args=[run.pk]))

    assert reverse("run_candidates", args=[run.pk]) in page.text
    assert "1 request open" in page.text


def test_lines_stand_beside_their_candidates_with_differences_marked(school: School, admin: Client) -> None:
    make_student(school, last_name="O'Neil")
    run = run_download(download(last="ONeil"))

    page = admin.get(reverse("run_matches", args=[run.pk]))

    assert "last name O&#x27;Neil: accents, hyphen, apostrophe, period or spaces" in page.text
    assert "very similar" in page.text
    assert "Nearly the same name" in page.text
    assert not re.search(r"\d+\.\d (?:of 100|<)", page.text)  # words, no bare scores
    beside = admin.get(reverse("run_match_line", args=[run.pk, 1])).text
    assert "<mark>O&#x27;Neil</mark>" in beside
    assert beside.count('type="submit">Save decision') == 1
    ids = re.findall(r' id="([^"]+)"', beside)  # the menu's search has a form and a place for answers of its own
    assert len(ids) == len(set(ids)), ids


def test_the_badge_counts_lines_and_not_tests(school: School, admin: Client) -> None:
    """A line with two findings is one line; a line that somebody refused waits no more."""
    make_student(school, last_name="O'Neil", first_name="Zoë")
    make_student(school, "100300", last_name="D'Angelo", first_name="Kim")
    run = run_download(
        download(last="ONeil", first="Zoe"), download("100300", last="DAngelo", first="Kim", ssid="9012345680")
    )
    assert run.summary["issues"]

    def badge() -> str:
        entry = re.search(r'<a href="/match-desk/".*?</a>', admin.get("/match-desk/").text, re.DOTALL)
        count = re.search(r'class="count">(\d+)<', entry[0]) if entry else None
        return count[1] if count else ""

    assert badge() == "2"
    admin.post(reverse("run_matches", args=[run.pk]), {"line-1": "refuse", "state": "open"})
    assert badge() == "1"


def test_the_desk_counts_what_its_badge_counts(school: School, admin: Client) -> None:
    """A request with two candidates is one request; lines that somebody refused wait no more, and the Test stays listed."""
    make_student(school)
    make_student(school, "100300", last_name="O'Neil", first_name="Zoë")
    near = run_download(download("100300", last="ONeil", first="Zoe"))
    run_test(ROWS)

    def said() -> list[str]:
        return re.findall(r"<span>(\d+ \w+ open|all decided)</span>", admin.get(reverse("match_desk")).text)

    assert said() == ["1 line open", "1 request open"]
    assert re.search(r'class="count">2<', admin.get("/match-desk/").text)
    admin.post(reverse("run_matches", args=[near.pk]), {"line-1": "refuse", "state": "open"})
    assert said() == ["all decided", "1 request open"]


def test_a_student_found_by_the_search_is_accepted_but_never_beside_another_mark(school: School, admin: Client) -> None:
    near = make_student(school, last_name="O'Neil")
    found = make_student(school, "100777", last_name="Quinones", first_name="Ximena")
    run = run_download(download(last="ONeil"))

    both = {"line-1": f"s{near.pk}", "other-1": f"s{found.pk}", "state": "open"}
    answer = admin.post(reverse("run_matches", args=[run.pk]), both, follow=True)
    assert "Two students were marked for one line" in answer.text
    assert not MatchDecision.objects.exists()

    admin.post(reverse("run_matches", args=[run.pk]), {"line-1": "", "other-1": f"s{found.pk}", "state": "open"})
    assert MatchDecision.objects.get(run=run).student_id == found.pk


def test_one_save_decides_on_many_lines(school: School, admin: Client) -> None:
    student = make_student(school, last_name="O'Neil")
    make_student(school, "100300", last_name="D'Angelo", first_name="Kim")
    run = run_download(download(last="ONeil"), download("100300", last="DAngelo", first="Kim", ssid="9012345680"))

    marks = {"line-1": f"s{student.pk}", "reason-1": "Same child", "line-2": "refuse", "state": "open"}
    answer = admin.post(reverse("run_matches", args=[run.pk]), marks)
    update(run)

    assert answer.status_code == 302
    assert current_ssid(student) == "9012345678"
    saved = {d.line: (d.answer, d.reason) for d in MatchDecision.objects.filter(run=run)}
    assert saved == {1: ("accept", "Same child"), 2: ("refuse", "")}


def test_what_somebody_else_decided_meanwhile_stays_and_the_rest_is_saved(school: School, admin: Client) -> None:
    student = make_student(school, last_name="O'Neil")
    other = make_student(school, "100300", last_name="D'Angelo", first_name="Kim")
    run = run_download(download(last="ONeil"), download("100300", last="DAngelo", first="Kim", ssid="9012345680"))
    page = admin.get(reverse("run_matches", args=[run.pk])).text
    assert 'name="seen-1" value="0"' in page
    client, _user = sign_in(IMPORT_ADMIN, school)
    client.post(reverse("run_matches", args=[run.pk]), {"line-1": "refuse", "reason-1": "Cousins", "seen-1": "0"})

    marks = {"line-1": f"s{student.pk}", "seen-1": "0", "line-2": f"s{other.pk}", "seen-2": "0"}
    told = admin.post(reverse("run_matches", args=[run.pk]), marks, follow=True).text

    assert "decided on line 1 after you opened the page" in told
    assert "Saved 1 decision." in told
    saved = {d.line: (d.answer, d.student_id) for d in MatchDecision.objects.filter(run=run)}
    assert saved == {1: ("refuse", None), 2: ("accept", other.pk)}


def test_taking_back_on_the_page(school: School, admin: Client) -> None:
    student = make_student(school, last_name="O'Neil")
    run = accept(run_download(download(last="ONeil")), student)

    admin.post(reverse("run_matches", args=[run.pk]), {"line-1": "open", "state": "accepted"})

    assert codes(run) == ["DEMO-NEAR"]
    assert not RememberedMatch.objects.filter(ended_at__isnull=True).exists()


def test_many_are_accepted_only_after_a_preview(school: School, admin: Client) -> None:
    student = make_student(school, last_name="O'Neil")
    run = run_download(download(last="ONeil"))
    url = reverse("run_matches_accept", args=[run.pk])

    preview = admin.post(url, {"threshold": "92"})
    assert not MatchDecision.objects.exists()
    digest = preview.context["proposals"].digest
    admin.post(url, {"threshold": "92", "digest": digest})

    assert MatchDecision.objects.get().student_id == student.pk


@pytest.mark.parametrize("threshold", ["", "abc", "10", "101", "nan"])
def test_without_a_threshold_nothing_is_accepted(school: School, admin: Client, threshold: str) -> None:
    make_student(school, last_name="O'Neil")
    run = run_download(download(last="ONeil"))

    answer = admin.post(reverse("run_matches_accept", args=[run.pk]), {"threshold": threshold, "digest": "x"})

    assert answer.status_code == 302
    assert not MatchDecision.objects.exists()


def test_searching_is_posted_and_finds_another_student(school: School, admin: Client) -> None:
    student = make_student(school, "100777", last_name="Quiñones", first_name="Ximena", birth_date="2015-05-05")
    run = run_download(download("100999"))
    url = reverse("run_match_line", args=[run.pk, 1])

    page = admin.post(url, {"words": "quinones"})
    admin.post(reverse("run_matches", args=[run.pk]), {"line-1": f"s{student.pk}", "reason-1": "Called the school"})

    assert "Quiñones" in page.text
    assert MatchDecision.objects.get().student_id == student.pk


def test_a_registrar_decides_on_the_matches_of_a_run_of_their_own(school: School) -> None:
    student = make_student(school, last_name="O'Neil")
    client, user = sign_in(REGISTRAR, school)
    run = own(run_download(download(last="ONeil"), schools=[school.pk]), user)

    page = client.get(reverse("run_matches", args=[run.pk]))
    client.post(reverse("run_matches", args=[run.pk]), {"line-1": f"s{student.pk}"})
    update(run)

    assert "Save decisions" in page.text
    assert MatchDecision.objects.get().made_by == user
    assert current_ssid(student) == "9012345678"


def test_a_registrar_looks_but_does_not_decide_on_a_run_of_somebody_else(school: School) -> None:
    student = make_student(school, last_name="O'Neil")
    client, _user = sign_in(REGISTRAR, school)
    run = run_download(download(last="ONeil"), schools=[school.pk])

    page = client.get(reverse("run_matches", args=[run.pk]))
    answer = client.post(reverse("run_matches", args=[run.pk]), {"line-1": f"s{student.pk}"})

    assert (page.status_code, answer.status_code) == (200, 404)
    assert "You can only view this page" in page.text
    assert not MatchDecision.objects.exists()


def test_a_registrar_sets_no_threshold_for_many(school: School) -> None:
    make_student(school, last_name="O'Neil")
    client, user = sign_in(REGISTRAR, school)
    run = own(run_download(download(last="ONeil"), schools=[school.pk]), user)

    page = client.get(reverse("run_matches", args=[run.pk]))
    answer = client.post(reverse("run_matches_accept", args=[run.pk]), {"threshold": "92"})

    assert "Accept many" not in page.text
    assert answer.status_code == 403
    assert not MatchDecision.objects.exists()


def test_a_registrar_forgets_a_match_of_their_own_and_no_other(school: School) -> None:
    client, user = sign_in(REGISTRAR, school)
    accept(run_download(download("100999")), make_student(school))
    match = RememberedMatch.objects.get()

    others = client.post(reverse("match_forget", args=[match.pk]))
    RememberedMatch.objects.update(made_by=user)
    page = client.get(reverse("match_desk"))
    own_one = client.post(reverse("match_forget", args=[match.pk]))

    assert (others.status_code, own_one.status_code) == (404, 302)
    assert reverse("match_forget", args=[match.pk]) in page.text
    match.refresh_from_db()
    assert match.ended_by == user


def test_a_registrar_sees_no_candidate_of_another_school_on_the_page(school: School) -> None:
    other = School.objects.create(lea=school.lea, code="0123457", name="South")
    make_student(other, "100240", last_name="Secretname")
    client, user = sign_in(REGISTRAR, school)
    run = own(run_download(download("100999", last="Secretname"), schools=[school.pk]), user)

    page = client.get(reverse("run_matches", args=[run.pk]))
    found = client.post(reverse("run_match_line", args=[run.pk, 1]), {"words": "Secretname"})

    assert "No student is close" in page.text
    assert "0 students found" in found.text


def test_a_run_of_another_school_is_not_found(school: School) -> None:
    other = School.objects.create(lea=school.lea, code="0123457", name="South")
    make_student(school, last_name="O'Neil")
    run = run_download(download(last="ONeil"), schools=[school.pk])
    client, _user = sign_in(REGISTRAR, other)

    for name in ("run_matches", "run_candidates"):
        assert client.get(reverse(name, args=[run.pk])).status_code == 404


def test_an_updated_test_is_shown_and_closed(school: School, admin: Client) -> None:
    make_student(school, last_name="O'Neil")
    run = run_download(download(last="ONeil"))
    update(run)

    page = admin.get(reverse("run_matches", args=[run.pk]))

    assert "already been updated" in page.text
    assert "Save decisions" not in page.text


def test_a_remembered_match_is_forgotten_on_the_desk(school: School, admin: Client) -> None:
    accept(run_download(download("100999")), make_student(school))
    match = RememberedMatch.objects.get()

    admin.post(reverse("match_forget", args=[match.pk]))

    match.refresh_from_db()
    assert match.ended_at is not None


# -- lists -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def two_lines(school: School) -> ImportRun:
    """A Test with two near matches of students of two schools, the later name first in the alphabet."""
    make_student(school, last_name="O'Neil")
    other = School.objects.create(lea=school.lea, code="0123457", name="South")
    make_student(other, "100300", last_name="D'Angelo", first_name="Kim")
    return run_download(download(last="ONeil"), download("100300", last="DAngelo", first="Kim", ssid="9012345680"))


def shown(client: Client, run: ImportRun, **query: str) -> list[int]:
    return [entry.line for entry in client.get(reverse("run_matches", args=[run.pk]), query).context["lines"]]


def test_lines_are_searched_by_what_the_file_says_sorted_and_filtered(admin: Client, two_lines: ImportRun) -> None:
    address = reverse("run_matches", args=[two_lines.pk])
    assert shown(admin, two_lines) == [1, 2]
    assert shown(admin, two_lines, sort="-line") == [2, 1]

    answer = admin.post(address, {"text": "dang", "state": "open"})

    assert answer["Location"] == f"{address}?state=open"
    assert shown(admin, two_lines) == [2]
    admin.post(address, {"text": "1", "state": "open"})
    assert 1 in shown(admin, two_lines)
    admin.post(address, {"clear": "1"})
    assert shown(admin, two_lines, cause="nothing-like-it") == []
    assert shown(admin, two_lines, school=str(School.objects.get(name="South").pk)) == [2]


def test_lines_are_sorted_by_how_alike_the_student_is(
    school: School, admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_student(school, last_name="O'Neil")
    make_student(school, "100300", last_name="Smith", first_name="Kimberly")
    run = run_download(download(last="ONeil"), download("100300", last="Smyth", first="Kim", ssid="9012345680"))
    totals = [entry.offers[0].total for entry in admin.get(reverse("run_matches", args=[run.pk])).context["lines"]]
    assert totals[0] > totals[1]

    assert shown(admin, run, sort="-likeness") == [1, 2]
    assert shown(admin, run, sort="likeness") == [2, 1]
    for at, name in ((1, "O'Neil"), (2, "Smith")):
        accept(run, Student.objects.get(last_name=name), at)
    assert shown(admin, run, sort="likeness", state="accepted") == [2, 1]

    # Lines beyond those that are compared follow as the file has them, and the page says so.
    monkeypatch.setattr(lists, "MOST_RANKED", 1)
    page = admin.get(reverse("run_matches", args=[run.pk]), {"sort": "likeness", "state": "accepted"})
    assert [entry.line for entry in page.context["lines"]] == [1, 2]
    assert "Only the first 1 lines of the file are sorted this way" in page.text


def test_a_decision_leads_back_to_the_list_as_it_was_filtered(admin: Client, two_lines: ImportRun) -> None:
    address = reverse("run_matches", args=[two_lines.pk])

    answer = admin.post(f"{address}?state=open&sort=-line", {"line-1": "refuse", "state": "open"})

    assert answer["Location"] == f"{address}?state=open&sort=-line"


def test_lines_leave_beside_the_student_who_is_most_alike(admin: Client, two_lines: ImportRun) -> None:
    answer: Any = admin.post(f"{reverse('run_matches', args=[two_lines.pk])}?sort=-line", {"export": "csv"})
    rows = b"".join(answer).decode("utf-8-sig").splitlines()

    assert rows[0].startswith("Line,Last name,First name")
    assert [row.split(",")[0] for row in rows[1:]] == ["2", "1"]
    assert "D'Angelo" in rows[1]
    assert "very similar" in rows[1]


def test_remembered_matches_are_searched_sorted_and_exported(school: School, admin: Client) -> None:
    for number, last in (("100998", "Zuniga"), ("100999", "Adams")):
        accept(run_download(download(number)), make_student(school, f"{number}1", last_name=last))
    address = reverse("match_desk")

    def names(**query: str) -> list[str]:
        return [student.last_name for _match, _number, student in admin.get(address, query).context["remembered"]]

    assert names() == ["Adams", "Zuniga"]  # the newest first
    assert names(sort="-student") == ["Zuniga", "Adams"]
    answer: Any = admin.post(f"{address}?sort=student", {"export": "csv"})
    assert [row.split('"')[1] for row in b"".join(answer).decode("utf-8-sig").splitlines()[1:]] == [
        "Adams, Sam", "Zuniga, Sam",
    ]  # fmt: skip
    admin.post(address, {"text": "zun"})
    assert names() == ["Zuniga"]
    admin.post(address, {"text": "100999"})
    assert names() == ["Adams"]


def test_a_test_that_is_closed_offers_no_marks_and_its_tables_can_be_scrolled(school: School, admin: Client) -> None:
    """Nothing is in a disabled fieldset: what is in one cannot be reached by the keyboard."""
    make_student(school, last_name="O'Neil")
    run = run_download(download(last="ONeil"))
    update(run)

    for address in (reverse("run_matches", args=[run.pk]), reverse("run_match_line", args=[run.pk, 1])):
        page = admin.get(address).text
        assert "O&#x27;Neil" in page
        assert not re.search(r"<fieldset[^>]* disabled", page)
        assert 'name="line-1"' not in page


def test_the_badge_of_many_tests_costs_no_more_than_that_of_two(school: School, admin: Client) -> None:
    """Every page of everybody has it: a condition for each type and not for each Test, and nothing read that no count needs."""
    make_student(school, last_name="O'Neil")

    def asked(number: int) -> tuple[str, str]:
        for n in range(number):
            run_download(download(last="ONeil"), *[download(f"3{n:05}", first=f"Kim{number}{n}")])
        with CaptureQueriesContext(connection) as queries:
            admin.get(reverse("runs"))
        (tests,) = [q["sql"] for q in queries.captured_queries if '"imports_importfile"."sha256" FROM' in q["sql"]]
        (lines,) = [
            q["sql"] for q in queries.captured_queries if 'SELECT DISTINCT "imports_importissue"."run_id"' in q["sql"]
        ]
        return tests, lines

    _tests, of_two = asked(2)
    tests, of_six = asked(4)

    assert of_six.count("DEMO-NEAR") == of_two.count("DEMO-NEAR") == 1
    assert '"facts"' not in tests
    assert '"options"' not in tests
