"""What a run records about an attempt that broke: how, in which phase, when, and which kind of error. Never an error's text,
which may quote a record.

An attempt that ends in an error records this itself. A worker that is gone records nothing: the next one to take the run finds it
marked as running with no process on it, and notes that.
"""

from typing import Any

from django.db.models.functions import Now

from sisimport.imports.models import Crash, ImportRun, RunStatus

FIRST_PHASE = "starting"
_NONE = {"crash": "", "crash_attempt": None, "crash_phase": "", "crashed_at": None, "crash_error": ""}


def error(exception: BaseException, *, attempt: int, phase: str) -> dict[str, Any]:
    """The run's field values for an attempt that ended with this exception."""
    cause = type(exception.__cause__).__name__ if exception.__cause__ else ""
    kind = type(exception).__name__
    return {
        "crash": Crash.ERROR,
        "crash_attempt": attempt,
        "crash_phase": phase or FIRST_PHASE,
        "crashed_at": Now(),
        "crash_error": (f"{kind} ({cause})" if cause and cause != kind else kind)[:80],
    }


def note_stopped(run: ImportRun) -> None:
    """Note that the previous attempt died with its worker, if it did. The caller holds the run's lock and row."""
    if run.status != RunStatus.RUNNING:
        return
    ImportRun.objects.filter(pk=run.pk).update(
        crash=Crash.STOPPED,
        crash_attempt=run.attempts,
        crash_phase=run.phase or FIRST_PHASE,
        crashed_at=Now(),
        crash_error="",
    )


def forget(run_id: int, attempt: int) -> None:
    """The attempt was alive after all and had only lost its session: that is an interruption, recorded as one.

    The note of another attempt stays, as does that of a run that has failed since: it gives the reason.
    """
    noted = ImportRun.objects.filter(pk=run_id, crash=Crash.STOPPED, crash_attempt=attempt)
    noted.exclude(status=RunStatus.FAILED).update(**_NONE)


def crash_json(run: ImportRun) -> dict[str, Any] | None:
    """The last attempt that broke, as commands and the REST API report it; None: none broke."""
    if not run.crash:
        return None
    return {
        "status": run.crash,
        "attempt": run.crash_attempt,
        "phase": run.crash_phase,
        "at": run.crashed_at.isoformat() if run.crashed_at else None,
        "error": run.crash_error or None,
    }


def sentence(run: ImportRun) -> str:
    """A sentence on that attempt for the run's page; blank: no attempt broke."""
    if not run.crash:
        return ""
    how = f"{Crash(run.crash).label}" + (f" of the kind {run.crash_error}" if run.crash_error else "")
    ended = f"Attempt {run.crash_attempt} ended in the phase “{run.crash_phase}”: {how}."
    if run.status == RunStatus.COMPLETED:
        return f"{ended} What it had started was undone, and attempt {run.attempts} completed the whole run."
    if run.is_active:
        return f"{ended} What it had started was undone; the run is tried again automatically."
    return f"{ended} What it had started was undone."
