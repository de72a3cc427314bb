"""Writes the changes that still hold, one statement for each kind and operation, or for all operations of a kind."""

from collections.abc import Sequence
from typing import Any

from sisimport.imports.definition.change_kinds import ChangeKind
from sisimport.imports.engine.change_sql import (
    CREATE,
    OPERATION_SQL,
    REMOVE,
    UPDATE,
    Plan,
    new_value_sql,
    of_kind,
    value_sql,
)
from sisimport.imports.engine.set_aside import lets_go, pointing_here
from sisimport.imports.engine.sql import execute, quoted

Write = tuple[str, list[Any]]  # a statement with a WHERE, which its last conditions belong to, and {after} there


def write_rows(writes: Sequence[Write]) -> None:
    """Execute these writes to one table in order, as one statement: each is complete before the next begins."""
    *first, (last, params) = [
        (sql.replace("{after}", _after(number)), params) for number, (sql, params) in enumerate(writes)
    ]
    ahead = ", ".join(f"write{number} AS ({sql} RETURNING 1)" for number, (sql, _params) in enumerate(first))
    execute(
        f"WITH {ahead} {last}" if ahead else last, [*(value for _sql, values in first for value in values), *params]
    )


def _after(number: int) -> str:
    """Condition that is always true, and known only when the write before is complete."""
    return f" AND (SELECT count(*) FROM write{number - 1}) >= 0" if number else ""


def _chosen(work: Plan, kind: ChangeKind, operation: str, *, aside: bool) -> tuple[str, list[Any]]:
    """WHERE of the changes to write."""
    sql = f"c.run_id = %s AND {of_kind(kind)} AND {OPERATION_SQL[operation]}"
    params: list[Any] = [work.plan_run_id]
    if aside:
        sql += " AND NOT EXISTS (SELECT 1 FROM imports_setaside a WHERE a.run_id = %s AND a.line = c.line AND a.seq = c.seq)"
        params.append(work.run.pk)
    return sql, params


def creating(work: Plan, kind: ChangeKind, *, aside: bool) -> Write:
    columns: dict[str, str] = {}
    params: list[Any] = []
    columns[kind.pk] = "c.object_id"
    if kind.student_column:
        columns[kind.student_column] = "c.student_id"
    for name in kind.fields:
        columns[name] = new_value_sql(kind, name)
    for name, source in kind.provenance.items():
        columns[name] = {"run": str(int(work.run.pk)), "line": "c.line", "now": "now()"}[source]
    where, where_params = _chosen(work, kind, CREATE, aside=aside)
    return (
        (
            f"INSERT INTO {quoted(kind.table)} ({', '.join(map(quoted, columns))})"
            f" SELECT {', '.join(columns.values())} FROM imports_importchange c WHERE {where}{{after}}"
            " ORDER BY c.student_id, c.line, c.seq"
        ),
        [*params, *where_params],
    )


def updating(work: Plan, kind: ChangeKind, *, aside: bool) -> Write:
    assignments = ", ".join(
        f"{quoted(name)} = CASE WHEN jsonb_exists(c.after, '{name}') THEN {value_sql(kind, name, 'after')}"
        f" ELSE t.{quoted(name)} END"
        for name in kind.fields
    )
    where, params = _chosen(work, kind, UPDATE, aside=aside)
    return (
        (
            f"UPDATE {quoted(kind.table)} t SET {assignments} FROM imports_importchange c"
            f" WHERE t.{quoted(kind.pk)} = c.object_id AND {where}{{after}}"
        ),
        params,
    )


def removing(work: Plan, kind: ChangeKind, *, aside: bool) -> Write:
    where, params = _chosen(work, kind, REMOVE, aside=aside)
    return (
        (
            f"DELETE FROM {quoted(kind.table)} t USING imports_importchange c"
            f" WHERE t.{quoted(kind.pk)} = c.object_id AND {where}{{after}}"
        ),
        params,
    )


def let_go(work: Plan, kind: ChangeKind, *, aside: bool) -> None:
    """Rows that survive the removal of those that they point at."""
    where, params = _chosen(work, kind, REMOVE, aside=aside)
    for model, f in pointing_here(kind):
        if lets_go(f):
            column = quoted(str(f.column))
            execute(
                f"UPDATE {quoted(model._meta.db_table)} r SET {column} = NULL FROM imports_importchange c"
                f" WHERE r.{column} = c.object_id AND {where}",
                params,
            )
