"""Executing a run: claimed once, done in one transaction, with its end state written inside it.

The process that executes a run (a worker or the command line) holds the run's advisory lock in its database session. PostgreSQL
frees it the moment the process dies, so a free lock on an active run means that no process is working on it.
"""

import contextlib
import logging
import secrets
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.models.functions import Now

from sisimport.files.reader import FileError
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.definition.progress import Progress, RunCancelledError
from sisimport.imports.definition.registry import get_type, look_again
from sisimport.imports.engine import (
    checking,
    counting,
    linking,
    planning,
    reverting,
    staging,
    standing,
    statistics,
    writing,
)
from sisimport.imports.engine.line_ends import mark_refused_lines
from sisimport.imports.engine.sql import execute, fetch_one
from sisimport.imports.models import ImportFile, ImportRun, RunStatus, WaitsFor, Work
from sisimport.imports.runs import conversions, crashes, holding, queueing
from sisimport.imports.runs.endings import complete, end, reject
from sisimport.imports.runs.hindrances import NO_LONGER, hindrance_of, hold, lacks_something
from sisimport.imports.runs.pulse import Pulse
from sisimport.imports.runs.queueing import RUN_LOCK, Lane
from sisimport.imports.runs.sessions import require_own_session
from sisimport.imports.storage import run_ranges
from sisimport.imports.storage.files import DamagedFileError, RemovedFileError
from sisimport.imports.storage.retention import NO_REVERT, NO_UPDATE, PlanRemovedError, require_plan
from sisimport.runtime import error_reports, tracing
from sisimport.runtime.session_locks import session_lock
from students.locks import NEW_PLACES, try_to_lock_leas

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 3
MAX_INTERRUPTIONS = 30  # of one run; after so many, the run itself is probably what takes the database down
LOOK_UP_SECONDS = 2.0  # how often a run that waits for its district checks whether it was cancelled
CRASHED_MESSAGE = (
    "This run stopped its worker {n} times and failed. Nothing was changed. "
    "Check the worker's memory, then upload the file again."
)
CUT_OFF_MESSAGE = (
    "The database went away {n} times while this run was in progress, and it failed. Nothing was changed. "
    "Check why PostgreSQL keeps stopping, then upload the file again."
)
SHORT_MESSAGE = (
    "The server ran short of memory, open files or scratch space {n} times while this run was in progress, and it failed. "
    "Nothing was changed. Ask your administrator to give the workers more of it, then upload the file again."
)
FAILED_MESSAGE = (
    "Something went wrong on our side; nothing was changed. Tell your administrator the reference {reference}."
)


class InterruptedRunError(Exception):
    """Something the run needs went away while it was running. Nothing was written; the run still has to be done."""


@contextlib.contextmanager
def run_lock(run_id: int) -> Iterator[bool]:
    """Hold the run's session lock, with a pulse; yields False immediately if another session has it."""
    with session_lock(RUN_LOCK, run_id) as mine, Pulse() if mine else contextlib.nullcontext():
        yield mine


def execute_run(run_id: int) -> bool:
    """Execute a queued or abandoned run until it ends. False if it is not ours to do (done, or another session is on it), or if
    something it needs is not here.

    Raises InterruptedRunError when the disk is full, the database session lost or the server short of memory, open files or
    scratch: the run then waits and is picked up again.
    Raises SharedSessionError if a pooler gives our session to others.
    """
    require_own_session()
    with run_lock(run_id) as mine:
        if not mine or not _claim(run_id):
            return False
        look_again()
        run_ranges.make_room()
        run = ImportRun.objects.select_related("file", "test_run", "reverts", "corrects").get(pk=run_id)
        progress = Progress(run_id, attempt=run.attempts)
        try:
            _perform_to_an_end(run, progress)
        except Exception as error:
            if lacked := hindrance_of(error):
                logger.warning("run %s waits for %s (%s)", run_id, lacked.label, type(error).__name__)
                if lacked != WaitsFor.MACHINE:  # without open files no other session could be opened
                    connection.close()
                hold(run_id, run.attempts, lacked, crashes.error(error, attempt=run.attempts, phase=progress.phase))
                raise InterruptedRunError from error
            reference = secrets.token_hex(4).upper()
            # The message of a database error may quote a row: only its type and the place go into the log.
            logger.error("run %s failed, reference %s, %s", run_id, reference, error_place(error))
            error_reports.report(
                error, part="run", reference=reference, type=run.import_type, work=run.work, phase=progress.phase
            )
            end(
                run_id,
                RunStatus.FAILED,
                message=FAILED_MESSAGE.format(reference=reference),
                reference=reference,
                **crashes.error(error, attempt=run.attempts, phase=progress.phase),
            )
        _keep_seconds(run, progress)
        return True


def _keep_seconds(run: ImportRun, progress: Progress) -> None:
    """Keep the run's durations for the installation's metrics (/metrics); a run never fails because of it."""
    seconds = {phase: round(spent, 3) for phase, spent in progress.seconds().items()}
    with contextlib.suppress(DatabaseError, InterfaceError):
        ImportRun.objects.filter(pk=run.pk, attempts=run.attempts).update(phase_seconds=seconds)


def error_place(error: BaseException) -> str:
    """Type of an error and the frames of its traceback, without its text."""
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    return f"{type(error).__name__} at " + " < ".join(f"{f.name}:{f.lineno}" for f in reversed(frames[-6:]))


def _claim(run_id: int) -> bool:
    """Count the attempt before working, so that a run that crashes its worker fails after MAX_ATTEMPTS."""
    with transaction.atomic():
        run = ImportRun.objects.select_for_update().filter(pk=run_id).first()
        if run is None or not run.is_active:
            return False
        crashes.note_stopped(run)
        if run.cancel_requested:
            end(run_id, RunStatus.CANCELLED, message="Cancelled before anything was changed.")
            return False
        if run.attempts - run.interruptions >= MAX_ATTEMPTS:
            why = SHORT_MESSAGE if run.waits_for == WaitsFor.MACHINE else CRASHED_MESSAGE
            end(run_id, RunStatus.FAILED, message=why.format(n=run.attempts - run.interruptions))
            return False
        if run.interruptions >= MAX_INTERRUPTIONS and run.waits_for == WaitsFor.DATABASE:
            end(run_id, RunStatus.FAILED, message=CUT_OFF_MESSAGE.format(n=run.interruptions))
            return False
        if lacks_something(run):
            return False
        ImportRun.objects.filter(pk=run_id).update(
            status=RunStatus.RUNNING,
            attempts=run.attempts + 1,
            started_at=Now(),
            phase="starting",
            **NO_LONGER,
        )
    return True


def execute_next(lane: Lane, *, only: bool = False) -> bool:
    """Execute the next run in this lane or, unless `only`, in the other one. False if there is none for us to do."""
    return any(execute_run(run_id) for run_id in queueing.in_order(lane, only=only))


def _perform_to_an_end(run: ImportRun, progress: Progress) -> None:
    """Perform the run; one that was cancelled or cannot be done as asked ends saying so."""
    try:
        with progress, tracing.span("run", {"sisimport.type": run.import_type, "sisimport.work": run.work}) as span:
            _perform(run, progress)
            span.say({f"sisimport.seconds.{phase}": spent for phase, spent in progress.seconds().items()})
    except RunCancelledError:
        end(run.pk, RunStatus.CANCELLED, message="Cancelled before anything was changed.")
    except FileError as error:
        reject(run.pk, error)
    except (DamagedFileError, RemovedFileError, PlanRemovedError) as error:
        end(run.pk, RunStatus.FAILED, message=str(error))


def _perform(run: ImportRun, progress: Progress) -> None:
    # It may have been deleted by a person who cleared the data directory while we were running.
    Path(settings.SCRATCH_DIR).mkdir(mode=0o700, parents=True, exist_ok=True)
    if run.writes:
        get_type(run.import_type).make_room()
    if run.work == Work.REVERT:
        _revert(run, progress)
    elif run.work == Work.CONVERT:
        _convert(run, progress)
    elif run.work == Work.UPDATE or run.test_run_id or holding.is_approved(run):
        _update(run, progress)
    else:
        _test_or_import(run, progress)


def _test_or_import(run: ImportRun, progress: Progress) -> None:
    """Test: read, stage, check, plan. Import does the same and then applies its own plan."""
    import_type = get_type(run.import_type)
    context = RunContext(run=run, import_type=import_type, progress=progress)
    with transaction.atomic():
        _bulk_session()
        staging.stage(context)
        progress.report("matching", context.record_count, context.record_count)
        import_type.prepare(context)
        if run.work == Work.IMPORT:
            # From here on no one else changes the data that is compared, so the plan still holds when it is applied.
            progress.report("waiting", context.record_count, context.record_count)
            first = [NEW_PLACES] if import_type.makes_places(context) else []
            _lock_leas([*first, *context.lea_ids], progress)
        progress.report("checking", context.record_count, context.record_count)
        checking.check(context)
        progress.report("planning", context.record_count, context.record_count)
        planning.plan(context)
        import_type.after_plan(context)
        mark_refused_lines(context)
        totals = counting.count_test(context)
        if import_type.is_partial(context):
            context.report_facts["partial"] = True
        elif planning.lists_absent(import_type, run):
            context.report_facts["absent_count"] = planning.list_absent(context)
        report_facts = {**_file_facts(context), **context.report_facts}
        layout = context.layout.key if context.layout else ""
        if run.work == Work.IMPORT:
            if reasons := holding.reasons_to_hold(run, totals, lea_ids=context.lea_ids):
                # The plan is kept: if approved, the run writes exactly that, where it still holds.
                progress.close()
                kept = {"layout": layout, "facts": report_facts, "lea_ids": sorted(context.lea_ids)}
                holding.hold(run, reasons, summary=totals.summary, **kept, **totals.counts)
                return
            progress.report("applying")
            progress.cancellable = False
            linking.link(run.pk, totals.present)
            totals = writing.write_plan(run, run.pk, totals)
            _settle(progress)
        progress.close()
        complete(
            run,
            layout=layout,
            facts=report_facts,
            lea_ids=sorted(context.lea_ids),
            summary=totals.summary,
            **totals.counts,
        )


def _update(run: ImportRun, progress: Progress) -> None:
    """Apply the Test run's plan, or its own plan if it is an Import that was held and approved, exactly and only where it still
    holds."""
    test = run.test_run or run
    require_plan(test, lost=NO_UPDATE)
    approved = holding.is_approved(run)
    with transaction.atomic():
        _bulk_session()
        progress.report("waiting", 0, test.record_count)
        totals = counting.Totals(counts={name: getattr(test, name) for name in writing.COUNTS}, **test.summary)
        if linking.makes_places(totals.present):
            _lock_leas([NEW_PLACES], progress)
            linking.link_leas(test.pk, totals.present)
            test.refresh_from_db(fields=["lea_ids"])
        _lock_leas(test.lea_ids, progress)
        if not approved and (reasons := holding.reasons_to_hold(test, totals, lea_ids=test.lea_ids)):
            progress.close()
            kept = {"layout": test.layout, "facts": test.facts, "lea_ids": test.lea_ids}
            holding.hold(run, reasons, summary=totals.summary, **kept, **totals.counts)
            return
        progress.report("applying")
        progress.cancellable = False
        linking.link(test.pk, totals.present)
        test.refresh_from_db(fields=["facts"])
        totals = writing.write_plan(run, test.pk, totals)
        _settle(progress)
        progress.close()
        complete(
            run,
            layout=test.layout,
            facts=test.facts,
            lea_ids=test.lea_ids,
            summary=totals.summary,
            **totals.counts,
        )


def _revert(run: ImportRun, progress: Progress) -> None:
    """Put back values that no one has written since the reverted run; report what was kept, and why.

    If the Revert of an earlier run kept something because of the run undone here, that is now put back too, by a run of its own:
    so reverts in any order end in the same state as in the right order.
    """
    applied = run.reverts
    assert applied is not None  # noqa: S101 - a database constraint says so
    require_plan(applied.test_run or applied, lost=NO_REVERT)
    with transaction.atomic():
        _bulk_session()
        older = standing.older_reverts_to_finish(applied)
        progress.report("waiting", 0, applied.record_count)
        _lock_leas({lea for one in (applied, *older) for lea in one.lea_ids}, progress)
        progress.report("reverting")
        progress.cancellable = False
        values, executed = reverting.undo(run), [run.pk]
        for one in older:
            executed += reverting.finish_older(one, along=run, near=executed)
        _settle(progress)
        progress.close()
        if len(executed) > 1:
            values["facts"] |= {"finished": executed[1:]}
        complete(run, **values)


def _convert(run: ImportRun, progress: Progress) -> None:
    """Convert the workbook of a refused run to text, kept once even if requested many times. No record is touched."""
    assert run.file is not None  # noqa: S101 - a conversion is of a file
    progress.report("converting")
    conversions.remove_leftovers(run)
    if _share_conversion(run, progress):
        return
    place = conversions.place_of(run, run.attempts)
    with tempfile.TemporaryFile() as text:
        found = conversions.to_text(run.file, text, tick=lambda: progress.report("converting"))
        progress.report("keeping")
        try:
            with transaction.atomic():
                _end_with_worker()
                # Two conversions of one file end one after the other, so that the second finds the text of the first.
                ImportFile.objects.select_for_update(of=["self"]).get(pk=run.file.pk)
                if _share_conversion(run, progress):
                    return
                left_out = conversions.left_out(found)
                made = conversions.keep_text(run.file, text, user=run.created_by, place=place, notices=left_out)
                progress.close()
                complete(run, record_count=found.rows, facts=conversions.facts_of(found), made_file=made)
        except Exception as error:
            if hindrance_of(error) != WaitsFor.DATABASE:  # else it may be recorded: the next try will find out
                default_storage.delete(place)
            raise


def _share_conversion(run: ImportRun, progress: Progress) -> bool:
    """End the conversion with the text that an earlier one made of the same file, if there is one."""
    assert run.file is not None  # noqa: S101 - a conversion is of a file
    earlier = conversions.earlier_conversion(run.file)
    if earlier is None:
        return False
    progress.close()
    complete(run, record_count=earlier.record_count, facts=earlier.facts, made_file=earlier.made_file)
    return True


def _lock_leas(lea_ids: Iterable[int], progress: Progress) -> None:
    """Wait for the locks of the run's districts as long as it takes, unless the run is cancelled."""
    while not try_to_lock_leas(lea_ids, seconds=LOOK_UP_SECONDS):
        progress.report("waiting", progress.done, progress.total)


def _settle(progress: Progress) -> None:
    """Have PostgreSQL check constraints now instead of in COMMIT: the check may wait for others and take long, and until it is
    done the run has not finished and its row must be free.

    A session caches its query plan for such a check. A plan made while a table was small reads the whole table for every row.
    """
    progress.report("finishing")
    execute("DISCARD PLANS")
    connection.check_constraints()


def _bulk_session() -> None:
    """Allow enough memory to sort and join a whole district, for this transaction only."""
    execute("SET LOCAL work_mem = '192MB'")
    execute("SET LOCAL maintenance_work_mem = '256MB'")
    execute(f"SET LOCAL default_statistics_target = {statistics.OWN_SAMPLE}")
    (used,) = fetch_one("SELECT current_setting('temp_buffers') = '256MB'")
    if not used:
        with contextlib.suppress(DatabaseError), transaction.atomic():
            execute("SET temp_buffers = '256MB'")
    _end_with_worker()


def _end_with_worker() -> None:
    """If the worker is killed, have the current statement end promptly instead of running to completion, which frees the run."""
    with contextlib.suppress(DatabaseError), transaction.atomic():
        execute("SET LOCAL client_connection_check_interval = '1s'")


def _file_facts(context: RunContext) -> dict[str, object]:
    recognition = context.recognition
    if recognition is None:
        return {}
    return {
        "delimiter": recognition.delimiter,
        "encoding": recognition.encoding,
        "header": recognition.header,
        "lines_above": recognition.lines_above,
        "columns": recognition.column_count,
        # Where each field is in this particular file: the report marks it in the data line.
        "positions": dict(recognition.positions),
        # Known for sure only after the whole file was read.
        "day_first": sorted(recognition.day_first),
        "schools": len(context.school_codes),
        **(
            {"mapping": mapping}
            if (mapping := recognition.layout and recognition.layout.answers.get("mapping"))
            else {}
        ),
    }
