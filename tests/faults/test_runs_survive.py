"""Whatever dies while a run is worked on: it ends applied once or not at all, with true counts, without repair by hand."""

import itertools
import signal
from typing import Any

import pytest

from sisimport.imports.models import ImportChange, ImportRun, RunStatus, Work
from sisimport.imports.runs.services import start_revert, start_update
from students.models import SSID, ELRecord
from tests.faults.conftest import Barrier, Broker, Worker, wait_for_end
from tests.faults.district import District, make_district
from tests.longer import first_of

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

BROKERS = ["filesystem", "valkey"]
BOTH_BROKERS = pytest.mark.parametrize("broker", first_of(BROKERS), indirect=True)


def works_on_both_brokers(work: Work, broker: str) -> Any:
    """Every work by every broker, of which `script/test` takes this pair: another for each fault."""
    return pytest.mark.parametrize(
        ("work", "broker"),
        [
            pytest.param(*pair, marks=[] if pair == (work, broker) else [pytest.mark.faults])
            for pair in itertools.product([Work.TEST, Work.UPDATE, Work.REVERT], BROKERS)
        ],
        indirect=["broker"],
    )


# A table that the work reaches when it has written part of what it writes.
TABLE_IN_THE_MIDDLE = {
    Work.TEST: "imports_importchange",
    Work.UPDATE: "imports_setaside",
    Work.REVERT: "imports_setaside",
}


def start_halfway(work: Work, district: District, barrier: Barrier) -> ImportRun:
    """A run that a worker has begun and that now waits, half done, at the barrier."""
    if work == Work.TEST:
        barrier.close(TABLE_IN_THE_MIDDLE[work])
        run = district.start_test()
    else:
        run = wait_for_end(district.start_test())
        if work == Work.REVERT:
            run = wait_for_end(start_update(test_run=run, user=None))
        barrier.close(TABLE_IN_THE_MIDDLE[work])
        start = start_revert if work == Work.REVERT else start_update
        run = start(**{"run" if work == Work.REVERT else "test_run": run}, user=None)
    barrier.wait_for_somebody()
    return run


def assert_done_once(run: ImportRun, district: District) -> None:
    """The run did all of its work exactly once, and its counts add up."""
    written = {Work.TEST: 0, Work.UPDATE: district.students, Work.REVERT: 0}[Work(run.work)]
    assert run.status == RunStatus.COMPLETED, run.message
    assert SSID.objects.count() == written
    assert ELRecord.objects.count() == written
    assert ImportChange.objects.filter(run_id=run.plan_run_id).values("line").distinct().count() == district.students
    assert sum(run.outcome_counts.values()) == run.record_count == district.students
    assert run.import_count == (0 if run.work == Work.TEST else district.students)


@BOTH_BROKERS
def test_test_update_and_revert_go_through_a_worker(worker: Worker, district: District) -> None:
    test = wait_for_end(district.start_test())
    assert_done_once(test, district)
    update = wait_for_end(start_update(test_run=test, user=None))
    assert_done_once(update, district)
    revert = wait_for_end(start_revert(run=update, user=None))
    assert_done_once(revert, district)


@works_on_both_brokers(Work.TEST, "filesystem")
def test_killed_working_processes_are_replaced_and_the_run_done_again(
    work: Work, worker: Worker, district: District, barrier: Barrier
) -> None:
    run = start_halfway(work, district, barrier)

    worker.kill_children()
    barrier.wait_until_left()
    barrier.open()

    ended = wait_for_end(run)
    assert_done_once(ended, district)
    assert ended.attempts == 2


@BOTH_BROKERS
def test_working_processes_killed_while_they_wait_for_work_are_replaced(worker: Worker, district: District) -> None:
    before = worker.children()
    worker.kill_children()

    assert_done_once(wait_for_end(district.start_test()), district)
    assert not set(before) & set(worker.children())


@works_on_both_brokers(Work.UPDATE, "filesystem")
def test_after_a_killed_worker_the_next_worker_does_the_run_again(
    work: Work, broker: Broker, worker: Worker, district: District, barrier: Barrier
) -> None:
    run = start_halfway(work, district, barrier)

    worker.kill()
    barrier.open()
    broker.start_worker()

    ended = wait_for_end(run)
    assert_done_once(ended, district)
    assert ended.attempts == 2


@works_on_both_brokers(Work.REVERT, "filesystem")
def test_a_database_session_cut_in_mid_work_is_not_a_failure(
    work: Work, worker: Worker, district: District, barrier: Barrier
) -> None:
    run = start_halfway(work, district, barrier)

    barrier.cut(barrier.wait_for_somebody())
    barrier.open()

    ended = wait_for_end(run)
    assert_done_once(ended, district)
    assert ended.attempts == 2


@pytest.mark.faults
@pytest.mark.parametrize("fault", first_of(["processes killed", "session cut"]))
def test_a_fault_in_mid_copy_is_not_a_failure(fault: str, worker: Worker, uploads: None, barrier: Barrier) -> None:
    district = make_district(students=60_000)
    run = district.start_test()
    copying = barrier.stop_in_copy(worker)

    if fault == "session cut":
        barrier.cut(copying)
        worker.signal_children(signal.SIGCONT)
    else:
        worker.kill_children()

    ended = wait_for_end(run)
    assert_done_once(ended, district)
    assert ended.attempts == 2


@works_on_both_brokers(Work.TEST, "valkey")
def test_a_broker_that_restarts_empty_disturbs_no_run_and_loses_none(
    work: Work, broker: Broker, worker: Worker, district: District, barrier: Barrier
) -> None:
    under_way = start_halfway(work, district, barrier)
    broker.stop()
    enqueued_in_vain = district.start_test()
    broker.start_empty()
    barrier.open()

    assert_done_once(wait_for_end(under_way), district)
    assert wait_for_end(enqueued_in_vain).status == RunStatus.COMPLETED
    assert wait_for_end(district.start_test()).status == RunStatus.COMPLETED
    assert worker.process.poll() is None


@pytest.mark.faults
@BOTH_BROKERS
def test_a_message_that_was_flushed_away_is_recovered(broker: Broker, district: District) -> None:
    broker.kill_workers()
    run = district.start_test()
    broker.flush()

    broker.start_worker()

    assert_done_once(wait_for_end(run), district)


def test_a_run_that_kills_its_worker_three_times_fails_and_writes_nothing(
    worker: Worker, district: District, barrier: Barrier
) -> None:
    run = start_halfway(Work.UPDATE, district, barrier)
    for attempt in (1, 2, 3):
        barrier.wait_for_somebody()
        assert ImportRun.objects.get(pk=run.pk).attempts == attempt
        worker.kill_children()
        barrier.wait_until_left()

    ended = wait_for_end(run)
    barrier.open()
    assert ended.status == RunStatus.FAILED
    assert "3 times" in ended.message
    assert not SSID.objects.exists()
    assert run.test_run
    assert_done_once(wait_for_end(start_update(test_run=run.test_run, user=None)), district)
