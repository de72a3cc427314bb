"""Small groups: what is hidden cannot be computed from what is shown, by any sums put together."""

import random
from collections import Counter
from itertools import product

import pytest

from assessments.results.cubes import hidden_of
from assessments.results.groups import groups_of
from assessments.results.hiding import TOTAL, Count, Table, hidden_cells
from assessments.results.shapes import CubeKey
from assessments.scores.result_counts import ALL
from tests.longer import one_in

PRIME = 2**61 - 1
Cube = dict[CubeKey, Count]


def cube_of(dice: random.Random, division: str, *, schools: int, grades: int, most: int) -> Cube:
    """Students of a district, one by one, summed up in every way. Those whose group nobody knows are `?`."""
    sums: Counter[CubeKey] = Counter()
    groups = dice.sample(groups_of(division), k=min(len(groups_of(division)), dice.randint(1, 4)))
    for school in range(schools):
        for grade in range(grades):
            for _student in range(dice.choice([0, 2, 5, most])):
                own = dice.choice([*groups, *groups, f"{division}:?"])
                for where, held, group in product(
                    (("1234567", f"{school:07}"), TOTAL), (f"{grade:02}", TOTAL), (own, ALL)
                ):
                    sums[where, held, group] += 1
    return {key: Count(n, n) for key, n in sums.items()}


def equations(cube: Cube, division: str) -> list[tuple[list[CubeKey], CubeKey]]:
    """All sums that a reader of every page and file can write down: parts, and their sum."""
    schools = {key[0] for key in cube} - {TOTAL}
    grades = {key[1] for key in cube} - {TOTAL}
    groups = [*groups_of(division), f"{division}:?"]
    found = []
    for school, grade, group in cube:
        whole = (school, grade, group)
        if school == TOTAL:
            found.append(([(one, grade, group) for one in schools], whole))
        if grade == TOTAL:
            found.append(([(school, one, group) for one in grades], whole))
        if group == ALL:
            found.append(([(school, grade, one) for one in groups], whole))
    return [([key for key in parts if key in cube], whole) for parts, whole in found]


def computable(unknown: list[CubeKey], sums: list[tuple[list[CubeKey], CubeKey]]) -> set[CubeKey]:
    """Cells whose value follows from the equations: those that Gaussian elimination (modulo a prime) leaves alone in a row."""
    wanted = set(unknown)
    pivots: dict[CubeKey, dict[CubeKey, int]] = {}
    for parts, whole in sums:
        row = {key: 1 for key in parts if key in wanted}
        if whole in wanted:
            row[whole] = row.get(whole, 0) - 1
        for key in [key for key in row if key in pivots]:
            _take_off(row, key, pivots[key])
        if not row:
            continue
        pivot, factor = next((key, pow(value, -1, PRIME)) for key, value in row.items())
        row = {key: value * factor % PRIME for key, value in row.items()}
        for other in pivots.values():
            if pivot in other:
                _take_off(other, pivot, row)
        pivots[pivot] = row
    return {pivot for pivot, row in pivots.items() if len(row) == 1}


def _take_off(row: dict[CubeKey, int], key: CubeKey, other: dict[CubeKey, int]) -> None:
    times = row[key]
    for name, value in other.items():
        left = (row.get(name, 0) - times * value) % PRIME
        if left:
            row[name] = left
        else:
            row.pop(name, None)


def small_in(cube: Cube) -> bool:
    """Is any group of any school and grade small?"""
    return any(count.few for key, count in cube.items() if TOTAL not in key[:2])


@pytest.mark.parametrize(
    "seed", [3615, *one_in(3, [1114, 2477, *range(90)])]
)  # the first: a bridge whose row and column are hidden throughout
def test_a_hidden_cell_cannot_be_computed_from_the_others(seed: int) -> None:
    """By schools, grades, groups of a division, all of these together, and the sums of each."""
    dice = random.Random(seed)
    division = dice.choice("gelshd")
    cube = cube_of(
        dice, division, schools=dice.randint(1, 6), grades=dice.randint(1, 5), most=dice.choice([14, 30, 90])
    )
    crossed = [] if small_in(cube) else [division]
    published = {key: n for key, n in cube.items() if "?" not in key[2] and (key[2] == ALL or TOTAL in key[:2])}

    hidden = hidden_of(published, crossed)

    assert {key for key, count in published.items() if count.few and hidden.hides(key) is False} == set()
    unknown = [key for key in cube if "?" in key[2] or hidden.hides(key)]
    told = computable(unknown, equations(cube, division))
    margins = {key for key in published if key[2] == ALL or key[1] == TOTAL}
    assert not told & margins, "a hidden cell follows from the others"
    assert not {key for key in told if cube[key].few}, "few students are told by others"


def test_large_groups_in_every_school_and_grade_are_shown_together() -> None:
    cube = {
        (school, grade, group): Count(n * times * of, n * times * of)
        for school, of in ((("1", "1"), 1), (("1", "2"), 1), (TOTAL, 2))
        for grade, times in (("03", 1), ("04", 1), (TOTAL, 2))
        for group, n in (("s:Y", 20), ("s:N", 12), (ALL, 32))
    }
    assert not hidden_of(cube, ["s"]).hides((("1", "1"), "03", "s:Y"))
    assert hidden_of(cube, []).hides((("1", "1"), "03", "s:Y"))
    assert hidden_of(cube, []).hides((TOTAL, "03", "s:Y"))


def test_hiding_only_the_small_ones_would_not_do() -> None:
    """The attack of the test above works: it finds the one small cell of a row that lacks nothing else."""
    cube = {(TOTAL, TOTAL, ALL): Count(40, 40), (TOTAL, "03", ALL): Count(5, 5), (TOTAL, "04", ALL): Count(35, 35)}
    small: CubeKey = (TOTAL, "03", ALL)
    assert computable([small], equations(cube, "g")) == {small}
    assert hidden_of(cube, []).cells >= {small, (TOTAL, "04", ALL)}


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
    cube = {(where, grade, ALL): Count(50, 50) for where in (TOTAL, ("1", "2")) for grade in (TOTAL, "03")}
    hidden = hidden_of(cube, []).cells
    assert {
        group for _where, _grade, group in hidden if not group.endswith(":?")
    } == set()  # nobody is shown those of no group
