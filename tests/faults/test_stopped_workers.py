"""A worker that hangs for good loses the run and the district; waking up later it writes nothing."""

import signal
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from sisimport.imports.definition.progress import Progress
from sisimport.imports.models import ImportIssue, ImportRun, RunStatus, Work
from sisimport.imports.runs import execution
from sisimport.imports.runs.services import cancel_run, start_update
from students import editing, locks
from students.models import LEA, SSID, Student
from tests.faults.conftest import Barrier, Broker, Worker, wait_for_end, wait_until
from tests.faults.district import District, make_district
from tests.faults.test_runs_survive import assert_done_once, start_halfway

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def impatient(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> Iterator[Worker]:
    """A worker of its own, and more of its kind when asked for: silence of ten seconds is taken for a stop."""
    broker.kill_workers()
    monkeypatch.setenv("RUN_SILENT_SECONDS", "10")
    yield broker.start_worker()
    broker.kill_workers()


def as_kept(run: ImportRun) -> dict[str, Any]:
    """The run but for the note of a broken attempt: one that wakes up takes back that its worker was gone."""
    kept = ImportRun.objects.filter(pk=run.pk).values().get()
    return {name: value for name, value in kept.items() if not name.startswith("crash")}


def assert_unchanged_by_waking(run: ImportRun, stopped: Worker, others: list[Worker], district: District) -> None:
    """The stopped worker continues, and is well enough to do the next run; of the old one it writes nothing."""
    # What the worker that ended the run writes last, after the end, for the figures of the installation.
    wait_until(lambda: bool(as_kept(run)["phase_seconds"]), lambda: f"run {run.pk} says no seconds of its phases")
    before = as_kept(run)
    issues, ssids = ImportIssue.objects.filter(run_id=run.pk).count(), SSID.objects.count()
    for other in others:
        other.kill()
    stopped.signal_children(signal.SIGCONT)

    assert wait_for_end(district.start_test()).status == RunStatus.COMPLETED

    assert as_kept(run) == before
    assert (ImportIssue.objects.filter(run_id=run.pk).count(), SSID.objects.count()) == (issues, ssids)


@pytest.mark.faults
@pytest.mark.parametrize("work", [Work.UPDATE, pytest.param(Work.REVERT, marks=pytest.mark.load)])
def test_a_run_whose_worker_hangs_is_done_once_by_another(
    work: Work, impatient: Worker, broker: Broker, district: District, barrier: Barrier
) -> None:
    run = start_halfway(work, district, barrier)
    impatient.signal_children(signal.SIGSTOP)
    barrier.open()  # PostgreSQL continues; nobody is there to take its answer
    other = broker.start_worker()

    ended = wait_for_end(run)

    assert_done_once(ended, district)
    assert ended.attempts == 2
    assert_unchanged_by_waking(ended, impatient, [other], district)


@pytest.mark.faults
def test_a_worker_that_hangs_in_a_copy_loses_its_run_too(
    impatient: Worker, broker: Broker, uploads: None, barrier: Barrier
) -> None:
    """PostgreSQL takes a session in COPY for a busy one: no limit of its own would ever end it."""
    district = make_district(students=60_000)
    run = district.start_test()
    barrier.stop_in_copy(impatient)
    other = broker.start_worker()

    ended = wait_for_end(run)

    assert_done_once(ended, district)
    assert_unchanged_by_waking(ended, impatient, [other], district)


@pytest.mark.faults
def test_people_can_save_again_once_a_stopped_worker_lost_the_district(
    impatient: Worker, broker: Broker, district: District, barrier: Barrier
) -> None:
    start_halfway(Work.UPDATE, district, barrier)
    impatient.signal_children(signal.SIGSTOP)
    barrier.open()
    broker.start_worker()
    student = Student.objects.get(local_number="100007")

    # Our session waits without a limit: this returns when the district is free.
    editing.update_student(student=student, values={"grade": "06"}, user=None, reason="moved up")

    assert Student.objects.get(pk=student.pk).grade == "06"


# ---- who may say what became of a run ----


def test_only_the_session_that_holds_the_run_may_end_it(db: None) -> None:
    run = ImportRun.objects.create(import_type="ssid-download", work=Work.TEST, status=RunStatus.RUNNING, attempts=2)

    assert not execution.end(run.pk, RunStatus.FAILED, message="from one who woke up late")
    run.refresh_from_db()
    assert (run.status, run.message) == (RunStatus.RUNNING, "")

    with execution.run_lock(run.pk) as mine:
        assert mine
        assert execution.end(run.pk, RunStatus.FAILED, message="true")
    run.refresh_from_db()
    assert (run.status, run.message) == (RunStatus.FAILED, "true")


def test_progress_of_an_earlier_attempt_is_not_reported(db: None) -> None:
    run = ImportRun.objects.create(
        import_type="ssid-download", work=Work.TEST, status=RunStatus.RUNNING, attempts=2, phase="planning"
    )
    for attempt, phase in ((1, "planning"), (2, "reading")):
        with Progress(run.pk, attempt=attempt) as progress:
            progress.report("reading", 1, 2)
        run.refresh_from_db()
        assert run.phase == phase


# ---- waiting for a district ----


def test_a_run_that_waits_for_its_district_can_be_cancelled(
    worker: Worker, district: District, other_session: psycopg.Connection
) -> None:
    test = wait_for_end(district.start_test())
    lea = LEA.objects.get()
    other_session.execute("SELECT pg_advisory_lock(%s, %s)", [locks._LEA_LOCK, lea.pk])
    update = start_update(test_run=test, user=None)
    wait_until(lambda: ImportRun.objects.get(pk=update.pk).phase == "waiting", lambda: "the update does not wait")

    assert cancel_run(run=update)

    assert wait_for_end(update).status == RunStatus.CANCELLED
    assert not SSID.objects.exists()
