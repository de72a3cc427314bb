"""Which database connection is read: the usual one, or while a report is made another one, such as that of a replica.

    with reading_from("reports"): …     models and reporting SQL are read there; whatever is written goes where it always goes

A router for Django. What is decided here is only how it is done; whether a report may be read elsewhere says
sisimport/imports/storage/replica.py.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections

T = TypeVar("T")
REPORTS = "reports"  # the other connection, where there is one
_alias: ContextVar[str] = ContextVar("alias", default=DEFAULT_DB_ALIAS)


def reading_alias() -> str:
    """The name of the connection that is read now."""
    return _alias.get()


def reading_connection() -> Any:
    """The connection itself, for statements of our own that only read."""
    return connections[_alias.get()]


@contextmanager
def reading_from(alias: str) -> Iterator[None]:
    """Read there while the block runs. Not around a `yield`: `read_along` is for that."""
    before = _alias.set(alias)
    try:
        yield
    finally:
        _alias.reset(before)


def read_along(alias: str, make: Callable[[], Iterable[T]]) -> Iterator[T]:
    """What `make` yields, read there, while whoever takes it reads and writes where they always do."""
    with reading_from(alias):
        items = iter(make())
    while True:
        with reading_from(alias):
            try:
                item = next(items)
            except StopIteration:
                return
        yield item


class Router:
    """Reads of models go where `reading_from` says, writes always to the database itself."""

    def db_for_read(self, _model: Any, **_hints: Any) -> str:
        return _alias.get()

    def db_for_write(self, _model: Any, **_hints: Any) -> str:
        return DEFAULT_DB_ALIAS

    def allow_relation(self, _one: Any, _other: Any, **_hints: Any) -> bool:
        """Both connections lead to the same records."""
        return True

    def allow_migrate(self, db: str, _app_label: str, **_hints: Any) -> bool:
        return db == DEFAULT_DB_ALIAS
