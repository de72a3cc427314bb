"""Progress of a run, visible while its transaction is still open, and requests to cancel it."""

import time
from types import TracebackType
from typing import Self

from django.db import DatabaseError, connection

STARTING = "starting"
MIN_INTERVAL = 0.5  # seconds between two writes within a phase


class RunCancelledError(Exception):
    """A user asked to cancel; raised at the next report, before anything was applied."""


class Progress:
    """Writes phase and counts over a connection of its own (the run's transaction would hide them).

    The run's own transaction must not touch the run's row while this is open.
    """

    def __init__(self, run_id: int, *, attempt: int | None = None) -> None:
        """`attempt`: the one that reports; once another attempt has started on the run, this one reports nothing."""
        self.run_id = run_id
        self.attempt = attempt
        self.done = self.total = 0
        self._connection = connection.copy()
        self._phase = ""
        self._last = 0.0
        self._seconds: dict[str, float] = {}
        self._begun = time.monotonic()
        self.cancellable = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def phase(self) -> str:
        """The phase reported last; blank before the first."""
        return self._phase

    def seconds(self) -> dict[str, float]:
        """How long each phase has taken so far; the time before the first report is under `starting`."""
        spent = self._seconds.get(self._phase or STARTING, 0.0) + time.monotonic() - self._begun
        return self._seconds | {self._phase or STARTING: spent}

    def close(self) -> None:
        self._connection.close()

    def report(self, phase: str, done: int = 0, total: int = 0) -> None:
        """Report where the run is. Writes at each new phase and at most twice a second within one.

        Raises RunCancelledError if a user asked to cancel and the run may still be cancelled.
        """
        now = time.monotonic()
        if phase == self._phase and now - self._last < MIN_INTERVAL:
            return
        if phase != self._phase:
            self._seconds, self._begun = self.seconds(), now
        self._phase, self._last = phase, now
        self.done, self.total = done, total
        if self._write(phase, done, total) and self.cancellable:
            raise RunCancelledError

    def _write(self, phase: str, done: int, total: int) -> bool:
        try:
            with self._connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '200ms'")
                cursor.execute(
                    "UPDATE imports_importrun SET phase = %s, progress_done = %s, progress_total = %s "
                    "WHERE id = %s AND status = 'running' AND attempts = coalesce(%s, attempts) RETURNING cancel_requested",
                    [phase, done, total, self.run_id, self.attempt],
                )
                row = cursor.fetchone()
        except DatabaseError:
            # Progress is optional: a run never fails because of it. The main connection detects on its own what is wrong.
            self._connection.close()
            return False
        return bool(row and row[0])
