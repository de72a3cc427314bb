"""The reconciler: looks for runs that no process is working on, and enqueues them.

    every 2 s    sessions of workers that stopped responding -> ended, which frees their runs
                 runs queued or running whose advisory lock is free -> a message for each that is ready
    every min.   changes of headcounts summed up (headcounts.py), today's counts of missing SSIDs stored
    every hour   partitions for future runs (run_ranges.py); files that nothing refers to (leftovers.py), chosen files that
                 no run used (unused.py), data past its retention period (retention.py)

A free lock on a running run means that its worker died (PostgreSQL freed the lock) or lost its database session. A free
lock on a queued run usually means that it waits its turn, sometimes that the broker lost the message. So a running run is
enqueued immediately, a queued one only if two looks in a row found it waiting, and both again every few seconds. A long queue
does not fill the broker: only the first runs of each lane are enqueued, and only while fewer messages are waiting. After the
broker was away or lost everything, the first run thus starts within seconds, and a worker that ends a run calls for the next.

Each working process runs one reconciler thread, so every process that could do the work also looks for it; `manage.py reconcile`
is one more for installations that want it separate. An error in one look is logged, and the next look is made; if the thread
itself ends, it ends its process, which the worker's parent replaces: no process works without it.
"""

import datetime as dt
import itertools
import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.db import DatabaseError, connections
from django.utils import timezone

from sisimport.imports.models import WRITING, ImportRun, RunStatus
from sisimport.imports.runs import queueing
from sisimport.imports.runs.pulse import end_silent_sessions
from sisimport.imports.runs.queueing import RUN_LOCK, Lane
from sisimport.imports.storage import retention, run_ranges
from sisimport.imports.storage.leftovers import remove_leftovers
from sisimport.imports.storage.unused import remove_unused
from sisimport.runtime import error_reports
from sisimport.runtime.processes import say
from students import headcounts
from students.collection import record_missing

logger = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
REMIND_SECONDS = 6.0  # after a message that no worker acted on
COUNT_SECONDS = 60.0  # how often it checks whether the counts of missing SSIDs are out of date
SWEEP_SECONDS = 3600.0
EXIT_WITHOUT_RECONCILER = 70


@dataclass(slots=True)
class _Seen:
    """A run seen with no process on it. Another attempt in between makes it a new sighting."""

    attempts: int
    next_enqueue: float


class Reconciler(threading.Thread):
    """The look-and-enqueue loop, as a thread. Survives an unavailable database or broker, and any other error.

    enqueue: notifies a worker of a run in this lane, and returns whether the broker was reached.
    """

    def __init__(self, enqueue: Callable[[int, Lane], bool], *, look_seconds: float = LOOK_SECONDS) -> None:
        super().__init__(name="reconciler", daemon=True)
        self._enqueue = enqueue
        self._look_seconds = look_seconds
        self._seen: dict[int, _Seen] = {}
        self._lanes: dict[int, Lane] = {}
        self._ended = threading.Event()
        self._next_count = 0.0
        self._next_sweep = 0.0
        self._counted: tuple[dt.date, int] | None = None
        self._reached = False
        self._heartbeat = os.environ.get("SISIMPORT_HEARTBEAT", "")

    def run(self) -> None:
        """Look until told to end. Ends the process if the loop itself breaks."""
        try:
            while not self._ended.is_set():
                self._look_once()
                self._ended.wait(self._look_seconds)
        except BaseException as error:
            if threading.current_thread() is threading.main_thread():  # `reconcile`: ends like any other command
                raise
            say(f"The reconciler ended ({type(error).__name__}), and its process with it.", sys.stderr)
            os._exit(EXIT_WITHOUT_RECONCILER)

    def _look_once(self) -> None:
        """Run each part separately: an error in one does not keep the others from running."""
        self._reached = False
        for part in (self._end_silent, self._enqueue_waiting, self._keep_counts, self._beat, self._sweep):
            try:
                part()
            except DatabaseError as error:
                logger.warning("cannot look for waiting runs (%s); trying again", type(error).__name__)
            except Exception as error:  # noqa: BLE001 - a look that failed must not be the last
                error_reports.report(error, part="reconciler")
                logger.error("the reconciler could not finish its check (%s); trying again", type(error).__name__)
        try:
            # No connection is kept between looks: a pool process forked in between must not inherit it.
            connections.close_all()
        except Exception as error:  # noqa: BLE001
            logger.warning("the reconciler could not close its session (%s)", type(error).__name__)

    def _end_silent(self) -> None:
        for run_id in end_silent_sessions(RUN_LOCK):
            logger.warning("the worker of run %s stopped responding; another attempt takes it over", run_id)

    def _enqueue_waiting(self) -> None:
        due = self.due(time.monotonic())
        self._reached = True
        reached = itertools.takewhile(lambda run_id: self._enqueue(run_id, self._lanes[run_id]), due)
        for run_id in due[len(list(reached)) :]:  # the broker is away; a try may take seconds, so each look makes one
            self._seen[run_id].next_enqueue = 0.0

    def _keep_counts(self) -> None:
        self.keep_counts(time.monotonic())

    def _beat(self) -> None:
        """For a container's health check: this process reached the database."""
        if self._heartbeat and self._reached:
            Path(self._heartbeat).touch()

    def _sweep(self) -> None:
        now = time.monotonic()
        if now >= self._next_sweep:
            self._next_sweep = now + SWEEP_SECONDS
            run_ranges.make_room(run_ranges.AHEAD)
            remove_leftovers()
            remove_unused()
            retention.purge()

    def keep_counts(self, now: float) -> None:
        """Keep today's counts of missing SSIDs: at the first look of a day, and again after runs that wrote something."""
        if now < self._next_count:
            return
        self._next_count = now + COUNT_SECONDS
        headcounts.compact()
        last = ImportRun.objects.filter(status=RunStatus.COMPLETED).filter(work__in=WRITING).order_by("-id").first()
        seen = (timezone.localdate(), last.pk if last else 0)
        if seen != self._counted:
            record_missing()
            self._counted = seen

    def end(self) -> None:
        """Stop looking; returns immediately."""
        self._ended.set()

    def due(self, now: float) -> list[int]:
        """Ids to enqueue at `now` (monotonic seconds). Looks at the queue and remembers what it saw."""
        ready = {entry.run_id: entry.lane for entry in queueing.waiting() if 0 < entry.place <= queueing.FRONT}
        found = ImportRun.objects.filter(pk__in=list(ready)).order_by("pk")
        seen: dict[int, _Seen] = {}
        due = []
        for run_id, status, attempts in found.values_list("pk", "status", "attempts"):
            last = self._seen.get(run_id)
            if last is None or last.attempts != attempts:
                patience = 0.0 if status == RunStatus.RUNNING else self._look_seconds / 2
                last = _Seen(attempts, next_enqueue=now + patience)
            if now >= last.next_enqueue:
                due.append(run_id)
                last.next_enqueue = now + REMIND_SECONDS
            seen[run_id] = last
        self._seen, self._lanes = seen, ready
        return due
