"""Django's PostgreSQL backend with statements about students that say whose rows they may see (row_scope.py)."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from django.db.backends.postgresql import base
from psycopg import sql

from sisimport.runtime.row_scope import prefix_of

# Django has these for either driver; ours is psycopg 3.
_Cursor: Any = base.Cursor  # type: ignore[attr-defined,unused-ignore]
_ServerCursor: Any = base.ServerSideCursor  # type: ignore[attr-defined,unused-ignore]


def _together(prefix: str, query: Any) -> Any:
    """Both as one message."""
    return sql.SQL(prefix) + query if isinstance(query, sql.Composable) else prefix + query


class ScopedCursor(_Cursor):
    """Sends prefix and statement as one message: one round trip and, outside a transaction, a transaction of their own."""

    def execute(self, query: Any, params: Any = None, **more: Any) -> Any:
        prefix = prefix_of(query)
        if not prefix:
            return super().execute(query, params, **more)
        super().execute(_together(prefix, query), params, **more)
        self.nextset()  # skip the result of the prefix
        return self

    @contextmanager
    def copy(self, statement: Any, *params: Any, **more: Any) -> Iterator[Any]:
        prefix = prefix_of(statement)
        with _transaction(self.connection, prefix):
            if prefix:
                super().execute(prefix)
            with super().copy(statement, *params, **more) as copying:
                yield copying


class ScopedServerCursor(_ServerCursor):
    """A cursor kept by the database. Its plan is made when it is declared, and sees the same rows until its end."""

    def execute(self, query: Any, params: Any = None, **more: Any) -> Any:
        prefix = prefix_of(query)
        with _transaction(self.connection, prefix):
            if prefix:
                self.connection.execute(prefix)
            return super().execute(query, params, **more)


def _transaction(connection: Any, prefix: str) -> AbstractContextManager[Any]:
    """A transaction for several messages, if one is needed and none is open."""
    return connection.transaction() if prefix and connection.autocommit else nullcontext()


class DatabaseWrapper(base.DatabaseWrapper):
    def get_connection_params(self) -> dict[str, Any]:
        return super().get_connection_params() | {"cursor_factory": ScopedCursor}

    def create_cursor(self, name: str | None = None) -> Any:
        cursor = super().create_cursor(name)
        if name:
            cursor.__class__ = ScopedServerCursor  # Django hard-codes the class it instantiates
        return cursor
