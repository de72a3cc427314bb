"""A table of results as text: of what is shown, and of nothing else. For files, the command and the API."""

from typing import Any

from assessments.results.groups import NAMES
from assessments.results.shapes import Results, Row, grade_label
from students.school_years import year_label

HIDDEN = "hidden: fewer than 11 students"
_BY = {"grade": "Grade", "school": "School", "group": "Student group", "year": "School year"}


def head(results: Results) -> list[str]:
    names = [_BY[results.choice.by], "Tested", "With a score"]
    for level in results.levels:
        names += [f"{level.name}: students", f"{level.name}: percent"]
    names.append("Met or above, percent")
    names += ["Mean scale score"] if results.scaled else []
    names += ["Distance from standard"] if results.measured else []
    names += ["Met or above, change in points"] if results.compared else []
    names += ["Mean scale score, change"] if results.compared and results.scaled else []
    names += ["Higher level than last year", "Same level", "Lower level"] if results.choice.same else []
    return names


def lines(results: Results) -> list[list[Any]]:
    """Rows under `head`, the total first; of a hidden one nothing but that it is."""
    return [_line(results, row) for row in results.all_rows]


def _line(results: Results, row: Row) -> list[Any]:
    if row.sums is None:
        return [row.label, HIDDEN]
    cells: list[Any] = [row.label, row.sums.tested, row.sums.scored]
    for level in results.levels:
        cells += [row.count(level), round(row.percent(level), 1)]
    cells.append(_rounded(row.met))
    cells += [_rounded(row.mean)] if results.scaled else []
    cells += [_rounded(row.distance)] if results.measured else []
    cells += [_rounded(row.met_change)] if results.compared else []
    cells += [_rounded(row.mean_change)] if results.compared and results.scaled else []
    cells += list(row.moved or ("", "", "")) if results.choice.same else []
    return cells


def _rounded(value: float | None) -> float | str:
    return "" if value is None else round(value, 1)


def subject(results: Results, school: str) -> str:
    """What the table is about, in words: test, year, and what it is limited to."""
    return ", ".join([results.name, year_label(results.choice.year), limits(results, school)])


def limits(results: Results, school: str) -> str:
    """How the table is arranged and what it is limited to, in words."""
    choice = results.choice
    parts = [f"By {_BY[choice.by].lower()}"]
    parts += [school] if school else []
    parts += [grade_label(choice.grade)] if choice.grade else []
    parts += [NAMES[choice.group]] if choice.group != "all" else []
    parts += ["students tested in both years"] if choice.same else []
    return ", ".join(parts)


def as_objects(results: Results) -> list[dict[str, Any]]:
    """Rows for programs: numbers, None where there are none, and `hidden`."""
    return [_object(results, row) for row in results.all_rows]


def _object(results: Results, row: Row) -> dict[str, Any]:
    choice, by = results.choice, results.choice.by
    named = "" if row.is_total else row.key
    found: dict[str, Any] = {
        "school_year": year_label(int(row.key)) if by == "year" else year_label(choice.year),
        "school": named if by == "school" else "-".join(choice.school or ()),
        "grade": named if by == "grade" else choice.grade,
        "group": named or "all" if by == "group" else choice.group,
        "label": row.label,
        "hidden": row.hidden,
    }
    levels = {str(level.number): row.count(level) for level in row.levels} if row.sums else None
    return found | {
        "tested": row.sums.tested if row.sums else None,
        "scored": row.sums.scored if row.sums else None,
        "levels": levels,
        "mean": _number(row.mean),
        "met_percent": _number(row.met),
        "distance_from_standard": _number(row.distance),
        "met_change": _number(row.met_change),
    }


def _number(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
