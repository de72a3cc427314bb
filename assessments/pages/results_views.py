"""The page Results: a test by grade, school, student group or year; the same as a file and on paper."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET

from assessments.results import rows
from assessments.results.asking import NoResultsError, choice_of, reader_of, what_is_held
from assessments.results.beside import beside
from assessments.results.counts import School
from assessments.results.groups import DIVISIONS, NAMES, groups_of
from assessments.results.held import Held
from assessments.results.shapes import Choice, Reader, Results, Row, grade_label, school_key
from assessments.results.tables import build
from assessments.scores.result_counts import ALL
from assessments.structure import structure
from sisimport.accounts.access import Capability, can, requires
from sisimport.web.exports.writers import csv_rows, workbook
from students.access import log_view
from students.models import StudentView
from students.school_years import year_label

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_BY = {"grade": "By grade", "school": "By school", "group": "By student group", "year": "By year"}
_BANDS = 4  # colors of levels


@requires(Capability.READ)
@require_GET
def results(request: HttpRequest) -> HttpResponse:
    """What the address asks for; without anything, the first test of the newest year by grade."""
    # Paper is for others to read as well: it hides what a file hides.
    paper = request.GET.get("print") == "1" and can(request.user, Capability.EXPORT)
    held, reader = what_is_held(), reader_of(request.user, shared=paper)
    try:
        choice = choice_of(request.GET, held, reader)
    except NoResultsError as error:
        return render(request, "assessments/results.html", {"nothing": str(error), "tests": _tests(held)})
    found = build(choice, held, reader)
    if paper:
        log_view(user=request.user, kind=StudentView.Kind.EXPORT, subject=_logged(found, "print"))
    context = _context(held, reader, found) | {"paper": paper}
    return render(request, "assessments/results.html", context)


@requires(Capability.EXPORT)
@require_GET
def results_file(request: HttpRequest, form: str) -> HttpResponseBase:
    """The table of the address as CSV or workbook, small groups hidden for everybody."""
    held, reader = what_is_held(), reader_of(request.user, shared=True)
    try:
        found = build(choice_of(request.GET, held, reader), held, reader)
    except NoResultsError as error:
        raise Http404 from error
    log_view(user=request.user, kind=StudentView.Kind.EXPORT, subject=_logged(found, form))
    head, lines = rows.head(found), rows.lines(found)
    lines += [[], [rows.subject(found, _school_name(held, found.choice.school))], *([note] for note in found.notes)]
    published = beside(found, held, reader)
    lines += [[], published.head(), *published.lines()] if published.rows else []
    name = f"results-{found.choice.test.lower()}-{year_label(found.choice.year)}.{form}"
    if form == "csv":
        response: HttpResponseBase = StreamingHttpResponse(csv_rows(head, lines), "text/csv; charset=utf-8")
        response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
        return response
    book = workbook("Results", head, lines, widths=[30, *(12 for _ in head[1:])])
    return FileResponse(book, as_attachment=True, filename=name, content_type=_XLSX)


def _logged(found: Results, form: str) -> str:
    return f"results of {found.choice.test} {year_label(found.choice.year)}: {form}"


@dataclass(frozen=True, slots=True)
class _Part:
    """A level of a row as its bar draws it."""

    name: str
    count: int
    percent: float
    band: int
    x: str
    width: str
    middle: str
    shows_percent: bool


@dataclass(frozen=True, slots=True)
class _ShownRow:
    row: Row
    parts: list[_Part]
    said: str
    address: str


_ROOM = 9  # percent of the bar that its number needs


def _shown_row(row: Row, address: str) -> _ShownRow:
    parts, x = [], 0.0
    several = len(row.levels) > _BANDS
    for level in row.levels if row.sums else ():
        percent = row.percent(level)
        band = max(1, level.number - 1) if several else level.number
        parts.append(
            _Part(
                name=level.name,
                count=row.count(level),
                percent=percent,
                band=min(band, _BANDS),
                x=f"{x:.2f}",
                width=f"{percent:.2f}",
                middle=f"{x + percent / 2:.2f}",
                shows_percent=percent >= _ROOM,
            )
        )
        x += percent
    said = ", ".join(f"{part.percent:.0f} % {part.name}" for part in parts)
    return _ShownRow(row, parts, said, address)


def _context(held: Held, reader: Reader, found: Results) -> dict[str, Any]:
    choice = found.choice
    school = _school_name(held, choice.school)
    shown = [_shown_row(row, _deeper(choice, row)) for row in found.rows]
    return {
        "found": found,
        "beside": beside(found, held, reader),
        "subject": rows.limits(found, school),
        "shown": shown,
        "total": _shown_row(found.total, "") if found.total else None,
        "first_column": rows.head(found)[0],
        "levels": found.levels,
        "tests": _tests(held, choice),
        "years": [(year, year_label(year)) for year in held.years(choice.test)],
        "by": [(key, label, _address(choice, by=key)) for key, label in _BY.items()],
        "same_address": _address(choice, same="" if choice.same else "1"),
        "schools": _schools(held, reader, choice),
        "grades": [(grade, grade_label(grade)) for grade in structure()["grades"]],
        "groups": [(DIVISIONS[d], [(g, NAMES[g]) for g in groups_of(d)]) for d in DIVISIONS],
        "query": _address(choice).removeprefix("?"),
        "before": year_label(choice.year - 1),
    }


def _tests(held: Held, choice: Choice | None = None) -> list[tuple[str, str, str, bool]]:
    """(code, name, address, whether it is the one shown)."""
    return [
        (code, name, _address(choice, test=code) if choice else f"?{urlencode({'test': code})}",
         choice is not None and choice.test == code)
        for code, name in held.tests.items()
    ]  # fmt: skip


def _schools(held: Held, reader: Reader, choice: Choice) -> list[tuple[str, str, bool]]:
    schools = {one for one in held.names if one[0]} if reader.schools is None else {s for s in reader.schools if s[0]}
    return [
        (school_key(one), name, one == choice.school)
        for name, one in sorted((held.school_name(one), one) for one in schools)
    ]


def _school_name(held: Held, school: School | None) -> str:
    return held.school_name(school) if school else ""


def _deeper(choice: Choice, row: Row) -> str:
    """The address of what a row is made of."""
    if row.hidden:
        return ""
    if choice.by == "school":
        return _address(choice, school=row.key, by="grade")
    if choice.by == "grade":
        return _address(choice, grade=row.key, by="school")
    return ""


def _address(choice: Choice, **changed: str) -> str:
    """The address of a choice, which keeps everything but what is changed."""
    asked = {
        "test": choice.test,
        "year": str(choice.year),
        "by": choice.by,
        "school": school_key(choice.school) if choice.school else "",
        "grade": choice.grade,
        "group": "" if choice.group == ALL else choice.group,
        "same": "1" if choice.same else "",
        **changed,
    }
    return f"?{urlencode({name: value for name, value in asked.items() if value})}"
