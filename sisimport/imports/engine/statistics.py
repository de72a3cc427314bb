"""Good query plans for rows that the planner has no statistics on, without measuring the tables that all runs share.

ANALYZE takes a lock that conflicts with itself and with VACUUM, and keeps it to the end of the transaction: if a run's
transaction measured the shared tables, only one district could write at a time. So they are measured after the commit, unless
another session is doing so. Until then, a run about to apply a plan asks the planner for its estimate, and if that is far off,
works from a copy of its own.
"""

import contextlib
import json
from collections.abc import Iterator

from django.db import connection, transaction

from sisimport.imports.engine.sql import execute, fetch_one

LARGE_PLAN = 20_000  # changes; from here on, one pass over a table beats that many look-ups
MANY_LINES = 1_000  # its square is still a small number
MEASURE_FROM = 500  # rows; fewer are quick under any plan
FAR_OFF = 8  # times as many rows as the planner expects
SAMPLE = 25  # a few thousand rows of a table tell the planner enough (default_statistics_target)
OWN_SAMPLE = 5  # of a run's temporary tables: they are read as a whole, joined by unique numbers
_PLAN = "run_id, line, seq, part, kind, object_id, student_id"


def measure_after_commit(run_id: int, rows: int) -> None:
    """Measure the tables of all runs, and this run's partitions, after this transaction, which wrote `rows` rows, is committed.

    A table that another session is analyzing or vacuuming at that moment is skipped.
    """
    if rows > MEASURE_FROM:
        transaction.on_commit(lambda: _measure(run_id), robust=True)


def _measure(run_id: int) -> None:
    with transaction.atomic():
        execute(f"SET LOCAL default_statistics_target = {SAMPLE}")
        execute("SELECT sis_measure_run(%s)", [run_id])  # runs with the owner's rights: migration 0027


def hash_joins() -> None:
    """For the rest of the transaction: join whole tables, never row by row."""
    execute("SET LOCAL enable_nestloop = off")


@contextlib.contextmanager
def hash_joins_only() -> Iterator[None]:
    """For the statements of this block: join whole tables, never row by row."""
    (before,) = fetch_one("SELECT current_setting('enable_nestloop')")
    hash_joins()
    yield
    execute(f"SET LOCAL enable_nestloop = {before}")


def joins_for(rows: int) -> contextlib.AbstractContextManager[None]:
    """For statements that join the lines of a file with each other: many lines are never joined row by row.

    The planner assumes that most conditions on a line are rare; in a file of one line repeated a hundred thousand times, none is.
    """
    return hash_joins_only() if rows > MANY_LINES else contextlib.nullcontext()


@contextlib.contextmanager
def measured_plan(plan_run_id: int) -> Iterator[None]:
    """Within this block the planner knows how many changes the plan has; `imports_importchange` may then be a copy of them.

    The copy is a temporary table of that name, which PostgreSQL finds first: code that reads the plan need not know about it, and
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
        execute("CREATE INDEX ON pg_temp.imports_importchange (kind) WHERE line = 0")  # few; asked for again and again
        execute(f"ANALYZE pg_temp.imports_importchange ({_PLAN})")
    yield
    if copied:
        execute("DROP TABLE pg_temp.imports_importchange")


def _count(plan_run_id: int) -> int:
    """The number of changes in the plan, counted only as far as it matters."""
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
