"""The primary dies in the middle of an Update and a standby takes its place: applied once, by workers that nobody restarted."""

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from celery import current_app
from django.db import connections

from sisimport.imports.models import ImportChange, ImportRun, RunStatus
from sisimport.imports.runs.services import start_revert, start_update
from students.models import SSID, ELRecord
from tests.factories import UserFactory
from tests.faults.conftest import Broker, Worker, wait_until
from tests.faults.district import District, make_district
from tests.faults.people import Visitor
from tests.faults.servers import Server, servers, this_process_on
from tests.faults.site import site

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

PATIENCE = 120.0


@dataclass
class Pair:
    """A primary, its standby, and an address that leads to whichever can be written to."""

    primary: Server
    standby: Server

    @property
    def url(self) -> str:
        hosts = f"127.0.0.1:{self.primary.port},127.0.0.1:{self.standby.port}"
        return self.primary.url.replace(f"127.0.0.1:{self.primary.port}", hosts) + "?target_session_attrs=read-write"

    def wait_for_standby(self) -> None:
        """Until it has everything that was written so far."""
        written = self.primary.ask("SELECT pg_current_wal_insert_lsn()::text")
        query = f"SELECT pg_last_wal_replay_lsn() >= '{written}'::pg_lsn"
        wait_until(lambda: self.standby.ask(query), lambda: "the standby does not stream")

    def fail_over(self) -> None:
        """The primary is gone as by a power cut; the standby is told to take its place."""
        self.primary.stop()
        self.standby.ask("SELECT pg_promote()")
        connections.close_all()


@pytest.fixture
def pair(database_url: str) -> Iterator[Pair]:
    with servers(database_url) as (primary, standby):
        made = Pair(primary, standby)
        with this_process_on(made.url):
            yield made


@pytest.fixture
def worker(pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[Worker]:
    broker = Broker(tmp_path / "data", pair.url, valkey=False)
    for name, value in broker.celery_settings.items():
        monkeypatch.setitem(current_app.conf.maps[0], name, value)
    store = settings.STORAGES["default"] | {"OPTIONS": {"location": str(broker.folder / "uploads")}}
    settings.STORAGES = settings.STORAGES | {"default": store}
    yield broker.start_worker()
    broker.kill_workers()


def ended(run: ImportRun, worker: Worker) -> ImportRun:
    def has_ended() -> bool:
        return not ImportRun.objects.get(pk=run.pk).is_active

    wait_until(has_ended, lambda: worker.log.read_text()[-3000:], pause=0.1, patience=PATIENCE)
    return ImportRun.objects.get(pk=run.pk)


def assert_applied_once(update: ImportRun, district: District) -> None:
    assert update.status == RunStatus.COMPLETED, update.message
    assert SSID.objects.count() == ELRecord.objects.count() == district.students
    assert update.import_count == sum(update.outcome_counts.values()) == district.students
    changes = ImportChange.objects.filter(run_id=update.plan_run_id)
    assert changes.values("line").distinct().count() == district.students


@pytest.mark.faults
def test_a_standby_takes_over_in_the_middle_of_an_update(pair: Pair, worker: Worker) -> None:
    district = make_district(students=3_000)
    test = ended(district.start_test(), worker)
    user = UserFactory(import_admin=True, all_schools=True, is_superuser=True)
    before = worker.process.pid, worker.children()
    # Half of it is written, and streamed; it waits for a table that it reaches later.
    barrier = psycopg.connect(pair.primary.url)
    barrier.execute("LOCK TABLE imports_setaside IN ACCESS EXCLUSIVE MODE")
    update = start_update(test_run=test, user=None)
    waiting = f"SELECT count(*) FROM pg_stat_activity WHERE {barrier.info.backend_pid} = ANY(pg_blocking_pids(pid))"
    wait_until(lambda: pair.primary.ask(waiting), lambda: worker.log.read_text()[-3000:])
    pair.wait_for_standby()

    pair.fail_over()

    with site(pair.url, worker.heartbeat.parent) as web:
        done = ended(update, worker)
        assert_applied_once(done, district)
        assert done.attempts == 2
        assert done.interruptions <= 1  # told where a server could be reached at that moment
        assert (worker.process.pid, worker.children()) == before, "the worker should go on as it is"
        # And everything continues with the new primary.
        assert Visitor(web.port, user).get(f"/runs/{done.pk}/").status_code == 200
        revert = ended(start_revert(run=done, user=None), worker)
        assert revert.status == RunStatus.COMPLETED
        assert not SSID.objects.exists()


@pytest.mark.faults
@pytest.mark.parametrize("attempt", range(5))
def test_at_whatever_moment_a_standby_takes_over_an_update_is_applied_once(
    attempt: int, pair: Pair, worker: Worker
) -> None:
    district = make_district(students=3_000)
    test = ended(district.start_test(), worker)
    update = start_update(test_run=test, user=None)
    pair.wait_for_standby()  # the run itself is there; what it does may be lost with the primary, as a whole
    time.sleep(random.SystemRandom().uniform(0, 2.5))

    pair.fail_over()

    assert_applied_once(ended(update, worker), district)
