"""Good plans for rows that the planner has not met, without measuring the tables that all runs share.

ANALYZE holds a lock that conflicts with itself and with VACUUM, and within a transaction holds it to the end: measured in a
run's transaction, the tables of all runs let one district write at a time. So they are measured after the commit, unless
somebody else is at it. Until then a run that is about to apply a plan asks the planner what it believes, and where that is
far off works from a copy of its own.
"""

import contextlib
import json
from collections.abc import Iterator

from django.db import connection, transaction

from sisimport.imports.engine.sql import execute, fetch_one

LARGE_PLAN = 20_000  # changes; from here on one pass over a table beats as many look-ups
MANY_LINES = 1_000  # the square of it is still nothing
MEASURE_FROM = 500  # rows; fewer are done at once, whatever the plan
FAR_OFF = 8  # so many times more rows than the planner believes
SAMPLE = 25  # of a table's rows some thousand tell the planner all it needs (default_statistics_target)
_PLAN = "run_id, line, seq, part, kind, object_id, student_id"


def measure_after_commit(run_id: int, rows: int) -> None:
    """Measure the tables of all runs, and the partitions of this one, once this transaction, which wrote so many rows into them,
    is committed.

    A table that somebody else measures or cleans up at that moment is left to them.
    """
    if rows > MEASURE_FROM:
        transaction.on_commit(lambda: _measure(run_id), robust=True)


def _measure(run_id: int) -> None:
    with transaction.atomic():
        execute(f"SET LOCAL default_statistics_target = {SAMPLE}")
        execute("SELECT sis_measure_run(%s)", [run_id])  # with the owner's rights: migration 0027


def hash_joins() -> None:
    """For the rest of the transaction: whole tables against each other, never row by row."""
    execute("SET LOCAL enable_nestloop = off")


@contextlib.contextmanager
def hash_joins_only() -> Iterator[None]:
    """For the statements of this block: whole tables against each other, never row by row."""
    (before,) = fetch_one("SELECT current_setting('enable_nestloop')")
    hash_joins()
    yield
    execute(f"SET LOCAL enable_nestloop = {before}")


def joins_for(rows: int) -> contextlib.AbstractContextManager[None]:
    """For statements that join the lines of a file with each other: of many lines never row by row.

    The planner takes most of what is said about a line for rare; in a file of one line a hundred thousand times nothing is.
    """
    return hash_joins_only() if rows > MANY_LINES else contextlib.nullcontext()


@contextlib.contextmanager
def measured_plan(plan_run_id: int) -> Iterator[None]:
    """Within this block the planner knows how many changes the plan has, and `imports_importchange` may mean a copy of them.

    The copy is a temporary table of that name, which PostgreSQL finds first: what reads the plan need not know of it, and
    nothing writes changes while a plan is applied.
    """
    rows = _count(plan_run_id)
    if rows > LARGE_PLAN:
        hash_joins()
    copied = rows > MEASURE_FROM and _believed(plan_run_id) * FAR_OFF < rows
    if copied:
        execute(
            "CREATE TEMP TABLE imports_importchange ON COMMIT DROP AS"
            " SELECT * FROM imports_importchange WHERE run_id = %s",
            [plan_run_id],
        )
        execute(f"ANALYZE pg_temp.imports_importchange ({_PLAN})")
    yield
    if copied:
        execute("DROP TABLE pg_temp.imports_importchange")


def _count(plan_run_id: int) -> int:
    """Changes of the plan, counted no further than matters."""
    (rows,) = fetch_one(
        "SELECT count(*) FROM (SELECT 1 FROM imports_importchange WHERE run_id = %s LIMIT %s) AS c",
        [plan_run_id, LARGE_PLAN + 1],
    )
    return int(rows)


def _believed(plan_run_id: int) -> int:
    """How many changes the planner expects the plan to have."""
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (FORMAT JSON) SELECT FROM imports_importchange WHERE run_id = %s", [plan_run_id])
        (answer,) = cursor.fetchone()
    plan = json.loads(answer) if isinstance(answer, str) else answer
    return int(plan[0]["Plan"]["Plan Rows"])
