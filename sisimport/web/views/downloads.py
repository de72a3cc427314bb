"""Downloads and the print view of a run. Each is logged before its first byte is sent."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import SEEK_END
from itertools import chain, islice
from pathlib import PurePath
from typing import IO

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.template.defaultfilters import filesizeformat
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET, require_POST

from sisimport.accounts.access import Capability, requires
from sisimport.accounts.step_up import ask_for_many, ask_if_many
from sisimport.audit.models import AuditEntry
from sisimport.imports.models import ImportRun, RunStatus, Work
from sisimport.imports.runs.refused_lines import lines_of_outcome, original_lines, refused_line_numbers
from sisimport.imports.runs.report import why_no_lines
from sisimport.imports.runs.returned_lines import MAX_WORKBOOK, Reasons, refused_table, table_bytes, together
from sisimport.imports.storage.replica import place_of_reports
from sisimport.runtime.reading import read_along
from sisimport.web.exports import rows as reports
from sisimport.web.exports.writers import Row, csv_rows, workbook
from sisimport.web.queries import report as queries
from sisimport.web.queries.data_lines import shown_lines
from sisimport.web.queries.issues import shown_issues
from sisimport.web.ssid_masking import Masking
from sisimport.web.views.runs import causes_of, find_report, run_frame
from students.access import log_view

ONLY_WHOLE = ("success", "unprocessed")  # downloads for users who see every line of the run
MOST_CELLS = 300_000  # in a workbook with lines to correct: more would take longer than a page may take
PRINTED = 2000  # issues on paper; for more, a table is the better form
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True, slots=True)
class Table:
    title: str
    head: tuple[str, ...]
    widths: tuple[int, ...]
    rows: Callable[[ImportRun, queries.Reader], Iterator[Row]]


TABLES = {
    "issues": Table("Issues", reports.ISSUE_HEAD, reports.ISSUE_WIDTHS, reports.issue_rows),
    "changes": Table("Changes", reports.CHANGE_HEAD, reports.CHANGE_WIDTHS, reports.change_rows),
    "absent": Table("Not in this file", reports.ABSENT_HEAD, reports.ABSENT_WIDTHS, reports.absent_rows),
}


@requires(Capability.EXPORT)
@require_POST
def export(request: HttpRequest, pk: int) -> HttpResponseBase:
    """One download of a run: a table and its format (`issues-csv`, `absent-xlsx`), lines to `correct` or
    `correct-xlsx`, or lines in their original form (`lines-refused`, `lines-success`, `lines-unprocessed`)."""
    run = find_report(request, pk)
    what = request.POST.get("what", "")
    reader = queries.Reader.of(request.user, run)
    if run.status != RunStatus.COMPLETED:
        raise Http404
    name, _dash, form = what.partition("-")
    if run.file is not None and run.work != Work.REVERT:
        if name == "correct" and form in {"", "xlsx"}:
            return _to_correct(request, run, reader, form or "csv")
        if name == "lines":
            return _lines(request, run, reader, form)
    if name not in TABLES or form not in {"csv", "xlsx"}:
        raise Http404
    table = TABLES[name]
    place = place_of_reports(request.user, run=run.pk)
    rows = ask_for_many(request, read_along(place, lambda: table.rows(run, reader)))
    _log(request, run, what)
    if form == "csv":
        return _sent(StreamingHttpResponse(csv_rows(table.head, rows), "text/csv; charset=utf-8"), run, name, ".csv")
    book = workbook(table.title, table.head, rows, widths=table.widths)
    return _sent(FileResponse(book, content_type=XLSX), run, name, ".xlsx")


def _lines(request: HttpRequest, run: ImportRun, reader: queries.Reader, what: str) -> HttpResponseBase:
    """Lines of the file with one outcome, in their original form."""
    assert run.file is not None  # noqa: S101 - asked before
    if what not in {"refused", "success", "unprocessed"} or (what in ONLY_WHOLE and not reader.whole):
        raise Http404
    ask_if_many(request, run.refused_count if what == "refused" else run.record_count)
    _log(request, run, what)
    return _sent(_streamed(_as_they_came(run, reader, what), "text/plain"), run, what, run.file.ending or ".txt")


def _streamed(found: Iterator[bytes], kind: str) -> StreamingHttpResponse:
    """Reads the first part before answering: a missing file gives an error page, not a dropped connection."""
    first = next(found, b"")
    return StreamingHttpResponse(chain([first], found), kind)


def _to_correct(request: HttpRequest, run: ImportRun, reader: queries.Reader, form: str) -> HttpResponseBase:
    """Refused lines with their errors, as a table to correct and upload: CSV of any length, or a workbook that is not
    too large."""
    ask_if_many(request, run.refused_count)
    numbers = refused_line_numbers(run, shown=reader.issues(), whole=reader.whole)
    if form == "csv":
        _log(request, run, "correct")
        return _sent(
            _streamed(table_bytes(run, numbers, _reasons(run, reader)), "text/csv; charset=utf-8"),
            run,
            "correct",
            ".csv",
        )
    book = _workbook_to_correct(run, refused_table(run, numbers, _reasons(run, reader)))
    if book is None:
        limit = filesizeformat(MAX_WORKBOOK)
        messages.warning(
            request,
            f"A workbook of {run.refused_count:,} lines would be larger than the {limit} that can be uploaded again. "
            "Download the lines as CSV, which can be any size. In the spreadsheet, import it as text to keep zeros at the "
            "beginning of numbers.",
        )
        return redirect("run", run.pk)
    _log(request, run, "correct")
    return _sent(FileResponse(book, content_type=XLSX), run, "correct", ".xlsx")


def _workbook_to_correct(run: ImportRun, table: Iterator[list[str]]) -> IO[bytes] | None:
    """The table with every cell as text; None if it would be too large to be uploaded again."""
    if run.refused_count * int(run.facts.get("columns") or 1) > MOST_CELLS:
        return None
    head = next(table)
    book = workbook("To correct", head, table, widths=(22, 60), as_is=True)  # the table guards its cells itself
    size = book.seek(0, SEEK_END)
    book.seek(0)
    return book if size <= MAX_WORKBOOK else None


def _as_they_came(run: ImportRun, reader: queries.Reader, what: str) -> Iterator[bytes]:
    if reader.whole:
        return lines_of_outcome(run, what)
    return original_lines(run, refused_line_numbers(run, shown=reader.issues(), whole=False))


def _reasons(run: ImportRun, reader: queries.Reader) -> Reasons:
    """Errors and warnings of a line in the wording of the page."""

    def reasons(lines: list[int]) -> dict[int, str]:
        found = queries.IssueReport(run, reader).of_lines(lines)
        return together((one.line, one.message) for one in shown_issues(run, reader, found, {}, Masking.of(run)))

    return reasons


def _log(request: HttpRequest, run: ImportRun, what: str) -> None:
    log_view(user=request.user, kind=AuditEntry.Kind.EXPORT, subject=f"run {run.pk}: {what}")


def _sent(response: HttpResponseBase, run: ImportRun, what: str, ending: str) -> HttpResponseBase:
    """As a file named after the upload; odd characters of the name are encoded by the header's own rules."""
    stem = PurePath(run.file.name).stem if run.file else "revert"
    header = content_disposition_header(as_attachment=True, filename=f"{stem}-run-{run.pk}-{what}{ending}")
    response["Content-Disposition"] = header or "attachment"
    return response


@requires(Capability.EXPORT)
@require_GET
def run_print(request: HttpRequest, pk: int) -> HttpResponse:
    """The whole report on one page, for paper: facts, causes, issues with their data lines."""
    run = find_report(request, pk)
    if run.status != RunStatus.COMPLETED:
        raise Http404
    reader = queries.Reader.of(request.user, run)
    report = queries.IssueReport(run, reader)
    rows = list(islice(report, PRINTED))
    ask_if_many(request, len(rows))
    _log(request, run, "print")
    masking = Masking.of(run)
    lines = shown_lines(run, (issue.line for issue in rows if issue.line > 0), masking)
    context = run_frame(request, run, reader) | {
        "part": "print",
        "report": report,
        "issues": shown_issues(run, reader, rows, lines, masking),
        "causes": causes_of(run, reader, report),
        "printed": PRINTED,
        "no_lines": why_no_lines(run),
    }
    return render(request, "imports/run_print.html", context)
