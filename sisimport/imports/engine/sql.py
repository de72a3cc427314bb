"""Small helpers for the statements the engine composes. Names of tables and columns come from models only, never from input."""

from typing import Any

from django.db import connection, models
from django.db.models.sql import Query

from sisimport.runtime.reading import reading_connection


def quoted(name: str) -> str:
    return connection.ops.quote_name(name)


def execute(sql: str, params: list[Any] | tuple[Any, ...] = ()) -> int:
    """Run one statement and return the number of rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params or None)
        return int(cursor.rowcount)


def fetch_all(sql: str, params: list[Any] | tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    with reading_connection().cursor() as cursor:
        cursor.execute(sql, params or None)
        return list(cursor.fetchall())


def fetch_one(sql: str, params: list[Any] | tuple[Any, ...] = ()) -> tuple[Any, ...]:
    with reading_connection().cursor() as cursor:
        cursor.execute(sql, params or None)
        row = cursor.fetchone()
    assert row is not None  # noqa: S101 - aggregates always answer
    return tuple(row)


def compiled(queryset: models.QuerySet[Any]) -> tuple[str, tuple[Any, ...]]:
    """SELECT of a queryset and its parameters."""
    sql, params = queryset.query.sql_with_params()
    return sql, tuple(params)


def with_values(sql: str, params: list[Any] | tuple[Any, ...] = ()) -> str:
    """The SQL with its parameters quoted into their places, as the driver would send it."""
    if not params:
        return sql
    with connection.cursor() as cursor:
        return str(cursor.mogrify(sql, params))


def over_one_row(model: type[models.Model], expression: Any) -> str:
    """SQL of an expression over the columns of one row, not qualified, with its parameters written in."""
    query = Query(model=model, alias_cols=False)
    sql, params = query.get_compiler(connection=connection).compile(
        expression.resolve_expression(query, allow_joins=False)
    )
    return str(sql % tuple(map(literal, params)))


def literal(value: object) -> str:
    """A number, truth value or text as written in SQL."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return "'" + str(value).replace("'", "''") + "'"


def column_type(field: "models.Field[Any, Any]") -> str:
    """PostgreSQL type without a length: casting to varchar(n) would cut silently."""
    db_type = field.db_type(connection) or "text"
    return "text" if db_type.startswith(("varchar", "char")) else db_type


def model_field(model: type[models.Model], column: str) -> "models.Field[Any, Any]":
    """The concrete field stored in `column`."""
    return next(f for f in model._meta.concrete_fields if f.column == column)
