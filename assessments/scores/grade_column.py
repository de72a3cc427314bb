"""Grades of another year, such as the grade enrolled, in the column of the grade tested: each value alone is a valid one.

    within the file     levels and scale scores go by the thresholds of the grade below (or above) in nearly all lines, and not by
                        those of their own
    against the record  many students are a year too young (or too old) for their grade in the file, and on record they are not
    no grade at all     in scored lines, which the state's files never have

Grade and age: a student in kindergarten is five on September 1, one in grade 1 six, and so on. Until 2014 the day was later, up
to December 2, so a quarter of the students could be younger.
"""

from typing import Final

from django.utils import timezone

from assessments.models import ScoreRange, ScoreRow
from assessments.scores.change_kinds import SCORES
from assessments.scores.first_look import seen
from assessments.scores.repeats import SCORED
from assessments.structure import school_year
from sisimport.files.issues import FileError
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.engine.file_issues import report_on_file
from sisimport.imports.engine.sql import fetch_one
from students.school_years import spring_of

ROWS: Final = ScoreRow._meta.db_table
_FEWEST: Final = 10  # lines; with fewer, chance or one odd class decides
_FEWEST_MISFITS: Final = 4
_FEWEST_MOVED: Final = 8  # where a column was sorted or shifted, half of such lines fit the other grade
_NEARLY_ALL, _OWN = 0.95, 0.9  # of the lines: fit the other grade, at most fit their own
# Of the students are off by a year in the file and have the age of their grade on record. Before the records move to the next
# year in summer, and once students left, they have another age there, and only most students of a file tell. A grade too low may
# also be that of students who were held back and are ahead since, as they seem where records move in June.
_MOST: Final = 0.7
_MANY: Final = {1: 0.1, -1: 0.25}
_FIVE: Final = 5  # years old in kindergarten
_WAYS: Final = {1: "one grade above", -1: "one grade below"}


def look_at_grades(context: RunContext, some: str, *, compared: bool) -> None:
    """Warn if the column of the grade tested holds the grades of another year; raises FileError if it would replace scores on
    record. `some`: SQL that limits the lines looked at."""
    assert context.layout is not None  # noqa: S101 - a staged file has one
    fall = school_year(context.layout.key) - 1
    lines, aged, *by_way = fetch_one(_lines_sql(some, fall))
    _tell_blank_grades(context)
    for at, (way, words) in enumerate(_WAYS.items()):
        with_thresholds, own, other, moved, off = by_way[at * 5 : at * 5 + 5]
        why = ""
        if (
            with_thresholds >= _FEWEST
            and with_thresholds - own >= _FEWEST_MISFITS
            and own <= _OWN * with_thresholds
            and other >= _NEARLY_ALL * with_thresholds
        ):
            why = f"{other:,} of {with_thresholds:,} scale scores and levels go by the thresholds of the other grade"
        elif moved >= _FEWEST_MOVED and moved >= _NEARLY_ALL * (with_thresholds - own):
            why = f"{moved:,} scale scores and levels that do not go by the thresholds of their grade go by those of the other"
        elif off >= _FEWEST and off >= _MANY[way] * aged:
            right, other = _on_record(some, fall, way)
            if right + other >= _FEWEST and (right >= _MANY[way] * aged or right + other >= _MOST * aged):
                why = f"by the birth dates, {right + other:,} of {aged:,} lines are of students who were in the other grade"
        if not why:
            continue
        params = {"way": words, "why": why, "count": f"{lines:,}"}
        if compared and _replaced(context) >= _FEWEST:
            raise FileError("EXC-FILE-GRADES", params=params)
        report_on_file(context, "EXC-GRADES", field="grade_assessed", params=params)
        return


def _tell_blank_grades(context: RunContext) -> None:
    """Lines whose grade could not be read have been told already."""
    if not seen(context).ungraded:
        return
    count, first = fetch_one(
        f"""
        SELECT count(*), min(r.line) FROM {ROWS} r WHERE {SCORED} AND r.grade_assessed = '' AND NOT EXISTS (
          SELECT 1 FROM imports_importissue i WHERE i.run_id = %s AND i.line = r.line AND i.field = 'grade_assessed')
        """,
        [context.run.pk],
    )
    if count:
        params = {"count": f"{count:,}", "first": f"{first:,}"}
        report_on_file(context, "EXC-GRADE-BLANK", field="grade_assessed", params=params)


def _lines_sql(some: str, fall: int) -> str:
    """SQL: scored lines with a grade, those with a birth date too, and for each way (the file's grade is one above the right one,
    or one below): lines whose own and other grade have thresholds, how many fit their own, how many the other, how many the
    other only, and how many students have the age of the other."""
    expressions = []
    for way, other in ((1, "below"), (-1, "above")):
        both = f"own.lowest IS NOT NULL AND {other}.lowest IS NOT NULL"
        expressions += [
            f"count(*) FILTER (WHERE {both})",
            f"count(*) FILTER (WHERE {both} AND {_fits('own')})",
            f"count(*) FILTER (WHERE {both} AND {_fits(other)})",
            f"count(*) FILTER (WHERE {both} AND NOT {_fits('own')} AND {_fits(other)})",
            f"count(*) FILTER (WHERE age - g = {_FIVE - way})",
        ]
    table = ScoreRange._meta.db_table
    joins = " ".join(
        f"LEFT JOIN {table} {name} ON {name}.record_type = q.record_type AND {name}.level_2 IS NOT NULL"
        f" AND {name}.level_3 IS NOT NULL AND {name}.grade = lpad((q.g + {step})::text, 2, '0')"
        for name, step in (("own", 0), ("below", -1), ("above", 1))
    )
    return f"""
        WITH q AS MATERIALIZED (
          SELECT r.record_type, {_GRADE} AS g, {_age(f"date '{fall}-09-01'", "r.birth_date")} AS age,
            CASE WHEN r.scale_score ~ '^[0-9]{{1,4}}$' THEN r.scale_score::int END AS score,
            CASE WHEN r.achievement_level ~ '^0?[1-4]$' THEN r.achievement_level::int END AS level
          FROM {ROWS} r {some} WHERE {SCORED})
        SELECT count(g), count(age - g), {", ".join(expressions)} FROM q {joins}
    """


_GRADE: Final = (
    "CASE WHEN r.grade_assessed ~ '^(0?[1-9]|1[0-2])$' THEN r.grade_assessed::int"
    " WHEN r.grade_assessed = 'KN' THEN 0 END"
)


def _fits(name: str) -> str:
    """SQL: score and level go by these thresholds; a line without either tells nothing against them."""
    level = (
        f"CASE WHEN score >= {name}.level_4 THEN 4 WHEN score >= {name}.level_3 THEN 3 WHEN score >= {name}.level_2 THEN 2"
        " ELSE 1 END"
    )
    return f"coalesce(score BETWEEN {name}.lowest AND {name}.highest AND level = {level}, true)"


def _age(day: str, birth: str) -> str:
    return f"extract(year FROM age({day}, {birth}))::int"


def _on_record(some: str, fall: int, way: int) -> tuple[int, int]:
    """Lines of students who are a year off for their grade in the file: how many have the age of their grade on record, and how
    many have another there, but not that of the file."""
    now = spring_of(timezone.localdate()) - 1
    grade = "CASE WHEN s.grade ~ '^(0[1-9]|1[0-2])$' THEN s.grade::int WHEN s.grade = 'KN' THEN 0 END"
    right, other = fetch_one(
        f"""
        SELECT count(*) FILTER (WHERE d = {_FIVE}), count(*) FILTER (WHERE d NOT IN ({_FIVE}, {_FIVE - way})) FROM (
          SELECT {_age(f"date '{now}-09-01'", "s.birth_date")} - {grade} AS d FROM {ROWS} r {some}
          JOIN students_ssid h ON h.state = r.state AND h.ssid = r.ssid JOIN students_student s ON s.id = h.student_id
          WHERE {SCORED} AND {_age(f"date '{fall}-09-01'", "r.birth_date")} - {_GRADE} = {_FIVE - way}) AS q
        """
    )
    return int(right), int(other)


def _replaced(context: RunContext) -> int:
    """How many lines would replace scores on record."""
    changes = f"imports_importchange c WHERE c.run_id = %s AND c.kind = '{SCORES}' AND c.before IS NOT NULL"
    (count,) = fetch_one(f"SELECT count(*) FROM {changes}", [context.run.pk])
    return int(count)
