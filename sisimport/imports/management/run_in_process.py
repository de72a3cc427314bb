"""Shared by the commands: running in this process, waiting for other processes, printing the report."""

import json
import sys
import time
from typing import Any, Final

from sisimport.audit import looking
from sisimport.imports.models import ImportRun, RunStatus, Work
from sisimport.imports.runs import hindrances
from sisimport.imports.runs.execution import InterruptedRunError, execute_run
from sisimport.imports.runs.report import run_json

EXIT_OK, EXIT_RECORD_ERRORS, EXIT_REJECTED, EXIT_FAILED = 0, 1, 2, 3
_POLL = 0.2


def run_to_end(run: ImportRun) -> ImportRun:
    """Execute a run here; if a worker took it first, wait for it. Returns the ended run."""
    last_message = ""
    while run.is_active:
        try:
            with looking.unseen():  # data that a run reads is shown only by its report
                done = execute_run(run.pk)
        except InterruptedRunError:  # attempts are counted, so this cannot go on forever
            done = False
        if not done:
            run.refresh_from_db()
            if (lack := hindrances.sentence(run)) and lack != last_message:
                sys.stderr.write(f"{lack}\n")
                last_message = lack
            time.sleep(_POLL)
        run = ImportRun.objects.select_related("file").get(pk=run.pk)
    return run


# Outcomes as the pages name them, where a run does not import.
_OUTCOMES: Final[dict[Work, dict[str, str]]] = {
    Work.TEST: {"imported": "to import"},
    Work.REVERT: {"imported": "put back", "unchanged": "put back before", "set_aside": "kept"},
}


def exit_code(run: ImportRun) -> int:
    if run.status in (RunStatus.REJECTED, RunStatus.HELD):
        return EXIT_REJECTED
    if run.status != RunStatus.COMPLETED:
        return EXIT_FAILED
    return EXIT_RECORD_ERRORS if run.error_count else EXIT_OK


def print_report(run: ImportRun, *, as_json: bool) -> None:
    """The results report on standard output."""
    if as_json:
        print_json(run_json(run))
        return
    write = sys.stdout.write
    write("Results\n")
    write(f"File Name: {run.file.name if run.file else '-'}\n")
    if run.message:
        write(f"{run.message}\n")
    write(f"Record Count: {run.record_count}\n")
    write(f"{'Put back' if run.work == Work.REVERT else 'Import Count'}: {run.import_count}\n")
    if run.reverted:
        write(f"{run.get_reverted_display()}\n")
    if run.work == Work.TEST:
        write(f"Would import: {run.planned_count}\n")
    write(f"Error Count: {run.error_count}\n")
    write(f"Warnings: {run.warning_count}, notices: {run.notice_count}\n")
    words = _OUTCOMES.get(Work(run.work), {})
    counts = ", ".join(f"{words.get(name, name.replace('_', ' '))} {n}" for name, n in run.outcome_counts.items())
    write(f"Lines: {counts}\n")
    from sisimport.imports.runs.report import issues_json

    for number, issue in enumerate(issues_json(run)):
        if number == 0:
            write("Error Detail:\nLine  Severity  Message\n")
        write(f"{issue['line']:>6}  {issue['severity']:<8}  {issue['code']}: {issue['message']}\n")
        if issue["data"]:
            write(f"        {issue['data']}\n")


def print_json(value: Any) -> None:
    json.dump(value, sys.stdout, ensure_ascii=False, default=str)
    sys.stdout.write("\n")
