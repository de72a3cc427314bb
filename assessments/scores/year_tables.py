"""Scores have a partition for each school year (migration 0009): which years exist, making them ahead, and dropping
whole years.

Scores that arrive before their year's partition exists go to the default partition and are moved when it is made: no
run waits for a year or fails without one. A statement names its years, so that PostgreSQL reads only their partitions.
"""

import datetime as dt
import logging
from collections.abc import Iterable
from contextlib import suppress

from django.db import DatabaseError, OperationalError, connection, transaction
from django.utils import timezone

from assessments.models import HiddenResults, ResultCount, Score
from assessments.scores.result_counts import raise_versions
from sisimport.audit.models import AuditEntry
from sisimport.audit.writing import Doer, write
from sisimport.imports.engine.sql import execute, fetch_all, fetch_one
from students.school_years import spring_of, year_label

logger = logging.getLogger(__name__)

_YEARS_TABLE = "CREATE TEMP TABLE IF NOT EXISTS plan_years (plan bigint PRIMARY KEY, years smallint[]) ON COMMIT DROP"
_PLAN_YEARS = "SELECT years FROM plan_years WHERE plan = %s"
MEASURE_FROM = 500  # scores; fewer do not matter to the planner


def listed(years: Iterable[int]) -> str:
    """SQL of school years, for `school_year = ANY(...)`: a constant, so that the planner skips the other partitions."""
    return f"'{{{','.join(str(int(year)) for year in sorted(set(years)))}}}'::smallint[]"


def years_of_lines() -> list[int]:
    """School years of the checked lines that have scores."""
    return [year for (year,) in fetch_all("SELECT DISTINCT school_year FROM checked_line WHERE scores <> ''")]


def rows_believed(year: int) -> int:
    """How many scores the planner believes are on record in this school year."""
    names = [f"{Score._meta.db_table}_{int(year)}", f"{Score._meta.db_table}_rest"]
    (rows,) = fetch_one(
        "SELECT coalesce(sum(greatest(reltuples, 0)), 0) FROM pg_class WHERE relname = ANY(%s)", [names]
    )
    return int(rows)


def keep_years_of_plan(plan_run_id: int, years: Iterable[int]) -> None:
    """Keep the years of a plan just made, should this transaction apply it."""
    execute(_YEARS_TABLE)
    execute("INSERT INTO plan_years VALUES (%s, %s)", [plan_run_id, list(years)])


def years_of_plan(plan_run_id: int, kind: str) -> list[int]:
    """School years of a plan that is being applied, looked up once per transaction: nothing writes to a plan in the
    meantime."""
    execute(_YEARS_TABLE)
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
    """Make partitions for these years, for this year and the next, and for scores still in the default one; returns how
    many.

    Its locks end with its own transaction: inside another transaction nothing is made. Raises DatabaseError if it
    cannot get them within a second: the next caller makes the year.
    """
    if connection.in_atomic_block:
        return 0
    this = spring_of(timezone.localdate())
    with transaction.atomic():
        (made,) = fetch_one("SELECT sis_make_score_years(%s)", [[*years, this, this + 1]])
    return int(made)


def make_room(years: Iterable[int] = ()) -> None:
    """Like `make_years`, but no error if it cannot be made just now."""
    with suppress(DatabaseError):
        make_years(years)


def measure_after_commit(years: Iterable[int], scores: int) -> None:
    """Analyze the scores of these years for the planner once this transaction, which wrote so many of them, is
    committed."""
    if scores > MEASURE_FROM:
        wanted = sorted(set(years))
        transaction.on_commit(lambda: _measure(wanted), robust=True)


def _measure(years: list[int]) -> None:
    with transaction.atomic():
        execute("SET LOCAL default_statistics_target = 25")
        execute("SELECT sis_measure_scores(%s)", [years])


# ---- dropped ----


def remove_old(before: dt.datetime, dry_run: bool) -> int:
    """Drop the scores of school years that ended before this moment, and their counts; returns how many years."""
    last_day = timezone.localdate(before)
    over = [year for year in sorted(_standing()) if dt.date(year, 6, 30) < last_day]
    return len(over) if dry_run else sum(_drop(year) for year in over)


def _standing() -> set[int]:
    """Years with scores or counts; a year without any is not reported."""
    return {year for (year,) in fetch_all("SELECT sis_score_years()") if _holds_scores(year)} | set(
        ResultCount.objects.values_list("school_year", flat=True).distinct()
    )


def _holds_scores(year: int) -> bool:
    return bool(fetch_all(f"SELECT 1 FROM assessments_score WHERE school_year = {int(year)} LIMIT 1"))


def _drop(year: int) -> bool:
    """Drop the partition and the counts and record it, all or nothing: while another process works on scores, the year
    stays until the next purge."""
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
