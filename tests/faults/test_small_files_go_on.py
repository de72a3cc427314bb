"""Fault 15 with real processes: small files behind large ones begin at once, in the process that is kept for them."""

import pytest

from sisimport.imports.models import ImportRun, RunStatus
from tests.faults.conftest import Barrier, Worker, wait_for_end, wait_until
from tests.faults.district import District, make_district, state_file
from tests.longer import first_of

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

LARGE = 15_000  # lines: above IMPORT_SMALL_BYTES
BOTH_BROKERS = pytest.mark.parametrize("broker", first_of(["filesystem", "valkey"]), indirect=True)


@pytest.mark.faults
@BOTH_BROKERS
def test_fifty_lines_behind_two_large_files_are_picked_up_while_the_first_is_under_way(
    worker: Worker, uploads: None, barrier: Barrier
) -> None:
    district = make_district(students=LARGE)
    small = state_file(lines=50)
    barrier.close("imports_importchange")  # the first large file hangs here; it never ends before we say so
    first, second = district.start_test(), district.start_test()
    barrier.wait_for_somebody()
    run = District(50, small).start_test()

    # It is picked up, and reaches the same barrier, while the first large file still is there.
    wait_until(lambda: len(barrier.waiting()) == 2, lambda: "the small file was not taken up")
    states = dict(ImportRun.objects.values_list("pk", "status"))
    assert states == {first.pk: RunStatus.RUNNING, second.pk: RunStatus.QUEUED, run.pk: RunStatus.RUNNING}
    barrier.open()

    ended = wait_for_end(run)
    assert (ended.status, ended.attempts, ended.record_count) == (RunStatus.COMPLETED, 1, 50)
    for large in (first, second):
        assert wait_for_end(large).status == RunStatus.COMPLETED


@BOTH_BROKERS
def test_large_files_never_take_the_process_that_is_kept_free(worker: Worker, uploads: None, barrier: Barrier) -> None:
    district = make_district(students=LARGE)
    barrier.close("imports_importchange")
    runs = [district.start_test() for _number in range(3)]
    barrier.wait_for_somebody()

    # A small one goes through and ends, which it can only in the other process; no large one took that meanwhile.
    small = District(1, state_file(lines=0)).start_test()
    assert wait_for_end(small).status == RunStatus.REJECTED  # an empty file: it reaches no barrier

    assert ImportRun.objects.filter(status=RunStatus.RUNNING).count() == 1
    barrier.open()
    for run in runs:
        assert wait_for_end(run).status == RunStatus.COMPLETED
