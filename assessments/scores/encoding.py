"""The scores of one line as one text, the form in which plans store them.

A file of half a million lines makes millions of scores; one change per line keeps a plan as small as the file. Each
side of a change holds its scores as a text, with `;` between scores and `|` between the cells of one:

    assessment | scale score | raw score | result | error | status | UIN | measure | date | grade | run | line | as tested

Cells that are left out at the end are blank, except date and grade: those come from the `date` and `grade` of the side.
Run and line are in a `before` only: they say who wrote the score that a revert restores (1.0.0 journals lack them). The
score of the test itself, not those of its parts, says who was tested (see as_tested.py); older journals do not.
Measured at 100,000 lines with five scores each (seconds, plan + apply; COPY of the rows: 1.1): one text 1.6, JSON array
of texts 2.3, typed arrays 2.3, a plan row per score 3.0, nested JSON arrays 3.1.
"""

from collections.abc import Iterator, Mapping
from typing import Any

SCORE, CELL = ";", "|"
OWN_CELLS = ("scale_score", "raw_score", "result", "error_band", "status", "uin", "measure")
CELLS = (*OWN_CELLS, "date", "grade")
AS_TESTED = len(CELLS) + 3  # position of that cell in a score, from 0
# Column of the score table -> maximum length of its text.
LENGTHS = {"status": 8, "uin": 20, "measure": 12}


def unpacked(side: Mapping[str, Any] | None) -> dict[int, dict[str, str]]:
    """Assessment id -> cells of a change's side (`before` or `after`); empty if it holds no score."""
    scores: dict[int, dict[str, str]] = {}
    for text in (side or {}).get("scores", "").split(SCORE):
        if text:
            key, *cells = text.split(CELL)
            held = dict(zip(CELLS, cells, strict=False))
            # A side with date and grade of its own has scores without; all scores of another one have them.
            if (side or {}).get("grade") is not None:
                held |= {name: (side or {}).get(name) or "" for name in ("date", "grade")}
            scores[int(key)] = {name: held.get(name, "") for name in CELLS}
            scores[int(key)]["as_tested"] = cells[AS_TESTED - 1] if len(cells) >= AS_TESTED else ""
    return scores


def differing(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> Iterator[tuple[int, str, str, str]]:
    """(assessment id, field, old, new) of every field in which two sides differ."""
    old, new = unpacked(before), unpacked(after)
    for key in sorted({*old, *new}):
        for name in (*CELLS, "as_tested"):
            was, becomes = old.get(key, {}).get(name, ""), new.get(key, {}).get(name, "")
            if was != becomes:
                yield key, name, was, becomes


def side_sql(side: str, where: str) -> str:
    """SELECT of one side of the changes `c` that `where` selects, one row each, by student: line, seq, student_id,
    school_year, date, grade (null: every score has its own), scores."""
    return f"""
        SELECT c.line, c.seq, c.student_id, (c.{side}->>'school_year')::smallint AS school_year,
          (c.{side}->>'date')::date AS date, c.{side}->>'grade' AS grade, c.{side}->>'scores' AS scores
        FROM imports_importchange c WHERE {where} ORDER BY c.student_id, c.line OFFSET 0
    """


def unpack_sql(side: str, where: str) -> str:
    """SELECT of the scores in one side of the changes `c` that `where` selects: line, seq, student_id, school_year,
    assessment_id, and one column per cell, typed as in the score table; `line` ordered by student."""
    cells = [f"split_part(q.score, '{CELL}', {n}) AS {name}" for n, name in enumerate(OWN_CELLS, 2)]
    date, grade = (f"split_part(q.score, '{CELL}', {CELLS.index(name) + 2})" for name in ("date", "grade"))
    # A side with date and grade of its own has scores without; all scores of another one have them.
    return f"""
        SELECT q.line, q.seq, q.student_id, q.school_year, split_part(q.score, '{CELL}', 1)::bigint AS assessment_id,
          {", ".join(cells)}, CASE WHEN q.grade IS NULL THEN nullif({date}, '')::date ELSE q.date END AS date,
          coalesce(q.grade, {grade}) AS grade, {as_tested_sql("q.score")} AS as_tested
        FROM (
          SELECT p.line, p.seq, p.student_id, p.school_year, p.date, p.grade,
            unnest(string_to_array(p.scores, '{SCORE}')) AS score
          FROM ({side_sql(side, where)}) AS p OFFSET 0
        ) AS q
    """


def as_tested_sql(score: str) -> str:
    """SQL of that cell of a packed score."""
    return f"split_part({score}, '{CELL}', {AS_TESTED + 1})"


def assessments_sql(side: str) -> str:
    """SQL of the assessments, as an array of texts, that a change's side (`c.before` …) holds scores of."""
    return f"ARRAY(SELECT split_part(held, '{CELL}', 1) FROM unnest(string_to_array({side}->>'scores', '{SCORE}')) AS held)"


def count_sql(packed: str) -> str:
    """SQL of the number of scores in a packed text; null for none."""
    return f"(octet_length({packed}) - octet_length(replace({packed}, '{SCORE}', '')) + 1)"


def results_sql(side: str) -> str:
    """SQL of the scores in a change's side, as an array of texts that hold only assessment and result: without date,
    grade, who wrote it and who was tested."""
    cells = rf"((?:[^|;]*\|){{{len(OWN_CELLS)}}}[^|;]*)\|[^;]*"
    kept = f"regexp_replace({side}->>'scores', '{cells}', '\\1', 'g')"
    return f"string_to_array(regexp_replace({kept}, '\\|+(;|$)', '\\1', 'g'), '{SCORE}')"


def written_row_sql(alias: str) -> str:
    """SQL text of a row of the score table as one packed score, with the run and line that wrote it: what a revert
    restores."""
    wrote = [f"coalesce({alias}.{name}::text, '')" for name in ("run_id", "line")]
    return f" || '{CELL}' || ".join([_cells_sql(alias), *wrote, f"{alias}.as_tested"])


def packed_row_sql(alias: str) -> str:
    """SQL text of a row of the score table as one packed score, every cell filled in except who wrote it: used for
    comparing."""
    return f"{_cells_sql(alias)} || '{CELL * 3}' || {alias}.as_tested"


def _cells_sql(alias: str) -> str:
    cells = [f"{alias}.assessment_id::text"]
    cells += [
        f"coalesce({alias}.date::text, '')" if name == "date" else f"translate({alias}.{name}, '{CELL}{SCORE}', '')"
        for name in CELLS
    ]
    return f" || '{CELL}' || ".join(cells)
