"""Whose rows a statement may see: told to PostgreSQL in the very message that carries the statement.

    SET LOCAL sisimport.rows = 'schools=1,2'; SELECT … FROM students_student …

Both are one transaction, so it holds for whoever gets the session next from a pooler as little as for the next statement. The
policies that ask for it: row_walls.py. Who is told what: sisimport/accounts/row_scope.py. Where nobody said anything, it is
nothing, and nobody's rows are seen.

    with across_schools():    a service that must look at the whole district; tests/runtime/test_row_walls.py lists each place
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
# Programs whose database role is under no policy (workers, commands of the owner) send their statements as they are.
_armed, _usual = False, NOTHING


def arm(on: bool, *, usual: str = NOTHING) -> bool:
    """Whether statements of this process tell whose rows they may see. Returns what it was before.

    usual: the scope where nobody said another one. Commands have no user, and see all.
    """
    global _armed, _usual
    before, _armed, _usual = _armed, on, usual
    return before


def of(*, schools: Collection[int] | None = (), students: Collection[int] = ()) -> str:
    """The scope that sees the students of these schools (None: of all, and those of none), and these students besides."""
    if schools is None:
        return ALL
    parts = (("schools", schools), ("students", students))
    return ";".join(f"{name}={','.join(str(int(one)) for one in sorted(ids))}" for name, ids in parts if ids)


def begin(resolve: Resolver) -> None:
    """From here on, until `end`, statements of this thread see what `resolve` answers. Asked for each, so it must be quick."""
    _now.set(resolve)


def end(**_signal: object) -> None:
    """From here on statements of this thread see nobody's rows."""
    _now.set(None)


@contextmanager
def across_schools() -> Iterator[None]:
    """Within, statements see all students. For services that decide something by them; what is shown is chosen elsewhere."""
    before = _now.set(lambda: ALL)
    try:
        yield
    finally:
        _now.reset(before)


def prefix_of(statement: object) -> str:
    """What goes before this statement in the same message; blank if it concerns no student, or nothing is told here.

    `statement`: text, or a composed one of psycopg, which always gets its prefix.
    """
    if not _armed or (isinstance(statement, str) and _WALLED_NAME.search(statement) is None):
        return ""
    resolve = _now.get()
    return f"SET LOCAL {SETTING} = '{resolve() if resolve is not None else _usual}'; "
