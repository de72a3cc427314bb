"""A second person's decision on a held run, and which runs are waiting for one."""

from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from sisimport.imports.models import HoldDecision, ImportRun, RunHold, RunStatus
from sisimport.imports.runs.events import Event, tell
from sisimport.imports.runs.holding import is_own
from sisimport.imports.runs.services import enqueue_run
from sisimport.imports.runs.uploads import RunRefusedError

MOST_WORDS = 500  # characters of a decision's reason


def approve(*, run: ImportRun, user: Any, why: str, enqueue: bool = True) -> ImportRun:
    """Let a held run write its plan. `enqueue`: notify a worker.

    Raises RunRefusedError: not held (any longer), no reason given, or the user started the run.
    """
    _decide(run, user, why, HoldDecision.APPROVED, status=RunStatus.QUEUED, message="")
    run.refresh_from_db()
    if enqueue:
        enqueue_run(run)
    return run


def reject(*, run: ImportRun, user: Any, why: str) -> ImportRun:
    """End a held run without writing anything. Raises RunRefusedError as `approve` does."""
    message = f"Not approved; nothing was changed. Reason: {why.strip()}"
    _decide(run, user, why, HoldDecision.REJECTED, status=RunStatus.CANCELLED, message=message, finished_at=Now())
    run.refresh_from_db()
    return run


def _decide(run: ImportRun, user: Any, why: str, decision: HoldDecision, **values: object) -> None:
    why = why.strip()
    if not why:
        raise RunRefusedError("Say why, in a few words: it is kept with the run.")
    if len(why) > MOST_WORDS:
        raise RunRefusedError(f"Say why in {MOST_WORDS} characters at most.")
    if is_own(run, user):
        raise RunRefusedError("You started this run: a second person has to decide on it.")
    with transaction.atomic():
        if not ImportRun.objects.filter(pk=run.pk, status=RunStatus.HELD).update(**values):
            raise RunRefusedError(
                "This run is not held: a decision was already made, or it never had to wait. Check its page."
            )
        RunHold.objects.filter(run=run).update(decision=decision, decided_by=user, decided_at=Now(), why=why)
        tell(run.pk, Event.APPROVED if decision == HoldDecision.APPROVED else Event.ENDED)


def waiting(runs: Any = None) -> Any:
    """Those of these runs (None: all) that are held, oldest first."""
    found = ImportRun.objects.all() if runs is None else runs
    return found.filter(status=RunStatus.HELD).select_related("file", "created_by", "hold").order_by("pk")
