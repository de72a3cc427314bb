"""Levels that do not rise with the scale score, in tests whose score ranges are not published.

The state works out the level from the scale score, by one threshold for each level of a grade. Where the thresholds are known,
each line is checked (EXC-LEVEL-RANGE). Where they are not, the lines of a grade show them: no thresholds fit all of its lines if
a level is wrong, and the lines that the best ones do not fit are reported.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from assessments.scores.columns import result_sql
from assessments.scores.filled_columns import levels_of
from assessments.structure import LayoutTest, kept_ranges
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.engine.file_issues import report_on_file
from sisimport.imports.engine.sql import literal, quoted

_BETWEEN = "|"


@dataclass(frozen=True)
class Lines:
    """Lines of a grade with one scale score and level (its place, the lowest 0): how many, and the first."""

    score: int
    level: int
    count: int
    first: int


def without_thresholds(tests: Iterable[LayoutTest], year: int) -> list[LayoutTest]:
    """Tests with scale scores and levels of which no threshold is published."""
    return [
        test
        for test in tests
        if test.parent.scale
        and test.parent.result
        and not any(
            any(level is not None for level in one.levels)
            for one in kept_ranges(test.ranges, year, test.edition.comparable_from)
        )
    ]


def grade_score_level_sql(tests: Sequence[LayoutTest]) -> str:
    """SQL of the grade, scale score and level of a line `r` of these tests, as one text; null for others."""
    if not tests:
        return "NULL::text"
    cases = []
    for test in tests:
        types = ", ".join(map(literal, test.record_types))
        cells = ("r.grade_assessed", f"r.{quoted(test.parent.scale)}", result_sql(test.parent))
        cases.append(f"WHEN r.record_type IN ({types}) THEN concat_ws('{_BETWEEN}', {', '.join(cells)})")
    return f"CASE {' '.join(cases)} END"


def look_at_order(context: RunContext, test: LayoutTest, counted: Iterable[tuple[str, int, int]]) -> None:
    """Warn once of the lines of a test whose level does not fit. `counted`: text of `grade_score_level_sql`, how many lines have
    it, and the first of them."""
    levels = levels_of(test.parent)
    grades: dict[str, list[Lines]] = defaultdict(list)
    for text, count, first in counted:
        grade, score, level = text.split(_BETWEEN, 2)
        if score.isdecimal() and level in levels and (grade.isdecimal() or grade == "KN"):
            grades[grade].append(Lines(int(score), levels.index(level), count, first))
    odd = [one for lines in grades.values() for one in misplaced(lines, len(levels))]
    if odd:
        count, example = sum(one.count for one in odd), min(odd, key=lambda one: one.first)
        params = {"test": test.parent.name, "count": f"{count:,}", "first": f"{example.first:,}"}
        params |= {"level": levels[example.level], "score": str(example.score)}
        report_on_file(context, "EXC-LEVEL-ORDER", field=test.parent.result, params=params)


def misplaced(lines: Iterable[Lines], levels: int) -> list[Lines]:
    """The fewest lines to leave out so that the level of the others rises with the score: lines of one score have one level."""
    scores: dict[int, list[Lines]] = defaultdict(list)
    for one in lines:
        scores[one.score].append(one)
    # For each level of the scores so far: the fewest lines left out, and which.
    best: list[tuple[int, list[Lines]]] = [(0, [])] * levels
    for score in sorted(scores):
        lowest = best[0]
        following = []
        for level in range(levels):
            lowest = min(lowest, best[level], key=lambda found: found[0])
            others = [one for one in scores[score] if one.level != level]
            following.append(
                (lowest[0] + sum(one.count for one in others), [*lowest[1], *others] if others else lowest[1])
            )
        best = following
    return min(best, key=lambda found: found[0])[1]
