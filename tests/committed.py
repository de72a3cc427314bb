"""The test database after a test that committed: brought back to what migrations and their signals left there.

Django truncates every table, which makes some hundred files again, and saves what migrations wrote row by row: seconds per
test. Here only tables that hold rows are emptied, and what migrations wrote is copied back as it was, keys included.
"""

import time
from collections.abc import Iterable

from django.contrib.contenttypes.models import ContentType
from django.db import OperationalError, connection, transaction
from django.db.backends.base.creation import BaseDatabaseCreation
from django.test import TransactionTestCase
from psycopg import sql
from psycopg.errors import DeadlockDetected

LARGE = 1 << 20  # bytes of a table that emptying alone would leave as large as it is
TRIES = 5

_kept: dict[str, tuple[sql.Composed, bytes]] = {}


def install() -> None:
    """Before the test database is made."""
    BaseDatabaseCreation.serialize_db_to_string = lambda _self: ""  # type: ignore[method-assign]
    BaseDatabaseCreation.deserialize_db_from_string = lambda _self, _data: None  # type: ignore[method-assign]
    TransactionTestCase._fixture_teardown = lambda _self: restore()  # type: ignore[method-assign]


def keep() -> None:
    """Note what is in the database now, for `restore`."""
    _kept.clear()
    with connection.cursor() as cursor:
        for table in _with_rows():
            cursor.execute(
                "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped"
                " AND attgenerated = ''",
                [connection.ops.quote_name(table)],
            )
            names = sql.SQL(", ").join(sql.Identifier(name) for (name,) in cursor.fetchall())
            columns = sql.SQL("{} ({})").format(sql.Identifier(table), names)
            with cursor.copy(sql.SQL("COPY {} TO STDOUT").format(columns)) as copy:
                _kept[table] = columns, b"".join(bytes(part) for part in copy)


def restore() -> None:
    """Take away what a test wrote. A worker that is kept may look at two tables at that very moment: then once more."""
    for tries_left in reversed(range(TRIES)):
        try:
            with transaction.atomic():
                large = _empty()
                _copy_back()
            break
        except OperationalError as error:
            if not tries_left or not isinstance(error.__cause__, DeadlockDetected):
                raise
            time.sleep(0.1)
    ContentType.objects.clear_cache()
    with connection.cursor() as cursor:
        for table in large:
            cursor.execute(f"VACUUM {connection.ops.quote_name(table)}")


def _tables() -> list[str]:
    return sorted(connection.introspection.django_table_names(only_existing=True, include_views=False))


def _with_rows() -> list[str]:
    quoted = {table: connection.ops.quote_name(table) for table in _tables()}
    with connection.cursor() as cursor:
        cursor.execute(
            " UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT FROM {name})" for table, name in quoted.items())
        )
        return [table for (table,) in cursor.fetchall()]


def _empty() -> list[str]:
    """Empty all tables, once nobody is at any of them; those whose files stay large."""
    with connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {_listed(_tables())} IN ACCESS EXCLUSIVE MODE")
        # No triggers: references are not looked at, and the record of access, which refuses to be emptied, lets go.
        cursor.execute("SET LOCAL session_replication_role = replica")
        written = _with_rows()
        for table in written:
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}")
        cursor.execute(
            "SELECT relname FROM pg_class c WHERE relname = ANY(%s) AND %s < pg_relation_size(oid)"
            " + coalesce((SELECT sum(pg_relation_size(relid)) FROM pg_partition_tree(c.oid) WHERE isleaf), 0)",
            [written, LARGE],
        )
        return [table for (table,) in cursor.fetchall()]


def _listed(tables: Iterable[str]) -> str:
    return ", ".join(connection.ops.quote_name(table) for table in tables)


def _copy_back() -> None:
    with connection.cursor() as cursor:
        for columns, rows in _kept.values():
            with cursor.copy(sql.SQL("COPY {} FROM STDIN").format(columns)) as copy:
                copy.write(rows)
