"""The reaper: looks for runs that nobody works on, and rings for them.

    every 2 s: runs queued or running whose advisory lock is free -> a ring for each

A free lock on a running run means that its worker died (PostgreSQL freed the lock) or lost its database session. A free
lock on a queued run usually means that it waits its turn, sometimes that the broker lost the message. So a running run is
rung for at once, a queued one only if two looks in a row found it waiting, and neither again before a pause that grows:
a long queue must not fill the broker with rings.

One thread of it lives in each worker, so whoever could do the work also looks for it; `manage.py reconcile` is one more
for installations that want it apart.
"""

import datetime as dt
import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from django.db import DatabaseError, connections
from django.utils import timezone

from sisimport.imports.execution import active_run_ids_without_worker
from sisimport.imports.models import WRITING, ImportRun, RunStatus
from students.collection import record_missing

logger = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
FIRST_PAUSE = 6.0
LONGEST_PAUSE = 48.0
COUNT_SECONDS = 60.0  # how often it looks whether the counts of missing SSIDs are out of date


@dataclass(slots=True)
class _Seen:
    """A run seen without anybody on it. Another attempt in between makes it a new sighting."""

    attempts: int
    next_ring: float
    pause: float = FIRST_PAUSE


class Reaper(threading.Thread):
    """The look-and-ring loop, as a thread. Survives a database or a broker that is away."""

    def __init__(self, ring: Callable[[int], None], *, look_seconds: float = LOOK_SECONDS) -> None:
        super().__init__(name="reaper", daemon=True)
        self._ring = ring
        self._look_seconds = look_seconds
        self._seen: dict[int, _Seen] = {}
        self._ended = threading.Event()
        self._next_count = 0.0
        self._counted: tuple[dt.date, int] | None = None
        self._heartbeat = os.environ.get("SISIMPORT_HEARTBEAT", "")

    def run(self) -> None:
        while True:
            try:
                for run_id in self.due(time.monotonic()):
                    self._ring(run_id)
                self.keep_counts(time.monotonic())
                if self._heartbeat:  # what a container's health check looks at: this process reaches the database
                    Path(self._heartbeat).touch()
            except DatabaseError as error:
                logger.warning("cannot look for waiting runs (%s); trying again", type(error).__name__)
            finally:
                # No connection is kept between looks: a pool process forked meanwhile must not inherit it.
                connections.close_all()
            if self._ended.wait(self._look_seconds):
                return

    def keep_counts(self, now: float) -> None:
        """Keep today's counts of missing SSIDs: at the first look of a day, and again after runs that wrote something."""
        if now < self._next_count:
            return
        self._next_count = now + COUNT_SECONDS
        last = ImportRun.objects.filter(status=RunStatus.COMPLETED).filter(work__in=WRITING).order_by("-id").first()
        seen = (timezone.localdate(), last.pk if last else 0)
        if seen != self._counted:
            record_missing()
            self._counted = seen

    def end(self) -> None:
        """Stop looking; returns at once."""
        self._ended.set()

    def due(self, now: float) -> list[int]:
        """Ids to ring for at `now` (monotonic seconds). Looks, and remembers what it saw."""
        found = ImportRun.objects.filter(pk__in=active_run_ids_without_worker()).order_by("pk")
        seen: dict[int, _Seen] = {}
        due = []
        for run_id, status, attempts in found.values_list("pk", "status", "attempts"):
            last = self._seen.get(run_id)
            if last is None or last.attempts != attempts:
                patience = 0.0 if status == RunStatus.RUNNING else self._look_seconds / 2
                last = _Seen(attempts, next_ring=now + patience)
            if now >= last.next_ring:
                due.append(run_id)
                last.next_ring = now + last.pause
                last.pause = min(2 * last.pause, LONGEST_PAUSE)
            seen[run_id] = last
        self._seen = seen
        return due
