"""The table of a choice: which rows it has, what is in them, and what is hidden from whom.

The page, its downloads, its print, the command and the API all show the table made here.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from assessments.results.counts import Moves, Sums
from assessments.results.enrolled import Enrolled, enrolled_for, notes_on
from assessments.results.groups import NAMES, ORDER
from assessments.results.held import Held
from assessments.results.hiding import TOTAL
from assessments.results.missing import note_on_missing_groups, nothing_of
from assessments.results.notes import notes_of
from assessments.results.numbers import Numbers, numbers_of
from assessments.results.same_students import Pairs, build_same, pairs_for
from assessments.results.shapes import At, Choice, Line, Reader, Results, Row, grade_label, grade_order, school_key
from assessments.scores.result_counts import ALL, GROUPS
from students.school_years import year_label

PROGRESS = {"ELPACS", "ELPACSA"}  # tests for which the state tracks who gained a level
DRAWN_YEARS = 3  # in the line of each row
MOST_BESIDE = 8  # columns; more cannot be compared, and take long to draw
ACROSS = "Student groups are shown for all grades together, so that small groups cannot be computed."
_Place = tuple[str, str, dict[str, Any]]  # key for the address, label, and the attributes of a cell that it sets


def build(choice: Choice, held: Held, reader: Reader) -> Results:
    """The table. Raises KeyError if there is nothing for that test and year, or if a school is not the reader's."""
    if (choice.test, choice.year) not in held.setups or not all(map(reader.may_read, choice.schools)):
        raise KeyError(choice)
    choice, notes = _allowed(choice)
    if choice.same:
        return build_same(choice, held, reader, notes)
    separated_by = [choice.by, *([choice.beside] if choice.beside else [])]
    made = _Made.of(choice, held, reader, separated_by)
    if made.lacks_crossing():
        choice, notes = _without_crossing(choice), [*notes, ACROSS]
        separated_by = [choice.by, *([choice.beside] if choice.beside else [])]
        made = _Made.of(choice, held, reader, separated_by)
    results = made.results(notes)
    total = made.row(made.base(), "", made.whole_label())
    if choice.by != "year" and not choice.beside and (total.hidden or (total.sums and total.sums.tested)):
        results.total = replace(total, is_total=True)
    places = made.places(choice.by)
    if not choice.beside:
        results.rows = [row for row in (made.row_at({}, place) for place in places) if _is_there(row)]
        return _with_reason_if_empty(results, held)
    columns = made.places(choice.beside)
    if len(columns) > MOST_BESIDE:
        results.notes.append(
            f"The first {MOST_BESIDE} of {len(columns)} columns are shown side by side: mark the ones you want, {MOST_BESIDE} at"
            f" most."
        )
        columns = columns[:MOST_BESIDE]
    lines = [Line(label, tuple(made.row_at(changed, column) for column in columns)) for _key, label, changed in places]
    if choice.by != "year":
        lines.insert(0, Line(made.whole_label(), tuple(made.row_at({}, column) for column in columns)))
    shown = [any(_is_there(line.cells[n]) for line in lines) for n in range(len(columns))]
    results.columns = [label for is_shown, (_key, label, _c) in zip(shown, columns, strict=True) if is_shown]
    results.matrix = [
        Line(line.label, tuple(c if _is_there(c) else None for c, s in zip(line.cells, shown, strict=True) if s))
        for line in lines
        if any(map(_is_there, line.cells))
    ]
    return _with_reason_if_empty(results, held)


def _with_reason_if_empty(results: Results, held: Held) -> Results:
    if not results.rows and not results.matrix:
        results.nothing = nothing_of(results.choice, held)
    return results


def build_cells(choice: Choice, held: Held, reader: Reader, separated_by: Sequence[str]) -> Results:
    """Every cell by everything in `separated_by`, among school, grade, group and year: a list for programs, the total
    first. If small groups are hidden, groups by both school and grade are too, unless none of them is small."""
    if (choice.test, choice.year) not in held.setups or not all(map(reader.may_read, choice.schools)):
        raise KeyError(choice)
    if choice.same:
        return build(choice, held, reader)
    if len(choice.groups) > 1 and "group" not in separated_by:
        separated_by = [*separated_by, "group"]
    made = _Made.of(choice, held, reader, separated_by)
    results = made.results([])
    total = made.row(made.base(), "", made.whole_label())
    results.total = replace(total, is_total=True) if "year" not in separated_by and _is_there(total) else None
    across = False
    for places in product(*(made.places(name) for name in separated_by)):
        changed = {name: value for place in places for name, value in place[2].items()}
        label = ", ".join(place[1] for place in places)
        row = made.row(replace(made.base(), **changed), "", label)
        if row.hidden and not made.numbers.lists(row.at):
            across = True
        elif separated_by and _is_there(row):
            results.rows.append(row)
    if across:
        results.notes.append(ACROSS)
    return results if results.total else _with_reason_if_empty(results, held)


def _allowed(choice: Choice) -> tuple[Choice, list[str]]:
    """Leave out what cannot be combined: the same students are counted by grade or by school, and chosen groups are
    shown side by side, since many students are in several."""
    if choice.same:
        by = choice.by if choice.by in {"grade", "school"} else "grade"
        return replace(choice, by=by, beside="", groups=()), []
    if choice.beside == choice.by:
        choice = replace(choice, beside="")
    if len(choice.groups) > 1 and "group" not in {choice.by, choice.beside}:
        choice = replace(choice, beside="group")
    return choice, []


def _without_crossing(choice: Choice) -> Choice:
    """The choice without groups by grade."""
    if choice.by == "grade":
        return replace(choice, groups=(), beside="" if choice.beside == "group" else choice.beside)
    return replace(choice, grades=(), beside="" if choice.beside == "grade" else choice.beside)


def _has_all_students(choice: Choice, separated_by: Collection[str]) -> bool:
    """Whether some number is about all students, not a student group. For groups it is unknown who was enrolled."""
    return choice.beside != "group" and ("group" in separated_by or choice.group == ALL)


def _drawn(choice: Choice, held: Held, separated_by: Collection[str]) -> list[int]:
    """The earlier years whose numbers are drawn in each row; none if years are rows, or numbers are side by side."""
    if "year" in separated_by or choice.beside:
        return []
    years = range(choice.year - DRAWN_YEARS + 1, choice.year)
    return [year for year in years if held.comparable(choice.test, choice.year, year)]


def _is_there(row: Row | None) -> bool:
    return row is not None and (row.hidden or bool(row.sums and row.sums.tested))


@dataclass(frozen=True, slots=True)
class _Made:
    """Makes the rows of a test."""

    choice: Choice
    held: Held
    reader: Reader
    separated_by: Collection[str]
    years: Sequence[int]
    asked: Collection[int]
    numbers: Numbers
    pairs: Pairs | None = None  # for tests whose progress by levels is shown
    enrolled: Enrolled | None = None

    @classmethod
    def of(cls, choice: Choice, held: Held, reader: Reader, separated_by: Collection[str]) -> "_Made":
        of_test = held.years(choice.test)
        years = (
            [year for year in choice.years or of_test if year in of_test] if "year" in separated_by else [choice.year]
        )
        needed_years = {*years, *(year - 1 for year in years if held.comparable(choice.test, year, year - 1))}
        needed_years |= {*_drawn(choice, held, separated_by)}
        numbers = numbers_of(choice, held, reader, needed_years, separated_by)
        has_pairs = choice.test in PROGRESS and choice.year - 1 in needed_years and choice.group == ALL
        pairs = pairs_for(choice, held, reader, levels=False) if has_pairs else None
        enrolled = None
        if _has_all_students(choice, separated_by):
            enrolled = enrolled_for(choice, reader, years, {lea for scope in numbers.scopes for lea in scope.leas})
        return cls(choice, held, reader, separated_by, sorted(years), needed_years, numbers, pairs, enrolled)

    def lacks_crossing(self) -> bool:
        """Whether groups by grade are requested, and every such number is hidden."""
        if self.reader.sees_each:
            return False
        found = [at for at in self.numbers.sums if at.group != ALL and (at.grade != TOTAL or self.choice.grades)]
        return bool(found) and all(self.numbers.shown(at) is None for at in found)

    def results(self, notes: list[str]) -> Results:
        code, year = self.choice.test, self.choice.year
        notes = [*notes, *notes_of(self.choice, self.held, self.years, self.asked), *self._notes_on_groups()]
        notes += self._notes_on_enrolled()
        elsewhere = self.numbers.elsewhere.get(year, 0)
        return Results(self.choice, self.held.name_of(code), self.held.levels(code, year), [], None, notes, elsewhere)

    def whole_label(self) -> str:
        schools = self.choice.schools
        if not schools:
            return self.reader.whole
        return self.held.school_name(schools[0]) if len(schools) == 1 else f"{len(schools)} schools"

    def places(self, name: str) -> list[_Place]:
        """The possible rows or columns, in order."""
        found = self.numbers.sums
        if name == "year":
            return [(str(year), year_label(year), {"year": year}) for year in self.years]
        if name == "group":
            present = {at.group for at in found}
            groups = [g for g in self.choice.groups or ORDER[1:] if g in present]
            return [(group, NAMES[group], {"group": group}) for group in groups]
        if name == "grade":
            grades = sorted({at.grade for at in found} - {TOTAL}, key=grade_order)
            return [(grade, grade_label(grade), {"grade": grade}) for grade in grades]
        schools = {at.school for at in found if isinstance(at.school, tuple) and self.reader.may_read(at.school)}
        named = sorted((self.held.school_name(one), one) for one in schools if isinstance(one, tuple))
        return [(school_key(one), label, {"school": one}) for label, one in named]

    def row_at(self, changed: dict[str, Any], place: _Place) -> Row:
        key, label, more = place
        return self.row(replace(self.base(), **changed, **more), key, label)

    def base(self) -> At:
        """The cell that everything requested adds up to."""
        return At(self.choice.year, group=ALL if "group" in self.separated_by else self.choice.group)

    def row(self, at: At, key: str, label: str) -> Row:
        code, earlier = self.choice.test, replace(at, year=at.year - 1)
        sums = self.numbers.shown(at)
        before = None
        if sums is not None and earlier.year in self.asked and self.held.comparable(code, at.year, earlier.year):
            before = self.numbers.shown(earlier)
        if before is not None and not before.tested:
            before = None
        return Row(
            key,
            label,
            sums,
            before,
            self.held.levels(code, at.year),
            at,
            moves=self._moves(at),
            enrolled=self.enrolled.at(at) if self.enrolled is not None and sums is not None else None,
            earlier=self._earlier(at) if sums is not None else (),
        )

    def _notes_on_groups(self) -> list[str]:
        """Which of the requested student groups the files of a year do not name."""
        divisions = {group[0] for group in self.choice.groups} or (
            set(GROUPS) if "group" in self.separated_by else set()
        )
        return note_on_missing_groups(self.choice.test, self.asked if divisions else (), divisions)

    def _notes_on_enrolled(self) -> list[str]:
        if not _has_all_students(self.choice, self.separated_by):
            return []
        whole = {year: self.numbers.shown(At(year)) for year in self.years}
        tested = {year: sums.tested for year, sums in whole.items() if sums is not None}
        return notes_on(self.enrolled, self.years, tested)

    def _earlier(self, at: At) -> tuple[tuple[int, Sums | None], ...]:
        years = _drawn(self.choice, self.held, self.separated_by)
        found = [(year, self.numbers.shown(replace(at, year=year))) for year in years]
        return tuple((year, sums if sums and sums.tested else None) for year, sums in found)

    def _moves(self, at: At) -> Moves | None:
        if self.pairs is None or at.group != ALL or at.year != self.choice.year:
            return None
        pair = self.pairs.shown(at)
        return pair.moves if pair is not None and pair.moves.progress is not None else None
