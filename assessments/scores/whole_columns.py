"""Columns of a score file that were sorted, shifted, reversed or exchanged separately, although each value may be
valid.

    within the file     what rises and falls together in the state's files does not: a level and its score, a part and the whole,
                        a grade and the birth dates; or the levels of two parts go with each other's scores; or every
                        line has one value (filled_columns.py)
    against the record  much of one column would be other than on record, or what two parts have there would be exchanged

Each gives one warning for the file that names the columns. Parts of a score are compared among students of one grade,
since scales start at different values in each. Of a large file a few thousand lines are checked: a wrong column is
wrong there too.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Final

from assessments.models import Assessment, ScoreRow
from assessments.scores.as_tested import FACTS, fact_sql
from assessments.scores.change_kinds import SCORES
from assessments.scores.columns import result_sql
from assessments.scores.encoding import CELL, CELLS, OWN_CELLS, SCORE, as_tested_sql
from assessments.scores.filled_columns import LONG_RUN, ages_sql, ends_sql, filled_facts, first_of_run, levels_of
from assessments.scores.odd_columns import Sql, look_at_parts
from assessments.scores.repeats import SCORED
from assessments.scores.whole_codes import look_at_codes
from assessments.structure import LayoutTest, Part, tests_of
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.engine.file_issues import report_on_file
from sisimport.imports.engine.sql import fetch_all, fetch_one, quoted

_FEWEST_LINES: Final = 30  # with fewer, columns may differ by chance
_FEWEST_GRADES: Final = 3
# Lowest accepted correlation: of a score with its own level or measure, of a part with the whole. A judgment, since no
# real file could be measured: columns that belong together are far above it, columns sorted separately near 0. With
# few lines it may be lower by chance, by one part in the square root of their number.
_OWN, _PART = 0.55, 0.35
_CLOSELY: Final = 0.8  # no column that was filled from the middle on goes so well with the others
_CLEARLY: Final = 0.1  # by how much a level goes better with the score of another part, if the two were exchanged
_LOOKED_AT: Final = 2_000  # lines of each test: with so many, chance adds only hundredths
_FEWEST_OTHERS: Final = 4  # lines whose value is not the most common one: with fewer, a column may be sorted by chance
_FEWEST_CHANGED: Final = 10
_FEWEST_EXCHANGED: Final = 4
_NEARLY_ALL: Final = 0.8  # of the scores that change
_SHARE_CHANGED: Final = 0.1
_STEPS: Final = (1, 7, 31, 101, 307, 1_009)  # primes: they share no pattern such as every third line
# Cells of a score on record whose change as a whole is reported. A UIN says nothing about the result.
_TOLD: Final = {
    "scale_score": "scale score",
    "raw_score": "raw score",
    "result": "level",
    "error_band": "standard error",
    "status": "condition code",
    "measure": "measure",
    "date": "test date",
    "grade": "grade",
}
# Facts about who was tested, reported in the same way.
_TESTED: Final = {fact.name: fact.label if "tested" in fact.label else f"{fact.label} as tested" for fact in FACTS}


@dataclass(frozen=True)
class Bond:
    """A column and the columns of which at least one rises and falls with it. The columns are SQL of numbers, null
    without one."""

    field: str
    number: str
    others: tuple[str, ...]
    least: float
    within_grades: bool = True


@dataclass(frozen=True)
class Measured:
    """Of a bond: how many lines hold both columns, and the best correlation with one of the others; None if a column does not
    vary. `filled`: it has one value although its students differ."""

    lines: int
    together: float | None
    filled: bool


def look_at_columns(context: RunContext, lines: str, *, compared: bool) -> None:
    """Warn about both kinds. `lines`: SQL of the planned lines."""
    apart: list[str] = []
    filled: list[str] = []
    for test in _present(context):
        bonds = [bond for bond in _bonds(test) if bond.field in context.fields]
        measured = list(zip(bonds, _measured(context, test, bonds), strict=True))
        apart += _apart(context, test, measured)
        filled += [_named(context, test, bond) for bond, found in measured if found.filled]
        filled += _filled_from_a_line(context, test, measured)
    if apart:
        _report(context, "EXC-APART", apart)
    of_students = filled_facts(context, some_of(context))
    if filled or of_students:
        _report(context, "EXC-FILLED", list(dict.fromkeys([*filled, *of_students.values()])))
    crossed = [pair for test in _present(context) for pair in _crossed(context, test)]
    if crossed:
        _report(context, "EXC-CROSSED", crossed)
    look_at_parts(context, _present(context), some_of(context), Sql(_level, _number, _measure))
    look_at_codes(context, _present(context))
    changed = _changed_columns(context, lines, of_students) if compared else []
    if changed:
        _report(context, "EXC-COLUMN-OTHER", changed)
    exchanged = _exchanged_parts(context) if compared else []
    if exchanged:
        _report(context, "EXC-EXCHANGED", exchanged)


def _report(context: RunContext, code: str, columns: Sequence[str]) -> None:
    report_on_file(context, code, params={"columns": ", ".join(columns)})


# -- within the file -----------------------------------------------------------------------------------------------------


def _present(context: RunContext) -> list[LayoutTest]:
    assert context.layout is not None  # noqa: S101 - a staged file has one
    return [test for test in tests_of(context.layout) if context.collected.intersection(test.record_types)]


def _named(context: RunContext, test: LayoutTest, bond: Bond) -> str:
    assert context.layout is not None  # noqa: S101
    return f"{context.layout.fields[bond.field].name} ({test.parent.name})"


def _apart(context: RunContext, test: LayoutTest, measured: Iterable[tuple[Bond, Measured]]) -> Iterator[str]:
    """Columns of a test that do not follow any of those they belong to, in words."""
    for bond, found in measured:
        if found.lines < _FEWEST_LINES or found.together is None or found.together >= bond.least:
            continue
        if found.together < bond.least - found.lines**-0.5 or _is_sorted(context, test, bond):
            yield _named(context, test, bond)


def _filled_from_a_line(
    context: RunContext, test: LayoutTest, measured: Iterable[tuple[Bond, Measured]]
) -> Iterator[str]:
    """Columns of parts that have one value in a long run of lines, in words. Only those that follow the others little may be."""
    doubtful = {
        bond.number: bond
        for bond, found in measured
        if bond.within_grades and found.lines >= LONG_RUN and found.together is not None and found.together < _CLOSELY
    }
    if not doubtful or not test.parent.result or test.parent.result not in context.fields:
        return
    rows = fetch_all(
        f"SELECT r.line, {_level(test.parent)}, {', '.join(doubtful)} FROM {ScoreRow._meta.db_table} r {some_of(context)}"
        f" WHERE {_SCORED} ORDER BY r.line",
        [list(test.record_types)],
    )
    for place, bond in enumerate(doubtful.values(), 2):
        if line := first_of_run(rows, place, len(levels_of(test.parent))):
            yield f"{_named(context, test, bond)} from line {line:,}"


def _crossed(context: RunContext, test: LayoutTest) -> Iterator[str]:
    """Levels of two parts each of which goes with the score of the other part rather than with its own, in words."""
    assert context.layout is not None  # noqa: S101
    parts = [part for part in test.children if part.result in context.fields and (part.scale or part.raw)]
    pairs = list(product(range(len(parts)), repeat=2))
    bonds = [
        Bond(parts[of].result, _number(parts[of].scale or parts[of].raw), (_level(parts[to]),), _OWN)
        for of, to in pairs
    ]
    together = dict(zip(pairs, _measured(context, test, bonds), strict=True)) if len(parts) > 1 else {}
    for one, other in combinations(range(len(parts)), 2):
        if all(_goes_better(together[of, of], together[of, to]) for of, to in ((one, other), (other, one))):
            names = " and ".join(context.layout.fields[parts[at].result].name for at in (one, other))
            yield f"{names} ({test.parent.name})"


def _goes_better(own: Measured, other: Measured) -> bool:
    """Of two measured bonds: does the other one hold clearly better?"""
    if min(own.lines, other.lines) < _FEWEST_LINES or own.together is None or other.together is None:
        return False
    return other.together > own.together + _CLEARLY


def _is_sorted(context: RunContext, test: LayoutTest, bond: Bond) -> bool:
    """The column rises or falls from line to line, as numbers or as texts. Where the whole file was sorted by it, it still
    follows the others."""
    text = f'r.{quoted(bond.field)} COLLATE "C"'
    others, *steps = fetch_one(
        f"""
        WITH held AS (SELECT r.line, ({bond.number}) AS n, {text} AS t FROM {ScoreRow._meta.db_table} r {some_of(context)}
          WHERE {_SCORED}),
        steps AS (SELECT n, t, lag(n) OVER w AS n_before, lag(t) OVER w AS t_before FROM held WHERE n IS NOT NULL
          WINDOW w AS (ORDER BY line))
        SELECT (SELECT sum(k) - max(k) FROM (SELECT count(*) AS k FROM held WHERE n IS NOT NULL GROUP BY n) AS q),
          count(*) FILTER (WHERE n < n_before), count(*) FILTER (WHERE n > n_before),
          count(*) FILTER (WHERE t < t_before), count(*) FILTER (WHERE t > t_before) FROM steps
        """,
        [list(test.record_types)],
    )
    return bool(others >= _FEWEST_OTHERS and 0 in steps)


def _bonds(test: LayoutTest) -> list[Bond]:
    whole = test.parent
    found = [Bond("grade_assessed", _GRADE, (_BIRTH,), _OWN, within_grades=False)]
    found += _own_bonds(whole)
    found += [Bond(part.error, _number(part.error), (), _OWN) for part in test.parts if part.error]
    if whole.scale and whole.measure:
        found.append(Bond(whole.measure, _measure(whole.measure), (_number(whole.scale),), _OWN))
    reached = tuple(sql for name, sql in _numbers(whole) if name != whole.raw) or tuple(
        sql for _, sql in _numbers(whole)
    )
    for part in test.children:
        found += _own_bonds(part)
        found += [Bond(name, sql, reached, _PART) for name, sql in _numbers(part)] if reached else []
    return found


def _own_bonds(part: Part) -> list[Bond]:
    return [Bond(name, _number(name), (_level(part),), _OWN) for name in (part.scale, part.raw) if name and part.result]


def _numbers(part: Part) -> list[tuple[str, str]]:
    """Columns of a part with SQL of what they hold as numbers."""
    found = [(name, _number(name)) for name in (part.scale, part.raw) if name]
    return [*found, (part.result, _level(part))] if part.result else found


_SCORED: Final = f"r.record_type = ANY(%s) AND {SCORED}"
_GRADE: Final = (
    "CASE WHEN r.grade_assessed ~ '^[0-9]{1,2}$' THEN r.grade_assessed::int WHEN r.grade_assessed = 'KN' THEN 0 END"
)
_BIRTH: Final = "date '2100-01-01' - r.birth_date"  # the older, the more days


def _number(column: str) -> str:
    return f"CASE WHEN r.{quoted(column)} ~ '^[0-9]{{1,4}}$' THEN r.{quoted(column)}::int END"


def _level(part: Part) -> str:
    """Levels, counted from 1, the lowest."""
    whens = " ".join(f"WHEN '{code}' THEN {n}" for n, code in enumerate(levels_of(part), 1))
    return f"CASE {result_sql(part)} {whens} END"


def _measure(column: str) -> str:
    name = f"r.{quoted(column)}"
    digits = f"substring({name} FROM '[0-9]+')::int"
    return f"CASE WHEN {name} ~ '^[A-Z]*[0-9]{{1,4}}[LQ]$' THEN CASE WHEN {name} ~ '^[0-9]' THEN {digits} ELSE -{digits} END END"


def _measured(context: RunContext, test: LayoutTest, bonds: Sequence[Bond]) -> list[Measured]:
    """Each bond in the lines of its test."""
    whole = _level(test.parent) if test.parent.result in context.fields else "NULL::int"
    columns = dict.fromkeys([*(sql for bond in bonds for sql in (bond.number, *bond.others)), _BIRTH, whole])
    at = {sql: f"c{n}" for n, sql in enumerate(columns)}
    expressions = ["count(DISTINCT g) FILTER (WHERE g <> '')"]
    for bond in bonds:
        own, others = at[bond.number], [at[other] for other in bond.others]
        pairs = [f"{one}, {other}" for one, other in ((own, other) for other in others)]
        if bond.within_grades:
            pairs = [pair.replace("c", "d") for pair in pairs]
        expressions += [
            f"greatest({', '.join(f'{of}({pair})' for pair in pairs) or 'NULL'})" for of in ("regr_count", "corr")
        ]
        apart = ends_sql(at[whole], own, len(levels_of(test.parent)))
        apart = ages_sql(at[_BIRTH], own) if bond.field == "grade_assessed" else apart
        expressions.append(
            f"CASE WHEN min({own}) = max({own}) AND count({own}) >= {_FEWEST_LINES} THEN {apart} ELSE false END"
        )
    held = ", ".join(f"({sql})::float8 AS {name}" for sql, name in at.items())
    centered = ", ".join(f"{name} - avg({name}) OVER w AS {name.replace('c', 'd')}" for name in at.values())
    grades, *found = fetch_one(
        f"""
        WITH held AS MATERIALIZED (
          SELECT r.grade_assessed AS g, {held} FROM {ScoreRow._meta.db_table} r {some_of(context)}
          WHERE {_SCORED}
        )
        SELECT {", ".join(expressions)} FROM (SELECT g, {", ".join(at.values())}, {centered}
          FROM held WINDOW w AS (PARTITION BY g)) AS q
        """,
        [list(test.record_types)],
    )
    few = grades < _FEWEST_GRADES
    return [
        Measured(0 if few and not bond.within_grades else int(n or 0), together, filled)
        for bond, n, together, filled in zip(bonds, found[::3], found[1::3], found[2::3], strict=True)
    ]


def some_of(context: RunContext) -> str:
    """SQL that samples whole pages of a large table, the same ones each time."""
    wanted = _LOOKED_AT * len(_present(context))
    if context.record_count <= 2 * wanted:
        return ""
    return f"TABLESAMPLE SYSTEM ({100 * wanted / context.record_count:.4f}) REPEATABLE (1)"


# -- against the record --------------------------------------------------------------------------------------------------


def _changed_columns(context: RunContext, lines: str, filled: Collection[str]) -> list[str]:
    """Columns in which a large share of values would differ from the record, in words; of facts that were `filled` down, any
    share."""
    changes, step = _changes(context, _FEWEST_CHANGED)
    if not step:
        return []
    alike = [_TESTED.get(name) for name in filled]
    of = dict(fetch_all(f"SELECT split_part(p.scores, '{CELL}', 1)::bigint, count(*) FROM {lines} GROUP BY 1"))
    counted = fetch_all(_changes_sql(changes))
    tests = Assessment.objects.in_bulk([row[0] for row in counted])
    found = []
    for pk, *changed in counted:
        lines_of_test = of.get(tests[pk].parent_id or pk, 0)
        for label, seen in zip([*_TOLD.values(), *_TESTED.values()], changed, strict=True):
            about = seen * step
            if about >= _FEWEST_CHANGED and (about > _SHARE_CHANGED * lines_of_test or label in alike):
                share = min(round(100 * about / max(lines_of_test, 1)), 100)
                found.append(f"{tests[pk].name}: {label} ({share}%)")
    return found


def _changes(context: RunContext, fewest: int) -> tuple[str, int]:
    """SQL of the planned changes to look at, and that they are every so many of all; 0 if there are fewer than `fewest`."""
    changes = f"imports_importchange c WHERE c.run_id = {int(context.run.pk)} AND c.kind = '{SCORES}' AND c.before IS NOT NULL"
    (count,) = fetch_one(f"SELECT count(*) FROM {changes}")
    step = next((step for step in _STEPS if count <= step * _LOOKED_AT), _STEPS[-1])
    return f"{changes} AND mod(c.line, {step}) = 0", step if count >= fewest else 0


def _exchanged_parts(context: RunContext) -> list[str]:
    """Pairs of parts each of which would get what the other has on record, in words: few students may be enough to see it."""
    changes, step = _changes(context, _FEWEST_EXCHANGED)
    if not step:
        return []
    found = fetch_all(_exchanges_sql(changes))
    tests = Assessment.objects.in_bulk([pk for one, other, *_ in found for pk in (one, other)])
    return [f"{tests[one].name} and {tests[other].name}: {_TOLD[name]}" for one, other, name in found]


def _exchanges_sql(changes: str) -> str:
    """SQL: two assessments and the cell in which nearly all changed scores of either get the value of the other."""
    at = {name: OWN_CELLS.index(name) + 2 for name in ("scale_score", "raw_score", "result")}
    cells = ", ".join(
        f"('{name}', split_part(b.score, '{CELL}', {n}), split_part(a.score, '{CELL}', {n}))" for name, n in at.items()
    )
    side = f"unnest(string_to_array(c.{{}}->>'scores', '{SCORE}')) AS score"
    return f"""
        WITH b AS (SELECT c.line, {side.format("before")} FROM {changes}),
        a AS (SELECT c.line, {side.format("after")} FROM {changes}),
        d AS (SELECT b.line, split_part(b.score, '{CELL}', 1)::bigint AS pk, v.name, v.was, v.becomes
          FROM b JOIN a ON a.line = b.line AND split_part(a.score, '{CELL}', 1) = split_part(b.score, '{CELL}', 1)
          CROSS JOIN LATERAL (VALUES {cells}) AS v(name, was, becomes) WHERE v.was <> v.becomes),
        n AS (SELECT pk, name, count(*) AS changed FROM d GROUP BY 1, 2),
        e AS (SELECT x.pk AS one, y.pk AS other, x.name, count(*) AS exchanged FROM d x JOIN d y ON y.line = x.line
          AND y.name = x.name AND y.pk > x.pk AND y.was = x.becomes AND y.becomes = x.was GROUP BY 1, 2, 3)
        SELECT e.one, e.other, e.name FROM e JOIN n ON n.name = e.name AND n.pk IN (e.one, e.other)
        GROUP BY e.one, e.other, e.name, e.exchanged
        HAVING e.exchanged >= {_FEWEST_EXCHANGED} AND e.exchanged >= {_NEARLY_ALL} * max(n.changed) ORDER BY 1, 2, 3
    """


def _changes_sql(changes: str) -> str:
    """SQL: assessment and, for each reported cell, how many scores have a value on record and a different one in the
    file."""
    at = {name: n for n, name in enumerate(OWN_CELLS, 2)} | {name: CELLS.index(name) + 2 for name in ("date", "grade")}
    sums = []
    for name in _TOLD:
        was = f"split_part(b.score, '{CELL}', {at[name]})"
        becomes = (
            f"coalesce(b.{name}, '')" if name in ("date", "grade") else f"split_part(a.score, '{CELL}', {at[name]})"
        )
        there = f"{was} <> '' AND" if name != "status" else ""  # a blank condition code is a value too: nothing unusual
        sums.append(f"count(*) FILTER (WHERE {there} {was} <> {becomes})")
    for name in _TESTED:
        was, becomes = (fact_sql(name, as_tested_sql(f"{alias}.score")) for alias in "ba")
        sums.append(f"count(*) FILTER (WHERE {was} <> '' AND {was} <> {becomes})")
    side = f"unnest(string_to_array(c.{{}}->>'scores', '{SCORE}')) AS score"
    return f"""
        WITH b AS (SELECT c.line, c.after->>'date' AS date, c.after->>'grade' AS grade, {side.format("before")} FROM {changes}),
        a AS (SELECT c.line, {side.format("after")} FROM {changes})
        SELECT split_part(b.score, '{CELL}', 1)::bigint AS pk, {", ".join(sums)}
        FROM b JOIN a ON a.line = b.line AND split_part(a.score, '{CELL}', 1) = split_part(b.score, '{CELL}', 1)
        GROUP BY 1 ORDER BY 1
    """
