"""Headings of a research file that were exchanged: each value may be valid, and so may the sum of a line.

    counts       the percent of one level is the count of the other, divided by the students with scores
    means        the mean scale score goes with the percents only after two levels change places, by the published score ranges
    met          is not the sum of the two highest levels
    students     more tested than enrolled

Each is judged by most lines of the file that are kept, and refuses the file with the names of the columns. Nothing shows an
exchange in a file without counts that has fewer than 30 lines of single grades, or whose test has no published score ranges
(alternate tests), nor that of levels 2 and 3 of a test without a percent met.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, Final, NoReturn

from assessments.research import sense
from assessments.structure import edition_of, kept_ranges, ranges_key
from sisimport.files.issues import FileError
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.engine.sql import fetch_all, fetch_one

COUNTS: Final = tuple(f"count_{n}" for n in range(1, 5))
_LEVELS: Final = ("level_1", "level_2", "level_3", "level_4")
_PAIRS: Final = tuple(combinations(range(4), 2))
_FEWEST, _SHARE = 5, 0.5  # lines; fewer may be mistakes of their own
# The means of 30 places and groups tell levels 3 and 4 apart, and 1 and 2. In 700 files of students drawn at random, under the
# right headings, an exchange left at best a tenth less of them unexplained; here it has to be half. Levels 2 and 3 are too near.
FEWEST_MEANS: Final = 30
_BETTER: Final = 2
_UNEXPLAINED: Final = 0.02  # with less, the means go with the percents as they are
_BY_MEANS: Final = "of single grades, together, the mean scale scores go with the percents only after an exchange"
_FOLLOWS: Final = 0.9
_TOLD_BY_MEANS: Final = ((0, 1), (0, 2), (1, 3), (2, 3))


def refuse_exchanged_headings(context: RunContext, codes: list[str]) -> None:
    """Raises FileError for a file in which most lines show that two columns have swapped headings."""
    if not sense.may_refuse(context):
        return
    _by_counts(context, codes)
    _by_means(context, codes)
    met_is_off = f"r.test IN ({sense.MET_OF_TWO}) AND {_met_is_off()}"
    more_tested = f"{sense.number('tested')} > {sense.number('enrolled')}"
    for fields, condition, why in (
        (("level_4", "level_3", "met"), met_is_off, "the percent met is not the sum of the two highest levels"),
        (("enrolled", "tested"), more_tested, "more students were tested than enrolled"),
    ):
        of, found = _counted(codes, f"num_nulls({', '.join(map(sense.number, fields))}) = 0", condition)
        if _is_most(found, of):
            _refuse(context, fields, found, of, why)


def _met_is_off() -> str:
    met, three, four = (sense.number(name) for name in ("met", "level_3", "level_4"))
    return f"abs({met} - ({three} + {four})) > {sense.OFF}"


def _counted(codes: list[str], there: str, condition: str) -> tuple[int, int]:
    of, found = fetch_one(
        f"SELECT count(*) FILTER (WHERE {there}), count(*) FILTER (WHERE {condition}) FROM {sense.ROWS} r"
        " WHERE r.lea_code = ANY(%s) AND NOT r.refused",
        [codes],
    )
    return int(of), int(found)


def _is_most(found: int, of: int) -> bool:
    return found >= _FEWEST and found > _SHARE * of


def _refuse(context: RunContext, fields: Sequence[str], count: int, of: int, why: str) -> NoReturn:
    assert context.layout is not None  # noqa: S101 - a staged file has one
    columns = ", ".join(f"“{context.layout.fields[name].name}”" for name in fields)
    raise FileError("RES-HEADINGS", params={"columns": columns, "count": f"{count:,}", "of": f"{of:,}", "why": why})


# -- counts ------------------------------------------------------------------------------------------------------------


def _by_counts(context: RunContext, codes: list[str]) -> None:
    for one, other in _PAIRS:
        names = (_LEVELS[one], _LEVELS[other], COUNTS[one], COUNTS[other])
        if not context.layout or not set(names) <= set(context.layout.fields):
            continue
        own = f"{_is_share(names[0], names[2])} AND {_is_share(names[1], names[3])}"
        crossed = f"{_is_share(names[0], names[3])} AND {_is_share(names[1], names[2])} AND NOT ({own})"
        there = f"num_nulls({', '.join(map(sense.number, names))}) = 0 AND r.{names[0]} <> r.{names[1]}"
        of, found = _counted(codes, there, crossed)
        if _is_most(found, of):
            _refuse(context, names[:2], found, of, "the percents are those of each other's counts")


def _is_share(level: str, count: str) -> str:
    """SQL: the percent is that of the count, but for rounding."""
    scored = sense.number("scored")
    return f"abs({sense.number(level)} * {scored} / 100 - {sense.number(count)}) <= greatest(1, 0.006 * {scored})"


# -- means -------------------------------------------------------------------------------------------------------------


def _by_means(context: RunContext, codes: list[str]) -> None:
    for lines, own, *others in means(codes):
        by_pair = {pair: other for pair, other in zip(_PAIRS, others, strict=True) if other is not None}
        pair = _exchanged(own, by_pair) if lines >= FEWEST_MEANS and own is not None else None
        if pair is not None:
            _refuse(context, [_LEVELS[at] for at in pair], lines, lines, _BY_MEANS)


def means(codes: list[str]) -> list[tuple[Any, ...]]:
    """By test: how many lines, and the correlations that `_means_sql` names."""
    middles = list(_middles(codes))
    return fetch_all(_means_sql(middles), [codes]) if middles else []


def _exchanged(own: float, by_pair: Mapping[tuple[int, int], float]) -> tuple[int, int] | None:
    """The levels that change places, given the correlations with the means as the file is and after each exchange."""
    pairs = _PAIRS if own < 0 else _TOLD_BY_MEANS
    best = max((pair for pair in pairs if pair in by_pair), key=lambda pair: by_pair[pair], default=None)
    if best is None or by_pair[best] < _FOLLOWS:
        return None
    return best if own < 0 or 1 - own**2 > max(_UNEXPLAINED, _BETTER * (1 - by_pair[best] ** 2)) else None


def _middles(codes: list[str]) -> Iterator[tuple[str, int, str, list[float]]]:
    """Test, year, grade, and the middle scale score of each level, of the tests that the file has lines of."""
    rows = fetch_all(
        f"SELECT DISTINCT r.test, r.test_year::int FROM {sense.ROWS} r WHERE r.lea_code = ANY(%s) AND NOT r.refused"
        " AND r.test <> '' AND r.test_year ~ '^20[0-9]{2}$'",
        [codes],
    )
    for test, year in rows:
        for one in kept_ranges(ranges_key(test, year), year, edition_of(test, year).comparable_from):
            starts = [one.lowest, *(level for level in one.levels if level is not None)]
            if len(starts) == len(_LEVELS):
                ends = [*starts[1:], one.highest]
                yield (
                    test,
                    year,
                    one.grade.lstrip("0"),
                    [(low + high) / 2 for low, high in zip(starts, ends, strict=True)],
                )


def _means_sql(middles: Sequence[tuple[str, int, str, list[float]]]) -> str:
    """SQL: for each test how many lines, and the correlation within a grade of the mean and what the percents let expect: with
    the levels as they are, and with each two of them exchanged."""
    values = ", ".join(
        f"('{test}', '{year}', '{grade}', {', '.join(map(str, middle))})" for test, year, grade, middle in middles
    )
    orders = [list(range(4))] + [_with_exchanged(pair) for pair in _PAIRS]
    percents = [sense.number(name) for name in _LEVELS]
    expected = [" + ".join(f"{percents[at]} * m{order[at]}" for at in range(4)) for order in orders]
    held = ", ".join(f"({sql})::float8 AS e{n}" for n, sql in enumerate(expected))
    apart = ", ".join(f"e{n} - avg(e{n}) OVER w AS d{n}" for n in range(len(orders)))
    correlations = ", ".join(f"corr(mean, d{n})" for n in range(len(orders)))
    return f"""
        WITH m(test, year, grade, m0, m1, m2, m3) AS (VALUES {values}),
        held AS (SELECT r.test, r.test_year, r.grade_code, {sense.number("mean")}::float8 AS mean, {held}
          FROM {sense.ROWS} r JOIN m ON m.test = r.test AND m.year = r.test_year AND m.grade = r.grade_code
          WHERE r.lea_code = ANY(%s) AND NOT r.refused)
        SELECT count(*), {correlations} FROM (
          SELECT test, mean - avg(mean) OVER w AS mean, {apart} FROM held WHERE mean IS NOT NULL AND e0 IS NOT NULL
          WINDOW w AS (PARTITION BY test, test_year, grade_code)) AS q
        GROUP BY test ORDER BY test
    """


def _with_exchanged(pair: tuple[int, int]) -> list[int]:
    order = list(range(4))
    order[pair[0]], order[pair[1]] = pair[1], pair[0]
    return order
