"""What the database computes for each line while the file is being read, so that no later pass over millions of cells
has to.

Every column here depends on the columns of its own line only. The reader takes more processor time than the database,
so this adds no time.
"""

from collections.abc import Iterable
from typing import Any

from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.db.models.expressions import RawSQL

from assessments.models import ScoreRow
from assessments.scores.contradictions import has_both_or_neither, has_small_errors, unscored_levels, usual_codes
from assessments.scores.doubts import AreBlank, columns_of_others, has_own_measure, own_unit
from assessments.scores.encoding import AS_TESTED, CELL, LENGTHS, SCORE
from assessments.scores.rules import column_uses, columns_read, known_levels
from assessments.scores.setups import SKIP, Target, targets
from assessments.scores.years import earlier
from assessments.structure import (
    LayoutTest,
    Part,
    grades,
    tests_of,
    unscored_codes,
)
from sisimport.files.remembered import Remembered
from sisimport.imports.definition.expressions import Matches
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.engine.sql import over_one_row, quoted

_MOST_RAW_DIGITS = 2
_MOST_DIGITS = 4  # of scores; those with decimals go through the rules


def generated_columns(context: RunContext) -> dict[str, Any]:
    """Columns of ScoreRow and their expressions, for the file's layout and the run's options."""
    assert context.layout is not None  # noqa: S101 - a staged file has one
    tests = tests_of(context.layout)
    found: dict[str, Any] = {
        "skipped": _sql(_skipped(context, tests), models.SmallIntegerField()),
        "plain": _plain(tests),
        "repeat_key": _sql(_repeat_key(context, tests), models.BigIntegerField()),
        "packed": _sql(_all_packed(targets(context), context.fields), models.TextField()),
    }
    if "uin" in context.fields:
        found["uin_key"] = _sql("CASE WHEN uin <> '' THEN hashtextextended(uin, 0) END", models.BigIntegerField())
    return found


def unnamed_fields(context: RunContext) -> frozenset[str]:
    """Scores and levels that the file's layout does not have: its tests have no part that names them."""
    return _SCORES.difference(context.fields, _ALWAYS_NAMED)


_of_model = [f.name for f in ScoreRow._meta.concrete_fields]
_SCORES = frozenset(_of_model[_of_model.index("scale_score") : _of_model.index("as_tested")])
_ALWAYS_NAMED = ("scale_score", "achievement_level")  # by the rules about ranges


def _sql(sql: str, output: Any) -> RawSQL:
    return RawSQL(sql, [], output)  # noqa: S611 - made of the layout's own names


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''").replace("%", "%%") + "'"


def _texts(values: Iterable[str]) -> str:
    return ", ".join(map(_literal, values))


def by_test(cases: Iterable[tuple[LayoutTest, str]], default: str) -> str:
    """SQL that chooses by the line's record type."""
    whens = " ".join(f"WHEN record_type IN ({_texts(test.record_types)}) THEN {sql}" for test, sql in cases)
    return f"(CASE {whens} ELSE {default} END)" if whens else default


# -- is there a score --------------------------------------------------------------------------------------------------


def _has_score(part: Part, *, real: bool = True) -> str:
    """SQL: the line holds a value for this part. `real`: a level that says "no score" does not count as one."""
    conditions = [f"{quoted(name)} NOT IN ('', 'NS')" for name in (part.scale, part.raw) if name]
    if part.result:
        level = quoted(part.result)
        conditions.append(f"{level} NOT IN ({_texts(unscored_levels(part))})" if real else f"{level} <> ''")
    return f"({' OR '.join(conditions)})"


def _skipped(context: RunContext, tests: tuple[LayoutTest, ...]) -> str:
    """1: nothing is scored, or a condition code says so. 2: the assessment was not chosen."""
    cases = []
    for test in tests:
        something = " OR ".join(_has_score(part) for part in test.parts)
        mark = "2" if context.option(test.code) == SKIP else f"CASE WHEN {something} THEN 0 ELSE 1 END"
        if mark != "2":
            mark = f"CASE WHEN condition_code IN ({_texts(unscored_codes())}) THEN 1 ELSE {mark} END"
        cases.append((test, mark))
    return f"CASE WHEN refused THEN 0 ELSE {by_test(cases, '0')} END"


def _repeat_key(context: RunContext, tests: tuple[LayoutTest, ...]) -> str:
    """Equal for lines about the same SSID, test and school year; null without SSID."""
    number = by_test(((test, f"'{n}'") for n, test in enumerate(tests, 1)), "''")
    key = f"ssid || {number}"
    if "current_year_flag" in context.fields:
        key += f" || CASE WHEN {earlier()} THEN current_year_flag ELSE '' END"
    return f"CASE WHEN ssid <> '' THEN hashtextextended({key}, 0) END"


# -- is all as usual ---------------------------------------------------------------------------------------------------


_composed: Remembered[RawSQL] = Remembered(most=64)  # layouts


def _plain(tests: tuple[LayoutTest, ...]) -> RawSQL:
    """Known grade, a condition code that excludes nothing, digits in the SSID and in the test's scores, known levels.

    Composed once for the tests of a layout, since Django takes longer for it than a small file takes for all the rest.
    """
    found = _composed.get((), [tests])
    if found is None:
        sql = over_one_row(ScoreRow, _plain_expression(tests)).replace("%", "%%")
        found = _sql(sql, models.BooleanField())
        _composed.keep((), [tests], found)
    return found


def _plain_expression(tests: tuple[LayoutTest, ...]) -> Case:
    values = Case(
        *(When(record_type__in=list(test.record_types), then=_plain_values(test, tests)) for test in tests),
        default=Value(False),
        output_field=models.BooleanField(),
    )
    codes_listed = Q(grade_assessed__in=["", *grades()])
    return Case(When(codes_listed, then=values), default=Value(False), output_field=models.BooleanField())


def _plain_values(test: LayoutTest, tests: tuple[LayoutTest, ...]) -> Any:
    _scores, levels = column_uses(tests)
    own = {name for part in test.parts for name in (part.scale, part.raw, part.error) if name}
    columns = sorted(own)
    # One simple regular expression over all of them: each one costs ten comparisons, one that counts digits a hundred.
    right = Q(Matches(_Together("ssid", *columns), "^[0-9]*$")) & Q(_LengthIs(F("ssid"), 10))
    most = {part.raw: _MOST_RAW_DIGITS for part in test.parts}
    # Errors have fewer digits than their scores (`has_small_errors`).
    for name in sorted(own - {part.error for part in test.parts if part.scale}):
        right &= Q(_LengthAtMost(F(name), most.get(name, _MOST_DIGITS)))
    for name, uses in levels.items():
        level_codes = {code for user, part in uses if user is test for code in known_levels(part)}
        if level_codes:
            right &= Q(**{f"{name}__in": ["", *sorted(level_codes)]})
    right &= Q(condition_code__in=["", *usual_codes(test)]) & has_both_or_neither(test)
    right &= has_small_errors(test)
    for part in test.children:
        if part.grades:
            right &= Q(grade_assessed__in=part.grades) | Q(**dict.fromkeys(part.fields, ""))
    if others := columns_of_others(test, columns_read(tests), tests):
        right &= Q(AreBlank(*others))
    if own_unit(test):
        right &= has_own_measure(test)
    return Case(When(right, then=Value(True)), default=Value(False), output_field=models.BooleanField())


class _Together(models.Func):
    """Texts, concatenated."""

    template = "(%(expressions)s)"
    arg_joiner = " || "
    output_field = models.TextField()


class _LengthIs(models.Func):
    """The text has exactly this many bytes."""

    template = "(octet_length(%(expressions)s))"
    arg_joiner = ") = ("
    output_field = models.BooleanField()
    conditional = True


class _LengthAtMost(_LengthIs):
    arg_joiner = ") <= ("


# -- the scores as one text --------------------------------------------------------------------------------------------


_packed_texts: Remembered[list[str]] = Remembered(most=64)
_ID = "\x00"  # around the name of a set-up, where its key comes


def _all_packed(chosen: list[Target], fields: tuple[str, ...]) -> str:
    """SQL of all scores of a line (see encoding.py); blank for a line of a test that is not imported."""
    tests = [target.test for target in chosen]
    found = _packed_texts.get(fields, tests)
    if found is None:
        found = _packed_by_name(tests, fields).split(_ID)
        _packed_texts.keep(fields, tests, found)
    ids = {_name(target.test, code): str(int(pk)) for target in chosen for code, pk in target.ids.items()}
    return "".join(ids[text] if number % 2 else text for number, text in enumerate(found))


def _name(test: LayoutTest, code: str) -> str:
    return f"{test.code}/{code}"


def _packed_by_name(tests: list[LayoutTest], fields: tuple[str, ...]) -> str:
    """The same for any set-ups, with the names of tests and parts in place of their keys."""
    cases = []
    for test in tests:
        first = _packed(test, test.parent, fields, parent=True)
        others = " || ".join(
            f"CASE WHEN {_has_score(part, real=False)} THEN '{SCORE}' || {_packed(test, part, fields)} ELSE '' END"
            for part in test.children
        )
        # Nearly every line has a score of the test itself, so no leading separator has to be removed.
        whole = f"{first} || {others}" if others else first
        without = f"substr({others}, {len(SCORE) + 1})" if others else "''"
        cases.append((test, f"CASE WHEN {_has_score(test.parent)} THEN {whole} ELSE {without} END"))
    return by_test(cases, "''")


def _packed(test: LayoutTest, part: Part, fields: tuple[str, ...], *, parent: bool = False) -> str:
    """SQL of one packed score."""
    cells = [
        number_sql(part.scale) if part.scale else "''",
        number_sql(part.raw) if part.raw else "''",
        result_sql(part) if part.result else "''",
    ]
    if part.error or parent:
        cells.append(number_sql(part.error) if part.error else "''")
    if parent:
        cells += [_text(c, cell) if c in fields else "''" for c, cell in (("condition_code", "status"), ("uin", "uin"))]
        cells.append(_text(part.measure, "measure") if part.measure else "''")
    pk = f"{_ID}{_name(test, part.code)}{_ID}"
    packed = f" || '{CELL}' || ".join([f"'{pk}'", *(f"({cell})" for cell in cells)])
    # Between them date, grade, run and line, all blank: appended as one text, since each append copies everything
    # before it.
    return f"{packed} || '{CELL * (AS_TESTED - len(cells))}' || as_tested" if parent else packed


def number_sql(column: str) -> str:
    """A score without lost or padding zeros; "NS" is not a score."""
    c = quoted(column)
    return f"CASE WHEN {c} LIKE '0_%%' THEN coalesce(nullif(ltrim({c}, '0'), ''), '0') WHEN {c} = 'NS' THEN '' ELSE {c} END"


def result_sql(part: Part) -> str:
    """A level by its code, however it is spelled."""
    c = quoted(part.result)
    whens = " ".join(f"WHEN {_literal(spelling)} THEN {_literal(code)}" for spelling, code in part.spellings().items())
    if not whens:
        return c
    shortest = min(map(len, part.spellings()))
    # Nearly all levels are one digit, and no spelling is that short: checked first.
    return f"CASE WHEN length({c}) < {shortest} THEN {c} ELSE CASE {c} {whens} ELSE {c} END END"


def _text(column: str, cell: str) -> str:
    """A text without separators, cut to the length of its cell: checked first, changed only if needed."""
    c, length = quoted(column), LENGTHS[cell]
    plain = f"octet_length({c}) <= {length} AND strpos({c}, '{CELL}') = 0 AND strpos({c}, '{SCORE}') = 0"
    return f"CASE WHEN {plain} THEN {c} ELSE left(translate({c}, '{CELL}{SCORE}', ''), {length}) END"
