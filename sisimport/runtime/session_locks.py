"""Advisory locks of the database session: held by one worker at a time, and released when it ends in any way."""

import contextlib
from collections.abc import Iterator

from django.db import DatabaseError, InterfaceError, connection


@contextlib.contextmanager
def session_lock(lock_class: int, key: int) -> Iterator[bool]:
    """Hold the lock; yields False immediately if another session has it. `lock_class`: a constant not used elsewhere."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [lock_class, key])
        (got,) = cursor.fetchone()
    try:
        yield got
    finally:
        if got:
            # A lost connection has already released the lock.
            with contextlib.suppress(DatabaseError, InterfaceError), connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [lock_class, key])
