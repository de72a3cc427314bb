"""Small groups: what is hidden cannot be computed from what is shown, by any sums put together."""

import random
from fractions import Fraction

import pytest

from assessments.results.counts import Sums
from assessments.results.cubes import hidden_in
from assessments.results.groups import DIVISIONS, groups_of
from assessments.results.hiding import FEWEST, TOTAL, Count, Table, hidden_cells
from assessments.results.shapes import CubeKey
from assessments.scores.result_counts import ALL

Equation = list[CubeKey]  # cells that add up to nothing, the sum taken off: only who is among them matters


def cube_of(dice: random.Random, *, schools: int, grades: int, most: int) -> dict[CubeKey, Sums]:
    """Students of a district, one by one, as the results page sums them up."""
    cube: dict[CubeKey, Sums] = {}
    for school in range(schools):
        for grade in range(grades):
            for _student in range(dice.choice([0, 2, 5, most])):
                groups = [ALL, *(dice.choice([*groups_of(d), ""]) for d in DIVISIONS if d in "ghs")]
                for group in filter(None, groups):
                    for where in (("1234567", f"{school:07}"), TOTAL):
                        for held in {f"{grade:02}", TOTAL} if group == ALL else {TOTAL}:
                            cube.setdefault((where, held, group), Sums()).add(Sums(1, 1))
    return cube


def equations(cube: dict[CubeKey, Sums]) -> list[tuple[list[CubeKey], CubeKey]]:
    """All sums that a reader of every page can write down: parts, and their sum. Students of no group of a division are a part
    that nobody is told."""
    schools = {key[0] for key in cube} - {TOTAL}
    found: list[tuple[list[CubeKey], CubeKey]] = []
    for _where, grade, group in {key for key in cube if key[0] == TOTAL}:
        found.append(([(s, grade, group) for s in schools if (s, grade, group) in cube], (TOTAL, grade, group)))
    for where in {*schools, TOTAL}:
        grades = {key[1] for key in cube if key[0] == where and key[2] == ALL} - {TOTAL}
        if (where, TOTAL, ALL) not in cube:
            continue
        found.append(([(where, grade, ALL) for grade in grades], (where, TOTAL, ALL)))
        for division in DIVISIONS:
            parts = [(where, TOTAL, g) for g in groups_of(division) if (where, TOTAL, g) in cube]
            found.append(([*parts, (where, TOTAL, f"{division}:?")], (where, TOTAL, ALL)))
    return found


def computable(unknown: list[CubeKey], sums: list[tuple[list[CubeKey], CubeKey]]) -> set[CubeKey]:
    """Cells whose value follows from the equations: those that Gaussian elimination leaves alone in a row."""
    at = {key: n for n, key in enumerate(unknown)}
    rows = []
    for parts, whole in sums:
        row = [Fraction(0)] * len(unknown)
        for key in parts:
            if key in at:
                row[at[key]] += 1
        if whole in at:
            row[at[whole]] -= 1
        if any(row):
            rows.append(row)
    done = 0
    for column in range(len(unknown)):
        pivot = next((n for n in range(done, len(rows)) if rows[n][column]), None)
        if pivot is None:
            continue
        rows[done], rows[pivot] = rows[pivot], rows[done]
        rows[done] = [value / rows[done][column] for value in rows[done]]
        for n, row in enumerate(rows):
            if n != done and row[column]:
                rows[n] = [a - row[column] * b for a, b in zip(row, rows[done], strict=True)]
        done += 1
    return {unknown[row.index(1)] for row in rows[:done] if sum(bool(value) for value in row) == 1}


def rest_of(cube: dict[CubeKey, Sums]) -> dict[CubeKey, Sums]:
    """With those of no group, as cells that are never shown."""
    whole = dict(cube)
    for (where, grade, group), sums in cube.items():
        if group == ALL and grade == TOTAL:
            for division in DIVISIONS:
                known = sum(cube[where, TOTAL, g].scored for g in groups_of(division) if (where, TOTAL, g) in cube)
                if sums.scored > known:
                    whole[where, TOTAL, f"{division}:?"] = Sums(sums.tested - known, sums.scored - known)
    return whole


@pytest.mark.parametrize("seed", range(60))
def test_a_hidden_cell_cannot_be_computed_from_the_others(seed: int) -> None:
    dice = random.Random(seed)
    cube = cube_of(dice, schools=dice.randint(1, 5), grades=dice.randint(1, 4), most=dice.choice([14, 30]))
    hidden = hidden_in(cube)

    assert {key for key, sums in cube.items() if 0 < sums.scored < FEWEST} <= hidden
    unknown = sorted({key for key in rest_of(cube) if key in hidden}, key=str)
    assert not computable(unknown, equations(rest_of(cube))), "a hidden cell follows from the others"


def test_hiding_only_the_small_ones_would_not_do() -> None:
    """The attack of the test above works: it finds the one small cell of a row that lacks nothing else."""
    cube = {
        (TOTAL, TOTAL, ALL): Sums(40, 40), (TOTAL, "03", ALL): Sums(5, 5), (TOTAL, "04", ALL): Sums(35, 35),
    }  # fmt: skip
    assert computable([(TOTAL, "03", ALL)], equations(cube)) == {(TOTAL, "03", ALL)}
    assert hidden_in(cube) >= {(TOTAL, "03", ALL), (TOTAL, "04", ALL)}


def test_few_hidden_students_together_stay_hidden_with_others() -> None:
    """Two cells of three students each would tell six: a third is hidden with them."""
    own = {"a": 3, "b": 3, "c": 20, "d": 30, TOTAL: 56}
    counts = {(row, name): Count(n * times, n * times) for row, times in {"x": 1, "y": 1, TOTAL: 2}.items()
              for name, n in own.items()}  # fmt: skip
    hidden = hidden_cells(counts, [Table({at: at for at in counts})])
    assert hidden == {*((row, name) for row in ("x", "y", TOTAL) for name in "ab"), ("x", "c"), ("y", "c")}


def test_a_bridge_between_two_circles_is_hidden_with_another() -> None:
    """Every row and column lacks two cells or more, and one of them could be computed all the same."""
    small = {("a", "1"), ("a", "2"), ("b", "1"), ("b", "2"), ("b", "3"), ("c", "3"), ("c", "4"), ("d", "3"), ("d", "4")}
    cells = {(row, column): 6 if (row, column) in small else 50 for row in "abcd" for column in "1234"}
    whole = cells | {(row, TOTAL): sum(cells[row, c] for c in "1234") for row in "abcd"}
    whole |= {(TOTAL, column): sum(cells[row, column] for row in "abcd") for column in "1234"}
    whole[TOTAL, TOTAL] = sum(cells.values())
    hidden = hidden_cells({key: Count(n, n) for key, n in whole.items()}, [Table({key: key for key in whole})])
    assert hidden > small


def test_a_district_without_small_groups_hides_nothing() -> None:
    cube = {(where, grade, ALL): Sums(50, 50) for where in (TOTAL, ("1", "2")) for grade in (TOTAL, "03")}
    assert hidden_in(cube) == set()
