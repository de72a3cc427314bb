"""The same students in two years: those with a result in both, by school and grade in the later one, and how their
levels changed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from assessments.results.counts import Moves, Pair, School, Sums, pairs_of
from assessments.results.cubes import by_grade, hidden_of
from assessments.results.held import Held
from assessments.results.hidden_results import Scope, counts_of, hidden_results, versions_of
from assessments.results.hiding import FEWEST, TOTAL, Count, Key, hidden_cells
from assessments.results.missing import file_of
from assessments.results.notes import notes_of
from assessments.results.numbers import scopes_for, summed_schools
from assessments.results.shapes import At, Choice, CubeKey, Reader, Results, Row, grade_label, grade_order, school_key
from assessments.scores.result_counts import ALL
from students.school_years import year_label

Cube = dict[CubeKey, Pair]


@dataclass(slots=True)
class Pairs:
    """Pairs by scope, school and grade, with their sums, and which of them are hidden."""

    choice: Choice
    reader: Reader
    cubes: dict[str, Cube]
    hidden: dict[str, set[Key]]

    def shown(self, at: At) -> Pair | None:
        """The pairs of a cell; None if they are hidden. A sum with hidden ones is hidden."""
        found = Pair(("", ""), at.grade, Sums(), Sums(), Moves())
        for scope, key in self._keys(at):
            if key in self.cubes[scope]:
                if key in self.hidden.get(scope, ()):
                    return None
                _join(found, self.cubes[scope][key])
        return found

    def _keys(self, at: At) -> list[tuple[str, CubeKey]]:
        grades = [at.grade] if at.grade != TOTAL else self.choice.grades or [TOTAL]
        schools: Sequence[School] | None = (
            [at.school] if isinstance(at.school, tuple) else self.choice.schools or summed_schools(self.reader)
        )
        places: Sequence[School | str] = [TOTAL] if schools is None else schools
        return [(scope, (place, grade, ALL)) for scope in self.cubes for place in places for grade in grades]

    def grades(self) -> list[str]:
        found = {key[1] for cube in self.cubes.values() for key in cube} - {TOTAL}
        return sorted(found & set(self.choice.grades) if self.choice.grades else found, key=grade_order)

    def schools(self) -> list[School]:
        found = {key[0] for cube in self.cubes.values() for key in cube if isinstance(key[0], tuple)}
        chosen = [one for one in found if not self.choice.schools or one in self.choice.schools]
        return [one for one in chosen if isinstance(one, tuple) and self.reader.may_read(one)]


def pairs_for(choice: Choice, held: Held, reader: Reader, *, levels: bool) -> Pairs:
    """The pairs of a year. `levels`: their levels are also shown; combined with all students' levels, they would reveal
    those of the rest."""
    scopes, year = scopes_for(held, reader), choice.year
    setup, before = held.setups[choice.test, year], held.setups[choice.test, year - 1]
    pairs = pairs_of(
        setup,
        year,
        before,
        held.standards(choice.test, year),
        held.standards(choice.test, year - 1),
        highest=len(held.levels(choice.test, year)),
        leas=None if reader.schools is None else sorted({lea for scope in scopes for lea in scope.leas}),
    )
    cubes: dict[str, Cube] = {scope.name: {} for scope in scopes}
    scope_of = {lea: scope.name for scope in scopes for lea in scope.leas}
    for pair in pairs:
        if pair.school[0] in scope_of and (not reader.sees_own_only or reader.may_read(pair.school)):
            cube = cubes[scope_of[pair.school[0]]]
            for key in {(s, g, ALL) for s in (pair.school, TOTAL) for g in (pair.grade, TOTAL)}:
                _join(cube.setdefault(key, Pair(pair.school, pair.grade, Sums(), Sums(), Moves())), pair)
    hidden: dict[str, set[Key]] = {}
    if not reader.sees_each:
        for scope in scopes:
            counts = {key: Count(pair.now.tested, pair.now.scored) for key, pair in cubes[scope.name].items()}
            also = _revealing(choice, held, scope, counts, reader) if levels else set()
            hidden[scope.name] = hidden_cells(counts, [by_grade(counts)], also)
    return Pairs(choice, reader, cubes, hidden)


def _revealing(choice: Choice, held: Held, scope: Scope, counts: dict[CubeKey, Count], reader: Reader) -> set[CubeKey]:
    """Pairs that would reveal few students, those with a result in only one of the two years (all results minus those
    of the pairs); and cells that are hidden for all students."""
    found: set[CubeKey] = set()
    own = reader.schools if reader.sees_own_only else None
    for year in (choice.year, choice.year - 1):
        setup = held.setups[choice.test, year]
        everybody, crossed = counts_of(setup, year, scope.leas, own)
        if own is not None and year == choice.year:
            found |= hidden_of(everybody, crossed).cells & counts.keys()
        # Schools and grades are those of the later year.
        keys = counts if year == choice.year else {(TOTAL, TOTAL, ALL)} & counts.keys()
        found |= {key for key in keys if 0 < everybody.get(key, Count(0, 0)).scored - counts[key].scored < FEWEST}
    if own is None:
        setups = {choice.year: held.setups[choice.test, choice.year]}
        found |= hidden_results(setups, [scope], versions_of(setups))[choice.year, scope.name].cells & counts.keys()
    return found


def _join(held: Pair, more: Pair) -> None:
    held.now.add(more.now)
    held.before.add(more.before)
    held.moves.add(more.moves)


def build_same(choice: Choice, held: Held, reader: Reader, notes: list[str]) -> Results:
    """Students with a result in both years, by their school and grade in the later one."""
    levels, name, before = held.levels(choice.test, choice.year), held.name_of(choice.test), choice.year - 1
    if not held.comparable(choice.test, choice.year, before):
        missing = f"There is nothing from {year_label(before)} that can be compared with {year_label(choice.year)}."
        if (choice.test, before) not in held.setups:
            missing = f"No scores of {name} of {year_label(before)} are on record. {file_of(choice.test)}"
        notes = [*notes, *notes_of(choice, held, [choice.year], [])]
        return Results(choice, name, levels, [], None, notes, nothing=missing)
    pairs = pairs_for(choice, held, reader, levels=True)

    def row(at: At, key: str, label: str) -> Row:
        pair = pairs.shown(at)
        if pair is None:
            return Row(key, label, None, None, levels, at)
        return Row(key, label, pair.now, pair.before, levels, at, moves=pair.moves)

    whole = At(choice.year)
    label = held.school_name(choice.schools[0]) if len(choice.schools) == 1 else reader.whole
    label = f"{len(choice.schools)} schools" if len(choice.schools) > 1 else label
    if choice.by == "school":
        named = sorted((held.school_name(one), one) for one in pairs.schools())
        rows = [row(replace(whole, school=one), school_key(one), text) for text, one in named]
    else:
        rows = [row(replace(whole, grade=grade), grade, grade_label(grade)) for grade in pairs.grades()]
    total = row(whole, "", label)
    notes += notes_of(choice, held, [choice.year], [choice.year, before])
    shown = [one for one in rows if _is_there(one)]
    whole_row = replace(total, is_total=True) if _is_there(total) else None
    nobody = f"No student on record has a level in both {year_label(before)} and {year_label(choice.year)} here."
    return Results(choice, name, levels, shown, whole_row, notes, nothing="" if shown else nobody)


def _is_there(row: Row) -> bool:
    return row.hidden or bool(row.sums and row.sums.tested)


__all__ = ["Pairs", "build_same", "pairs_for"]
