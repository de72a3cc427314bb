"""Operations of the REST API: the numbers of the pages Compare and English learners, with small groups hidden as in
every file."""

from typing import Any

from django.http import Http404, HttpRequest, JsonResponse
from ninja import Field, Query, Schema

from assessments.english_learners.asking import title_of
from assessments.english_learners.numbers import Found, about, as_objects
from assessments.results import rows
from assessments.results.asking import NoResultsError, choice_of, left_out, reader_of, what_is_held
from assessments.results.shapes import school_key
from assessments.results.tables import build_cells
from sisimport.accounts.access import Capability
from sisimport.accounts.scopes import Scope
from sisimport.api.application import operation
from sisimport.api.problems import ProblemError
from sisimport.api.schemas import Plain
from sisimport.audit.models import AuditEntry
from students.access import log_view, visible_schools
from students.models import School as SchoolOnRecord
from students.school_years import NotASchoolYearError, read_school_year, year_label

_CODE = 7  # digits of the code of a district or school in the state's files
_CODES = "^[0-9A-Za-z]{0,7}(,[0-9A-Za-z]{1,7})*$"


class ResultFilters(Schema):
    assessment: Plain = Field(
        "", max_length=12, description="Code of a test, such as SBELA. Default: the first on record."
    )
    school_year: Plain = Field("", max_length=7, description="Such as 2023-24. Default: the newest on record.")
    by: str = Field(
        "grade",
        pattern="^(grade|school|group|year)(,(grade|school|group|year))*$",
        description="What a row is: grade, school, group or year, or several of them, separated by commas.",
    )
    school: str = Field("", pattern=_CODES, max_length=2000, description="School codes as tested, separated by commas.")
    lea: Plain = Field("", max_length=7, description="LEA code, if several LEAs have a school with that code.")
    grade: Plain = Field("", max_length=60, description="As in the files, separated by commas: 03, KN.")
    group: Plain = Field("", max_length=300, description="Student groups, separated by commas: e:500, l:EL, s:Y.")
    same: bool = Field(False, description="Only students tested in this year and the one before.")


class ResultOut(Schema):
    school_year: str
    lea: str = Field(description="Code of the LEA as tested; empty: all.")
    school: str = Field(description="Code of the school as tested; empty: all.")
    grade: str = Field(description="Empty: all.")
    group: str
    label: str = Field(description="What the row is, in words.")
    hidden: bool = Field(
        description="Fewer than 11 students, or another row would reveal such a group: all numbers are null."
    )
    enrolled: int | None = Field(
        description="Students enrolled on May 1 who were to take the test; null where enrollments of that time are not on record."
    )
    tested: int | None
    tested_percent: float | None = Field(description="Of the enrolled students.")
    scored: int | None
    levels: dict[str, int] | None = Field(description="Students at each level.")
    mean: float | None = Field(description="Mean scale score.")
    met_percent: float | None = Field(description="Percent of those with a level who met the standard.")
    earlier: dict[str, float | None] | None = Field(
        description="met_percent of the two years before, or the mean for a test without a standard; null where hidden or"
        " without students."
    )
    distance_from_standard: float | None = Field(description="Mean points above or below the standard.")
    met_change: float | None = Field(description="Change from the year before, in percentage points.")
    distance_change: float | None = Field(description="Change of distance_from_standard from the year before.")
    mean_change: float | None = Field(description="Change of the mean scale score from the year before.")
    progress_percent: float | None = Field(
        description="For the ELPAC and the same students: percent at least one level higher than the year before, or at the"
        " highest level."
    )


class ResultsOut(Schema):
    items: list[ResultOut]
    next: str | None
    assessment: str
    name: str
    school_year: str
    notes: list[str] = Field(description="What a reader must know about the numbers.")


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
    query = {
        "test": [filters.assessment],
        "year": [filters.school_year],
        "school": [_key(_school(request, code, filters.lea)) for code in filters.school.split(",") if code],
        "grade": filters.grade.split(","),
        "group": filters.group.split(","),
        "same": ["1" if filters.same else ""],
    }
    by = list(dict.fromkeys(filters.by.split(",")))
    if held.tests and (unknown := left_out(query, held, reader)):
        raise ProblemError("NOT-FOUND", f"There is no {' and no '.join(unknown)}.")
    try:
        found = build_cells(choice_of(query | {"by": by[:1]}, held, reader), held, reader, by)
    except NoResultsError as error:
        raise ProblemError("NOT-FOUND", str(error)) from error
    except KeyError as error:
        raise Http404 from error
    token: Any = request.api_token  # type: ignore[attr-defined]
    year = year_label(found.choice.year)
    subject = f"results of {found.choice.test} {year}: token {token.pk}"
    log_view(user=request.user, kind=AuditEntry.Kind.EXPORT, subject=subject)
    answer = {
        "items": rows.as_objects(found),
        "next": None,
        "assessment": found.choice.test,
        "name": found.name,
        "school_year": year,
        "notes": found.said,
    }
    return JsonResponse(answer)


class LearnerFilters(Schema):
    school: Plain = Field("", max_length=7, description="Code of a school.")
    lea: Plain = Field("", max_length=7, description="LEA code, if several LEAs have a school with that code.")
    elpac_year: Plain = Field(
        "", max_length=7, description="Year of the ELPAC, such as 2023-24. Default: the newest on record."
    )


class LearnersOut(Schema):
    lea: str = Field(description="Empty: all schools.")
    school: str
    name: str
    hidden: bool = Field(description="True where a number is hidden: it is null.")
    numbers: dict[str, int | None] = Field(
        description="Students by what they are counted as; `titles` has the names of the counts."
    )


class LearnersListOut(Schema):
    items: list[LearnersOut]
    next: str | None
    as_of: str
    elpac_year: str | None
    titles: dict[str, str]


@operation(
    "GET",
    "/english-learners",
    name="list_english_learners",
    summary="English learners by school: status, TBD, reclassified, long-term; small numbers hidden",
    response=LearnersListOut,
    scopes=[Scope.RESULTS_READ],
    capability=Capability.EXPORT,
    filters=LearnerFilters,
    tag="Records",
)
def list_english_learners(request: HttpRequest, filters: Query[LearnerFilters]) -> JsonResponse:
    school = str(_school(request, filters.school, filters.lea).pk) if filters.school else ""
    try:
        elpac = str(read_school_year(filters.elpac_year)) if filters.elpac_year else ""
    except NotASchoolYearError as error:
        raise Http404 from error
    found = Found(request.user, shared=True, school=school, elpac=elpac)
    if elpac and str(found.elpac_year) != elpac:
        raise Http404
    token: Any = request.api_token  # type: ignore[attr-defined]
    log_view(user=request.user, kind=AuditEntry.Kind.EXPORT, subject=f"English learners: token {token.pk}")
    titles = {what: title_of(what, found.elpac_year) for what in found.columns()}
    return JsonResponse({"items": as_objects(found), "next": None, "titles": titles, **about(found)})


def _key(school: SchoolOnRecord) -> str:
    return school_key((school.lea.code.zfill(_CODE), school.code.zfill(_CODE)))


def _school(request: HttpRequest, code: str, lea: str) -> SchoolOnRecord:
    """Raises Http404 for one outside the token's schools, ProblemError if several match."""
    schools = visible_schools(request.user).filter(code=code)
    if lea:
        schools = schools.filter(lea__code=lea)
    found = list(schools.select_related("lea")[:2])
    if not found:
        raise Http404
    if len(found) > 1:
        raise ProblemError("AMBIGUOUS", errors=[("lea", "Several LEAs have a school with this code: give the LEA.")])
    return found[0]
