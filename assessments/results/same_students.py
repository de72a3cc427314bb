"""The same students in two years: who had a result in both, by their school and grade in the later one."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from assessments.results.counts import Pair, Sums, pairs_of
from assessments.results.cubes import hidden_in
from assessments.results.held import Held
from assessments.results.hiding import TOTAL
from assessments.results.notes import notes_of
from assessments.results.shapes import (
    Choice,
    CubeKey,
    LevelOf,
    Reader,
    Results,
    Row,
    grade_label,
    grade_order,
    school_key,
)
from assessments.scores.result_counts import ALL
from students.school_years import year_label


def build_same(choice: Choice, held: Held, reader: Reader, notes: list[str]) -> Results:
    """Students with a result in both years, by their school and grade in the later one."""
    levels, name, before = held.levels(choice.test, choice.year), held.name_of(choice.test), choice.year - 1
    if not held.comparable(choice.test, choice.year, before):
        missing = f"There is nothing of {year_label(before)} that can be compared with {year_label(choice.year)}."
        return Results(choice, name, levels, [], None, [*notes, missing, *notes_of(choice, held, [choice.year], [])])
    pairs = pairs_of(
        held.setups[choice.test, choice.year],
        choice.year,
        held.setups[choice.test, before],
        held.standards(choice.test, choice.year),
        held.standards(choice.test, before),
        schools=None if reader.reads_all else reader.schools,
    )
    cube: dict[CubeKey, Pair] = {}
    for pair in pairs:
        if held.is_ours(pair.school):
            for school in (pair.school, TOTAL):
                for grade in (pair.grade, TOTAL):
                    _add(cube, (school, grade, ALL), pair)
    hidden = set() if reader.sees_each else hidden_in({key: pair.now for key, pair in cube.items()})
    school, grade = choice.school or TOTAL, choice.grade or TOTAL
    label = held.school_name(school) if isinstance(school, tuple) else reader.whole
    whole = (school, grade, ALL)
    rows = [_row(cube, hidden, key, levels, (name, label)) for name, label, key in _keys(cube, choice, held, reader)]
    total = replace(_row(cube, hidden, whole, levels, ("", label)), is_total=True) if whole in cube else None
    notes += notes_of(choice, held, [choice.year], [choice.year, before])
    return Results(choice, name, levels, rows, total, notes)


def _add(cube: dict[CubeKey, Pair], key: CubeKey, pair: Pair) -> None:
    held = cube.setdefault(key, Pair(pair.school, pair.grade, Sums(), Sums(), 0, 0, 0))
    held.now.add(pair.now)
    held.before.add(pair.before)
    cube[key] = replace(held, up=held.up + pair.up, same=held.same + pair.same, down=held.down + pair.down)


def _keys(cube: Mapping[CubeKey, Pair], choice: Choice, held: Held, reader: Reader) -> list[tuple[str, str, CubeKey]]:
    """(key for the address, label, cell) of every row, in order."""
    school, grade = choice.school or TOTAL, choice.grade or TOTAL
    if choice.by != "school":
        grades = {key[1] for key in cube if key[0] == school and grade in {TOTAL, key[1]}} - {TOTAL}
        return [(one, grade_label(one), (school, one, ALL)) for one in sorted(grades, key=grade_order)]
    schools = {key[0] for key in cube if isinstance(key[0], tuple) and key[1] == grade and school in {TOTAL, key[0]}}
    named = sorted((held.school_name(one), one) for one in schools if isinstance(one, tuple) and reader.may_read(one))
    return [(school_key(one), name, (one, grade, ALL)) for name, one in named]


def _row(
    cube: Mapping[CubeKey, Pair],
    hidden: Collection[CubeKey],
    key: CubeKey,
    levels: tuple[LevelOf, ...],
    named: tuple[str, str],
) -> Row:
    if key in hidden:
        return Row(*named, None, None, levels)
    pair = cube[key]
    return Row(*named, pair.now, pair.before, levels, moved=(pair.up, pair.same, pair.down))
