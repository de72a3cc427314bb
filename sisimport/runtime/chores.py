"""Chores: small tasks repeated every few seconds, done alongside the runs by a thread in each worker process.

An app registers its chores in `ready`. Several processes do the same chores at the same time, so a chore takes its work from the
database in a way that no work is done twice (rows locked and skipped, or a lock of its own). An error in one is logged and does
not affect the others or its own next turn.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from sisimport.runtime import error_reports

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Chore:
    """Work to do every given number of seconds."""

    name: str
    seconds: float
    do: Callable[[], object]


_chores: dict[str, Chore] = {}


def register_chore(chore: Chore) -> None:
    """Have every worker do it. Raises ValueError for a name that is taken."""
    if chore.name in _chores:
        raise ValueError(f"chore {chore.name!r} is registered twice")
    _chores[chore.name] = chore


def all_chores() -> list[Chore]:
    return list(_chores.values())


class ChoreThread(threading.Thread):
    """Does the chores one by one. `after`: called when some were done (it releases what they held)."""

    def __init__(self, chores: list[Chore], *, after: Callable[[], object], look_seconds: float = LOOK_SECONDS) -> None:
        super().__init__(name="chores", daemon=True)
        self._chores = chores
        self._after = after
        self._look_seconds = look_seconds
        self._next = dict.fromkeys((chore.name for chore in chores), 0.0)
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.wait(self._look_seconds):
            self.look(time.monotonic())

    def look(self, now: float) -> list[str]:
        """Do the chores due at `now` (monotonic seconds). Returns the names of those done."""
        due = [chore for chore in self._chores if now >= self._next[chore.name]]
        for chore in due:
            self._next[chore.name] = now + chore.seconds
            self._do(chore.name, chore.do)
        if due:
            self._do("ending chores", self._after)
        return [chore.name for chore in due]

    def _do(self, name: str, work: Callable[[], object]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - must not stop the next turn; its text may quote a value
            error_reports.report(error, part="chore", chore=name)
            logger.warning("%s: could not be done (%s); trying again", name, type(error).__name__)

    def end(self) -> None:
        """Do no more; returns immediately."""
        self._ended.set()
