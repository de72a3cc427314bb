"""Chores: small work that comes back every few seconds, done beside the runs by a thread of each working process.

An app registers a chore when it is made ready. Several processes do the same chores at once, so a chore takes its work from the
database in a way that nobody does it twice (rows locked and skipped, or a lock of its own). Whatever goes wrong in one is logged,
and keeps neither the others nor its own next turn from being done.
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
    """Work to do every so many seconds."""

    name: str
    seconds: float
    do: Callable[[], object]


_chores: dict[str, Chore] = {}


def register_chore(chore: Chore) -> None:
    """Have it done by every worker. Raises ValueError for a name that is taken."""
    if chore.name in _chores:
        raise ValueError(f"chore {chore.name!r} is registered twice")
    _chores[chore.name] = chore


def all_chores() -> list[Chore]:
    return list(_chores.values())


class ChoreThread(threading.Thread):
    """Does the chores, one after the other. `after`: called when some were done (it gives back what they held)."""

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
        """Do what is due at `now` (monotonic seconds). Returns the names of what was done."""
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
        except Exception as error:  # noqa: BLE001 - the next turn is made all the same; its text may quote a value
            error_reports.report(error, part="chore", chore=name)
            logger.warning("%s: could not be done (%s); trying again", name, type(error).__name__)

    def end(self) -> None:
        """Do no more; returns at once."""
        self._ended.set()
