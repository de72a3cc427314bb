"""Preconditions for erasing."""

from django.db import connection

from sisimport.imports.models import UNDECIDED, ImportRun, RunStatus
from students.locks import lock_leas


class ErasingError(Exception):
    """Nothing was erased; the text is for the user."""


class BusyError(ErasingError):
    """Cannot be erased now: a run has to end first."""


def begin(lea: int) -> None:
    """Take the LEA's update lock for the current transaction, waiting as long as necessary."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
    lock_leas([lea])


def keep_runs_away(lea: int) -> None:
    """Let no run begin until the transaction ends: one that reads a file meanwhile would restore what is erased.

    Raises BusyError while a run is active, or one of the LEA waits for a decision.
    """
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE imports_importrun IN SHARE ROW EXCLUSIVE MODE")
    undecided = ImportRun.objects.filter(status__in=UNDECIDED)
    held = undecided.filter(status=RunStatus.HELD, lea_ids__contains=[lea])
    at_work = undecided.exclude(status=RunStatus.HELD)
    if waiting := sorted({*at_work.values_list("pk", flat=True), *held.values_list("pk", flat=True)}):
        named = ", ".join(map(str, waiting[:5]))
        raise BusyError(
            f"Runs are in progress or waiting for a decision ({named}). Erase when they have ended: they may read the "
            f"lines in question."
        )
