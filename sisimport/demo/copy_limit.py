"""The cost of writing a job's rows with COPY only: the limit that its time is compared with.

Only rows that the run itself wrote are copied, identified by their transaction: earlier rows of a table are not part of
the job. The limit is measured once after each run of the job, so that both are affected by the same other load on the
machine.
"""

import tempfile
import time
from collections.abc import Iterable
from typing import Any

from django.db import connection, transaction

from sisimport.imports.engine.sql import execute, fetch_all, fetch_one, quoted

_CHUNK = 1 << 18

# WHERE of the tables of records: rows made since the job began.
WRITTEN = "WHERE xmin::text::bigint >= %(since)s"
# What every run writes besides its records, in writing order.
JOURNAL = (
    ("imports_importchange", "WHERE run_id = %(plan)s ORDER BY student_id"),
    ("imports_importissue", "WHERE run_id = %(plan)s ORDER BY line, seq"),
)


def this_moment() -> int:
    """The current transaction number: rows made later have a higher one. Valid for databases with fewer than 4 billion
    of them."""
    (number,) = fetch_one("SELECT pg_current_xact_id()::text::bigint & 4294967295")
    return int(number)


def copy_limit(tables: Iterable[tuple[str, str]], *, plan: int, since: int) -> dict[str, dict[str, float]]:
    """For each (table, WHERE and ORDER BY): its rows, and the seconds that COPY needs for them.

    They go into an empty table with the same indexes and constraints.
    """
    chosen = {"plan": int(plan), "since": int(since)}
    return {table: _copied(table, where % chosen) for table, where in tables}


def _copied(table: str, where: str) -> dict[str, float]:
    columns = ", ".join(
        quoted(name)
        for (name,) in fetch_all(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = %s"
            " AND is_generated = 'NEVER' ORDER BY ordinal_position",
            [table],
        )
    )
    foreign_keys = [
        definition
        for (definition,) in fetch_all(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'f'",
            [table],
        )
    ]
    with tempfile.TemporaryFile() as rows, connection.cursor() as cursor:
        with cursor.copy(f"COPY (SELECT {columns} FROM {quoted(table)} {where}) TO STDOUT") as out:
            for block in out:
                rows.write(block)
        rows.seek(0)
        return _into_an_empty_table(table, columns, foreign_keys, rows)


def _into_an_empty_table(table: str, columns: str, foreign_keys: list[str], rows: Any) -> dict[str, float]:
    execute(f"CREATE TABLE copy_limit (LIKE {quoted(table)} INCLUDING ALL)")
    try:
        for definition in foreign_keys:
            execute(f"ALTER TABLE copy_limit ADD {definition}")
        started = time.perf_counter()
        with transaction.atomic(), connection.cursor() as cursor:
            with cursor.copy(f"COPY copy_limit ({columns}) FROM STDIN") as into:
                while block := rows.read(_CHUNK):
                    into.write(block)
            count = cursor.rowcount
        return {"rows": count, "seconds": time.perf_counter() - started}
    finally:
        execute("DROP TABLE copy_limit")
