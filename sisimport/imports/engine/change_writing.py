"""Writes the changes that still hold, one statement for each kind and operation."""

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


def _chosen(work: Plan, kind: ChangeKind, operation: str, *, aside: bool) -> tuple[str, list[Any]]:
    """WHERE of the changes to write."""
    sql = f"c.run_id = %s AND {of_kind(kind)} AND {OPERATION_SQL[operation]}"
    params: list[Any] = [work.plan_run_id]
    if aside:
        sql += " AND NOT EXISTS (SELECT 1 FROM imports_setaside a WHERE a.run_id = %s AND a.line = c.line AND a.seq = c.seq)"
        params.append(work.run.pk)
    return sql, params


def create_rows(work: Plan, kind: ChangeKind, *, aside: bool) -> None:
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
    execute(
        f"INSERT INTO {quoted(kind.table)} ({', '.join(map(quoted, columns))})"
        f" SELECT {', '.join(columns.values())} FROM imports_importchange c WHERE {where}"
        " ORDER BY c.student_id, c.line, c.seq",
        [*params, *where_params],
    )


def update_rows(work: Plan, kind: ChangeKind, *, aside: bool) -> None:
    assignments = ", ".join(
        f"{quoted(name)} = CASE WHEN jsonb_exists(c.after, '{name}') THEN {value_sql(kind, name, 'after')}"
        f" ELSE t.{quoted(name)} END"
        for name in kind.fields
    )
    where, params = _chosen(work, kind, UPDATE, aside=aside)
    execute(
        f"UPDATE {quoted(kind.table)} t SET {assignments} FROM imports_importchange c"
        f" WHERE t.{quoted(kind.pk)} = c.object_id AND {where}",
        params,
    )


def remove_rows(work: Plan, kind: ChangeKind, *, aside: bool) -> None:
    where, params = _chosen(work, kind, REMOVE, aside=aside)
    for model, f in pointing_here(kind):
        if lets_go(f):
            column = quoted(str(f.column))
            execute(
                f"UPDATE {quoted(model._meta.db_table)} r SET {column} = NULL FROM imports_importchange c"
                f" WHERE r.{column} = c.object_id AND {where}",
                params,
            )
    execute(
        f"DELETE FROM {quoted(kind.table)} t USING imports_importchange c WHERE t.{quoted(kind.pk)} = c.object_id AND {where}",
        params,
    )
