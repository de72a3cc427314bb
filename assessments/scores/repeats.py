"""Lines of one student, test and school year: which of them counts, and what happens to the others.

    the same in everything that is kept    the first counts, the others are unchanged
    the same scores, other details         the first counts, the others are left out with a warning that names the difference
    other scores, one of which counts      the score of record, by the state's include indicator; the others are left out
    other scores                           they contradict each other: all are refused

The first is the first line that counts by its include indicator, if any does. If the line that counts is refused, the
next one with the same scores takes its place. A UIN is not a detail: it identifies a record, not a student's result.
"""

from collections.abc import Collection, Sequence
from typing import Any

from django.db.models import Q

from assessments.models import ScoreRow
from assessments.scores.as_tested import counts_sql
from assessments.scores.columns import by_test, number_sql, result_sql
from assessments.scores.years import earlier, score_date
from assessments.structure import LayoutTest
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.engine.sql import compiled, execute, fetch_all, fetch_one, quoted
from sisimport.imports.engine.statistics import joins_for

ROWS = ScoreRow._meta.db_table
SCORED = "NOT r.refused AND r.skipped = 0 AND r.repeated = 0"  # lines whose scores are planned
_LIVE = "NOT r.refused AND r.skipped = 0 AND r.repeat_key IS NOT NULL"
_REPEATED = "repeated"  # note of a context: lines may share a student, test and year
_DEFERRING = "(1, 4)"  # values of `repeated` for lines whose scores another line brings
_IS_COUNTED = counts_sql("r.as_tested")


def _execute_joined(context: RunContext, sql: str, params: Sequence[Any] = ()) -> None:
    with joins_for(context.record_count):
        execute(sql, list(params))


def has_repeats(key: str, where: str) -> bool:
    """Do two rows share a key? Keys are hashes: a collision costs only a closer look."""
    (repeats,) = fetch_one(f"SELECT count(r.{key}) > count(DISTINCT r.{key}) FROM {ROWS} r WHERE {where}")
    return bool(repeats)


def mark_repeats(context: RunContext, tests: tuple[LayoutTest, ...]) -> None:
    """Mark how scored lines of the same student and test relate to each other."""
    context.notes[_REPEATED] = has_repeats("repeat_key", _LIVE)
    if not context.notes[_REPEATED]:
        return
    number = by_test(((test, str(n)) for n, test in enumerate(tests, 1)), "0")
    values = by_test(((test, _scores_of(test)) for test in tests), "''")
    _execute_joined(
        context,
        f"""
        WITH again AS (SELECT r.repeat_key FROM {ROWS} r WHERE {_LIVE} GROUP BY r.repeat_key HAVING count(*) > 1),
        keyed AS (
          SELECT r.line, r.ssid, {number} AS test, CASE WHEN {earlier("r.")} THEN r.current_year_flag END AS year,
            hashtextextended({values}, 0) AS h, {_IS_COUNTED} AS counts
          FROM {ROWS} r WHERE {_LIVE} AND r.repeat_key IN (SELECT repeat_key FROM again)
        ), judged AS (
          SELECT line, h, count(*) OVER w AS n, min(line) OVER w AS first_line, max(line) OVER w AS last_line,
            min(line) FILTER (WHERE counts) OVER w AS counted_line,
            min(h) FILTER (WHERE counts) OVER w AS of_record, max(h) FILTER (WHERE counts) OVER w AS other_record,
            min(h) OVER w <> max(h) OVER w AS differ FROM keyed WINDOW w AS (PARTITION BY ssid, test, year)
        ), kept AS (
          SELECT j.*, coalesce(counted_line, first_line) AS kept_line,
            CASE WHEN NOT differ THEN h WHEN of_record = other_record THEN of_record END AS kept_h FROM judged j WHERE n > 1
        )
        UPDATE {ROWS} r SET
          repeated = CASE WHEN k.kept_h IS NULL THEN 2 WHEN k.line = k.kept_line THEN 0 WHEN k.h = k.kept_h THEN 1 ELSE 5 END,
          repeated_line = CASE WHEN k.kept_h IS NULL AND k.line <> k.first_line THEN k.first_line
            WHEN k.kept_h IS NOT NULL AND k.line <> k.kept_line THEN k.kept_line
            WHEN k.line = k.last_line THEN k.first_line ELSE k.last_line END
        FROM kept k WHERE k.line = r.line
        """,
    )
    _report_differences(context, tests)


def _scores_of(test: LayoutTest) -> str:
    """SQL: the scores of a line as they would be stored."""
    cells: dict[str, None] = {}
    for part in test.parts:
        cells |= dict.fromkeys(number_sql(name) for name in (part.scale, part.raw) if name)
        cells |= dict.fromkeys([result_sql(part)] if part.result else [])
    return " || chr(31) || ".join(f"({cell})" for cell in cells) or "''"


def _report_differences(context: RunContext, tests: tuple[LayoutTest, ...]) -> None:
    """Lines whose scores another line brings: mark those with details that would not be recorded, and say which."""
    details = _details(context, tests)
    again = ScoreRow.objects.filter(repeated_line__gt=0)
    dated, params = compiled(again.annotate(on=score_date(context)).values_list("line", "on"))
    values = ", ".join(f"({sql})::text AS {quoted(name)}" for name, sql in details.items())
    differing = ", ".join(
        f"CASE WHEN a.{quoted(name)} <> b.{quoted(name)} THEN '{name}' || {_both_sql(name)} END" for name in details
    )
    _execute_joined(
        context,
        f"""
        WITH dated AS ({dated}), held AS (
          SELECT r.line, r.repeated, r.repeated_line, coalesce(d.on_day::text, '') AS "test date", {values}
          FROM {ROWS} r JOIN dated d(line, on_day) ON d.line = r.line
        ), differing_rows AS (
          SELECT a.line, concat_ws(', ',
            CASE WHEN a."test date" <> b."test date" THEN 'test date' || {_both_sql("test date")} END,
            {differing}) AS text
          FROM held a JOIN held b ON b.line = a.repeated_line WHERE a.repeated IN {_DEFERRING}
        )
        UPDATE {ROWS} r SET repeat_differs = differing_rows.text, repeated = CASE WHEN differing_rows.text = '' THEN 1 ELSE 4 END
        FROM differing_rows WHERE differing_rows.line = r.line AND (differing_rows.text <> '' OR r.repeated = 4)
        """,
        params,
    )


_UNNAMED = "school or group of the student"  # several facts in one text, not readable as it is


def _both_sql(name: str) -> str:
    """SQL of the two values of a detail, in words."""
    if name == _UNNAMED:
        return "''"
    held, other = (f"coalesce(nullif({alias}.{quoted(name)}, ''), 'blank')" for alias in "ab")
    return f"' ' || {held} || ' instead of ' || {other}"


def _details(context: RunContext, tests: tuple[LayoutTest, ...]) -> dict[str, str]:
    """What is kept of a line besides its scores and the day: a label, and SQL of the value."""
    found = {"grade": "ltrim(r.grade_assessed, '0')", "condition code": "r.condition_code"}
    of_tests = [
        ("standard error", [(test, [number_sql(part.error) for part in test.parts if part.error]) for test in tests]),
        ("measure", [(test, [quoted(part.measure) for part in test.parts if part.measure]) for test in tests]),
    ]
    for words, columns in of_tests:
        cases = [(test, " || ' ' || ".join(f"({sql})" for sql in own)) for test, own in columns if own]
        found |= {words: by_test(cases, "''")} if cases else {}
    if context.option("ela_status") == "1" and "calculated_elas" in context.fields:
        found["calculated status"] = "r.calculated_elas"
    found[_UNNAMED] = "r.as_tested"
    return found


def take_the_place_of_refused(
    context: RunContext, tests: tuple[LayoutTest, ...], refusing: Collection[int], *, last: bool
) -> Q | None:
    """If the line that counts is refused, the next one with the same scores counts. `last`: the others share its
    outcome instead."""
    if not refusing or not context.notes[_REPEATED]:
        return None
    if not fetch_all(f"SELECT 1 FROM {ROWS} r WHERE r.repeated IN {_DEFERRING} LIMIT 1"):
        return None
    with joins_for(context.record_count):
        moved = fetch_all(
            f"""
            WITH heirs AS (
              SELECT r.line, min(r.line) OVER (PARTITION BY r.repeated_line) AS heir
              FROM {ROWS} r JOIN checked_line k ON k.line = r.repeated_line
              WHERE r.repeated IN {_DEFERRING} AND k.rules && %s::int[]
            )
            UPDATE {ROWS} r SET repeated = {"3" if last else "CASE WHEN h.line = h.heir THEN 0 ELSE 1 END"},
              repeated_line = {"r.repeated_line" if last else "h.heir"}, repeat_differs = ''
            FROM heirs h WHERE h.line = r.line RETURNING r.line
            """,
            [list(refusing)],
        )
    if not moved:
        return None
    if not last:
        _report_differences(context, tests)
    return Q(line__in=[line for (line,) in moved])
