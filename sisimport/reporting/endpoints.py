"""Operations of the REST API: students, SSIDs and scores, page by page, with the columns of the exports; and what is new."""

import datetime as dt
from typing import Any

from django.http import FileResponse, Http404, HttpRequest, JsonResponse
from django.utils import timezone
from ninja import Field, Query, Schema
from pydantic import create_model

from sisimport.accounts.access import Capability, visible_runs
from sisimport.accounts.scopes import Scope
from sisimport.api.application import operation
from sisimport.api.cursors import cursor, place
from sisimport.api.problems import ProblemError
from sisimport.api.schemas import Moment, Page, Plain
from sisimport.audit.models import AuditEntry
from sisimport.reporting import changes
from sisimport.reporting.exports import Export, ExportRefusedError
from sisimport.reporting.file_endpoints import year_asked
from sisimport.reporting.views import SCORES, SSIDS, STUDENTS, VERSION, View
from sisimport.reporting.writing import MEDIA_TYPES, VERSION_HEADER, ZIP, download
from students.access import log_views, visible_school_ids, visible_schools

RECORDS = "Records"


def _list_of(view: View, name: str) -> type[Schema]:
    """The schema of a list whose entries are rows of the view."""
    columns: dict[str, Any] = {column.name: (Any, Field(description=column.meaning)) for column in view.columns}
    entry = create_model(f"{name}Out", __base__=Schema, **columns)
    return create_model(f"{name}sOut", __base__=Schema, items=(list[entry], ...), next=(str | None, ...))  # type: ignore[valid-type]


class StudentFilters(Page):
    school: Plain = Field("", max_length=7, description="Code of a school: its current students.")
    grade: Plain = Field("", max_length=2, description="Current grade, as in the files: 03, KN, TK.")
    changed_since: Moment | None = Field(None, description="Students whom a run or a person has changed since then.")


class SSIDFilters(Page):
    school: Plain = Field("", max_length=7, description="Code of a school: its current students.")
    changed_since: Moment | None = Field(None, description="All SSIDs of students who have had one changed since then.")


class ScoreFilters(Page):
    school: Plain = Field("", max_length=7, description="Code of a school: its current students.")
    school_year: Plain = Field("", max_length=7, description="As 2023-24.")
    assessment: Plain = Field("", max_length=12, description="Code of a test, or of a part: SBELA.")
    changed_since: Moment | None = Field(
        None, description="Scores that a run has written, or a Revert put back, since then."
    )


def _page(request: HttpRequest, export: Export, filters: Page, equal: dict[str, str]) -> JsonResponse:
    chosen = {name: value for name, value in equal.items() if value}
    try:
        found = export.page(after=place(request, filters), limit=filters.limit + 1, equal=chosen)
    except ExportRefusedError as error:
        raise ProblemError("REFUSED", str(error)) from error
    rows = found[: filters.limit]
    token: Any = request.api_token  # type: ignore[attr-defined]
    log_views(
        user=request.user,
        kind=AuditEntry.Kind.EXPORT,
        students=(row["student_id"] for row in rows),
        subject=f"{export.what} (token {token.pk})",
    )
    following = cursor(request, filters, export.key_of(rows[-1])) if len(found) > len(rows) else None
    # The schema only describes the rows; checking a thousand of them against it would cost more than reading them.
    return JsonResponse({"items": rows, "next": following}, headers={VERSION_HEADER: str(VERSION)})


def _schools(request: HttpRequest, code: str) -> list[int] | None:
    """Ids of the schools whose students are requested; none of schools outside the token's."""
    if code:
        return list(visible_schools(request.user).filter(code=code).values_list("pk", flat=True))
    ids = visible_school_ids(request.user)
    return None if ids is None else sorted(ids)


@operation(
    "GET",
    "/students",
    name="list_students",
    summary="Students, with the columns of the export",
    response=_list_of(STUDENTS, "Student"),
    scopes=[Scope.STUDENTS_READ],
    capability=Capability.EXPORT,
    filters=StudentFilters,
    tag=RECORDS,
)
def list_students(request: HttpRequest, filters: Query[StudentFilters]) -> JsonResponse:
    export = Export(what="students", schools=_schools(request, filters.school), changed_since=filters.changed_since)
    return _page(request, export, filters, {"grade": filters.grade})


@operation(
    "GET",
    "/ssids",
    name="list_ssids",
    summary="SSIDs that students have or had, with the columns of the export",
    response=_list_of(SSIDS, "SSID"),
    scopes=[Scope.STUDENTS_READ],
    capability=Capability.EXPORT,
    filters=SSIDFilters,
    tag=RECORDS,
)
def list_ssids(request: HttpRequest, filters: Query[SSIDFilters]) -> JsonResponse:
    export = Export(what="ssids", schools=_schools(request, filters.school), changed_since=filters.changed_since)
    return _page(request, export, filters, {})


@operation(
    "GET",
    "/scores",
    name="list_scores",
    summary="Scores, with the columns of the export",
    response=_list_of(SCORES, "Score"),
    scopes=[Scope.SCORES_READ],
    capability=Capability.EXPORT,
    filters=ScoreFilters,
    tag=RECORDS,
)
def list_scores(request: HttpRequest, filters: Query[ScoreFilters]) -> JsonResponse:
    export = Export(
        what="scores",
        school_year=year_asked(filters.school_year),
        schools=_schools(request, filters.school),
        changed_since=filters.changed_since,
    )
    return _page(request, export, filters, {"assessment_code": filters.assessment})


class ChangesFilters(Schema):
    run: int | None = Field(None, ge=1, le=2**63 - 1, description="What this Update, Import or Revert wrote.")
    since: Moment | None = Field(
        None, description="What has been written since then. Without this and a run: in the last day."
    )
    until: Moment | None = Field(None, description="And before then.")
    school: Plain = Field("", max_length=7, description="Code of a school: its current students.")


_OF_SCORES = ("scores", "as_tested")


@operation(
    "GET",
    "/changes",
    name="get_changes",
    summary="What is new: the rows that a run or a period wrote, as they are now, as a zip with a CSV of each view",
    response=str,
    scopes=[Scope.STUDENTS_READ, Scope.SCORES_READ],
    capability=Capability.EXPORT,
    filters=ChangesFilters,
    tag=RECORDS,
    files=[MEDIA_TYPES[ZIP]],
)
def get_changes(request: HttpRequest, filters: Query[ChangesFilters]) -> FileResponse:
    """Scores, and who was tested, require the scope scores:read, the other views students:read."""
    token: Any = request.api_token  # type: ignore[attr-defined]
    scopes = {name: Scope.SCORES_READ if name in _OF_SCORES else Scope.STUDENTS_READ for name in changes.NAMES}
    run, since = None, filters.since
    if filters.run is not None:
        run = visible_runs(request.user).filter(pk=filters.run).first()
        if run is None:
            raise Http404
    elif since is None:
        since = timezone.now() - dt.timedelta(days=1)
    try:
        source = changes.ChangesFile(
            run=run,
            since=since,
            until=filters.until,
            schools=_schools(request, filters.school),
            parts=[name for name in changes.NAMES if scopes[name] in token.scopes],
        )
        return download(source, ZIP, user=request.user, way=f"token {token.pk}")
    except ExportRefusedError as error:
        raise ProblemError("REFUSED", str(error)) from error
