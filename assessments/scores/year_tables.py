"""Scores are in a partition for each school year (migration 0009): which years there are, made ahead, and dropped as a whole.

What comes before its year is made is in the rest of the table and is moved when it is: no run waits for a year or fails for
want of one. A statement says the years it is about, so that PostgreSQL reads their partitions alone.
"""

import datetime as dt
import logging
from collections.abc import Iterable
from contextlib import suppress

from django.db import DatabaseError, OperationalError, connection, transaction
from django.utils import timezone

from assessments.models import HiddenResults, ResultCount
from assessments.scores.result_counts import raise_versions
from sisimport.audit.models import AuditEntry
from sisimport.audit.writing import Doer, write
from sisimport.imports.engine.sql import execute, fetch_all, fetch_one
from students.school_years import spring_of, year_label

logger = logging.getLogger(__name__)

_PLAN_YEARS = "SELECT years FROM plan_years WHERE plan = %s"
MEASURE_FROM = 500  # scores; of fewer the planner need not hear


def listed(years: Iterable[int]) -> str:
    """SQL of school years, for `school_year = ANY(...)`: a constant, by which the planner leaves the other partitions out."""
    return f"'{{{','.join(str(int(year)) for year in sorted(set(years)))}}}'::smallint[]"


def years_of_lines() -> list[int]:
    """School years of the checked lines that have scores."""
    return [year for (year,) in fetch_all("SELECT DISTINCT school_year FROM checked_line WHERE scores <> ''")]


def years_of_plan(plan_run_id: int, kind: str) -> list[int]:
    """School years of a plan that is being applied, looked up once in a transaction: nothing writes to a plan meanwhile."""
    execute("CREATE TEMP TABLE IF NOT EXISTS plan_years (plan bigint PRIMARY KEY, years smallint[]) ON COMMIT DROP")
    if not (found := fetch_all(_PLAN_YEARS, [plan_run_id])):
        execute(
            """
            INSERT INTO plan_years SELECT %s, coalesce(array_agg(q.year), '{}') FROM (
              SELECT DISTINCT (coalesce(c.after, c.before)->>'school_year')::smallint AS year FROM imports_importchange c
              WHERE c.run_id = %s AND c.kind = %s) AS q
            """,
            [plan_run_id, plan_run_id, kind],
        )
        found = fetch_all(_PLAN_YEARS, [plan_run_id])
    return list(found[0][0])


# ---- made ahead ----


def make_years(years: Iterable[int] = ()) -> int:
    """Make the partitions of these years, of this one and the next, and of what is in no year; returns how many were made.

    Its locks end with its own transaction: within somebody else's nothing is made. Raises DatabaseError where it cannot have
    them within a second: whoever looks next makes the year.
    """
    if connection.in_atomic_block:
        return 0
    this = spring_of(timezone.localdate())
    with transaction.atomic():
        (made,) = fetch_one("SELECT sis_make_score_years(%s)", [[*years, this, this + 1]])
    return int(made)


def make_room(years: Iterable[int] = ()) -> None:
    """The same, whether or not it can be made just now."""
    with suppress(DatabaseError):
        make_years(years)


def measure_after_commit(years: Iterable[int], scores: int) -> None:
    """Have the planner know the scores of these years once this transaction, which wrote so many of them, is committed."""
    if scores > MEASURE_FROM:
        wanted = sorted(set(years))
        transaction.on_commit(lambda: _measure(wanted), robust=True)


def _measure(years: list[int]) -> None:
    with transaction.atomic():
        execute("SET LOCAL default_statistics_target = 25")
        execute("SELECT sis_measure_scores(%s)", [years])


# ---- dropped ----


def remove_old(before: dt.datetime, dry_run: bool) -> int:
    """Drop the scores of school years that ended before this moment, and what is counted of them; how many years that is."""
    last_day = timezone.localdate(before)
    over = [year for year in sorted(_standing()) if dt.date(year, 6, 30) < last_day]
    return len(over) if dry_run else sum(_drop(year) for year in over)


def _standing() -> set[int]:
    """Years of which there are scores or counts; a year without any is not reported."""
    return {year for (year,) in fetch_all("SELECT sis_score_years()") if _holds_scores(year)} | set(
        ResultCount.objects.values_list("school_year", flat=True).distinct()
    )


def _holds_scores(year: int) -> bool:
    return bool(fetch_all(f"SELECT 1 FROM assessments_score WHERE school_year = {int(year)} LIMIT 1"))


def _drop(year: int) -> bool:
    """The partition, the counts and the entry that says so, all at once or nothing: while somebody is at work on scores, the
    year stays until the next purge."""
    try:
        with transaction.atomic():
            counted = ResultCount.objects.filter(school_year=year)
            execute("SET LOCAL lock_timeout = '1s'")
            fetch_one("SELECT sis_drop_score_year(%s)", [year])
            execute("CREATE TEMP TABLE dropped_counts ON COMMIT DROP AS SELECT * FROM assessments_resultcount LIMIT 0")
            execute("INSERT INTO dropped_counts SELECT * FROM assessments_resultcount WHERE school_year = %s", [year])
            raise_versions("dropped_counts")
            execute("DROP TABLE dropped_counts")
            counted.delete()
            HiddenResults.objects.filter(school_year=year).delete()
            write(AuditEntry.Kind.ERASED, Doer(place="purge"), subject=f"scores of the school year {year_label(year)}")
    except OperationalError:
        return False
    logger.info("dropped the scores of a school year: %s", year_label(year))
    return True
