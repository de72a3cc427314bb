"""The update lock of an LEA: every process that writes its student records holds it until the transaction ends.

How long a session waits for a lock of any kind is a setting of the session (sisimport/settings.py): people get an
answer after a moment; runs wait their turn.
"""

from collections.abc import Iterable

from django.db import OperationalError, connection, transaction
from psycopg.errors import LockNotAvailable

_LEA_LOCK = 0x5349_0001  # class of our advisory locks on LEAs; any constant not used elsewhere

# Comes before all LEAs in the lock order: a process that creates an LEA, or a record without one, takes it first.
NEW_PLACES = 0


def lock_leas(lea_ids: Iterable[int]) -> None:
    """Take the update lock of these LEAs, always in the same order, for the rest of the transaction.

    Without it, applying the same upload twice at the same time journaled every change twice (measured). Raises
    OperationalError (`waited_in_vain`) if another session holds it longer than this one waits.
    """
    with connection.cursor() as cursor:
        for lea_id in sorted(set(lea_ids)):
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LEA_LOCK, lea_id])


def try_to_lock_leas(lea_ids: Iterable[int], *, seconds: float) -> bool:
    """Take the update lock like `lock_leas`, if it is available within that time. The caller holds a transaction, which
    continues either way."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('lock_timeout')")
        (before,) = cursor.fetchone()
        try:
            with transaction.atomic():
                cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{seconds * 1000:.0f}ms"])
                lock_leas(lea_ids)
        except OperationalError as error:
            if not waited_in_vain(error):
                raise
            return False
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [before])
    return True


def waited_in_vain(error: BaseException) -> bool:
    """Whether the error says that another session held a lock for longer than this one waits. Then nothing was
    written."""
    return isinstance(error, LockNotAvailable) or isinstance(error.__cause__, LockNotAvailable)
