"""Partitions of what is kept by line of runs: made ahead, and dropped when nothing of a range is kept any more.

Tables and functions: migration 0027. What comes before its range is made is in the rest of its table and is moved when it is:
no run ever waits for a range, or fails for want of one.
"""

import logging
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError, connection, transaction

logger = logging.getLogger(__name__)

AHEAD = 500  # runs


@dataclass(frozen=True, slots=True)
class RunRange:
    """Runs whose rows stand together: from `first` on, and before `until`."""

    first: int
    until: int


def make_ranges(ahead: int = AHEAD) -> int:
    """Make what the next runs need, if it is not there; returns how many partitions were made.

    Its locks end with its own transaction: within somebody else's nothing is made. Raises DatabaseError where it cannot have
    them within a second: whoever looks next makes the range.
    """
    if connection.in_atomic_block:
        return 0
    with transaction.atomic():
        ((made, astray),) = _rows("SELECT made, astray FROM sis_make_run_ranges(%s)", ahead)
    if astray:
        logger.warning("rows of runs are in no range: they cost room and time, and go with their runs")
    return int(made)


def make_room(ahead: int = 0) -> None:
    """The same, whether or not it can be made just now. By default what a run needs itself, should nobody have looked ahead."""
    with suppress(DatabaseError):
        make_ranges(ahead)


def ranges() -> list[RunRange]:
    """Those there are, the oldest first."""
    return [RunRange(*row) for row in _rows("SELECT DISTINCT first_run, until_run FROM sis_run_ranges() ORDER BY 2")]


def drop(one: RunRange) -> bool:
    """Drop the partitions of a range, which the database refuses (False) while a plan of its runs is kept, or a run may come.

    Raises DatabaseError where somebody is at work on these tables for longer than a second.
    """
    with transaction.atomic():
        return bool(_rows("SELECT sis_drop_run_range(%s)", one.until)[0][0])


def _rows(query: str, *values: int) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return cursor.fetchall()
