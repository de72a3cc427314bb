"""Fault 13 with real processes: a machine that does not see the upload folder fails nothing and holds up nothing."""

import os
from pathlib import Path

import pytest

from sisimport.imports.models import ImportRun, RunStatus, WaitsFor
from sisimport.imports.runs.services import start_update
from tests.faults.conftest import Broker, Worker, wait_for_end, wait_until
from tests.faults.district import District

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]


@pytest.mark.faults
@pytest.mark.parametrize("broker", ["valkey"], indirect=True)
def test_runs_wait_for_the_machine_that_has_their_file(broker: Broker, district: District, tmp_path: Path) -> None:
    broker.kill_workers()
    elsewhere = dict(os.environ) | {
        "REDIS_URL": broker.url,
        "DATABASE_URL": broker.database_url,
        "SISIMPORT_DATA_DIR": str(tmp_path / "elsewhere"),
    }
    stranger = Worker(elsewhere, tmp_path / "stranger")
    try:
        stranger.wait_ready()
        runs = [district.start_test() for _number in range(3)]
        mine = ImportRun.objects.filter(pk__in=[run.pk for run in runs])
        wait_until(
            lambda: mine.filter(waits_for=WaitsFor.FILE).count() == 3,
            lambda: f"nobody said what is missing: {list(mine.values())}",
        )
        assert set(mine.values_list("status", "attempts")) == {(RunStatus.QUEUED, 0)}

        broker.start_worker()  # on the machine that has the files

        for run in runs:
            ended = wait_for_end(run)
            assert (ended.status, ended.attempts, ended.waits_for) == (RunStatus.COMPLETED, 1, "")
        broker.kill_workers()
        update = wait_for_end(start_update(test_run=mine.get(pk=runs[0].pk), user=None))
        # An Update needs no file: the stranger does it.
        assert (update.status, update.import_count) == (RunStatus.COMPLETED, district.students)
    finally:
        stranger.kill()
