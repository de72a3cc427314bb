"""Scores of many years for every student, written by the database itself, as in a grown installation."""

from assessments.models import Assessment
from assessments.scores.year_tables import make_years
from sisimport.demo.growth import register_scores
from sisimport.imports.engine.sql import execute

LAST_YEAR = 2025
PARTS = 5  # scores of a student in a year
_SCORES = """
INSERT INTO assessments_score (student_id, assessment_id, school_year, date, line, run_id, scale_score, raw_score, result, grade,
  status, error_band, measure, uin)
SELECT s.id, a.id, %s, make_date(%s, 4, 15), s.id, NULL, (2300 + s.id %% 500)::text, '', (1 + s.id %% 4)::text,
  s.grade, '', '', '', ''
FROM students_student s CROSS JOIN assessments_assessment a WHERE a.state_code LIKE 'GROWN%%' ORDER BY s.id, a.id
"""


def fill_scores(years: int) -> int:
    """Five scores a year for each student, in the years up to LAST_YEAR; returns how many were written."""
    parent = Assessment.objects.create(state_code="GROWN", name="Grown")
    Assessment.objects.bulk_create(
        Assessment(state_code=f"GROWN-{n}", name=f"Part {n}", parent=parent) for n in range(1, PARTS)
    )
    springs = range(LAST_YEAR - years + 1, LAST_YEAR + 1)
    make_years(springs)
    return sum(execute(_SCORES, [year, year]) for year in springs)


register_scores(fill_scores)
