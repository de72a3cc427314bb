"""Partitions for data kept by line of runs: created ahead, and dropped when no data of a range is kept any more.

Tables and functions: migration 0027. Rows written before their range exists go into the table's default partition and are moved
later: no run ever waits for a range or fails for lack of one.
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
    """Runs whose rows are stored together: from `first` up to but not including `until`."""

    first: int
    until: int


def make_ranges(ahead: int = AHEAD) -> int:
    """Create missing partitions for the next runs; returns how many were created.

    Its locks end with its own transaction: inside another transaction, nothing is created. Raises DatabaseError if it cannot get
    them within a second; the next caller then creates the range.
    """
    if connection.in_atomic_block:
        return 0
    with transaction.atomic():
        ((made, astray),) = _rows("SELECT made, astray FROM sis_make_run_ranges(%s)", ahead)
    if astray:
        logger.warning("rows of runs are outside all ranges: they cost space and time, and are removed with their runs")
    return int(made)


def make_room(ahead: int = 0) -> None:
    """Like `make_ranges`, but ignoring failure. By default only the range a run itself needs, in case none was created ahead."""
    with suppress(DatabaseError):
        make_ranges(ahead)


def ranges() -> list[RunRange]:
    """The existing ranges, oldest first."""
    return [RunRange(*row) for row in _rows("SELECT DISTINCT first_run, until_run FROM sis_run_ranges() ORDER BY 2")]


def drop(one: RunRange) -> bool:
    """Drop the partitions of a range, which the database refuses (False) while a plan of its runs is kept or more runs may fall
    into it.

    Raises DatabaseError if another process keeps these tables locked for longer than a second.
    """
    with transaction.atomic():
        return bool(_rows("SELECT sis_drop_run_range(%s)", one.until)[0][0])


def _rows(query: str, *values: int) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return cursor.fetchall()
