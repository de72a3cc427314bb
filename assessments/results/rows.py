"""A table of results as text: only what is shown. For files, the command and the API."""

from typing import Any

from assessments.results.groups import NAMES
from assessments.results.hiding import TOTAL
from assessments.results.shapes import Results, Row, grade_label
from students.school_years import year_label

HIDDEN = "hidden: fewer than 11 students"
_BY = {"grade": "Grade", "school": "School", "group": "Student group", "year": "School year"}


def head(results: Results) -> list[str]:
    choice = results.choice
    names = [_BY[choice.by], *([_BY[choice.beside]] if results.matrix else [])]
    names += ["Enrolled", "Tested", "Tested, percent"] if results.has_enrolled else ["Tested"]
    names.append("With a score")
    for level in results.levels:
        names += [f"{level.name}: students", f"{level.name}: percent"]
    names += [f"{trend_label(results)}, {year_label(year)}" for year in results.trend_years]
    names.append("Met or above, percent")
    names += ["Mean scale score"] if results.scaled else []
    names += ["Distance from standard"] if results.measured else []
    names += ["Met or above, change in points"] if results.compared else []
    names += ["Distance from standard, change"] if results.compared and results.measured else []
    names += ["Mean scale score, change"] if results.compared and results.scaled else []
    names += MOVED if results.moved else []
    return names


def trend_label(results: Results) -> str:
    """What the line over the years shows."""
    return "Met or above, percent" if any(level.met for level in results.levels) else "Mean scale score"


MOVED = [
    "Two levels higher or more",
    "One level higher",
    "Highest level as before",
    "Same level",
    "Lower level",
    "Progress, percent",
]


def lines(results: Results) -> list[list[Any]]:
    """Rows under `head`, the total first; a hidden row only says that it is hidden. Side-by-side numbers get a line
    each."""
    if not results.matrix:
        return [_line(results, row, [row.label]) for row in results.all_rows]
    return [
        _line(results, cell, [line.label, column])
        for line in results.matrix
        for column, cell in zip(results.columns, line.cells, strict=True)
        if cell is not None
    ]


def _line(results: Results, row: Row, labels: list[str]) -> list[Any]:
    if row.sums is None:
        return [*labels, HIDDEN]
    tested = row.sums.tested
    cells: list[Any] = [*labels]
    cells += [_known(row.enrolled), tested, _rounded(row.tested)] if results.has_enrolled else [tested]
    cells.append(row.sums.scored)
    for level in results.levels:
        cells += [row.count(level), round(row.percent(level), 1)]
    earlier = dict(row.trend)
    cells += [_rounded(earlier.get(year)) for year in results.trend_years]
    cells.append(_rounded(row.met))
    cells += [_rounded(row.mean)] if results.scaled else []
    cells += [_rounded(row.distance)] if results.measured else []
    cells += [_rounded(row.met_change)] if results.compared else []
    cells += [_rounded(row.distance_change)] if results.compared and results.measured else []
    cells += [_rounded(row.mean_change)] if results.compared and results.scaled else []
    if results.moved:
        moves = row.moves
        cells += [moves.far_up, moves.up, moves.kept, moves.same, moves.down] if moves else [""] * (len(MOVED) - 1)
        cells.append(_rounded(moves.progress) if moves else "")
    return cells


def _known(value: int | None) -> int | str:
    return "" if value is None else value


def _rounded(value: float | None) -> float | str:
    return "" if value is None else round(value, 1)


def elsewhere(results: Results) -> list[str]:
    """Notes on students in the files who are not counted because they were enrolled elsewhere."""
    n = results.elsewhere
    if not n:
        return []
    were, are = ("student in these files was", "is") if n == 1 else ("students in these files were", "are")
    return [f"{n:,} {were} tested here and enrolled in another district, and {are} not counted."]


def subject(results: Results, schools: list[str]) -> str:
    """What the table is about, in words: test, year, and what it is limited to."""
    return ", ".join([results.name, year_label(results.choice.year), limits(results, schools)])


def limits(results: Results, schools: list[str]) -> str:
    """How the table is arranged and what it is limited to, in words."""
    choice = results.choice
    parts = [f"By {_BY[choice.by].lower()}" + (f" and {_BY[choice.beside].lower()}" if choice.beside else "")]
    parts += [" and ".join(schools) if len(schools) <= _MOST_NAMED else f"{len(schools)} schools"] if schools else []
    parts += [" and ".join(map(grade_label, choice.grades))] if choice.grades else []
    if choice.groups and "group" not in {choice.by, choice.beside}:
        parts += [NAMES[choice.group]]
    parts += ["students tested in both years"] if choice.same else []
    return ", ".join(parts)


_MOST_NAMED = 3


def as_objects(results: Results) -> list[dict[str, Any]]:
    """Rows for programs: numbers; None if there are none or they are `hidden`."""
    return [_object(results, row) for row in results.all_rows]


def _object(results: Results, row: Row) -> dict[str, Any]:
    choice, at = results.choice, row.at
    school = at.school if isinstance(at.school, tuple) else choice.schools[0] if len(choice.schools) == 1 else ("", "")
    grade = at.grade if at.grade != TOTAL else choice.grades[0] if len(choice.grades) == 1 else ""
    moves = row.moves if row.sums else None
    return {
        "school_year": year_label(at.year),
        "lea": school[0],
        "school": school[1],
        "grade": grade,
        "group": at.group,
        "label": row.label,
        "hidden": row.hidden,
        "enrolled": row.enrolled if row.sums else None,
        "tested": row.sums.tested if row.sums else None,
        "tested_percent": _number(row.tested),
        "scored": row.sums.scored if row.sums else None,
        "levels": {str(level.number): row.count(level) for level in row.levels} if row.sums else None,
        "mean": _number(row.mean),
        "met_percent": _number(row.met),
        "earlier": {year_label(year): _number(value) for year, value in row.trend[:-1]} if row.sums else None,
        "distance_from_standard": _number(row.distance),
        "met_change": _number(row.met_change),
        "distance_change": _number(row.distance_change),
        "mean_change": _number(row.mean_change),
        "progress_percent": _number(moves.progress) if moves else None,
    }


def _number(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
