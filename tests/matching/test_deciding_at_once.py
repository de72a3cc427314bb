"""Two people at once: decisions on one line, and a decision beside the start of an Update."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, connections, transaction

from sisimport.imports.models import ImportRun, MatchDecision, RememberedMatch, Work
from sisimport.imports.runs.decisions import (
    ACCEPT,
    CANDIDATE,
    MATCH,
    REFUSE,
    DecidedMeanwhileError,
    Decision,
    DecisionRefusedError,
    decide,
)
from sisimport.imports.runs.services import start_update
from students.models import School
from tests.matching.test_decisions import accept, download, run_download
from tests.ssid.request_files import current_ssid, finish, line, make_district, make_student, run_test, update

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def school() -> School:
    return make_district()


def in_the_background(pool: ThreadPoolExecutor, work: Callable[[], Any]) -> "Future[Any]":
    """Work of somebody else, with a connection of its own."""

    def run() -> Any:
        try:
            return work()
        finally:
            connections.close_all()

    return pool.submit(run)


def wait_for_waiting(number: int) -> None:
    """Until so many sessions wait for a lock."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone() == (number,):
                return
        time.sleep(0.02)
    raise AssertionError(f"never {number} sessions waiting for a lock")


def both_decide(run: ImportRun, *decisions: Decision) -> list[Any]:
    """All of them at the same moment; what came of each: the run, or the error."""

    def taking(decision: Decision) -> Callable[[], Any]:
        return lambda: decide(run_id=run.pk, decisions=[decision], user=None, schools=None)

    with ThreadPoolExecutor(len(decisions)) as pool:
        with transaction.atomic():
            ImportRun.objects.select_for_update().get(pk=run.pk)
            asked = [in_the_background(pool, taking(decision)) for decision in decisions]
            wait_for_waiting(len(decisions))
        return [future.exception() or future.result() for future in asked]


def test_of_two_who_match_one_line_at_once_the_second_is_told_and_nothing_is_double(school: School) -> None:
    one, other = make_student(school), make_student(school, "100241")
    test = run_download(download("100999"))

    results = both_decide(
        test,
        *(Decision(line=1, subject=MATCH, answer=ACCEPT, student_id=s.pk, seen=0) for s in (one, other)),
    )

    (told,) = [r for r in results if isinstance(r, Exception)]
    assert isinstance(told, DecidedMeanwhileError)
    decision, remembered = MatchDecision.objects.get(), RememberedMatch.objects.get()
    assert decision.student_id == remembered.student_id
    update(test)
    written = {s.pk for s in (one, other) if current_ssid(s)}
    assert written == {decision.student_id}


def test_of_two_who_choose_for_one_request_at_once_the_second_is_told(school: School) -> None:
    student = make_student(school)
    test = run_test([line(), line(ssid="8012345690")])

    results = both_decide(
        test,
        *(Decision(line=n, subject=CANDIDATE, answer=ACCEPT, over=(1, 2), seen=0) for n in (1, 2)),
    )

    assert [type(r) for r in results if isinstance(r, Exception)] == [DecidedMeanwhileError]
    chosen = MatchDecision.objects.get().line
    update(test)
    assert current_ssid(student) == {1: "8012345678", 2: "8012345690"}[chosen]


@pytest.mark.long
def test_two_who_decide_on_different_lines_at_once_both_count(school: School) -> None:
    one, other = make_student(school), make_student(school, "100241")
    test = run_download(download("100999"), download("100998", ssid="9012345679"))

    results = both_decide(
        test,
        Decision(line=1, subject=MATCH, answer=ACCEPT, student_id=one.pk, seen=0),
        Decision(line=2, subject=MATCH, answer=ACCEPT, student_id=other.pk, seen=0),
    )

    assert not [r for r in results if isinstance(r, Exception)]
    test.refresh_from_db()
    assert (test.planned_count, test.refused_count) == (2, 0)
    update(test)
    assert (current_ssid(one), current_ssid(other)) == ("9012345678", "9012345679")


def test_an_update_started_during_a_decision_waits_and_applies_it(school: School) -> None:
    student = make_student(school)
    test = run_download(download("100999"))

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            accept(test, student)
            started = in_the_background(pool, lambda: start_update(test_run=test, user=None, enqueue=False))
            wait_for_waiting(1)
        done = finish(started.result(20))

    assert (done.import_count, current_ssid(student)) == (1, "9012345678")


def test_a_decision_during_the_start_of_an_update_is_refused(school: School) -> None:
    student = make_student(school, last_name="O'Neil")
    test = run_download(download(last="ONeil"))
    refusal = Decision(line=1, subject=MATCH, answer=REFUSE)

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            start_update(test_run=test, user=None, enqueue=False)
            connection.check_constraints()  # as a commit does first: the Update now holds on to its Test
            asked = in_the_background(
                pool, lambda: decide(run_id=test.pk, decisions=[refusal], user=None, schools=None)
            )
            wait_for_waiting(1)
        with pytest.raises(DecisionRefusedError, match="already been updated"):
            asked.result(20)

    finish(ImportRun.objects.get(work=Work.UPDATE))
    assert current_ssid(student) is None
    assert not MatchDecision.objects.exists()
