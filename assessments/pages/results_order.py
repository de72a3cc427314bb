"""The rows of Results sorted by a figure; a row without it, or whose figure is hidden, comes last in either
direction."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from urllib.parse import urlencode

from assessments.results.shapes import Results, Row
from sisimport.web.lists import Column, Head

_FIGURES: Mapping[str, Callable[[Row], float | None]] = {
    "met": lambda row: row.met,
    "distance": lambda row: row.distance,
    "mean": lambda row: row.mean,
    "change": lambda row: row.mean_change if row.met_change is None else row.met_change,
    "progress": lambda row: row.moves.progress if row.moves else None,
    "count": lambda row: row.sums.tested if row.sums else None,
}


def sort_of(text: str) -> str:
    """The sorting in an address: a figure's name, with "-" for the largest first; blank: the page's own order."""
    return text if text.removeprefix("-") in _FIGURES else ""


def ordered(found: Results, sort: str) -> Results:
    """The same results with rows in the requested order; equal rows keep their order."""
    if not sort:
        return found
    figure, sign = _FIGURES[sort.removeprefix("-")], -1 if sort.startswith("-") else 1

    def place(row: Row) -> tuple[bool, float]:
        value = None if row.hidden else figure(row)
        return value is None, sign * (value or 0)

    return replace(found, rows=sorted(found.rows, key=place))


def heads(found: Results, first: str, sort: str, query: str) -> list[Head]:
    """The head of the table; `first` names the first column, `query` is the address without a sort."""
    return [_head(column, sort, query) for column in _columns(found, first)]


def _columns(found: Results, first: str) -> Iterator[Column]:
    yield Column(name="", label=first, order=("",))
    yield Column(name="levels", label="Levels", css="wide")
    yield Column(name="met", label="Met or above", number=True)
    if found.measured:
        yield Column(name="distance", label="Distance from standard", number=True)
    elif found.scaled:
        yield Column(name="mean", label="Mean score", number=True)
    if found.compared:
        yield Column(name="change", label="Against last year", number=True)
    if found.trend_years:
        yield Column(name="trend", label=f"{len(found.trend_years) + 1} years")
    if found.moved:
        yield Column(name="progress", label="Progress", number=True)
    yield Column(name="count", label="Tested of enrolled" if found.rows_have_enrolled else "With a score", number=True)


def _head(column: Column, sort: str, query: str) -> Head:
    if column.name and column.name not in _FIGURES:
        return Head(column, "", "")
    here = sort.removeprefix("-") == column.name
    if not column.name:
        return Head(column, f"?{query}", "ascending" if here else "")
    wanted = column.name if here and sort.startswith("-") else f"-{column.name}"
    sorts = "" if not here else "descending" if sort.startswith("-") else "ascending"
    return Head(column, f"?{query}&{urlencode({'sort': wanted})}", sorts)
