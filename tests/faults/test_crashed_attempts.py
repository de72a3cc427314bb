"""A crashed attempt leaves on its run how it ended, in which phase, when, and which kind of error: never an error's text."""

import pytest
from django.test import Client
from django.urls import reverse

from sisimport.imports.engine import checking
from sisimport.imports.models import Crash, ImportRun, RunStatus, Work
from sisimport.imports.runs import crashes, execution, hindrances
from sisimport.imports.runs.report import run_facts
from sisimport.imports.runs.services import start_update
from tests.faults.conftest import Barrier, Broker, Worker, wait_for_end
from tests.faults.district import District, make_district
from tests.faults.test_runs_survive import assert_done_once, start_halfway

DATABASE = pytest.mark.django_db(transaction=True)


@pytest.mark.processes
@DATABASE
@pytest.mark.parametrize(
    ("work", "phase"), [pytest.param(Work.TEST, "planning", marks=pytest.mark.faults), (Work.UPDATE, "applying")]
)
def test_a_killed_worker_leaves_phase_and_time_on_the_run(
    work: Work, phase: str, worker: Worker, district: District, barrier: Barrier, admin_client: Client
) -> None:
    run = start_halfway(work, district, barrier)
    worker.kill_children()
    barrier.wait_until_left()
    barrier.open()

    ended = wait_for_end(run)
    assert_done_once(ended, district)
    assert (ended.crash, ended.crash_attempt, ended.crash_phase, ended.crash_error) == (Crash.STOPPED, 1, phase, "")
    assert ended.crashed_at is not None
    assert run.created_at <= ended.crashed_at <= ended.finished_at  # type: ignore[operator]
    page = admin_client.get(reverse("run", args=[run.pk])).content.decode()
    assert f"Attempt 1 ended in the phase “{phase}”: its worker stopped." in page
    assert "attempt 2 completed the whole run" in page


@pytest.mark.faults
@pytest.mark.processes
@DATABASE
def test_a_run_given_up_after_three_attempts_names_the_last(
    worker: Worker, district: District, barrier: Barrier
) -> None:
    run = start_halfway(Work.UPDATE, district, barrier)
    for _attempt in range(3):
        barrier.wait_for_somebody()
        worker.kill_children()
        barrier.wait_until_left()
    ended = wait_for_end(run)
    barrier.open()

    crash = run_facts(ended)["crash"]
    assert ended.status == RunStatus.FAILED
    assert (crash["status"], crash["attempt"], crash["phase"], crash["error"]) == ("stopped", 3, "applying", None)


@pytest.mark.faults
@pytest.mark.processes
@DATABASE
def test_a_session_that_was_cut_is_an_interruption_and_no_crash(
    worker: Worker, district: District, barrier: Barrier
) -> None:
    run = start_halfway(Work.UPDATE, district, barrier)
    barrier.cut(barrier.wait_for_somebody())
    barrier.open()

    ended = wait_for_end(run)
    assert (ended.interruptions, ended.crash) == (1, "")


@DATABASE
def test_an_exception_in_a_phase_leaves_its_kind_and_not_its_text(
    uploads: None, monkeypatch: pytest.MonkeyPatch, admin_client: Client
) -> None:
    run = make_district(students=5).start_test()

    def breaks(_context: object) -> None:
        raise ZeroDivisionError("Garcia 9012345678")

    monkeypatch.setattr(checking, "check", breaks)
    assert execution.execute_run(run.pk)

    run.refresh_from_db()
    assert run.status == RunStatus.FAILED
    crash = run_facts(run)["crash"]
    assert crash.pop("at") == run.crashed_at.isoformat()  # type: ignore[union-attr]
    assert crash == {"status": "error", "attempt": 1, "phase": "checking", "error": "ZeroDivisionError"}
    page = admin_client.get(reverse("run", args=[run.pk])).content.decode()
    assert "Attempt 1 ended in the phase “checking”: an error in the program of the kind ZeroDivisionError." in page
    assert "9012345678" not in page + str(vars(run))


@DATABASE
def test_a_run_that_went_well_has_no_crash(uploads: None) -> None:
    run = make_district(students=5).start_test()
    assert execution.execute_run(run.pk)
    run.refresh_from_db()
    assert run_facts(run)["crash"] is None
    assert start_update(test_run=run, user=None).crash == ""


@DATABASE
def test_the_note_of_an_interruption_takes_a_wrong_note_of_a_stopped_worker_back(uploads: None) -> None:
    """Another worker may take the run up before the one that lost its session comes to say so."""
    run = make_district(students=5).start_test()
    ImportRun.objects.filter(pk=run.pk).update(status=RunStatus.RUNNING, attempts=1, phase="planning")
    run.refresh_from_db()
    crashes.note_stopped(run)
    ImportRun.objects.filter(pk=run.pk).update(attempts=2)

    hindrances.hold(run.pk, 1, hindrances.WaitsFor.DATABASE)

    run.refresh_from_db()
    assert (run.crash, run.crash_attempt, run.crashed_at, run.interruptions) == ("", None, None, 1)


@pytest.fixture
def nobody_else(uploads: None, broker: Broker) -> None:
    """No worker of an earlier test, which would pick up the run."""
    broker.kill_workers()


def noted(attempt: int, **values: object) -> ImportRun:
    """A run whose attempt went away with its worker, and was followed by another."""
    run = make_district(students=5).start_test()
    ImportRun.objects.filter(pk=run.pk).update(status=RunStatus.RUNNING, attempts=attempt, phase="planning")
    run.refresh_from_db()
    crashes.note_stopped(run)
    ImportRun.objects.filter(pk=run.pk).update(attempts=attempt + 1, **values)
    return run


@DATABASE
def test_a_worker_that_wakes_up_leaves_the_note_of_a_later_attempt(nobody_else: None) -> None:
    run = noted(2)

    hindrances.hold(run.pk, 1, hindrances.WaitsFor.DATABASE)

    run.refresh_from_db()
    assert (run.crash, run.crash_attempt, run.crash_phase, run.interruptions) == (Crash.STOPPED, 2, "planning", 1)


@DATABASE
def test_a_worker_that_wakes_up_leaves_the_note_of_a_run_that_failed_meanwhile(nobody_else: None) -> None:
    run = noted(3, status=RunStatus.FAILED)

    hindrances.hold(run.pk, 3, hindrances.WaitsFor.DATABASE)

    run.refresh_from_db()
    assert (run.crash, run.crash_attempt, run.interruptions) == (Crash.STOPPED, 3, 0)
