"""Lines whose scores are on record exactly as the file has them: found by one text per student and test, not score by score.

In a file that was imported before, nearly all lines are like that, and comparing them took longer than any other step. All
scores of the year are read for it, so only a file that may hold half of them is compared this way. What is not found
here is compared score by score, which decides.
"""

from collections.abc import Sequence

from assessments.scores.encoding import AS_TESTED, CELL, OWN_CELLS, SCORE, count_sql
from assessments.scores.setups import Target
from assessments.scores.year_tables import listed, rows_believed
from assessments.structure import school_year
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.engine.sql import execute
from sisimport.imports.engine.statistics import hash_joins_only

UNLIKE = "unlike_line"
_SHARE = 2  # of the scores on record, the file may hold at least one in so many


def unlike(context: RunContext, present: Sequence[Target], lines: str) -> tuple[str, bool]:
    """SQL of the planned lines that still have to be compared, and whether there may be any."""
    assert context.layout is not None  # noqa: S101 - a staged file has one
    year = school_year(context.layout.key)
    chosen = [target for target in present if not target.missing and _in_order(target)]
    most = max((len(target.test.parts) for target in chosen), default=0)
    if context.lines is not None or not most or context.record_count * most * _SHARE < rows_believed(year):
        return lines, True
    ids = sorted(pk for target in chosen for pk in target.ids.values())
    execute(f"DROP TABLE IF EXISTS {UNLIKE}")
    with hash_joins_only():
        left = execute(
            f"""
            CREATE TEMP TABLE {UNLIKE} ON COMMIT DROP AS
            SELECT p.line, p.student_id, p.school_year, p.date, p.grade, p.scores FROM {lines}
            LEFT JOIN (
              SELECT t.student_id, {_test_sql(chosen, "t.assessment_id")} AS test, count(*) AS n,
                string_agg({_text_sql(chosen)}, '{SCORE}' ORDER BY t.assessment_id) AS scores,
                min(t.date) AS first, max(t.date) AS last, count(t.date) AS dated, min(t.grade) AS low, max(t.grade) AS high
              FROM assessments_score t
              WHERE t.school_year = ANY({listed([year])}) AND t.assessment_id = ANY(ARRAY{ids}) GROUP BY 1, 2
            ) AS h ON h.student_id = p.student_id AND h.test = {_test_sql(chosen, f"split_part(p.scores, '{CELL}', 1)::bigint")}
              AND p.school_year = {year}
            WHERE h.scores IS DISTINCT FROM p.scores OR h.n <> {count_sql("p.scores")} OR h.low <> p.grade OR h.high <> p.grade
              OR h.first IS DISTINCT FROM p.date OR h.last IS DISTINCT FROM p.date OR h.dated NOT IN (0, h.n)
            """
        )
    if left:
        execute(f"ANALYZE {UNLIKE} (line, student_id)")
    return f"{UNLIKE} AS p", left > 0


def _in_order(target: Target) -> bool:
    """Do the keys of the set-ups go up in the order in which a line holds its scores?"""
    keys = [target.ids[part.code] for part in target.test.parts]
    return keys == sorted(keys)


def _test_sql(chosen: Sequence[Target], assessment: str) -> str:
    """SQL: the number of the test to which the set-up belongs."""
    if len(chosen) == 1:
        return "1"
    whens = " ".join(
        f"WHEN {assessment} = ANY(ARRAY{sorted(one.ids.values())}) THEN {n}" for n, one in enumerate(chosen, 1)
    )
    return f"CASE {whens} END"


def _text_sql(chosen: Sequence[Target]) -> str:
    """SQL: the score `t` on record as columns.py packs it; nothing that a file can hold where the record has more."""
    whole = [target.ids[target.test.parent.code] for target in chosen]
    erring = [target.ids[part.code] for target in chosen for part in target.test.children if part.error]
    own: list[str] = ["t.assessment_id::text", *(f"t.{name}" for name in OWN_CELLS)]
    blank = ["''"] * (AS_TESTED - len(OWN_CELLS) - 1)  # date, grade, run and line
    short, more = own[:4], own[5:]
    none = " AND ".join(f"{name} = ''" for name in [*more, "t.as_tested"])
    parts = f"CASE WHEN {own[4]} = '' THEN {_joined(short)} ELSE '' END"
    if erring:
        parts = f"CASE WHEN t.assessment_id = ANY(ARRAY{erring}) THEN {_joined(own[:5])} ELSE {parts} END"
    return (
        f"CASE WHEN t.assessment_id = ANY(ARRAY{whole}) THEN concat_ws('{CELL}', {', '.join([*own, *blank, 't.as_tested'])})"
        f" WHEN {none} THEN {parts} ELSE '' END"
    )


def _joined(cells: Sequence[str]) -> str:
    return f" || '{CELL}' || ".join(cells)
