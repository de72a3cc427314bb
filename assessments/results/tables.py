"""The table of a choice: which rows it has, what stands in them, and what of that is hidden from whom.

One place for the page, its downloads, its print, the command and the API: they show what is made here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from assessments.results.cubes import View
from assessments.results.held import Held
from assessments.results.notes import notes_of
from assessments.results.same_students import build_same
from assessments.results.shapes import Choice, CubeKey, Reader, Results, Row
from assessments.scores.result_counts import ALL
from students.school_years import year_label


def build(choice: Choice, held: Held, reader: Reader) -> Results:
    """The table. Raises KeyError when there is nothing of that test and year, or the school is not the reader's."""
    if (choice.test, choice.year) not in held.setups or not reader.may_read(choice.school):
        raise KeyError(choice)
    choice, notes = _allowed(choice, reader)
    if choice.same:
        return build_same(choice, held, reader, notes)
    levels = held.levels(choice.test, choice.year)
    years = held.years(choice.test) if choice.by == "year" else [choice.year]
    asked = {*years, *(year - 1 for year in years if held.comparable(choice.test, year, year - 1))}
    views = {year: View(choice, held, reader, year) for year in sorted(asked)}
    now = views[choice.year]
    rows_of = _Rows(choice.test, held, views)
    total = None
    if choice.by == "year":
        rows = [rows_of(year, now.total_key, str(year), year_label(year)) for year in sorted(years)]
    else:
        rows = [rows_of(choice.year, key, name, label) for name, label, key in now.row_keys()]
        total = replace(rows_of(choice.year, now.total_key, "", now.total_label), is_total=True)
    rows = [row for row in rows if row.hidden or (row.sums and row.sums.tested)]
    if total is not None and not total.hidden and not (total.sums and total.sums.tested):
        total = None
    notes += notes_of(choice, held, years, asked)
    return Results(choice, held.name_of(choice.test), levels, rows, total, notes, now.elsewhere)


def _allowed(choice: Choice, reader: Reader) -> tuple[Choice, list[str]]:
    """Where numbers are hidden, groups are shown for all grades together: crossed with grades most would be hidden anyway."""
    if choice.same and choice.by not in {"grade", "school"}:
        choice = replace(choice, by="grade")
    if choice.same and choice.group != ALL:
        choice = replace(choice, group=ALL)
    if reader.sees_each or choice.same:
        return choice, []
    if choice.by == "grade" and choice.group != ALL:
        choice = replace(choice, group=ALL)
    elif choice.grade and (choice.group != ALL or choice.by == "group"):
        choice = replace(choice, grade="")
    else:
        return choice, []
    return choice, ["Student groups are shown for all grades together, so that small groups cannot be computed."]


@dataclass(frozen=True, slots=True)
class _Rows:
    """Makes the rows of a test."""

    test: str
    held: Held
    views: Mapping[int, View]

    def __call__(self, year: int, key: CubeKey, name: str, label: str) -> Row:
        earlier = self.views.get(year - 1) if self.held.comparable(self.test, year, year - 1) else None
        sums = self.views[year].shown(key)
        before = earlier.shown(key) if earlier is not None and sums is not None else None
        if before is not None and not before.tested:
            before = None
        return Row(name, label, sums, before, self.held.levels(self.test, year))
