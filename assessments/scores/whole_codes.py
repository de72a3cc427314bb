"""Condition codes that a spreadsheet filled down beside scores.

    within a grade    LOSS, INC0 and INC1 come with the lowest score that there is, so a lower one in the file contradicts them
    within the file   a code that belongs to one test and few students (exempt from a domain) is on a large share of its lines

The same look at all lines says which levels do not rise with their scores (level_order.py).
A code of another test, or beside a score that is not the lowest published one, is reported on its line (contradictions.py).
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from assessments.models import ScoreRange, ScoreRow
from assessments.scores.contradictions import ABOVE_LOWEST
from assessments.scores.first_look import seen
from assessments.scores.level_order import grade_score_level_sql, look_at_order, without_thresholds
from assessments.scores.repeats import SCORED
from assessments.structure import LayoutTest, own_codes, school_year
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.engine.file_issues import report_on_file
from sisimport.imports.engine.sql import fetch_all, quoted

_SCORED: Final = f"FROM {ScoreRow._meta.db_table} r WHERE {SCORED}"
_FEWEST_ABOVE: Final = 3  # lines whose code does not go with their score
_FEWEST_CODED: Final = 10
_SHARE_CODED: Final = 0.25  # a judgment: of the students of a district one in a hundred is exempt


def look_at_codes(context: RunContext, tests: Sequence[LayoutTest]) -> None:
    assert context.layout is not None  # noqa: S101 - a staged file has one
    unpublished = without_thresholds(tests, school_year(context.layout.key))
    looked_at = tests if seen(context).coded else unpublished
    if not looked_at:
        return
    counted = fetch_all(
        f"SELECT r.record_type, r.condition_code, {grade_score_level_sql(unpublished)}, count(*), min(r.line) {_SCORED}"
        " AND r.record_type = ANY(%s) GROUP BY 1, 2, 3 ORDER BY 2, 1, 3",
        [[record_type for test in looked_at for record_type in test.record_types]],
    )
    for test in tests:
        codes: Counter[str] = Counter()
        of_test = [row for row in counted if row[0] in test.record_types]
        for _type, code, _text, count, _first in of_test:
            codes[code] += count
        if test in unpublished:
            look_at_order(context, test, [(text, count, first) for _type, _code, text, count, first in of_test])
        _report_many(context, test, codes)
        if sum(count for code, count in codes.items() if code in ABOVE_LOWEST) >= _FEWEST_ABOVE:
            _report_not_lowest(context, test)


def _report_many(context: RunContext, test: LayoutTest, codes: Counter[str]) -> None:
    of = codes.total()
    for code in own_codes(test.code):
        if codes[code] >= _FEWEST_CODED and codes[code] > _SHARE_CODED * of:
            params = {"test": test.parent.name, "count": f"{codes[code]:,}", "of": f"{of:,}"}
            report_on_file(context, "EXC-CODE-MANY", field="condition_code", found=code, params=params)


def _report_not_lowest(context: RunContext, test: LayoutTest) -> None:
    """Only in grades without a published range; in the others the lines say it."""
    codes = {code: above for code, above in ABOVE_LOWEST.items() if code in own_codes(test.code)}
    if not codes or not test.parent.scale:
        return
    scale = f"r.{quoted(test.parent.scale)}"
    above = " ".join(f"WHEN '{code}' THEN {n}" for code, n in codes.items())
    found = fetch_all(
        f"""
        SELECT s.condition_code, count(*), min(s.line) FROM (
          SELECT r.line, r.condition_code, {scale}::int AS score, min({scale}::int) OVER (PARTITION BY r.grade_assessed) AS lowest
          {_SCORED} AND r.record_type = ANY(%s) AND {scale} ~ '^[0-9]{{1,4}}$'
            AND NOT EXISTS (SELECT 1 FROM {ScoreRange._meta.db_table} g
              WHERE g.record_type = r.record_type AND g.grade = r.grade_assessed)
        ) AS s WHERE s.score > s.lowest + CASE s.condition_code {above} END GROUP BY 1 ORDER BY 1
        """,
        [list(test.record_types)],
    )
    for code, count, first in found:
        if count >= _FEWEST_ABOVE:
            params = {"test": test.parent.name, "count": f"{count:,}", "first": f"{first:,}"}
            report_on_file(context, "EXC-CODE-LOWEST", field="condition_code", found=code, params=params)
