"""Operation of the REST API: the numbers of the page Results > Compare, small groups hidden as in every file."""

from typing import Any, Literal

from django.http import Http404, HttpRequest, JsonResponse
from ninja import Field, Query, Schema

from assessments.results import rows
from assessments.results.asking import NoResultsError, choice_of, reader_of, what_is_held
from assessments.results.shapes import school_key
from assessments.results.tables import build
from sisimport.accounts.access import Capability
from sisimport.accounts.scopes import Scope
from sisimport.api.application import operation
from sisimport.api.problems import ProblemError
from sisimport.api.schemas import Plain
from students.access import log_view, visible_schools
from students.models import StudentView
from students.school_years import year_label

_CODE = 7  # digits of the code of a district or school in the state's files


class ResultFilters(Schema):
    assessment: Plain = Field("", max_length=12, description="Code of a test: SBELA. The first there is.")
    school_year: Plain = Field("", max_length=7, description="As 2023-24. The newest there is.")
    by: Literal["grade", "school", "group", "year"] = Field("grade", description="What a row is.")
    school: Plain = Field("", max_length=7, description="Code of a school, as tested.")
    lea: Plain = Field("", max_length=7, description="Code of the LEA, where several have a school of that code.")
    grade: Plain = Field("", max_length=2, description="As in the files: 03, KN.")
    group: Plain = Field("", max_length=8, description="A student group: e:500, l:EL, s:Y.")
    same: bool = Field(False, description="Only students tested in this year and the one before.")


class ResultOut(Schema):
    school_year: str
    school: str = Field(description="LEA and school as tested, 7 digits each; empty: all.")
    grade: str = Field(description="Empty: all.")
    group: str
    label: str = Field(description="What the row is, in words.")
    hidden: bool = Field(description="Fewer than 11 students, or another row would tell of such: all numbers are null.")
    tested: int | None
    scored: int | None
    levels: dict[str, int] | None = Field(description="Students of each level.")
    mean: float | None = Field(description="Mean scale score.")
    met_percent: float | None = Field(description="Percent of those with a level who met the standard.")
    distance_from_standard: float | None = Field(description="Mean points above or below the standard.")
    met_change: float | None = Field(description="Against the year before, in points of a percentage.")


class ResultsOut(Schema):
    items: list[ResultOut]
    next: str | None
    assessment: str
    name: str
    school_year: str
    notes: list[str] = Field(description="What a reader has to know of the numbers.")


@operation(
    "GET",
    "/results",
    name="list_results",
    summary="Results of a test by grade, school, student group or year, small groups hidden",
    response=ResultsOut,
    scopes=[Scope.RESULTS_READ],
    capability=Capability.EXPORT,
    filters=ResultFilters,
    tag="Records",
)
def list_results(request: HttpRequest, filters: Query[ResultFilters]) -> JsonResponse:
    held, reader = what_is_held(), reader_of(request.user, shared=True)
    asked = {
        "test": filters.assessment,
        "year": filters.school_year,
        "by": filters.by,
        "school": _school(request, filters),
        "grade": filters.grade,
        "group": filters.group,
        "same": "1" if filters.same else "",
    }
    try:
        found = build(choice_of(asked, held, reader), held, reader)
    except (NoResultsError, KeyError) as error:
        raise Http404 from error
    token: Any = request.api_token  # type: ignore[attr-defined]
    year = year_label(found.choice.year)
    subject = f"results of {found.choice.test} {year}: token {token.pk}"
    log_view(user=request.user, kind=StudentView.Kind.EXPORT, subject=subject)
    answer = {
        "items": rows.as_objects(found),
        "next": None,
        "assessment": found.choice.test,
        "name": found.name,
        "school_year": year,
        "notes": found.notes,
    }
    return JsonResponse(answer)


def _school(request: HttpRequest, filters: ResultFilters) -> str:
    """As the page names it. Raises Http404 for one that the token is not for, ProblemError where several fit."""
    if not filters.school:
        return ""
    schools = visible_schools(request.user).filter(code=filters.school)
    if filters.lea:
        schools = schools.filter(lea__code=filters.lea)
    found = list(schools.values_list("lea__code", "code")[:2])
    if not found:
        raise Http404
    if len(found) > 1:
        raise ProblemError("AMBIGUOUS", errors=[("lea", "Several LEAs have a school of this code: name the LEA.")])
    lea, code = found[0]
    return school_key((lea.zfill(_CODE), code.zfill(_CODE)))
