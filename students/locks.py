"""The update lock of an LEA: whoever writes its student records holds it until the transaction ends.

How long a session waits for a lock of any kind is a setting of the session (sisimport/settings.py): people get an answer after a
moment, runs wait their turn.
"""

from collections.abc import Iterable

from django.db import OperationalError, connection, transaction
from psycopg.errors import LockNotAvailable

_LEA_LOCK = 0x5349_0001  # class of our advisory locks on LEAs; any constant not used elsewhere

# A place in the order of locks before all LEAs: whoever creates what belongs to no LEA, or an LEA itself, takes it first.
NEW_PLACES = 0


def lock_leas(lea_ids: Iterable[int]) -> None:
    """Take the update lock of these LEAs, in one order for everybody, for the rest of the transaction.

    Without it the same upload applied twice at once journalled every change twice (measured). Raises OperationalError
    (`waited_in_vain`) when somebody else keeps it longer than this session waits.
    """
    with connection.cursor() as cursor:
        for lea_id in sorted(set(lea_ids)):
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LEA_LOCK, lea_id])


def try_to_lock_leas(lea_ids: Iterable[int], *, seconds: float) -> bool:
    """Take the update lock as `lock_leas` does, if it can be had in that time. The caller holds a transaction, which goes on
    either way."""
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
    """Whether the error says that somebody else held a lock for longer than we wait. Nothing was written then."""
    return isinstance(error, LockNotAvailable) or isinstance(error.__cause__, LockNotAvailable)
