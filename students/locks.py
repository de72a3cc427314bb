"""The update lock of an LEA: whoever writes its student records holds it until the transaction ends."""

from collections.abc import Iterable

from django.db import connection

_LEA_LOCK = 0x5349_0001  # class of our advisory locks on LEAs; any constant not used elsewhere


def lock_leas(lea_ids: Iterable[int]) -> None:
    """Take the update lock of these LEAs, in one order for everybody, for the rest of the transaction.

    Without it the same upload applied twice at once journalled every change twice (measured).
    """
    with connection.cursor() as cursor:
        for lea_id in sorted(set(lea_ids)):
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LEA_LOCK, lea_id])
