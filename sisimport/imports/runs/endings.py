"""The end of a run, written once and only by the process that holds its lock: completed, rejected, failed or cancelled."""

from django.db import transaction
from django.db.models.functions import Now

from sisimport.files.issues import Severity, render
from sisimport.files.reader import FileError
from sisimport.imports.engine import reverting, statistics
from sisimport.imports.engine.sql import fetch_one
from sisimport.imports.models import ImportIssue, ImportRun, RunStatus, Work
from sisimport.imports.runs.events import Event, tell
from sisimport.imports.runs.hindrances import NO_LONGER, RunTakenError
from sisimport.imports.runs.queueing import RUN_LOCK

_LOCK_OF_A_RUN = (
    "l.locktype = 'advisory' AND l.classid = %s AND l.granted"
    " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
_ROWS = ("planned_count", "error_count", "warning_count", "notice_count")


def end(run_id: int, status: RunStatus, **values: object) -> bool:
    """Move an active run to an end state, once. False if it has already ended or is no longer ours.

    A process that lost the session holding the run's lock (because it stopped responding, say) can no longer end the run.
    """
    with transaction.atomic():
        if not _is_ours(run_id):
            return False
        active = ImportRun.objects.filter(pk=run_id, status__in=[RunStatus.QUEUED, RunStatus.RUNNING])
        # A run that did nothing has no records, so all its outcomes are zero and add up.
        values = {"record_count": 0, **NO_LONGER, **values}
        ended = bool(active.update(status=status, finished_at=Now(), phase="", **values))
        if ended:
            tell(run_id, Event.ENDED)
        return ended


def _is_ours(run_id: int) -> bool:
    """Whether this session itself holds the run's lock."""
    (ours,) = fetch_one(
        f"SELECT EXISTS (SELECT 1 FROM pg_locks l WHERE l.pid = pg_backend_pid() AND {_LOCK_OF_A_RUN} AND l.objid = %s)",
        [RUN_LOCK, run_id],
    )
    return bool(ours)


def complete(run: ImportRun, **values: object) -> None:
    """Mark the run completed inside the transaction that did its work: both are committed or neither is.

    Raises RunTakenError, and so undoes the work, if this attempt is no longer the current one. Called last, when nothing is left
    to check: from here to the end of COMMIT the run's row is locked.
    """
    ours = ImportRun.objects.filter(pk=run.pk, status=RunStatus.RUNNING, attempts=run.attempts)
    if run.writes:
        values["applied_order"] = reverting.next_in_order()
    if not ours.update(status=RunStatus.COMPLETED, finished_at=Now(), phase="", **values):
        raise RunTakenError
    tell(run.pk, Event.ENDED)
    if run.work == Work.REVERT and run.reverts_id and values.get("import_count"):
        tell(run.reverts_id, Event.REVERTED)
    # An Update repeats the counts of its Test, whose rows were measured then; its own rows are those it set aside.
    written = ("set_aside_count",) if run.test_run_id else _ROWS
    rows = sum(int(values[name]) for name in written if name in values)  # type: ignore[call-overload]
    statistics.measure_after_commit(run.pk, rows)


def reject(run_id: int, error: FileError) -> None:
    """The file is wrong: store why, as the run's message and as its only issue."""
    message = render(
        error.code, field=error.field or "", found=error.found, expected=error.expected, params=error.params
    )
    with transaction.atomic():
        if not _is_ours(run_id):
            return
        ImportIssue.objects.create(
            run_id=run_id,
            line=int(error.params.get("line", 0) or 0),
            seq=0,
            severity=Severity.ERROR,
            code=error.code,
            part="record",
            field=error.field or "",
            found=error.found,
            expected=error.expected,
            params=error.params or None,
        )
        end(
            run_id,
            RunStatus.REJECTED,
            message=message,
            error_count=1,
            summary={
                "issues": [{"code": error.code, "severity": int(Severity.ERROR), "count": 1, "lines": 1}],
                "changes": [],
            },
        )
