"""The match desk: lines that nearly match a student, candidates with scores, many at once only above a person's threshold."""

import pytest

from sisimport.imports.models import ImportRun
from sisimport.imports.runs.decisions import MATCH, REFUSE, Decision, decide
from sisimport.imports.runs.scope import Scope, undecided_tests
from sisimport.matching.desk import (
    LineState,
    accept_all,
    counts,
    desk_lines,
    line_numbers,
    propose,
    search_students,
    waiting_tests,
)
from students.matching.scores import Identity
from students.models import School, Student
from tests.matching.test_decisions import accept, download, run_download
from tests.ssid.request_files import codes, current_ssid, make_district, make_student, run_test, update

pytestmark = pytest.mark.django_db

ALL = Scope(schools=None, whole_run=True)


@pytest.fixture
def school() -> School:
    return make_district()


@pytest.fixture
def other_school(school: School) -> School:
    return School.objects.create(lea=school.lea, code="0123457", name="South")


def registrar(*schools: School, whole_run: bool = True) -> Scope:
    return Scope(schools=frozenset(s.pk for s in schools), whole_run=whole_run)


def test_d13_near_names_and_unknown_numbers_are_lines_to_decide_on(school: School) -> None:
    make_student(school, last_name="O'Neil")
    make_student(school, "100300", first_name="Kim")
    run = run_download(
        download(last="ONeil"),
        download("100999", ssid="9012345679"),
        download("100300", first="Kim", ssid="9012345680"),
    )

    assert line_numbers(run, LineState.OPEN, ALL) == [1, 2]
    assert counts(run, ALL) == {"open": 2, "accepted": 0, "refused": 0}


def test_a_line_shows_its_candidates_best_first_with_a_score_per_field(school: School) -> None:
    near = make_student(school, "100240", last_name="O'Neil")
    make_student(school, "100241", last_name="O'Neil", first_name="Sue")
    run = run_download(download("100999", last="ONeil"))

    (line,) = desk_lines(run, [1], LineState.OPEN, ALL)

    assert line.offers[0].student == near
    assert line.offers[0].total > line.offers[1].total
    label, given, cells = line.rows()[1]
    assert (label, given, cells[0][0], cells[0][1].kind) == (
        "Last name",
        "ONeil",
        "O'Neil",
        "accents, hyphen, apostrophe, period or spaces",
    )


def test_a_page_of_lines_takes_few_queries(school: School, django_assert_max_num_queries: object) -> None:
    for n in range(10):
        make_student(school, str(100300 + n), last_name="O'Neil")
    run = run_download(*(download(str(100300 + n), last="ONeil", ssid=f"{9012345600 + n}") for n in range(10)))

    with django_assert_max_num_queries(7):  # type: ignore[operator]
        lines = desk_lines(run, list(range(1, 11)), LineState.OPEN, ALL)

    assert len(lines) == 10


def test_a_registrar_sees_no_candidate_of_another_school(school: School, other_school: School) -> None:
    make_student(other_school, "100240")
    run = run_download(download("100999"), schools=[school.pk])

    (line,) = desk_lines(run, [1], LineState.OPEN, registrar(school))

    assert line.offers == []


def test_a_registrar_sees_no_line_of_another_school(school: School, other_school: School) -> None:
    make_student(other_school, last_name="O'Neil")
    run = run_download(download(last="ONeil"))

    assert line_numbers(run, LineState.OPEN, registrar(school)) == []


def test_a_line_that_found_nobody_is_for_those_who_see_the_whole_run(school: School) -> None:
    make_student(school, "100240")
    run = run_download(download("100999"))

    assert line_numbers(run, LineState.OPEN, registrar(school, whole_run=False)) == []
    assert line_numbers(run, LineState.OPEN, registrar(school, whole_run=True)) == [1]


def test_search_finds_by_names_without_accents_number_and_birth_date(school: School) -> None:
    student = make_student(school, "100240", last_name="García-López", first_name="José", birth_date="2009-02-14")
    make_student(school, "100241", last_name="Tran", first_name="Minh")
    given = Identity(last_name="Garcia")

    for text in ("garcia-lopez", "García jo", "100240", "2009-02-14", "jos", "garcialopez jose"):
        assert [offer.student for offer in search_students(text, given, schools=None)] == [student], text


def test_search_finds_a_student_by_ssid(school: School) -> None:
    student = make_student(school, ssid="9012345678")

    assert [o.student for o in search_students("9012345678", Identity(), schools=None)] == [student]


def test_search_never_leaves_the_schools_of_the_reader(school: School, other_school: School) -> None:
    make_student(other_school)

    assert search_students("Lee", Identity(), schools=[school.pk]) == []


def test_all_at_or_above_the_threshold_are_accepted_as_the_preview_said(school: School) -> None:
    near = make_student(school, "100240", last_name="O'Neil")
    make_student(school, "100300", last_name="Tran", first_name="Minh", birth_date="2012-07-09")
    run = run_download(download(last="ONeil"), download("100999", last="Smith", ssid="9012345679"))

    proposals = propose(run, 92.0, ALL)
    run = accept_all(run, proposals, user=None, scope=ALL)
    update(run)

    assert [(p.line, p.student_id) for p in proposals.found] == [(1, near.pk)]
    assert current_ssid(near) == "9012345678"
    assert codes(run, 2) == ["STU-NOTFOUND"]


def test_nothing_is_proposed_below_the_threshold_that_a_person_set(school: School) -> None:
    make_student(school, "100240", last_name="O'Neil")
    run = run_download(download(last="ONeil"))

    assert propose(run, 100.0, ALL).found == ()


def test_two_lines_that_mean_one_student_are_left_to_a_person(school: School) -> None:
    make_student(school, "100240", last_name="O'Neil")
    run = run_download(download(last="ONeil"), download("100241", last="ONeil", ssid="9012345679"))

    assert propose(run, 80.0, ALL).found == ()


def test_the_digest_of_a_preview_changes_with_what_it_means(school: School) -> None:
    student = make_student(school, "100240", last_name="O'Neil")
    run = run_download(download(last="ONeil"))
    before = propose(run, 92.0, ALL).digest

    Student.objects.filter(pk=student.pk).update(last_name="Smith")

    assert propose(run, 92.0, ALL).digest != before


def test_accepted_and_refused_lines_leave_the_open_ones(school: School) -> None:
    student = make_student(school, last_name="O'Neil")
    make_student(school, "100300", last_name="D'Angelo", first_name="Kim")
    run = run_download(download(last="ONeil"), download("100300", last="DAngelo", first="Kim", ssid="9012345680"))

    run = accept(run, student)
    decision = Decision(line=2, subject=MATCH, answer=REFUSE, reason="Somebody else")
    run = decide(run_id=run.pk, decisions=[decision], user=None, schools=None)

    assert counts(run, ALL) == {"open": 0, "accepted": 1, "refused": 1}
    (accepted,) = desk_lines(run, [1], LineState.ACCEPTED, ALL)
    (refused,) = desk_lines(run, [2], LineState.REFUSED, ALL)
    assert accepted.student == student
    assert refused.decision is not None
    assert refused.decision.reason == "Somebody else"


def test_tests_that_wait_are_the_newest_of_their_file_and_not_updated(school: School) -> None:
    make_student(school, last_name="O'Neil")
    run_download(download(last="ONeil"))
    newest = run_download(download(last="ONeil"))
    updated = run_download(download("100999"))
    update(updated)

    assert [(run.pk, n) for run, n in waiting_tests(undecided_tests(ImportRun.objects.all()))] == [(newest.pk, 1)]


def test_a_near_match_of_a_request_file_is_decided_on_too(school: School) -> None:
    from tests.ssid.request_files import line

    student = make_student(school, last_name="Leé", first_name="Sám")
    run = run_test([line(pick="X")])
    assert line_numbers(run, LineState.OPEN, ALL) == [1]

    run = accept(run, student)
    update(run)

    assert current_ssid(student) == "8012345678"
