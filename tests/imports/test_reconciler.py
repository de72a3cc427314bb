"""The reconciler: which runs it enqueues, and how often."""

import itertools
import time
from typing import Any

import psycopg
import pytest
from django.db import OperationalError

from sisimport.imports.engine.sql import execute
from sisimport.imports.models import ImportRun, RunStatus, Work
from sisimport.imports.runs import queueing
from sisimport.imports.runs.execution import RUN_LOCK
from sisimport.imports.runs.pulse import end_silent_sessions
from sisimport.imports.runs.queueing import Lane
from sisimport.imports.runs.reconciler import REMIND_SECONDS, Reconciler
from sisimport.imports.runs.sessions import session_parameters
from sisimport.imports.storage import retention, run_ranges
from tests.faults.conftest import wait_until

pytestmark = pytest.mark.django_db


@pytest.fixture
def reconciler() -> Reconciler:
    return Reconciler(enqueue=lambda run_id, lane: True, look_seconds=2.0)


def make_run(status: RunStatus, attempts: int = 0) -> ImportRun:
    return ImportRun.objects.create(import_type="ssid-download", work=Work.TEST, status=status, attempts=attempts)


def test_a_running_run_without_a_worker_is_enqueued_at_once(reconciler: Reconciler) -> None:
    run = make_run(RunStatus.RUNNING, attempts=1)

    assert reconciler.due(now=0.0) == [run.pk]


def test_a_queued_run_has_until_the_second_look_to_be_picked_up(reconciler: Reconciler) -> None:
    run = make_run(RunStatus.QUEUED)

    assert reconciler.due(now=0.0) == []
    assert reconciler.due(now=2.0) == [run.pk]


def test_a_run_whose_lock_somebody_holds_is_left_alone(
    reconciler: Reconciler, other_session: psycopg.Connection
) -> None:
    run = make_run(RunStatus.RUNNING, attempts=1)
    other_session.execute("SELECT pg_advisory_lock(%s, %s)", [RUN_LOCK, run.pk])

    assert reconciler.due(now=0.0) == []

    other_session.execute("SELECT pg_advisory_unlock(%s, %s)", [RUN_LOCK, run.pk])
    assert reconciler.due(now=2.0) == [run.pk]


def _ended() -> list[int]:
    execute("SELECT pg_stat_clear_snapshot()")  # else a transaction sees the sessions of its first look
    return end_silent_sessions(RUN_LOCK)


def test_whoever_stops_between_taking_a_run_and_its_first_beat_loses_it(
    reconciler: Reconciler, other_session: psycopg.Connection, settings: Any
) -> None:
    """It has no pulse that could fall silent: one of thirteen workers that were stopped kept its run for good."""
    run = make_run(RunStatus.QUEUED)
    other_session.execute("SELECT pg_advisory_lock(%s, %s)", [RUN_LOCK, run.pk])

    settings.RUN_SILENT_SECONDS = 2.0
    assert _ended() == []
    time.sleep(2.1)
    beating = session_parameters(f"sisimport pulse {other_session.info.backend_pid}")
    with psycopg.connect(**beating) as pulse:
        assert _ended() == [], "it beats"
        assert pulse.execute("SELECT 1").fetchone() == (1,)
    wait_until(lambda: _ended() == [run.pk], lambda: "nobody ended it")

    with pytest.raises(psycopg.OperationalError):
        other_session.execute("SELECT 1")


@pytest.mark.parametrize("status", [RunStatus.COMPLETED, RunStatus.REJECTED, RunStatus.FAILED, RunStatus.CANCELLED])
def test_an_ended_run_is_never_enqueued(reconciler: Reconciler, status: RunStatus) -> None:
    make_run(status, attempts=1)

    assert [reconciler.due(now=float(t)) for t in range(0, 200, 2)] == [[]] * 100


def test_a_run_that_waits_is_enqueued_every_few_seconds_however_long_it_waits(reconciler: Reconciler) -> None:
    """The broker may lose a message at any moment, and a run must not wait for longer the longer it waited."""
    make_run(RunStatus.QUEUED)

    enqueued = [t for t in range(0, 600, 2) if reconciler.due(now=float(t))]

    assert {later - earlier for earlier, later in itertools.pairwise(enqueued)} == {REMIND_SECONDS}


def test_of_a_long_queue_only_the_first_runs_are_enqueued(reconciler: Reconciler) -> None:
    runs = [make_run(RunStatus.QUEUED).pk for _number in range(queueing.FRONT + 5)]
    reconciler.due(now=0.0)

    assert reconciler.due(now=2.0) == runs[: queueing.FRONT]


def test_a_broker_that_is_down_is_tried_once_a_look_and_gets_all_messages_when_it_is_back() -> None:
    runs = [make_run(RunStatus.RUNNING, attempts=1).pk for _number in range(3)]
    asked: list[int] = []
    away = [True]

    def enqueue(run_id: int, _lane: Lane) -> bool:
        asked.append(run_id)
        return not away[0]

    reconciler = Reconciler(enqueue)
    for _look in range(3):
        reconciler._enqueue_waiting()
    assert asked == runs[:1] * 3, "each try may take seconds, and a look must not take minutes"

    asked.clear()
    away[0] = False
    reconciler._enqueue_waiting()
    assert asked == runs
    reconciler._enqueue_waiting()
    assert asked == runs, "told, and not yet to be told again"


def test_another_attempt_that_died_is_enqueued_at_once_again(reconciler: Reconciler) -> None:
    run = make_run(RunStatus.RUNNING, attempts=1)
    assert reconciler.due(now=0.0) == [run.pk]
    ImportRun.objects.filter(pk=run.pk).update(attempts=2)

    assert reconciler.due(now=2.0) == [run.pk]


def test_ranges_of_runs_that_cannot_be_made_just_now_keep_nothing_else_waiting(
    reconciler: Reconciler, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody reads all of a table for longer than a second: what is kept long enough goes all the same, not an hour later."""

    def held(_ahead: int) -> int:
        raise OperationalError("canceling statement due to lock timeout")

    purged: list[str] = []
    monkeypatch.setattr(run_ranges, "make_ranges", held)
    monkeypatch.setattr(retention, "purge", lambda: purged.append("purged"))

    reconciler._sweep()

    assert purged == ["purged"]
