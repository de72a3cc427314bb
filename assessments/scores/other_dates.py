"""Scored lines without a test date: what the other dates of their records say about the school year.

    start of a test, the school's testing window      lie in the year of the test
    scores available, report made                     after the test, and before the spring of the next year ends
    enrollment                                         before the test: one that began after the school year is of another

A date that says nothing is ignored: it never keeps a line out. Only lines without a test date are read again for this.
"""

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from assessments.models import ScoreRow
from sisimport.files.detection import recognise
from sisimport.files.issues import FileError, Severity
from sisimport.files.layouts import ColumnKind, Layout, normalise_header
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.engine.sql import execute
from sisimport.imports.storage.files import open_file
from sisimport.imports.storage.records import LinesReader

_TESTED: Final = re.compile(r"teststartdate\d|school(selected)?(start|end)(of|date)testwindow\d")
_AFTERWARDS: Final = re.compile(r"(score|ssr)availabledate|reportcreateddate")
_ENROLLED: Final = re.compile(r"enrollmenteffectivedate")
_TO_REPORT: Final = dt.timedelta(days=275)  # the last scores of a school year were reported in the winter after it
_BLOCK: Final = 4000


@dataclass(frozen=True, slots=True)
class Evidence:
    """A date that places a line in another school year: its column, the day, and that year by its spring."""

    column: str
    day: dt.date
    year: int


def note_other_years(context: RunContext, lines: Iterable[int], first: dt.date, last: dt.date) -> dict[int, int]:
    """Mark the lines (without test date) that other dates place outside `first` to `last`, and those placed inside (by
    `told_by` alone).

    Returns how many lines were placed, by school year; those of the run's year are under the year of `last`.
    """
    counts: dict[int, int] = {}
    outside: list[tuple[int, Evidence]] = []
    inside: list[tuple[int, str]] = []
    for line, dates in _read(context, lines):
        evidence = _another_year(dates, first, last)
        if evidence is not None:
            outside.append((line, evidence))
        elif (column := next(filter(_says_the_year, dates), "")) != "":
            inside.append((line, column))
        if dates:
            year = first.year + 1 if evidence is None else evidence.year
            counts[year] = counts.get(year, 0) + 1
    for start in range(0, len(outside), _BLOCK):
        some = outside[start : start + _BLOCK]
        execute(
            f"""
            UPDATE {ScoreRow._meta.db_table} r SET told_date = t.day, told_by = t.name
            FROM unnest(%s::int[], %s::date[], %s::text[]) AS t(line, day, name) WHERE t.line = r.line
            """,
            [
                [line for line, _ in some],
                [evidence.day for _, evidence in some],
                [evidence.column for _, evidence in some],
            ],
        )
    for start in range(0, len(inside), _BLOCK):
        some_inside = inside[start : start + _BLOCK]
        execute(
            f"UPDATE {ScoreRow._meta.db_table} r SET told_by = t.name FROM unnest(%s::int[], %s::text[]) AS t(line, name)"
            " WHERE t.line = r.line",
            [[line for line, _ in some_inside], [column for _, column in some_inside]],
        )
    context.notes["told_otherwise"] = bool(outside)
    return counts


def _another_year(dates: Mapping[str, dt.date], first: dt.date, last: dt.date) -> Evidence | None:
    """The date that shows another year; the nearer a kind of date is to the test, the more it counts."""
    tested = {column: day for column, day in dates.items() if _TESTED.match(normalise_header(column))}
    if tested:
        column, day = max(tested.items(), key=lambda pair: pair[1])
        return None if first <= day <= last else Evidence(column, day, _school_year(day))
    for column, day in dates.items():
        latest = last + _TO_REPORT if _AFTERWARDS.match(normalise_header(column)) else last
        earliest = first if _AFTERWARDS.match(normalise_header(column)) else dt.date.min
        if not earliest <= day <= latest:
            return Evidence(column, day, _school_year(day))
    return None


def _says_the_year(column: str) -> bool:
    """Does a date in this column belong to one school year? An enrollment date does not: students stay enrolled."""
    name = normalise_header(column)
    return bool(_TESTED.match(name) or _AFTERWARDS.match(name))


def _school_year(day: dt.date) -> int:
    return day.year + (day.month >= 7)


def _read(context: RunContext, lines: Iterable[int]) -> Iterator[tuple[int, dict[str, dt.date]]]:
    """The other dates of these lines by column name, if they can be read and are not after today."""
    assert context.layout is not None  # noqa: S101 - a staged file has one
    layout = _asking(context.layout)
    names = [name for name in layout.fields if name.startswith(_OWN)]
    wanted, today = list(lines), dt.datetime.now(tz=dt.UTC).astimezone().date()
    if not names or not wanted or context.run.file is None:
        return
    with open_file(context.run.file) as stream:
        recognition = recognise(stream, [layout], expected=[layout])
        if recognition.error is not None or recognition.fixed_width:
            return
        index = context.run.file.line_index
        try:
            for start in range(0, len(wanted), _BLOCK):
                some = wanted[start : start + _BLOCK]
                for block in LinesReader(stream, recognition, names, line_index=index, lines=some).blocks():
                    for line, values, _problems in block:
                        days = {
                            layout.fields[name].name: dt.date.fromisoformat(value)
                            for name, value in zip(names, values, strict=False)
                            if value
                        }
                        yield line, {column: day for column, day in days.items() if day <= today}
        except FileError:
            return


_OWN: Final = "other_date_"


def _asking(layout: Layout) -> Layout:
    """The layout with a field for each date that no score needs."""
    columns = tuple(
        replace(c, field=f"{_OWN}{c.position}", kind=ColumnKind.DATE, severity=Severity.NOTICE, required=False)
        if c.field is None and _is_asked(c.name)
        else c
        for c in layout.columns
    )
    return replace(layout, columns=columns, fields={c.field: c for c in columns if c.field})


def _is_asked(column: str) -> bool:
    return any(pattern.match(normalise_header(column)) for pattern in (_TESTED, _AFTERWARDS, _ENROLLED))
