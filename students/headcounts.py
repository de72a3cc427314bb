"""How many students are enrolled today, and how many of them have no SSID, by school: sums of changes that triggers write.

Every statement that changes students, SSIDs or enrollments adds its changes as rows and never updates one (migration
0024), so two imports of one school never wait for each other. Readers sum the rows: a few for each school and grade,
whatever the number of students, as long as `compact` is called regularly.
"""

import datetime as dt
from collections.abc import Collection
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

_SETTLED = dt.timedelta(days=7)  # days that are over on every machine's clock
_COMPACT_LOCK = 0x5349_0007


def counted_sql(schools: Collection[int] | None) -> tuple[str, dict[str, Any]]:
    """Condition and parameters of a statement over `students_headcount h` for the counts of today (schools None: all)."""
    within = "" if schools is None else " AND h.school_id = ANY(%(schools)s)"
    params = {"today": timezone.localdate(), "schools": list(schools or ())}
    return f"(h.after IS NULL OR h.after < %(today)s){within}", params


def count_enrolled(schools: Collection[int] | None) -> dict[int, int]:
    """How many students are enrolled today, by school; schools without any are left out."""
    return _sums("students", schools)


def count_without_ssid(schools: Collection[int] | None) -> dict[int, int]:
    """How many of them have no SSID, by school; schools without any are left out."""
    return _sums("without_ssid", schools)


def _sums(column: str, schools: Collection[int] | None) -> dict[int, int]:
    counted, params = counted_sql(schools)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT h.school_id, sum(h.{column}) FROM students_headcount h WHERE {counted}"
            f" GROUP BY h.school_id HAVING sum(h.{column}) > 0",
            params,
        )
        return dict(cursor.fetchall())


# One statement: a concurrent reader sees either all old rows or all new ones. It takes committed rows; rows added in
# the meantime stay for the next time. Changes whose day is over always count.
_COMPACT = """
    WITH gone AS (
      DELETE FROM students_headcount h USING (
        SELECT n.school_id, n.grade, CASE WHEN n.after >= %(settled)s THEN n.after END AS after FROM students_headcount n
        GROUP BY 1, 2, 3 HAVING count(*) > 1 OR bool_or(n.after < %(settled)s)
          OR (sum(n.students) = 0 AND sum(n.without_ssid) = 0)
      ) AS many
      WHERE h.school_id = many.school_id AND h.grade = many.grade
        AND CASE WHEN h.after >= %(settled)s THEN h.after END IS NOT DISTINCT FROM many.after
      RETURNING h.school_id, h.grade, many.after, h.students, h.without_ssid
    )
    INSERT INTO students_headcount (school_id, grade, after, students, without_ssid)
    SELECT school_id, grade, after, sum(students), sum(without_ssid) FROM gone GROUP BY 1, 2, 3
    HAVING sum(students) <> 0 OR sum(without_ssid) <> 0
"""


def compact() -> None:
    """Combine the changes of each school, grade and day. Safe at any time, alongside any writers; no sum changes."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, 0)", [_COMPACT_LOCK])
        if cursor.fetchone() == (True,):
            cursor.execute(_COMPACT, {"settled": timezone.localdate() - _SETTLED})
