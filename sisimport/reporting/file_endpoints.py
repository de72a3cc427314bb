"""Operations of the REST API that return a whole file: the exports of the page Data out and of the commands."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from django.http import FileResponse, Http404, HttpRequest
from ninja import Field, Query, Schema

from sisimport.accounts.access import Capability
from sisimport.accounts.scopes import Scope
from sisimport.api.application import operation
from sisimport.api.problems import ProblemError
from sisimport.api.schemas import Moment, Plain
from sisimport.reporting.edfi import NAMESPACE, EdFiFile
from sisimport.reporting.exports import LONG, Export, ExportRefusedError
from sisimport.reporting.oneroster import OneRosterFile
from sisimport.reporting.views import VERSION
from sisimport.reporting.writing import CSV, JSONL, MEDIA_TYPES, PARQUET, XLSX, ZIP, Source, TableFile, download
from students.access import visible_school_ids, visible_schools
from students.school_years import NotASchoolYearError, read_school_year, year_label

_TAG = "Files"
_TABLES = (CSV, XLSX, PARQUET)
_CODES = "^[0-9A-Za-z]{0,7}(,[0-9A-Za-z]{1,7})*$"


class FileFilters(Schema):
    school: str = Field(
        "", pattern=_CODES, max_length=2000, description="Codes of schools, with commas: their current students."
    )
    lea: Plain = Field("", max_length=7, description="Only schools of this LEA.")
    school_year: Plain = Field(
        "", max_length=7, description="Such as 2023-24: scores of that year; students enrolled in it, and their SSIDs."
    )


class TableFilters(FileFilters):
    changed_since: Moment | None = Field(None, description="Only what a run or a person has written since then.")
    file: Literal["csv", "xlsx", "parquet"] = Field("csv", description="The form of the file.")


class ScoreTableFilters(TableFilters):
    form: Literal["long", "wide"] = Field(
        "long", description="long: one row per score. wide: one row per student and school year."
    )


class EdFiFilters(FileFilters):
    namespace: Plain = Field(NAMESPACE, max_length=255, description="Of the assessments in the other system.")
    student_id: Literal["local", "ssid"] = Field(
        "local", description="What a student's unique id is there. By SSID, students without one are left out."
    )


@dataclass(frozen=True, slots=True)
class _File:
    """An export. `scopes`: a token needs all of them."""

    name: str
    title: str
    endings: tuple[str, ...]
    scopes: tuple[Scope, ...]
    filters: type[FileFilters]
    source: Callable[[Export, Any], Source]
    what: str = "scores"


_FILES = (
    _File(
        "students", "Students, with the columns of the export", _TABLES, (Scope.STUDENTS_READ,), TableFilters,
        lambda export, _filters: TableFile(export), "students",
    ),
    _File(
        "ssids", "SSIDs that students have or had, with the columns of the export", _TABLES, (Scope.STUDENTS_READ,), TableFilters,
        lambda export, _filters: TableFile(export), "ssids",
    ),
    _File(
        "scores", "Scores, one row per score or per student and school year", _TABLES, (Scope.SCORES_READ,), ScoreTableFilters,
        lambda export, _filters: TableFile(export),
    ),
    _File(
        "oneroster", "OneRoster 1.2 results, with the students and schools they refer to: a zip of CSV files", (ZIP,),
        (Scope.STUDENTS_READ, Scope.SCORES_READ), FileFilters, lambda export, _filters: OneRosterFile(export=export),
    ),
    _File(
        "edfi", "Ed-Fi StudentAssessment, one JSON object a line", (JSONL,), (Scope.SCORES_READ,), EdFiFilters,
        lambda export, filters: EdFiFile(export=export, namespace=filters.namespace, student=filters.student_id),
    ),
)  # fmt: skip


class ExportOut(Schema):
    name: str
    title: str
    href: str = Field(description="Where to get it.")
    files: list[str] = Field(description="The formats it is available in; the first if none is asked for.")
    parameters: list[str]
    scopes: list[str] = Field(description="A token needs each of them.")
    version: int = Field(description="Of the columns.")


class ExportsOut(Schema):
    items: list[ExportOut]
    next: str | None


@operation(
    "GET",
    "/exports",
    name="list_exports",
    summary="Which files can be exported with this token",
    response=ExportsOut,
    scopes=[Scope.STUDENTS_READ, Scope.SCORES_READ],
    capability=Capability.EXPORT,
    tag=_TAG,
)
def list_exports(request: HttpRequest) -> dict[str, Any]:
    token: Any = request.api_token  # type: ignore[attr-defined]
    items = [
        {
            "name": one.name,
            "title": one.title,
            "href": f"/api/v1/exports/{one.name}",
            "files": [ending.removeprefix(".") for ending in one.endings],
            "parameters": list(one.filters.model_fields),
            "scopes": [str(scope) for scope in one.scopes],
            "version": VERSION,
        }
        for one in _FILES
        if set(one.scopes) <= set(token.scopes)
    ]
    return {"items": items, "next": None}


def _declare(one: _File) -> None:
    """Declare the operation of a file, with its parameters."""

    def export_file(request: HttpRequest, filters: Any) -> FileResponse:
        token: Any = request.api_token  # type: ignore[attr-defined]
        ending = f".{filters.file}" if isinstance(filters, TableFilters) else one.endings[0]
        try:
            source = one.source(_export(request, one, filters), filters)
            return download(source, ending, user=request.user, way=f"token {token.pk}")
        except ExportRefusedError as error:
            raise ProblemError("REFUSED", str(error)) from error

    export_file.__annotations__["filters"] = Query[one.filters]  # type: ignore[misc,name-defined]
    operation(
        "GET",
        f"/exports/{one.name}",
        name=f"export_{one.name}",
        summary=f"A file: {one.title[0].lower() if one.title[1].islower() else one.title[0]}{one.title[1:]}",
        response=str,
        scopes=one.scopes,
        each_scope=True,
        capability=Capability.EXPORT,
        filters=one.filters,
        tag=_TAG,
        files=[MEDIA_TYPES[ending] for ending in one.endings],
    )(export_file)


def _export(request: HttpRequest, one: _File, filters: FileFilters) -> Export:
    """Raises ProblemError for an invalid school year, Http404 for a school outside the token's."""
    return Export(
        what=one.what,
        school_year=year_asked(filters.school_year),
        schools=_schools(request, filters),
        changed_since=filters.changed_since if isinstance(filters, TableFilters) else None,
        form=filters.form if isinstance(filters, ScoreTableFilters) else LONG,
    )


def year_asked(text: str) -> str:
    """As 2023-24, or empty. Raises ProblemError for an invalid school year."""
    try:
        return year_label(read_school_year(text)) if text else ""
    except NotASchoolYearError as error:
        raise ProblemError("INVALID", errors=[("school_year", str(error))]) from error


def _schools(request: HttpRequest, filters: FileFilters) -> list[int] | None:
    """Ids of the schools whose students are requested; None: all."""
    codes = [code for code in filters.school.split(",") if code]
    if not codes and not filters.lea:
        ids = visible_school_ids(request.user)
        return None if ids is None else sorted(ids)
    seen = visible_schools(request.user)
    if filters.lea:
        seen = seen.filter(lea__code=filters.lea)
    if not codes:
        found = list(seen.values_list("pk", flat=True))
        if not found:
            raise Http404
        return found
    by_code: dict[str, list[int]] = {}
    for pk, code in seen.filter(code__in=codes).values_list("pk", "code"):
        by_code.setdefault(code, []).append(pk)
    if set(codes) - set(by_code):
        raise Http404
    if any(len(pks) > 1 for pks in by_code.values()):
        raise ProblemError("AMBIGUOUS", errors=[("lea", "Several LEAs have a school of this code: name the LEA.")])
    return [pk for pks in by_code.values() for pk in pks]


for _one in _FILES:
    _declare(_one)
