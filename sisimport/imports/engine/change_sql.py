"""The SQL of one kind of change: its values, what it compares, and which constraints it may meet."""

import re
from dataclasses import dataclass

from django.db import models

from sisimport.imports.definition.change_kinds import ChangeKind, get_kind
from sisimport.imports.engine.sql import column_type, model_field, quoted
from sisimport.imports.models import ImportRun

CREATE, UPDATE, REMOVE = "create", "update", "remove"
OPERATION_SQL = {
    CREATE: "c.before IS NULL",
    UPDATE: "c.before IS NOT NULL AND c.after IS NOT NULL",
    REMOVE: "c.after IS NULL",
}


@dataclass(slots=True)
class Plan:
    """Which kinds and operations a plan holds; everything else is skipped."""

    run: ImportRun
    plan_run_id: int
    present: set[tuple[str, str]]

    def kinds(self, operation: str) -> list[ChangeKind]:
        chosen = [get_kind(key) for key, op in self.present if op == operation]
        return sorted(chosen, key=lambda kind: kind.rank, reverse=operation == REMOVE)


def join_student() -> str:
    return "LEFT JOIN students_student s ON s.id = c.student_id"


def of_kind(kind: ChangeKind, alias: str = "c") -> str:
    """SQL condition: a change is of this kind."""
    return f"{alias}.kind = '{kind.key}'" + (f" AND {alias}.line = 0" if kind.of_file else "")


def value_sql(kind: ChangeKind, column: str, side: str) -> str:
    """SQL of a column's value in a change, typed; without a default."""
    if column == kind.student_column:
        return "c.student_id"
    if column == kind.pk:
        return "c.object_id"
    return f"(c.{side}->>'{column}')::{column_type(model_field(kind.model, column))}"


def holds_sql(kind: ChangeKind, side: str, alias: str = "t") -> str:
    """Every field that the change holds on that side equals the row's."""
    return " AND ".join(
        f"(NOT jsonb_exists(c.{side}, '{name}') OR {alias}.{quoted(name)} IS NOT DISTINCT FROM {value_sql(kind, name, side)})"
        for name in kind.fields
    )


def untouched_sql(kind: ChangeKind) -> str:
    """The whole row is still as the change that created it left it; a column the change did not name is at its default."""
    return " AND ".join(
        f"t.{quoted(name)} IS NOT DISTINCT FROM {new_value_sql(kind, name, 'before')}" for name in kind.fields
    )


def new_value_sql(kind: ChangeKind, column: str, side: str = "after") -> str:
    """SQL of a column's value in a row to be created: the value in the change, else the kind's default."""
    if column not in kind.fields:
        return value_sql(kind, column, side)
    value = value_sql(kind, column, side)
    if column in kind.defaults:
        default = kind.defaults[column]
        literal = ("true" if default else "false") if isinstance(default, bool) else f"'{default}'"
        return f"coalesce({value}, {literal})"
    return value


def about_new_row(kind: ChangeKind, where: str) -> str:
    """The WHERE of a partial constraint, evaluated against the row that a change creates."""
    return re.sub(r'"(\w+)"', lambda name: new_value_sql(kind, name[1]), where)


def constraint_condition(kind: ChangeKind, constraint: models.UniqueConstraint) -> str:
    """WHERE of a partial unique constraint, as Django writes it for the database."""
    from django.db import connection

    if constraint.condition is None:
        return ""
    with connection.schema_editor(collect_sql=True) as editor:
        return constraint._get_condition_sql(kind.model, editor) or ""  # type: ignore[attr-defined]


def becoming_unique(constraint: models.UniqueConstraint) -> list[str]:
    """Conditions under which an update brings a row under a partial constraint (an SSID that is current again)."""
    if constraint.condition is None:
        return []
    becoming = []
    for child in constraint.condition.children:
        name, _, lookup = str(child[0]).partition("__") if isinstance(child, tuple) else ("", "", "")
        if lookup == "isnull" and isinstance(child, tuple) and child[1] is True:
            becoming.append(f"(jsonb_exists(c.after, '{name}') AND c.after->>'{name}' IS NULL)")
        elif name and not lookup and isinstance(child, tuple) and isinstance(child[1], str):
            becoming.append(f"(c.after->>'{name}' = '{child[1]}')")
    return becoming
