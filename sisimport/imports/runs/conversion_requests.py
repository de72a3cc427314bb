"""Offering the conversion of a workbook that a run refused, and queueing it as a run of its own."""

from typing import Any

from sisimport.imports.definition.registry import UnknownImportTypeError, get_type
from sisimport.imports.models import ImportRun, RunStatus, Work
from sisimport.imports.runs.services import queue_follow_up
from sisimport.imports.runs.uploads import RunRefusedError

STANDING = (RunStatus.QUEUED, RunStatus.RUNNING, RunStatus.COMPLETED, RunStatus.REJECTED)


def is_offered(run: ImportRun) -> bool:
    """Did the run refuse a workbook that can be converted?"""
    if run.status != RunStatus.REJECTED or run.work == Work.CONVERT or run.file_id is None:
        return False
    try:
        converts = get_type(run.import_type).converts_workbooks
    except UnknownImportTypeError:
        return False
    return converts and run.issues.filter(line=0, found__contains="Excel workbook").exists()


def conversion_of(run: ImportRun) -> ImportRun | None:
    """The conversion of the workbook that this run refused: under way, done or refused. One that failed is started again."""
    return run.conversions.filter(status__in=STANDING).first()


def start_conversion(*, run: ImportRun, user: Any, enqueue: bool = True) -> ImportRun:
    """Queue the conversion of the workbook that `run` refused. A second click finds the conversion started by the first.

    Raises RunRefusedError for a run that refused no workbook.
    """
    if not is_offered(run):
        raise RunRefusedError(
            "Only an Excel workbook that was not accepted can be converted. Upload the workbook again."
        )
    return queue_follow_up(run, work=Work.CONVERT, user=user, enqueue=enqueue)
