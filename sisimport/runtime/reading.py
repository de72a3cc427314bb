"""Which database connection is read: the usual one or, while a report is made, another one, such as a replica's.

    with reading_from("reports"): …     models and reporting SQL are read there; writes go where they always go

A router for Django. This module only provides the mechanism; sisimport/imports/storage/replica.py decides whether a report may be
read elsewhere.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections

T = TypeVar("T")
REPORTS = "reports"  # the other connection, if there is one
_alias: ContextVar[str] = ContextVar("alias", default=DEFAULT_DB_ALIAS)


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
    """What `make` yields, read there, while the code that consumes it reads and writes as usual."""
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
    """Sends reads of models where `reading_from` says, and writes always to the database itself."""

    def db_for_read(self, _model: Any, **_hints: Any) -> str:
        return _alias.get()

    def db_for_write(self, _model: Any, **_hints: Any) -> str:
        return DEFAULT_DB_ALIAS

    def allow_relation(self, _one: Any, _other: Any, **_hints: Any) -> bool:
        """Both connections lead to the same records."""
        return True

    def allow_migrate(self, db: str, _app_label: str, **_hints: Any) -> bool:
        return db == DEFAULT_DB_ALIAS
