"""Whose rows a statement may see: sent to PostgreSQL in the same message as the statement.

    SET LOCAL sisimport.rows = 'schools=1,2'; SELECT … FROM students_student …

Both are one transaction, so the scope applies neither to the next statement nor to the next client that gets the session from a
pooler. The policies that use it are in row_walls.py; sisimport/accounts/row_scope.py decides the scope. If none was set, no rows
are visible.

    with across_schools():    a service that must see the whole district; tests/runtime/test_row_walls.py lists each place
"""

import re
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from sisimport.runtime.row_walls import SETTING, WALLED

ALL = "all"
NOTHING = ""
Resolver = Callable[[], str]

_now: ContextVar[Resolver | None] = ContextVar("row_scope", default=None)
_WALLED_NAME = re.compile(rf"\b(?:{'|'.join(WALLED)})\b")
# Programs whose database role has no policies (workers, commands of the owner) send their statements unchanged.
_armed, _usual = False, NOTHING


def arm(on: bool, *, usual: str = NOTHING) -> bool:
    """Set whether statements of this process say whose rows they may see. Returns the previous value.

    usual: the scope unless another is set. Commands have no user, and see everything.
    """
    global _armed, _usual
    before, _armed, _usual = _armed, on, usual
    return before


def of(*, schools: Collection[int] | None = (), students: Collection[int] = ()) -> str:
    """The scope for the students of these schools (None: all schools, and students without a school), plus these students."""
    if schools is None:
        return ALL
    parts = (("schools", schools), ("students", students))
    return ";".join(f"{name}={','.join(str(int(one)) for one in sorted(ids))}" for name, ids in parts if ids)


def begin(resolve: Resolver) -> None:
    """Until `end`, statements of this thread see the scope `resolve` returns. It is called for each statement, so it must be
    quick."""
    _now.set(resolve)


def end(**_signal: object) -> None:
    """From here on statements of this thread see no rows."""
    _now.set(None)


@contextmanager
def across_schools() -> Iterator[None]:
    """Within, statements see all students. For services that need them for a decision; other code chooses what is shown."""
    before = _now.set(lambda: ALL)
    try:
        yield
    finally:
        _now.reset(before)


def prefix_of(statement: object) -> str:
    """The prefix of this statement in the same message; blank if it concerns no student, or this process sends no scope.

    `statement`: text, or a composed one of psycopg, which always gets its prefix.
    """
    if not _armed or (isinstance(statement, str) and _WALLED_NAME.search(statement) is None):
        return ""
    resolve = _now.get()
    return f"SET LOCAL {SETTING} = '{resolve() if resolve is not None else _usual}'; "
