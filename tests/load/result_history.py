"""Scores of a district over the years, written by the database itself: what pages of results are measured with.

Every student has two tests a year with two parts each, every fifth a third one with three: 400,000 scores a year of 60,000
students. Grades rise from year to year, schools stay, and results move up and down. Counted by the product's own count.
"""

from django.db import connection

from assessments.models import Assessment
from assessments.scores.result_counts import recount_all
from assessments.structure import structure

LAST_YEAR = 2025
TESTS = {
    "SBELA": ("SBELA-R", "SBELA-W"),
    "SBMATH": ("SBMATH-CP", "SBMATH-PS"),
    "ELPACS": ("ELPACS-A", "ELPACS-B", "ELPACS-C"),
}
_EVERY_FIFTH = "ELPACS"
# Who was tested, as the score keeps it (see scores/as_tested.py), the same every year.
_STUDENTS = """
    CREATE TEMPORARY TABLE tested AS
    SELECT s.id, concat_ws(',', lpad(l.code, 7, '0'), lpad(c.code, 7, '0'), lpad(c.code, 7, '0'), 'Y', s.gender,
        (ARRAY['500','500','500','500','700','700','200','600','400','800','100','300'])[1 + n.n %% 12],
        (ARRAY['EO','EO','EO','EO','EO','EL','EL','RFEP','RFEP','IFEP'])[1 + n.n / 12 %% 10],
        (ARRAY['Y','N'])[1 + n.n / 120 %% 2], CASE WHEN n.n / 240 %% 7 = 0 THEN 'Y' ELSE 'N' END,
        CASE WHEN n.n / 1680 %% 20 = 0 THEN 'Y' ELSE 'N' END, CASE WHEN n.n / 33600 %% 50 = 0 THEN 'Y' ELSE 'N' END,
        CASE WHEN n.n / 7 %% 25 = 0 THEN 'Y' ELSE 'N' END, CASE WHEN n.n / 11 %% 16 = 0 THEN 'Y' ELSE 'N' END) AS facts
    FROM students_student s JOIN students_lea l ON l.id = s.lea_id JOIN students_school c ON c.id = s.school_id
    CROSS JOIN LATERAL (SELECT hashint8(s.id * 7) & 2147483647 AS n) AS n
"""
_SCORES = """
    INSERT INTO assessments_score (student_id, assessment_id, school_year, date, line, run_id, scale_score, raw_score, result,
      grade, status, error_band, measure, uin, as_tested)
    SELECT t.id, a.id, %(year)s, make_date(%(year)s, 4, 15), t.id, NULL,
      CASE WHEN a.parent_id IS NULL THEN (2300 + n.n %% 500)::text ELSE '' END, '',
      (1 + n.n %% 500 / 125)::text, (ARRAY['03','04','05','06','07','08','11'])[1 + (t.id + %(year)s) %% 7], '', '', '', '',
      CASE WHEN a.parent_id IS NULL THEN t.facts ELSE '' END
    FROM tested t CROSS JOIN assessments_assessment a
    CROSS JOIN LATERAL (SELECT hashint8(t.id * 31 + a.id * 7 + %(year)s) & 2147483647 AS n) AS n
    WHERE a.id = ANY(%(setups)s) OR (a.id = ANY(%(few)s) AND t.id %% 5 = 0)
    ORDER BY t.id, a.id
"""


def remember_results(years: int) -> int:
    """Scores of all students there are, in the school years up to LAST_YEAR; how many there are."""
    setups = {code: _set_up(code, parts) for code, parts in TESTS.items()}
    few = setups.pop(_EVERY_FIFTH)
    all_take = [pk for pks in setups.values() for pk in pks]
    with connection.cursor() as cursor:
        cursor.execute(_STUDENTS % ())
        for year in range(LAST_YEAR - years + 1, LAST_YEAR + 1):
            cursor.execute(_SCORES, {"year": year, "setups": all_take, "few": few})
        cursor.execute("DROP TABLE tested")
        recount_all()
        cursor.execute("SELECT count(*) FROM assessments_score")
        (count,) = cursor.fetchone()
    return int(count)


def _set_up(code: str, parts: tuple[str, ...]) -> list[int]:
    results = [{"code": f"{n}", "name": f"Level {n}", "passing": n > 2} for n in (4, 3, 2, 1)]
    parent = Assessment.objects.create(state_code=code, name=str(structure()["tests"][code]["name"]), results=results)
    children = [Assessment(state_code=part, name=part, parent=parent) for part in parts]
    return [parent.pk, *(child.pk for child in Assessment.objects.bulk_create(children))]


def forget_results() -> None:
    """Remove what `remember_results` wrote."""
    with connection.cursor() as cursor:
        cursor.execute(
            "TRUNCATE assessments_score, assessments_resultcount, assessments_resultversion, assessments_hiddenresults,"
            " assessments_assessment RESTART IDENTITY CASCADE"
        )
