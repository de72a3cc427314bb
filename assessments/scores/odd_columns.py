"""Columns of a score file that are wrong in some lines or in a small file, where no correlation of the whole column shows it.

    far apart    a part at the lowest level where the whole test is at the highest, or the reverse, in more than a few lines; or
                 nobody at the lowest (or highest) level of a part among those who have that level in the whole test
    rounded      every scale score, raw score or standard error is a multiple of ten
    order        within a grade, a measure or raw score falls where the scale score rises, or a score where its level does

Levels of parts that are wrong in some lines and are not far from that of the whole test cannot be told from right ones: a student
may well be near the standard in one claim and above it in another.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from assessments.models import ScoreRow
from assessments.scores.filled_columns import levels_of
from assessments.scores.level_order import Lines, misplaced
from assessments.scores.repeats import SCORED
from assessments.structure import LayoutTest, Part
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.engine.file_issues import report_on_file
from sisimport.imports.engine.sql import fetch_all

_LOOKED_AT, _STEP = 600, 7  # lines of each test; of more, every seventh of those that the other checks look at
_FEWEST_FAR, _SHARE_FAR = 4, 0.05  # a judgment: of students at either end, at most one in a hundred is that uneven
_FEWEST_AT_AN_END: Final = 20
_FEWEST_LEVELS: Final = 3
_FEWEST_ROUNDED, _TEN, _FEWEST_DIFFERENT = 30, 10, 2
_FEWEST_MEASURES: Final = 3  # by rounding or a rescored record there may be one or two
_FEWEST_RAWS, _SHARE_RAWS = 2, 0.1
_TOLERANCE: Final = 0.2  # of the raw scores of a grade: forms differ a little


@dataclass(frozen=True)
class _Read:
    """Some lines of a test: their grades, and by column their numbers."""

    grades: Sequence[str]
    numbers: dict[str, Sequence[int | None]]


@dataclass(frozen=True)
class Sql:
    """SQL, as numbers, of the level of a part, the value of a column, and a measure."""

    level: Callable[[Part], str]
    number: Callable[[str], str]
    measure: Callable[[str], str]


def look_at_parts(context: RunContext, tests: Sequence[LayoutTest], some: str, sql: Sql) -> None:
    """Warn about each kind once. `some`: SQL that limits the lines looked at."""
    enough = _LOOKED_AT * len(tests)
    step = 1 if context.record_count <= enough else _STEP
    far: list[str] = []
    rounded: list[str] = []
    unordered: list[str] = []
    for test in tests:
        columns = _columns(context, test, sql)
        if not columns:
            continue
        rows = fetch_all(
            f"SELECT r.grade_assessed, {', '.join(columns.values())} FROM {ScoreRow._meta.db_table} r {some}"
            f" WHERE r.record_type = ANY(%s) AND {SCORED} AND mod(r.line, {step}) = 0",
            [list(test.record_types)],
        )
        grades, *numbers = zip(*rows, strict=True) if rows else ((), *((),) * len(columns))
        read = _Read(grades, dict(zip(columns, numbers, strict=True)))
        far += [_said(context, test, column) for column in _far(test, read)]
        rounded += [_said(context, test, column) for column in _rounded(test, read)]
        unordered += [_said(context, test, column) for column in _unordered(test, read)]
    for code, found in (("EXC-PARTS-FAR", far), ("EXC-ROUNDED", rounded), ("EXC-ORDER", unordered)):
        if found:
            report_on_file(context, code, params={"columns": ", ".join(dict.fromkeys(found))})


def _columns(context: RunContext, test: LayoutTest, sql: Sql) -> dict[str, str]:
    """Columns of the test that the file has, with their SQL."""
    found: dict[str, str] = {}
    for part in test.parts:
        found |= {name: sql.number(name) for name in (part.scale, part.raw, part.error) if name}
        found |= {part.result: sql.level(part)} if part.result else {}
        found |= {part.measure: sql.measure(part.measure)} if part.measure else {}
    return {name: text for name, text in found.items() if name in context.fields}


def _said(context: RunContext, test: LayoutTest, column: str) -> str:
    assert context.layout is not None  # noqa: S101 - a staged file has one
    return f"{context.layout.fields[column].name} ({test.parent.name})"


def _far(test: LayoutTest, read: _Read) -> Iterator[str]:
    whole, highest = read.numbers.get(test.parent.result), len(levels_of(test.parent))
    if whole is None or highest < _FEWEST_LEVELS:
        return
    for part in test.children:
        levels, top = read.numbers.get(part.result), len(levels_of(part)) if part.result else 0
        if levels is None or top < _FEWEST_LEVELS:
            continue
        low = [own for own, of_test in zip(levels, whole, strict=True) if of_test == 1 and own is not None]
        high = [own for own, of_test in zip(levels, whole, strict=True) if of_test == highest and own is not None]
        apart = low.count(top) + high.count(1)
        missing = (len(low) >= _FEWEST_AT_AN_END and 1 not in low) or (
            len(high) >= _FEWEST_AT_AN_END and top not in high
        )
        if missing or (apart >= _FEWEST_FAR and apart >= _SHARE_FAR * (len(low) + len(high))):
            yield part.result


def _rounded(test: LayoutTest, read: _Read) -> Iterator[str]:
    for name in dict.fromkeys(n for part in test.parts for n in (part.scale, part.raw, part.error) if n):
        values = [value for value in read.numbers.get(name, ()) if value is not None]
        if "percent" in name or len(values) < _FEWEST_ROUNDED or len({*values}) < _FEWEST_DIFFERENT:
            continue
        if not any(value % _TEN for value in values):
            yield name


def _unordered(test: LayoutTest, read: _Read) -> Iterator[str]:
    whole = test.parent
    for column, fewest, tolerance in ((whole.measure, _FEWEST_MEASURES, 0.0), (whole.raw, _FEWEST_RAWS, _TOLERANCE)):
        if column in read.numbers and whole.scale in read.numbers:
            falls, lines = _falls(read, whole.scale, column, tolerance)
            if falls >= fewest and falls >= _SHARE_RAWS * lines * bool(tolerance):
                yield column
    for part in test.parts:
        for column in (part.raw, part.scale if part.in_parents_range else ""):
            if column in read.numbers and part.result in read.numbers:
                odd, lines = _misplaced(part, column, read)
                if odd >= _FEWEST_RAWS and odd >= _SHARE_RAWS * lines:
                    yield column


def _falls(read: _Read, scale: str, column: str, tolerance: float) -> tuple[int, int]:
    """How often, from one line of a grade to the next by scale score, the column falls by more than `tolerance` of its range; and
    how many lines have both."""
    grades: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for grade, score, value in zip(read.grades, read.numbers[scale], read.numbers[column], strict=True):
        if score is not None and value is not None:
            grades[grade].append((score, value))
    falls = 0
    for pairs in grades.values():
        values = [value for _score, value in sorted(pairs)]
        allowed = tolerance * (max(values) - min(values))
        falls += sum(before - after > allowed for before, after in pairwise(values))
    return falls, sum(map(len, grades.values()))


def _misplaced(part: Part, column: str, read: _Read) -> tuple[int, int]:
    """Lines of a grade whose score does not go with the level of the part, the fewest that explain the others; and how many
    lines have both."""
    grades: dict[str, dict[tuple[int, int], int]] = defaultdict(lambda: defaultdict(int))
    for grade, raw, level in zip(read.grades, read.numbers[column], read.numbers[part.result], strict=True):
        if raw is not None and level is not None:
            grades[grade][raw, level - 1] += 1
    if not any(_crosses(pairs) for pairs in grades.values()):
        return 0, sum(sum(pairs.values()) for pairs in grades.values())
    levels = len(levels_of(part))
    held = [[Lines(raw, level, n, 0) for (raw, level), n in pairs.items()] for pairs in grades.values()]
    odd = sum(one.count for lines in held for one in misplaced(lines, levels))
    return odd, sum(one.count for lines in held for one in lines)


def _crosses(pairs: Iterable[tuple[int, int]]) -> bool:
    """Does a level fall where the score rises, or has one score two levels?"""
    return any(low > high or (low != high and one == other) for (one, low), (other, high) in pairwise(sorted(pairs)))
