"""Answers given by hand against the values of the first records: levels that no value has or that are not named, score ranges
that do not contain the scores. Asked again before a layout is added, whoever gave the answers (page or command).
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from assessments.new_year.kinds import Kind
from assessments.new_year.looking import ColumnFacts, Look, mark
from assessments.scores.rules import known_levels
from assessments.structure import LayoutTest, Part, condition_codes, kept_ranges, level_names
from sisimport.files.layouts import Layout

_FEWEST: Final = 5  # scores of a test
_ENOUGH_RECORDS: Final = 20  # with fewer, a level may be missing by chance
_FEW: Final = 0.1  # values that are not a level: condition codes, misprints


def problems(
    look: Look,
    chosen: Mapping[str, str],
    layout: Layout,
    kind: Kind,
    *,
    levels: Mapping[str, Mapping[str, str]],
    without_ranges: Iterable[str],
) -> Iterator[str]:
    """What the values contradict, in words. `chosen`: field -> column; `levels`, `without_ranges`: as answered."""
    tests, year = kind.tests_of(layout), kind.school_year(layout.key)
    if kind.tests is None:
        return
    held = dict(zip(look.header, look.facts, strict=True))
    columns = {field: held[column] for field, column in chosen.items()}
    codes = {part.code for test in tests for part in test.parts}
    for code in [*levels, *without_ranges]:
        if code not in codes:
            yield f"The layout has no test or part {code}. It has: {', '.join(sorted(codes))}."
    for field in dict.fromkeys(part.result for test in tests for part in test.parts if part.result):
        parts = [part for test in tests for part in test.parts if part.result == field]
        yield from _levels(parts, columns[field], f"“{chosen[field]}”", levels, year)
    for test in tests:
        if test.ranges and test.parent.scale:
            yield from _ranges(test, columns[test.parent.scale], f"“{chosen[test.parent.scale]}”", year)


def _levels(
    parts: list[Part], held: ColumnFacts, column: str, given: Mapping[str, Mapping[str, str]], year: int
) -> Iterator[str]:
    if not held.marks:
        return
    spellings = {mark(level) for part in parts for level in known_levels(part)} | {
        mark(code) for code in condition_codes()
    }
    unknown = sum(count for value, count in held.marks.items() if value not in spellings)
    if unknown > _FEW * held.filled:
        names = dict.fromkeys(name for part in parts for name in (part.results or {}).values())
        yield (
            f"{column}: {unknown:,} of the first {held.filled:,} values are not a level of {parts[0].name}, by its code or its"
            f" name ({', '.join(names)}). Name the levels as the file writes them, or choose another column."
        )
    for part in parts:
        usual = level_names(part.code, year)
        for code, name in given.get(part.code, {}).items():
            there = {mark(code), mark(f"0{code}"), mark(name)} & held.marks.keys()
            if code not in usual and held.filled >= _ENOUGH_RECORDS and not there:
                yield (
                    f"Level {code} ({name}) of {part.name} was named, but none of the first {held.filled:,} values of {column}"
                    " has it. Leave it out, or check its code."
                )


def _ranges(test: LayoutTest, held: ColumnFacts, column: str, year: int) -> Iterator[str]:
    ranges = kept_ranges(test.ranges, year, test.edition.comparable_from)
    counted = [(held.scores or {}).get(kind, [0, 0]) for kind in test.record_types]
    count, inside = (sum(pair[at] for pair in counted) for at in (0, 1))
    if ranges and count >= _FEWEST and inside * 2 < count:
        lowest, highest = min(one.lowest for one in ranges), max(one.highest for one in ranges)
        yield (
            f"{column}: {count - inside:,} of the first {count:,} scores of {test.parent.name} are outside of its published"
            f" ranges ({lowest:,} to {highest:,}). Answer that these do not apply (on the command line: --without-ranges"
            f" {test.code}), or choose another column."
        )
