"""Which partitions the plans of statements read, asked of PostgreSQL as they are executed."""

import json
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

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
