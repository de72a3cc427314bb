"""Kinds of fault for the matrix: what strikes while a run is worked on, and what heals it where nobody mends it by hand.

A kind that heals says what an installation does or what ends on its own: a folder that is there again, a broker that its
supervisor starts again. Nothing here touches runs or records.
"""

import contextlib
import os
import random
import resource
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg

from tests.faults.conftest import Broker, Worker

Strike = Callable[["Scene"], object]


@dataclass
class Scene:
    """An installation while it is struck. `watch`: a session of ours; `chance`: of this run alone."""

    broker: Broker
    database_url: str
    watch: psycopg.Connection[Any]
    chance: random.Random
    kept: list[Any]
    run_id: int = 0

    @property
    def workers(self) -> list[Worker]:
        return [worker for worker in self.broker.workers if worker.process.poll() is None]

    def children(self) -> list[int]:
        return [pid for worker in self.workers for pid in worker.children()]

    def signal(self, number: signal.Signals) -> None:
        for worker in self.workers:
            worker.signal_children(number)

    def limit(self, what: int, most: int) -> None:
        """Give the working processes less of something; those that take their place have it again."""
        for pid in self.children():
            with contextlib.suppress(ProcessLookupError, ValueError):
                resource.prlimit(pid, what, (most, most))

    def sessions(self) -> list[int]:
        found = self.watch.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND application_name <> 'pytest'"
        )
        return [pid for (pid,) in found if pid != os.getpid() and pid not in self.ours()]

    def ours(self) -> set[int]:
        """Sessions of the test itself."""
        from django.db import connection

        held = [one for one in self.kept if isinstance(one, psycopg.Connection) and not one.closed]
        return {connection.connection.info.backend_pid, *(one.info.backend_pid for one in held)}

    def end_sessions(self, pids: list[int], how: str = "pg_terminate_backend") -> None:
        for pid in pids:
            self.watch.execute(f"SELECT {how}(%s)".encode(), [pid])

    def hold(self, statement: str) -> None:
        """A session of somebody else's that holds a lock until it is healed."""
        session = psycopg.connect(self.database_url)
        self.kept.append(session)
        session.execute("SET lock_timeout = '2s'")
        with contextlib.suppress(psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
            session.execute(statement.encode())

    def let_go(self) -> None:
        for session in self.kept:
            session.close()
        self.kept.clear()

    def ensure_worker(self) -> None:
        if not self.workers:
            self.broker.start_worker()


def kill_parent(scene: Scene) -> None:
    for worker in scene.workers:
        os.kill(worker.process.pid, signal.SIGKILL)
        worker.process.wait()


def kill_all(scene: Scene) -> None:
    scene.broker.kill_workers()


def ask_to_end(number: signal.Signals) -> Strike:
    def strike(scene: Scene) -> None:
        for worker in scene.workers:
            worker.process.send_signal(number)

    return strike


def ended(scene: Scene) -> None:
    for worker in list(scene.workers):
        with contextlib.suppress(Exception):
            worker.process.wait(60)
    scene.broker.kill_workers()
    scene.ensure_worker()


def stop(scene: Scene) -> None:
    scene.signal(signal.SIGSTOP)


def go_on(scene: Scene) -> None:
    time.sleep(scene.chance.uniform(0.2, 2.0))
    scene.signal(signal.SIGCONT)


def another_takes_over(scene: Scene) -> None:
    """Whoever stands still stays so: another worker comes."""
    scene.kept.extend(scene.workers)
    scene.broker.start_worker()


def kill_one(scene: Scene) -> None:
    children = scene.children()
    if children:
        with contextlib.suppress(ProcessLookupError):
            os.kill(scene.chance.choice(children), signal.SIGKILL)


def cut_one(scene: Scene) -> None:
    found = scene.sessions()
    scene.end_sessions([scene.chance.choice(found)] if found else [])


def hang_broker(scene: Scene) -> None:
    server = scene.broker.server
    assert server is not None
    pid = int(server.client().info("server")["process_id"])
    os.kill(pid, signal.SIGSTOP)
    time.sleep(scene.chance.uniform(0.5, 2.0))
    os.kill(pid, signal.SIGCONT)


def start_broker(scene: Scene) -> None:
    scene.broker.start_empty()


def remove(folder: str) -> Strike:
    return lambda scene: shutil.rmtree(scene.broker.folder / folder, ignore_errors=True)


def move_away(scene: Scene) -> None:
    uploads = scene.broker.folder / "uploads"
    if uploads.exists():
        uploads.rename(scene.broker.folder / "uploads.away")


def move_back(scene: Scene) -> None:
    time.sleep(scene.chance.uniform(0.2, 1.5))
    away = scene.broker.folder / "uploads.away"
    if away.exists():
        shutil.rmtree(scene.broker.folder / "uploads", ignore_errors=True)
        away.rename(scene.broker.folder / "uploads")


def damage(scene: Scene) -> None:
    """Every stored file loses its end, as by a copy that broke off; each is put back when it is healed."""
    for path in (scene.broker.folder / "uploads").rglob("*"):
        if path.is_file() and not path.name.endswith(".whole"):
            whole = path.with_name(f"{path.name}.whole")
            path.rename(whole)
            path.write_bytes(whole.read_bytes()[:-100])


def put_back(scene: Scene) -> None:
    time.sleep(scene.chance.uniform(0.2, 1.5))
    for whole in (scene.broker.folder / "uploads").rglob("*.whole"):
        whole.rename(whole.with_name(whole.name.removesuffix(".whole")))


def clock_was_off(scene: Scene) -> None:
    """Whoever wrote the times of runs under way had a clock that was days ahead, or behind."""
    days = scene.chance.choice([-400, -30, -2, 2, 30, 400])
    times = ("created_at", "started_at", "held_until", "waits_since", "crashed_at")
    moved = ", ".join(f"{name} = {name} + interval '{days} days'" for name in times)
    scene.watch.execute("SET lock_timeout = '2s'")
    with contextlib.suppress(psycopg.errors.LockNotAvailable):
        scene.watch.execute(f"UPDATE imports_importrun SET {moved} WHERE finished_at IS NULL".encode())


def garbled_message(scene: Scene) -> None:
    for number in range(3):
        (scene.broker.folder / "broker" / f"{time.time_ns()}_{number}.celery.msg").write_bytes(b"")


def remove_heartbeats(scene: Scene) -> None:
    for worker in scene.workers:
        worker.heartbeat.unlink(missing_ok=True)


def ring_again(scene: Scene) -> None:
    from sisimport.imports.runs.tasks import enqueue

    for _ in range(5):
        enqueue(scene.run_id)


def kill_limited(scene: Scene) -> None:
    """Processes that have too little of something do not live for ever: others take their place, which have enough."""
    time.sleep(scene.chance.uniform(0.2, 2.0))
    scene.signal(signal.SIGKILL)
    scene.ensure_worker()


def crowd(scene: Scene) -> None:
    """Every connection that there is, for a moment."""
    taken: list[psycopg.Connection[Any]] = []
    with contextlib.suppress(psycopg.OperationalError):
        for _ in range(200):
            taken += [psycopg.connect(scene.database_url)]
    time.sleep(scene.chance.uniform(0.3, 1.0))
    for one in taken:
        one.close()


def hold_for(statement: str) -> Strike:
    def strike(scene: Scene) -> None:
        scene.hold(statement)
        time.sleep(scene.chance.uniform(0.2, 1.5))
        scene.let_go()

    return strike


def maintain(statement: str) -> Strike:
    def strike(scene: Scene) -> None:
        scene.watch.execute("SET lock_timeout = '5s'")
        with contextlib.suppress(psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
            scene.watch.execute(statement.encode())

    return strike


@dataclass(frozen=True)
class Kind:
    """`valkey`: with that broker. `fails_whole`: a run may fail, if nothing was written and a press does it. `alone`: it takes
    what other tests need as well."""

    name: str
    strike: Strike
    heal: Strike = Scene.ensure_worker
    valkey: bool = False
    fails_whole: bool = False
    alone: bool = False


KINDS = (
    Kind("a working process is killed", kill_one),
    Kind("all working processes are killed", lambda scene: scene.signal(signal.SIGKILL)),
    Kind("the worker's parent process is killed", kill_parent),
    Kind("the whole worker is killed", kill_all),
    Kind("the worker is asked to end", ask_to_end(signal.SIGTERM), ended),
    Kind("the worker is interrupted", ask_to_end(signal.SIGINT), ended),
    Kind("the worker stands still for a while", stop, go_on),
    Kind("the worker stands still for good", stop, another_takes_over),
    Kind("a second worker starts", lambda scene: scene.broker.start_worker()),
    Kind("a session of the database is cut", cut_one),
    Kind("all sessions of the database are cut", lambda scene: scene.end_sessions(scene.sessions())),
    Kind("statements are canceled", lambda scene: scene.end_sessions(scene.sessions(), "pg_cancel_backend")),
    Kind("every connection is taken", crowd, alone=True),
    Kind("the students are locked", hold_for("LOCK TABLE students_student IN EXCLUSIVE MODE")),
    Kind("the journal is locked", hold_for("LOCK TABLE imports_importchange IN ACCESS EXCLUSIVE MODE")),
    Kind("rows of students are locked", hold_for("SELECT 1 FROM students_student FOR UPDATE")),
    Kind("the run's row is locked", hold_for("SELECT 1 FROM imports_importrun FOR UPDATE")),
    Kind("the table of SSIDs is rewritten", maintain("VACUUM (FULL) students_ssid")),
    Kind("the indexes are made again", maintain("REINDEX TABLE students_student")),
    Kind("messages are lost", lambda scene: scene.broker.flush()),
    Kind("messages are lost in Redis", lambda scene: scene.broker.flush(), valkey=True),
    Kind("Redis is killed and comes back empty", lambda scene: scene.broker.stop(), start_broker, valkey=True),
    Kind("Redis hangs for a while", hang_broker, valkey=True),
    Kind("the folder of messages is removed", remove("broker")),
    Kind("messages are garbled", garbled_message),
    Kind("messages come several times", ring_again),
    Kind("the heartbeat is removed", remove_heartbeats),
    Kind("the scratch folder is removed", remove("scratch")),
    Kind("the folder of uploads is away for a while", move_away, move_back),
    Kind("there is no memory", lambda scene: scene.limit(resource.RLIMIT_AS, 1 << 20), kill_limited),
    Kind("no file can be opened", lambda scene: scene.limit(resource.RLIMIT_NOFILE, 3), kill_limited),
    Kind("no file can be written to", lambda scene: scene.limit(resource.RLIMIT_FSIZE, 0), kill_limited),
    Kind("the processor time is used up", lambda scene: scene.limit(resource.RLIMIT_CPU, 0)),
    Kind("the stored files are damaged for a while", damage, put_back, fails_whole=True),
    Kind("the clock was off by days", clock_was_off),
)
