"""Runs and their lines, for reading."""

from itertools import chain
from typing import Any

from django.http import Http404, HttpRequest, StreamingHttpResponse
from ninja import Path, Query

from sisimport.accounts import access
from sisimport.accounts.access import Capability
from sisimport.accounts.readers import Reader
from sisimport.accounts.scopes import Scope
from sisimport.api import schemas
from sisimport.api.application import operation
from sisimport.api.cursors import cursor, place
from sisimport.api.problems import ProblemError
from sisimport.audit.models import AuditEntry
from sisimport.files.issues import Severity
from sisimport.imports.models import ImportChange, ImportIssue, ImportRun, RunStatus, Work, absent
from sisimport.imports.runs.refused_lines import original_lines, refused_line_numbers
from sisimport.imports.runs.report import Labels, changes_with_entries, issue_objects, run_facts
from sisimport.imports.runs.returned_lines import plain_reasons, table_bytes
from students.access import log_view, log_views

RUNS = "Runs"
ANY_OF_RUNS = (Scope.RUNS_READ, Scope.IMPORTS_TEST, Scope.IMPORTS_WRITE)
MOST_ID = 2**63 - 1


def find_run(request: HttpRequest, run_id: int) -> ImportRun:
    """The run, if it is one of the token's; else 404, as if it did not exist."""
    run: ImportRun | None = None
    if 0 < run_id <= MOST_ID:
        runs = access.visible_runs(request.user).select_related("file", "test_run", "reverts", "converts")
        run = runs.filter(pk=run_id).first()
    if run is None:
        raise Http404
    return run


def _find_report(request: HttpRequest, run_id: int) -> tuple[ImportRun, Reader]:
    """The run, and which of its lines this token may see. A conversion has no lines."""
    run = find_run(request, run_id)
    if run.work == Work.CONVERT:
        raise Http404
    reader = Reader.of(request.user, run)
    token: Any = request.api_token  # type: ignore[attr-defined]
    if token.schools is not None:
        # Lines without a known student may be about other schools' students: they are only for users who may see those
        # too.
        reader = Reader(schools=reader.schools, whole=reader.whole, own=False)
    return run, reader


def log_export(request: HttpRequest, run: ImportRun, what: str) -> None:
    token: Any = request.api_token  # type: ignore[attr-defined]
    log_view(user=request.user, kind=AuditEntry.Kind.EXPORT, subject=f"run {run.pk}: {what} (token {token.pk})")


def schools_of(reader: Reader) -> set[int] | None:
    return None if reader.schools is None else set(reader.schools)


@operation(
    "GET",
    "/runs",
    name="list_runs",
    summary="Runs, newest first",
    response=schemas.RunsOut,
    scopes=[Scope.RUNS_READ],
    capability=Capability.READ,
    filters=schemas.RunFilters,
    tag=RUNS,
)
def list_runs(request: HttpRequest, filters: Query[schemas.RunFilters]) -> dict[str, Any]:
    runs = access.visible_runs(request.user).select_related("file").order_by("-id")
    for field, value in (("import_type", filters.type), ("work", filters.work), ("status", filters.status)):
        if value:
            runs = runs.filter(**{field: value})
    if filters.created_since:
        runs = runs.filter(created_at__gte=filters.created_since)
    if after := place(request, filters):
        runs = runs.filter(pk__lt=after[0])
    found = list(runs[: filters.limit + 1])
    page = found[: filters.limit]
    following = cursor(request, filters, [page[-1].pk]) if len(found) > len(page) else None
    return {"items": [run_facts(run) for run in page], "next": following}


@operation(
    "GET",
    "/runs/{run_id}",
    name="get_run",
    summary="A run: its status and its counts",
    response=schemas.RunOut,
    scopes=ANY_OF_RUNS,
    capability=Capability.READ,
    tag=RUNS,
)
def get_run(request: HttpRequest, run_id: Path[int]) -> dict[str, Any]:
    return run_facts(find_run(request, run_id))


@operation(
    "GET",
    "/runs/{run_id}/issues",
    name="list_issues",
    summary="Issues of a run, in the order of their lines; for an Update, its own come before those of its Test",
    response=schemas.IssuesOut,
    scopes=[Scope.RUNS_READ],
    capability=Capability.EXPORT,
    filters=schemas.IssueFilters,
    tag=RUNS,
)
def list_issues(request: HttpRequest, run_id: Path[int], filters: Query[schemas.IssueFilters]) -> dict[str, Any]:
    run, reader = _find_report(request, run_id)
    after = place(request, filters)
    found: list[ImportIssue] = []
    for part in dict.fromkeys([run.pk, run.plan_run_id]):  # each is read in key order
        if after and after[0] != part and part == run.pk:
            continue
        issues = ImportIssue.objects.filter(reader.issues(), run_id=part).order_by("line", "seq")
        if filters.severity:
            issues = issues.filter(severity=Severity[filters.severity.upper()])
        if filters.code:
            issues = issues.filter(code=filters.code)
        if after and after[0] == part:
            issues = issues.filter(pk__gt=(part, after[1], after[2]))
        found += issues[: filters.limit + 1 - len(found)]
    page = found[: filters.limit]
    log_export(request, run, "issues")
    last = page[-1] if len(found) > len(page) else None
    return {
        "items": list(issue_objects(run, page, schools=schools_of(reader))),
        "next": cursor(request, filters, [last.run_id, last.line, last.seq]) if last else None,
    }


@operation(
    "GET",
    "/runs/{run_id}/changes",
    name="list_changes",
    summary="Changes of a run field by field: as planned by a Test, as written by the others",
    response=schemas.ChangesOut,
    scopes=[Scope.RUNS_READ],
    capability=Capability.EXPORT,
    filters=schemas.Page,
    tag=RUNS,
)
def list_changes(request: HttpRequest, run_id: Path[int], filters: Query[schemas.Page]) -> dict[str, Any]:
    run, reader = _find_report(request, run_id)
    after = place(request, filters)
    changes = ImportChange.objects.filter(reader.changes(), run_id=run.plan_run_id).order_by("line", "seq")
    if after:
        changes = changes.filter(pk__gte=(run.plan_run_id, after[0], after[1]))
    # A change has one or more entries: a page may end in the middle of one.
    rows = list(changes[: filters.limit + 1])
    entries = [
        (change.line, change.seq, number, entry)
        for change, field_changes in changes_with_entries(run, rows, Labels([run.plan_run_id]))
        for number, entry in enumerate(field_changes)
    ]
    if after:
        entries = [entry for entry in entries if list(entry[:3]) >= after]
    page, left = entries[: filters.limit], entries[filters.limit :]
    key: list[int] | None = list(left[0][:3]) if left else None
    if key is None and len(rows) > filters.limit:
        key = [rows[-1].line, rows[-1].seq, 0]
        page = [entry for entry in page if list(entry[:3]) < key]
    log_export(request, run, "changes")
    return {
        "items": [entry for *_key, entry in page],
        "next": cursor(request, filters, key) if key else None,
    }


@operation(
    "GET",
    "/runs/{run_id}/absent",
    name="list_absent",
    summary="Students on record who are not in the run's file",
    response=schemas.AbsentsOut,
    scopes=[Scope.RUNS_READ],
    capability=Capability.EXPORT,
    filters=schemas.Page,
    tag=RUNS,
)
def list_absent(request: HttpRequest, run_id: Path[int], filters: Query[schemas.Page]) -> dict[str, Any]:
    run, reader = _find_report(request, run_id)
    students = absent.absent_students(run.plan_run_id, reader.students()).order_by("pk")
    if after := place(request, filters):
        students = students.filter(pk__gt=after[0])
    found = list(students.select_related("school", "el").prefetch_related("ssids")[: filters.limit + 1])
    page = found[: filters.limit]
    log_views(
        user=request.user,
        kind=AuditEntry.Kind.EXPORT,
        students=[student.pk for student in page],
        subject=f"run {run.pk}: absent (REST API)",
    )
    return {
        "items": [_absent(student) for student in page],
        "next": cursor(request, filters, [page[-1].pk]) if len(found) > len(page) else None,
    }


def _absent(student: Any) -> dict[str, Any]:
    el = getattr(student, "el", None)
    return {
        "local_number": student.local_number,
        "last_name": student.last_name,
        "first_name": student.first_name,
        "school": student.school.code if student.school else None,
        "grade": student.grade,
        "has_ssid": any(ssid.retired_at is None for ssid in student.ssids.all()),
        "has_el_data": student.has_el,
        "program_status": el.program_status if el else None,
    }


@operation(
    "GET",
    "/runs/{run_id}/refused-lines",
    name="get_refused_lines",
    summary="The lines that were not imported: byte for byte as they came, or as a table to correct and send back",
    response=str,
    scopes=[Scope.RUNS_READ],
    capability=Capability.EXPORT,
    filters=schemas.RefusedFilters,
    tag=RUNS,
    files=["text/plain"],
)
def get_refused_lines(
    request: HttpRequest, run_id: Path[int], filters: Query[schemas.RefusedFilters]
) -> StreamingHttpResponse:
    run, reader = _find_report(request, run_id)
    if run.status != RunStatus.COMPLETED or run.file is None:
        raise ProblemError("REFUSED", "Only a completed run of a file has refused lines.")
    log_export(request, run, "refused lines")
    numbers = refused_line_numbers(run, shown=reader.issues(), whole=reader.whole)
    table = filters.form == "table"
    lines = (
        table_bytes(run, numbers, plain_reasons(run, schools=schools_of(reader), shown=reader.issues()))
        if table
        else original_lines(run, numbers)
    )
    # Opened before answering: a missing file gives a problem, not a dropped connection.
    first = next(lines, b"")
    return StreamingHttpResponse(chain([first], lines), content_type="text/csv" if table else "text/plain")
