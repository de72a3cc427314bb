"""A worker: `python -m sisimport.worker [--concurrency N] [Celery worker options]`.

    one parent, which only supervises -> N processes, each with a Celery worker that does one run at a time

The processes are forked after everything is imported, so a killed one is replaced immediately. (Celery's own pool is not used:
with a broker that has no event loop, such as the filesystem one, its processes share a lock. One that is killed while waiting for
work keeps the lock, and the worker then never works again. Measured with Celery 5.7.)

If there are two or more processes, the first takes only small files, so these never wait for large ones
(imports/runs/queueing.py).

Gossip, mingle, heartbeat and remote control are off: workers need not know about each other; PostgreSQL says what to do next.
"""

import argparse
import gc
import os
import signal
import sys
import time
import traceback
import warnings
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import psycopg

from sisimport import command
from sisimport.runtime import processes
from sisimport.runtime.databases import SharedSessionError
from sisimport.runtime.processes import end_with_parent

CELERY_OPTIONS = ["--pool=solo", "--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel=WARNING"]
ENDING_SIGNALS = (signal.SIGTERM, signal.SIGINT)
QUICK_DEATH_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Working:
    """A worker process; `small_only`: it is kept free for small files."""

    started_at: float
    small_only: bool


class Parent:
    """Keeps N worker processes running; when told to end, it does so after they have finished their current work."""

    def __init__(self, concurrency: int, options: list[str]) -> None:
        self.options = options
        self.concurrency = concurrency
        self.ending = False
        self.processes: dict[int, Working] = {}

    def run(self) -> None:
        for ending in ENDING_SIGNALS:
            signal.signal(ending, self.end)
        for number in range(self.concurrency):
            self.start_process(small_only=number == 0 and self.concurrency > 1)
        while self.processes:
            pid, status = os.waitpid(-1, 0)
            ended = self.processes.pop(pid)
            if self.ending:
                continue
            processes.say(f"A working process ended ({_reason(status)}); another takes its place.", sys.stderr)
            if time.monotonic() - ended.started_at < QUICK_DEATH_SECONDS:
                time.sleep(1)
            if not self.ending:
                self.start_process(small_only=ended.small_only)

    def end(self, _signum: int, _frame: FrameType | None) -> None:
        self.ending = True
        for pid in self.processes:
            os.kill(pid, signal.SIGTERM)

    def start_process(self, *, small_only: bool) -> None:
        """Fork a worker process. A signal during the fork waits until both sides can handle it."""
        parent = os.getpid()
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING_SIGNALS)
        pid = os.fork()
        if pid == 0:
            for number in ENDING_SIGNALS:
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING_SIGNALS)
            end_with_parent()
            # If the parent ended before we asked to be notified of that, there is nothing to work for.
            os._exit(work(self.options, small_only=small_only) if os.getppid() == parent else 1)
        self.processes[pid] = Working(time.monotonic(), small_only)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING_SIGNALS)


def work(options: list[str], *, small_only: bool = False) -> int:
    """Run one worker process until told to stop, for only small files or for all. Returns the exit code."""
    from sisimport.celery import app
    from sisimport.imports.runs.queueing import Lane
    from sisimport.imports.runs.tasks import SMALL_ONLY

    lanes = [Lane.SMALL] if small_only else list(Lane)
    app.conf[SMALL_ONLY] = small_only
    os.environ.update(CELERY_SKIP_CHECKS="1")  # the parent ran them; this is Celery's setting, not ours
    try:
        make_broker_folders()
        names = [f"--hostname={os.getpid()}@%h", f"--queues={','.join(lanes)}"]
        app.worker_main(["--quiet", "worker", *CELERY_OPTIONS, *names, *options])
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1
    except BaseException:  # noqa: BLE001 - above us is only the end of the process
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


def make_broker_folders() -> None:
    """Make the folders of the filesystem broker: a person who empties it may also remove them, and no process starts without
    them."""
    from django.conf import settings

    options = settings.CELERY_BROKER_TRANSPORT_OPTIONS
    for name in ("data_folder_in", "control_folder"):
        if folder := options.get(name):
            Path(str(folder)).mkdir(parents=True, exist_ok=True)


def refuse_shared_sessions() -> None:
    """Exit if there is a pooler between us and PostgreSQL. If the database is unavailable, each run checks again."""
    from django.db import DatabaseError, connections

    from sisimport.imports.runs.sessions import require_own_session

    try:
        require_own_session()
    except SharedSessionError as error:
        raise SystemExit(str(error)) from None
    except (DatabaseError, psycopg.Error):
        pass
    finally:
        connections.close_all()  # processes forked now must not inherit it


def main(arguments: list[str]) -> None:
    """Import everything the work needs, then keep processes running that do it."""
    parser = argparse.ArgumentParser(prog="sisimport.worker", description="Works on runs until stopped.")
    parser.add_argument("--concurrency", type=int, default=2, help="runs at the same time (default: 2)")
    given, options = parser.parse_known_args(arguments)

    processes.kind = "worker"
    import django
    from celery.platforms import SecurityWarning

    from sisimport.celery import app

    # Running as root is common in a container or a fresh clone, and messages are JSON (the warning is about pickle).
    warnings.simplefilter("ignore", SecurityWarning)
    django.setup()
    command.without_address_checks()
    from sisimport.accounts.connection_checks import log_connections

    log_connections()
    app.loader.import_default_modules()
    refuse_shared_sessions()
    gc.freeze()
    Parent(max(1, given.concurrency), options).run()


def _reason(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


if __name__ == "__main__":
    main(sys.argv[1:])
