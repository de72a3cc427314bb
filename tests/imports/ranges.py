"""Which partitions the plans of statements read, as PostgreSQL explains them when they are executed."""

import json
import re
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connection

from sisimport.imports.models import ImportChange, ImportIssue, SetAside

DIVIDED = [model._meta.db_table for model in (ImportChange, ImportIssue, SetAside)]


@contextmanager
def partitions_read(tables: Collection[str] = DIVIDED) -> Iterator[dict[str, set[str]]]:
    """Statements that name a divided table, with the partitions of it that their plans read."""
    found: dict[str, set[str]] = {}

    def watch(run: Any, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if any(table in sql for table in tables) and re.match(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)", sql):
            with connection.connection.cursor() as beside:
                beside.execute(f"EXPLAIN (FORMAT JSON) {context['cursor'].mogrify(sql, params) if params else sql}")
                (plan,) = beside.fetchone()
            read = _relations(json.loads(plan) if isinstance(plan, str) else plan, tables)
            found.setdefault(sql, set()).update(read)
        return run(sql, params, many, context)

    with connection.execute_wrapper(watch):
        yield found


def of_several_ranges(found: dict[str, set[str]]) -> dict[str, set[str]]:
    """Those of them that read more than one partition of a table."""
    return {sql: names for sql, names in found.items() if any(_of(names, table) > 1 for table in DIVIDED)}


def _of(names: set[str], table: str) -> int:
    return sum(name.startswith(f"{table}_") for name in names)


def _relations(plan: Any, tables: Collection[str]) -> Iterator[str]:
    if isinstance(plan, dict):
        name = plan.get("Relation Name", "")
        if plan.get("Operation") != "Insert" and any(name.startswith(f"{table}_") for table in tables):
            yield name
        plan = list(plan.values())
    if isinstance(plan, list):
        for part in plan:
            yield from _relations(part, tables)


@contextmanager
def committed_when_awaited(session: psycopg.Connection, kind: str) -> Iterator[None]:
    """Commit the transaction of the session as soon as somebody waits for a lock of it: `advisory`, or `relation`, a table's."""
    over = threading.Event()
    awaited: set[str] = set()

    def commit() -> None:
        while not over.is_set() and not awaited & {kind, "relation"}:  # whoever waits for a table would wait forever
            awaited.update(kind for (kind,) in session.execute(_AWAITED, [session.info.backend_pid]))
            over.wait(0.01)
        session.execute("COMMIT")

    watching = threading.Thread(target=commit)
    watching.start()
    try:
        yield
    finally:
        over.set()
        watching.join()
    assert kind in awaited, f"waited for: {awaited}"


_AWAITED = "SELECT locktype FROM pg_locks WHERE NOT granted AND %s = ANY(pg_blocking_pids(pid))"
