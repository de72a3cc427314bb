"""The page English learners: numbers by school, also as a file and on paper, and the students behind each number."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET, require_http_methods

from assessments.english_learners import asking
from assessments.english_learners.asking import BAND_NAMES, RFEP_YEAR, STATUSES, Asking, title_of
from assessments.english_learners.counting import TOTAL
from assessments.english_learners.numbers import YEARS, Found, places_of
from assessments.results.hiding import FEWEST
from sisimport.accounts.access import Capability, can, requires
from sisimport.accounts.step_up import ask_for_many
from sisimport.audit.models import AuditEntry
from sisimport.web.exports.writers import csv_rows, workbook
from sisimport.web.lists import Column, List, Listing
from students.access import log_view, visible_school_ids, visible_schools
from students.paging import BoundedPaginator
from students.school_years import year_label

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_HIDDEN = f"hidden: fewer than {FEWEST} students"
NOTHING = (
    "There are no English learner records for your schools yet. Import the CALPADS SSID download, the ELA import file or the"
    " SELA file (menu Import, CALPADS SSID)."
)
NO_ELPAC = (
    "No scores of the Summative ELPAC are on record, so no students can be listed for criterion 1. Import the Summative ELPAC"
    " student"
    " data file of the state's testing portal (menu Import, CAASPP)."
)


@dataclass(frozen=True)
class Number:
    """A number as the page shows it: None if it is hidden. `url`: the students behind it."""

    value: int | None
    url: str = ""


def _found(request: HttpRequest, *, shared: bool) -> Found:
    return Found(request.user, shared=shared, school=request.GET.get("school", ""), elpac=request.GET.get("elpac", ""))


def _number(found: Found, school: int | str, what: str) -> Number:
    value = found.value(school, what)
    if found.shared or not value:
        return Number(value)
    place = {"school": str(school)} if school != TOTAL else {}
    elpac = {"elpac": str(found.elpac_year)} if what == "elpac" else {}
    return Number(value, f"{reverse('english_learner_students')}?{urlencode({'what': what, **place, **elpac})}")


def _numbers(found: Found, whats: list[str]) -> list[tuple[str, Number]]:
    return [(_short(what), _number(found, found.whole, what)) for what in whats]


def _short(what: str) -> str:
    """The name of a row or column that is under a heading."""
    if what.startswith(RFEP_YEAR):
        spring = int(what.removeprefix(RFEP_YEAR))
        return year_label(spring) if spring else "Day not known"
    return STATUSES[what][1] if what in STATUSES else BAND_NAMES[what]


# Columns by what they count; those of the ELPAC and of this year's RFEP get their names when shown.
BY_SCHOOL = List(
    key="english-learners-by-school",
    columns=(Column(name="school", label="School", order=("name", "code")),),
    start="school",
    filters=("school", "elpac"),
    file_name="english-learners-by-school",
)


@dataclass(frozen=True)
class SchoolRow:
    """A school of the list, with its numbers and their titles."""

    name: str
    code: str
    numbers: list[tuple[str, Number]]
    sorts: Mapping[str, int]

    def __getattr__(self, column: str) -> int:
        """The number of a column, to sort by."""
        try:
            return self.sorts[column]
        except KeyError:
            raise AttributeError(column) from None


@requires(Capability.READ)
@require_http_methods(["GET", "HEAD", "POST"])
def english_learners(request: HttpRequest) -> HttpResponseBase:
    """Numbers of all schools of the user, or of one; small ones are hidden on paper."""
    paper = request.GET.get("print") == "1" and can(request.user, Capability.EXPORT)
    exports = "export" in request.POST
    found = _found(request, shared=paper or exports)
    listing = Listing(request, replace(BY_SCHOOL, columns=(*BY_SCHOOL.columns, *_columns(found))))
    if answer := listing.answer():
        return answer
    rows = listing.sorted(_school_rows(found, listing))
    if listing.exports:
        head = ["School code", "School", *(column.label for column in listing.list.columns[1:])]
        return listing.export(
            ([row.code, row.name, *(_written(number.value) for _label, number in row.numbers)] for row in rows), head
        )
    if paper:
        log_view(user=request.user, kind=AuditEntry.Kind.EXPORT, subject="English learners: print")
    return render(
        request,
        "assessments/english_learners.html",
        {
            "found": found,
            "paper": paper,
            "nothing": "" if found.counts else NOTHING,
            "no_elpac": NO_ELPAC,
            "years": [(year, year_label(year)) for year in found.years],
            "main": _main(found),
            "statuses": _numbers(found, [*STATUSES]),
            "bands": _numbers(found, [*BAND_NAMES]),
            "rfep": _numbers(found, found.rfep),
            "listing": listing,
            "page": Paginator(rows, max(len(rows), 1)).page(1) if paper else listing.page(rows),
            "query": listing.query,
        },
    )


def _columns(found: Found) -> Iterator[Column]:
    for what in _by_school(found):
        yield Column(name=what, label=_head(what), order=(what,), then=("name", "code"), number=True)


def _school_rows(found: Found, listing: Listing) -> list[SchoolRow]:
    """The schools whose name or code contains the typed text."""
    text, counted = listing.text.casefold(), _by_school(found)
    rows = []
    for one in found.shown_schools():
        if text in f"{one.name} {one.code}".casefold():
            numbers = [(_head(what), _number(found, one.pk, what)) for what in counted]
            # A hidden number sorts as 0, so its position reveals nothing.
            sorts = {what: number.value or 0 for what, (_label, number) in zip(counted, numbers, strict=True)}
            rows.append(SchoolRow(one.name or one.code, one.code, numbers, sorts))
    return rows


def _by_school(found: Found) -> list[str]:
    return ["el", "tbd-over", *(["elpac"] if found.elpac_year else []), f"{RFEP_YEAR}{found.this_year}", "years-6"]


def _head(what: str) -> str:
    """The heading of a column in the table by school."""
    heads = {
        "el": "English learners",
        "tbd-over": "TBD over 30 days",
        "elpac": "ELPAC 4, still EL",
        "years-6": "Long-term",
    }
    return heads.get(what) or f"RFEP in {_short(what)}"


def _main(found: Found) -> list[tuple[str, Number]]:
    """The main numbers at the top: title and number."""
    names = {"el": "English learners", "years-6": "Long-term: 6 years or more"}
    return [
        (names.get(what) or title_of(what, found.elpac_year), _number(found, found.whole, what))
        for what in _by_school(found)
    ]


@requires(Capability.EXPORT)
@require_GET
def english_learners_file(request: HttpRequest, form: str) -> HttpResponseBase:
    """The numbers by school as CSV or workbook, small ones hidden for everyone."""
    found = _found(request, shared=True)
    if not found.counts:
        raise Http404
    log_view(user=request.user, kind=AuditEntry.Kind.EXPORT, subject=f"English learners: {form}")
    head = ["School code", "School", *(title_of(what, found.elpac_year) for what in found.columns())]
    lines = [
        [
            place.school.code if place.school else "",
            (place.school.name or place.school.code) if place.school else "All schools",
            *map(_written, place.numbers.values()),
        ]
        for place in places_of(found)
    ]
    name = f"english-learners-{found.asking.day.isoformat()}.{form}"
    if form == "csv":
        response: HttpResponseBase = StreamingHttpResponse(csv_rows(head, lines), "text/csv; charset=utf-8")
        response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
        return response
    book = workbook("English learners", head, lines, widths=[12, 30, *(14 for _ in head[2:])])
    return FileResponse(book, as_attachment=True, filename=name, content_type=_XLSX)


def _written(value: int | None) -> int | str:
    return _HIDDEN if value is None else value


# ---- the students behind a number ----

_DAYS = {"tbd": "TBD since", "tbd-over": "TBD since", "rfep": "Reclassified"}
LEARNERS = List(
    key="english-learners",
    columns=(
        Column(name="student", label="Student", order=("student__last_key", "student__first_key")),
        Column(name="number", label="Local number", order=("student__local_number",), css="w-m"),
        Column(name="school", label="School", order=("student__school__name",), then=("student__last_key",)),
        Column(name="grade", label="Grade", order=("student__grade",), then=("student__last_key",), css="w-s"),
        Column(name="status", label="Program Status", order=("program_status",), then=("student__last_key",)),
        Column(name="day", label="Identified", order=("day",), then=("student__last_key",)),
    ),
    start="student",
    filters=("what", "school", "elpac"),
    file_name="english-learners",
)
HEAD = ("Local number", "Last name", "First name", "School", "Grade", "Program Status")


@requires(Capability.READ)
@require_http_methods(["GET", "POST"])
def students(request: HttpRequest) -> HttpResponseBase:
    """The students behind a number of the page, among the user's schools."""
    what = request.GET.get("what", "el")
    listing = Listing(request, _list_of(what))
    if answer := listing.answer():
        return answer
    school, elpac = listing.chosen.get("school", ""), listing.chosen.get("elpac", "")
    years = asking.elpac_years()[:YEARS]
    year = int(elpac) if elpac.isdecimal() and int(elpac[:4]) in years else (years[0] if years else 0)
    question = Asking(visible_school_ids(request.user), year)
    if school.isdecimal() and len(school) < 10:
        question = question.within([int(school)])
    found = question.students(what)
    if found is None:
        if what == "elpac":
            return render(
                request, "assessments/english_learner_students.html", {"nothing": NO_ELPAC, "listing": listing}
            )
        raise Http404
    found = listing.order(found.select_related("student", "student__school"))
    paper = request.GET.get("print") == "1" and can(request.user, Capability.EXPORT)
    if listing.exports:
        return listing.export(_rows(found), (*HEAD, _day_name(what)))
    return render(
        request,
        "assessments/english_learner_students.html",
        {
            "listing": listing,
            "page": _on_paper(request, found) if paper else listing.page(found, BoundedPaginator),
            "paper": paper,
            "what": what,
            "title": title_of(what, year),
            "day_name": _day_name(what),
            "since": _since(what),
            "schools": visible_schools(request.user),
            "school": school,
        },
    )


def _on_paper(request: HttpRequest, found: QuerySet[Any]) -> Page:
    """The whole list on one page, logged as an export."""
    records = list(ask_for_many(request, found))
    log_view(user=request.user, kind=AuditEntry.Kind.EXPORT, subject=f"list {LEARNERS.key}: print")
    return Paginator(records, max(len(records), 1)).page(1)


def _list_of(what: str) -> List:
    columns = (*LEARNERS.columns[:-1], replace(LEARNERS.columns[-1], label=_day_name(what)))
    return replace(LEARNERS, columns=columns)


def _day_name(what: str) -> str:
    return "Reclassified" if what.startswith(RFEP_YEAR) else _DAYS.get(what, "Identified")


def _since(what: str) -> str:
    """What is shown next to the day: days, years, or nothing."""
    if what in ("tbd", "tbd-over"):
        return "days"
    return "years" if what in ("el", "elpac", *BAND_NAMES) else ""


def _rows(found: QuerySet[Any]) -> Iterator[tuple[Any, ...]]:
    for record in found.iterator(chunk_size=1000):
        one = record.student
        school = one.school.name or one.school.code
        yield (one.local_number, one.last_name, one.first_name, school, one.grade, record.program_status, record.day)
