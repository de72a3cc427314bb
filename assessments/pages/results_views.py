"""The page Results: a test by grade, school, student group or year; also as a file and on paper."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET

from assessments.pages.results_order import heads, ordered, sort_of
from assessments.results import rows
from assessments.results.asking import (
    Asked,
    NoResultsError,
    choice_of,
    left_out,
    note_on_left_out,
    reader_of,
    what_is_held,
)
from assessments.results.beside import beside
from assessments.results.groups import DIVISIONS, NAMES, groups_of
from assessments.results.held import Held
from assessments.results.shapes import Choice, Line, Reader, Results, Row, grade_label, school_key
from assessments.results.tables import build
from assessments.structure import structure
from sisimport.accounts.access import Capability, can, requires
from sisimport.audit.models import AuditEntry
from sisimport.imports.storage.replica import place_of_reports
from sisimport.runtime.reading import reading_from
from sisimport.web.exports.writers import csv_rows, workbook
from students.access import log_view
from students.school_years import year_label

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_BY = {"grade": "By grade", "school": "By school", "group": "By student group", "year": "By year"}
_BESIDE = {"grade": "Grades", "school": "Schools", "group": "Student groups", "year": "School years"}
_BANDS = 4  # colors of levels


@requires(Capability.READ)
@require_GET
def results(request: HttpRequest) -> HttpResponse:
    """The results that the address asks for; by default, the first test of the newest year by grade."""
    # Others may read paper too: it hides what a file hides.
    paper = request.GET.get("print") == "1" and can(request.user, Capability.EXPORT)
    held, reader = what_is_held(), reader_of(request.user, shared=paper)
    try:
        choice = choice_of(_asked(request), held, reader)
    except NoResultsError as error:
        return render(request, "assessments/results.html", {"nothing": str(error), "tests": _tests(held)})
    with reading_from(place_of_reports(request.user)):
        found = _built(request, choice, held, reader)
    if paper:
        log_view(user=request.user, kind=AuditEntry.Kind.EXPORT, subject=_logged(found, "print"))
    context = _context(held, reader, found, sort_of(request.GET.get("sort", ""))) | {"paper": paper}
    return render(request, "assessments/results.html", context)


@requires(Capability.EXPORT)
@require_GET
def results_file(request: HttpRequest, form: str) -> HttpResponseBase:
    """The table of the address as CSV or workbook, small groups hidden for everyone."""
    held, reader = what_is_held(), reader_of(request.user, shared=True)
    try:
        choice = choice_of(_asked(request), held, reader)
    except NoResultsError as error:
        raise Http404 from error
    with reading_from(place_of_reports(request.user)):
        found = _built(request, choice, held, reader)
    log_view(user=request.user, kind=AuditEntry.Kind.EXPORT, subject=_logged(found, form))
    head, lines = rows.head(found), rows.lines(found)
    notes = [*found.said, *rows.elsewhere(found)]
    lines += [[], [rows.subject(found, _school_names(held, found.choice))], *([note] for note in notes)]
    published = beside(found, held, reader)
    lines += [[], published.head(), *published.lines()] if published.rows else []
    name = f"results-{found.choice.test.lower()}-{year_label(found.choice.year)}.{form}"
    if form == "csv":
        response: HttpResponseBase = StreamingHttpResponse(csv_rows(head, lines), "text/csv; charset=utf-8")
        response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
        return response
    book = workbook("Results", head, lines, widths=[30, 30 if found.matrix else 12, *(12 for _ in head[2:])])
    return FileResponse(book, as_attachment=True, filename=name, content_type=_XLSX)


def _built(request: HttpRequest, choice: Choice, held: Held, reader: Reader) -> Results:
    """The table in the requested order; a note names values of the address that do not exist."""
    found = ordered(build(choice, held, reader), sort_of(request.GET.get("sort", "")))
    found.notes[:0] = note_on_left_out(left_out(_asked(request), held, reader))
    return found


def _asked(request: HttpRequest) -> Asked:
    return dict(request.GET.lists())


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
class _Trend:
    """A small line over the years. `lines`: points of each stretch without a gap; `dots`: of the earlier years."""

    lines: list[str]
    dots: list[tuple[int, int]]
    last: tuple[int, int] | None
    said: str


_TREND_WIDTH, _TREND_HEIGHT, _TREND_EDGE = 72, 24, 4


def _trend(row: Row, years: Sequence[int], span: tuple[float, float]) -> _Trend | None:
    """A line if there are two or more years. `span`: lowest and highest value of all rows, so that their lines can be
    compared."""
    held = {year: value for year, value in row.trend if value is not None}
    if len(held) < 2:
        return None
    step = (_TREND_WIDTH - 2 * _TREND_EDGE) / (len(years) - 1)
    drop = (_TREND_HEIGHT - 2 * _TREND_EDGE) / max(span[1] - span[0], 1)
    places: list[tuple[int, int] | None] = [
        (round(_TREND_EDGE + n * step), round(_TREND_EDGE + (span[1] - held[year]) * drop)) if year in held else None
        for n, year in enumerate(years)
    ]
    stretches: list[list[tuple[int, int]]] = [[]]
    for place in places:
        if place is None:
            stretches.append([])
        else:
            stretches[-1].append(place)
    unit = "%" if any(level.met for level in row.levels) else ""
    return _Trend(
        [" ".join(f"{x},{y}" for x, y in one) for one in stretches if len(one) > 1],
        [place for place in places[:-1] if place],
        places[-1],
        ", ".join(f"{held[year]:.0f}{unit} in {year_label(year)}" for year in years if year in held),
    )


@dataclass(frozen=True, slots=True)
class _ShownRow:
    row: Row
    parts: list[_Part]
    said: str
    address: str
    trend: _Trend | None = None
    earlier: Sequence[float | None] = ()  # what the line shows, year by year


_ROOM = 11  # percent of the bar that its number needs


def _shown_rows(found: Results) -> list[_ShownRow]:
    """The rows, each with its line over the years."""
    years = [*found.trend_years, found.choice.year] if found.trend_years else []
    values = [value for row in found.rows for _year, value in row.trend if value is not None]
    span = (min(values, default=0), max(values, default=0))
    return [
        replace(
            _with_earlier(_shown_row(row, _deeper(found.choice, row)), found.trend_years),
            trend=_trend(row, years, span) if years else None,
        )
        for row in found.rows
    ]


def _with_earlier(shown: _ShownRow, years: Sequence[int]) -> _ShownRow:
    held = dict(shown.row.trend)
    return replace(shown, earlier=[held.get(year) for year in years])


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
    description = ", ".join(f"{part.percent:.0f}% {part.name}" for part in parts)
    return _ShownRow(row, parts, description, address)


@dataclass(frozen=True, slots=True)
class _ShownLine:
    """A row of side-by-side numbers: for each column its head and what is drawn, or None."""

    label: str
    cells: list[tuple[str, _ShownRow | None]]


def _shown_line(line: Line, columns: list[str]) -> _ShownLine:
    return _ShownLine(
        line.label,
        [(head, _shown_row(cell, "") if cell else None) for head, cell in zip(columns, line.cells, strict=True)],
    )


def _context(held: Held, reader: Reader, found: Results, sort: str) -> dict[str, Any]:
    choice = found.choice
    query = _address(choice).removeprefix("?")
    return {
        "found": found,
        "beside": beside(found, held, reader),
        "elsewhere": rows.elsewhere(found),
        "subject": rows.limits(found, _school_names(held, choice)),
        "shown": _shown_rows(found),
        "trend_years": [year_label(year) for year in found.trend_years],
        "trend_label": rows.trend_label(found).removesuffix(", percent"),
        "lines": [_shown_line(line, found.columns) for line in found.matrix],
        "total": _with_earlier(_shown_row(found.total, ""), found.trend_years) if found.total else None,
        "first_column": rows.head(found)[0],
        "beside_column": rows.head(found)[1] if found.matrix else "",
        "hidden_span": 3 + (found.measured or found.scaled) + found.compared + found.moved + bool(found.trend_years),
        "levels": found.levels,
        "tests": _tests(held, choice),
        "years": [(year, year_label(year)) for year in held.years(choice.test)],
        "by": [(key, label, _address(choice, by=key)) for key, label in _BY.items()],
        "besides": [(key, label) for key, label in _BESIDE.items() if key != choice.by],
        "same_address": _address(choice, same="" if choice.same else "1"),
        "pickers": _pickers(held, reader, choice),
        "query": f"{query}&{urlencode({'sort': sort})}" if sort else query,
        "sort": sort,
        "result_heads": heads(found, rows.head(found)[0], sort, query),
        "before": year_label(choice.year - 1),
    }


@dataclass(frozen=True, slots=True)
class _Picker:
    """Checkboxes: `options` by heading, each with its value, its name and whether it is checked."""

    name: str
    label: str
    nothing: str  # the text if none is checked
    options: list[tuple[str, list[tuple[str, str, bool]]]]

    @property
    def said(self) -> str:
        marked = [label for _head, boxes in self.options for _value, label, is_marked in boxes if is_marked]
        return self.nothing if not marked else marked[0] if len(marked) == 1 else f"{len(marked)} chosen"

    @property
    def is_long(self) -> bool:
        return sum(len(boxes) for _head, boxes in self.options) > _MANY


_MANY = 12


def _pickers(held: Held, reader: Reader, choice: Choice) -> list[_Picker]:
    schools = {one for one in held.names if one[0]} if reader.schools is None else {s for s in reader.schools if s[0]}
    named = sorted((held.school_name(one), one) for one in schools)
    found = [
        _Picker("school", "Schools", "All", [("", [(school_key(s), name, s in choice.schools) for name, s in named])]),
        _Picker(
            "grade",
            "Grades",
            "All",
            [("", [(grade, grade_label(grade), grade in choice.grades) for grade in structure()["grades"]])],
        ),
    ]
    if not choice.same:
        groups = [(DIVISIONS[d], [(g, NAMES[g], g in choice.groups) for g in groups_of(d)]) for d in DIVISIONS]
        found.append(_Picker("group", "Student groups", "All students", groups))
    if "year" in {choice.by, choice.beside}:
        years = [(str(year), year_label(year), year in choice.years) for year in held.years(choice.test)]
        found.append(_Picker("years", "School years", "All", [("", years)]))
    return found


def _tests(held: Held, choice: Choice | None = None) -> list[tuple[str, str, str, bool]]:
    """(code, name, address, whether it is the one shown)."""
    return [
        (code, name, _address(choice, test=code) if choice else f"?{urlencode({'test': code})}",
         choice is not None and choice.test == code)
        for code, name in held.tests.items()
    ]  # fmt: skip


def _school_names(held: Held, choice: Choice) -> list[str]:
    return [held.school_name(school) for school in choice.schools]


def _deeper(choice: Choice, row: Row) -> str:
    """The address of the details of a row."""
    if row.hidden:
        return ""
    if choice.by == "school":
        return _address(choice, school=[row.key], by="grade")
    if choice.by == "grade":
        return _address(choice, grade=[row.key], by="school")
    return ""


def _address(choice: Choice, **changed: str | list[str]) -> str:
    """The address of a choice, keeping everything except the changed parts."""
    parameters: dict[str, str | list[str]] = {
        "test": choice.test,
        "year": str(choice.year),
        "by": choice.by,
        "beside": choice.beside,
        "school": list(map(school_key, choice.schools)),
        "grade": list(choice.grades),
        "group": list(choice.groups),
        "years": list(map(str, choice.years)),
        "same": "1" if choice.same else "",
        **changed,
    }
    return f"?{urlencode({name: value for name, value in parameters.items() if value}, doseq=True)}"
