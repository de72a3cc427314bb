"""The hand-written script for a score file: match by SSID, compare names, INSERT a row per part; loaders run it after
reading."""

from assessments.structure import LayoutTest, school_year
from sisimport.demo.loaders import DelimitedFile
from sisimport.files.layouts import Layout
from sisimport.imports.engine.sql import execute, quoted

_DATES = ("final_test_completed_date", "test_completed_date")

# The five checks: a well-formed SSID, no second line, a student on record, the same names, a score.
_CHECKED = """
CREATE TEMPORARY TABLE checked ON COMMIT DROP AS
SELECT f.*, x.student_id,
  CASE
    WHEN f.{ssid} !~ '^[0-9]{{10}}$' THEN 'not an SSID'
    WHEN f.times > 1 THEN 'a second line'
    WHEN s.id IS NULL THEN 'nobody'
    WHEN (s.match_last_name, s.match_first_name) <> (f.{last_name}, f.{first_name}) THEN 'another person'
    WHEN f.{scale} = '' THEN 'no score'
  END AS problem
FROM (SELECT *, count(*) OVER (PARTITION BY {ssid}) AS times FROM (SELECT {wanted} FROM staged) AS of_job) f
LEFT JOIN students_ssid x ON x.state = 'CA' AND x.ssid = f.{ssid} AND x.retired_at IS NULL
LEFT JOIN students_student s ON s.id = x.student_id
"""
_SCORES = """
INSERT INTO assessments_score (student_id, assessment_id, school_year, date, scale_score, raw_score, result, grade, status,
  error_band, measure, uin)
SELECT c.student_id, p.assessment, {year}, {date}, p.scale, p.raw, p.result, '', '', '', '', ''
FROM checked c CROSS JOIN LATERAL (VALUES {parts}) AS p (assessment, scale, raw, result)
WHERE c.problem IS NULL
ORDER BY c.student_id, p.assessment
"""


def _name(layout: Layout, field: str) -> str:
    return layout.fields[field].name


def _date(layout: Layout) -> str:
    return next(_name(layout, field) for field in _DATES if field in layout.fields)


def delimited_file(layout: Layout, test: LayoutTest) -> DelimitedFile:
    """All columns of the file, and those needed for the scores of one test."""
    cells = {field for part in test.parts for field in (part.scale, part.raw, part.result) if field in layout.fields}
    wanted = [_name(layout, field) for field in ("ssid", "last_name", "first_name", *sorted(cells))]
    return DelimitedFile(
        columns=[column.name for column in layout.columns],
        wanted=[*wanted, _date(layout)],
        delimiter=layout.delimiter,
        has_header=True,
    )


def insert_scores(layout: Layout, test: LayoutTest, setups: list[int]) -> int:
    """Check the staged lines and insert a score for each part, under these set-ups; returns the number of rows
    inserted."""

    def cell(field: str) -> str:
        return f"c.{quoted(_name(layout, field))}" if field in layout.fields else "''"

    names = {field: quoted(_name(layout, field)) for field in ("ssid", "last_name", "first_name")}
    wanted = ", ".join(quoted(name) for name in delimited_file(layout, test).wanted)
    execute(_CHECKED.format(scale=quoted(_name(layout, test.parts[0].scale)), wanted=wanted, **names))
    parts = ", ".join(
        f"({int(setup)}, {cell(part.scale)}, {cell(part.raw)}, {cell(part.result)})"
        for setup, part in zip(setups, test.parts, strict=True)
    )
    day = f"c.{quoted(_date(layout))}"
    date = f"CASE WHEN {day} LIKE '%/%' THEN to_date({day}, 'MM/DD/YYYY') ELSE to_date(nullif({day}, ''), 'YYYY-MM-DD') END"
    count = execute(_SCORES.format(year=int(school_year(layout.key)), date=date, parts=parts))
    execute("DROP TABLE checked")
    return count
