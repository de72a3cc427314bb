"""Who has no SSID and is enrolled today: the one answer behind every page, list, request and chart.

Enrolled today is who has a school and has not left: an enrollment without exit date, or with one that is not past; also who has
no enrollment on record at all, since some districts bring none. Those who left are counted nowhere but where a page says so.
"""

import datetime as dt
from collections.abc import Collection
from typing import Any

from django.contrib.postgres.aggregates import BoolOr
from django.db import connection
from django.db.models import BooleanField, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from students.models import Enrollment, WithoutSSID


def _is_here(student: str, today: dt.date | None) -> Coalesce:
    """Condition of one student: asked for each row by an index, so that the first rows of a list come at once."""
    day = today or timezone.localdate()
    stays = Enrollment.objects.filter(student=OuterRef(student)).order_by().values("student")
    here = stays.annotate(here=BoolOr(Q(exit_date__isnull=True) | Q(exit_date__gte=day))).values("here")
    return Coalesce(Subquery(here), Value(True), output_field=BooleanField())


def enrolled_today(students: QuerySet[Any], *, student: str = "pk", today: dt.date | None = None) -> QuerySet[Any]:
    """Those of these rows whose student is enrolled. `student`: the column that holds the student's id."""
    return students.filter(_is_here(student, today), school__isnull=False)


def gone(students: QuerySet[Any], *, student: str = "pk", today: dt.date | None = None) -> QuerySet[Any]:
    """The others: who has left, or has no school."""
    return students.filter(~Q(_is_here(student, today)) | Q(school__isnull=True))


def missing_today(schools: Collection[int] | None) -> QuerySet[WithoutSSID]:
    """Students of these schools (None: all) who are enrolled today and have no current SSID."""
    rows = WithoutSSID.objects.all() if schools is None else WithoutSSID.objects.filter(school_id__in=sorted(schools))
    return enrolled_today(rows)


# ---- counts ----

# The same condition for counts, where all are read: of all students by one look at all enrollments, of some schools by their
# students' own. `%(today)s`: the day.
_HERE = "bool_or(exit_date IS NULL OR exit_date >= %(today)s) AS here"
_STAYS_OF_ALL = (
    f"(SELECT student_id, {_HERE} FROM students_enrollment GROUP BY student_id) AS e ON e.student_id = {{student}}"
)
_STAYS_OF_SOME = f"""
    LATERAL (SELECT student_id, {_HERE} FROM students_enrollment WHERE student_id = {{student}} GROUP BY student_id) AS e ON true
"""


def enrolled_sql(schools: Collection[int] | None, *, row: str, student: str) -> tuple[str, str, dict[str, Any]]:
    """Join, condition and parameters of a statement over `row` that holds those enrolled today at these schools (None: all)."""
    stays = _STAYS_OF_ALL if schools is None else _STAYS_OF_SOME
    join = "LEFT JOIN " + stays.format(student=student)
    within = "" if schools is None else f" AND {row}.school_id = ANY(%(schools)s)"
    params = {"today": timezone.localdate(), "schools": list(schools or ())}
    return join, f"coalesce(e.here, true) AND {row}.school_id IS NOT NULL{within}", params


def count_by_school(schools: Collection[int] | None) -> dict[int, int]:
    """How many have no SSID, by school; schools without any are left out."""
    join, condition, params = enrolled_sql(schools, row="w", student="w.student_id")
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT w.school_id, count(*) FROM students_withoutssid w {join} WHERE {condition} GROUP BY w.school_id",
            params,
        )
        return dict(cursor.fetchall())
