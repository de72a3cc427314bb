"""Sealing: linking entries into chains a few seconds after they were written, so that no page waits for another.

    chain        the entries of one day and LEA, numbered from 1; each hash covers the previous one, its place and its entry
    day          the seal of a completed day's chain: its length and last hash
    total        how many entries were ever sealed, in one row

All hashes are keyed (AUDIT_KEY), so that write access to the database is not enough to make new ones. The day is the one on which
an entry was sealed (UTC). Until then, for a few seconds while a worker runs, only the triggers protect an entry.
"""

import datetime as dt
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from django.conf import settings
from django.db import connection, transaction

EVERY_SECONDS = 10.0
START = b""
LOCK = 0x5349_0031  # of our advisory locks; not used elsewhere
_BATCH = 5_000
_LATE = 20_000  # an entry committed after this many later ones is found only once a day

# The full content of an entry, as bytes that do not depend on the session's settings.
DIGEST = """sha256(convert_to(jsonb_build_array(e.id, (extract(epoch FROM e.at) * 1000000)::bigint, e.kind, e.user_id, e.who,
    e.token_id, e.place, e.subject, e.address, e.lines, e.count, e.of, e.lea_id, e.students)::text, 'UTF8'))"""

_UNSEALED = f"""
SELECT e.id, coalesce(e.lea_id, 0), {DIGEST} FROM audit_auditentry e
WHERE e.id > %s AND NOT EXISTS (SELECT 1 FROM audit_auditseal s WHERE s.entry_id = e.id) ORDER BY e.id LIMIT {_BATCH}
"""
_OPEN_CHAINS = """
SELECT DISTINCT ON (day, lea) day, lea, number, hash FROM audit_auditseal WHERE day > %s ORDER BY day, lea, number DESC
"""
_SEAL = "INSERT INTO audit_auditseal (entry_id, day, lea, number, hash) VALUES (%s, %s, %s, %s, %s)"
_DAY = "INSERT INTO audit_auditday (day, lea, entries, hash) VALUES (%s, %s, %s, %s)"
_TOTAL = """INSERT INTO audit_audittotal (id, entries, hash) VALUES (1, %s, %s)
ON CONFLICT (id) DO UPDATE SET entries = excluded.entries, hash = excluded.hash"""


def keys() -> list[bytes]:
    """The key for new hashes, then those with which older ones may have been made."""
    given = [settings.AUDIT_KEY, *settings.AUDIT_KEY_FALLBACKS] if settings.AUDIT_KEY else []
    former_and_new = [*given, settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return [sha256(b"sisimport.audit" + key.encode()).digest() for key in former_and_new]


def seal_hash(key: bytes, before: bytes, place: Sequence[object], digest: bytes) -> bytes:
    """The hash of a link, over the previous hash, its place in words, and its content."""
    text = "|".join(str(part) for part in place).encode()
    return hmac.digest(key, b"|".join([before.hex().encode(), text, digest.hex().encode()]), "sha256")


def day_hash(key: bytes, day: dt.date, lea: int, entries: int, last: bytes) -> bytes:
    return seal_hash(key, last, ("day", day, lea), str(entries).encode())


def reword_hash(key: bytes, seal: bytes, entry: int, digest: bytes) -> bytes:
    """Certifies that the entry under this seal has different content because a person was erased from it (erasing.py)."""
    return seal_hash(key, seal, ("reworded", entry), digest)


def total_hash(key: bytes, entries: int) -> bytes:
    return seal_hash(key, START, ("total",), str(entries).encode())


@dataclass(slots=True)
class Chain:
    """The end of a chain: the number and the hash of its last entry."""

    number: int = 0
    last: bytes = START


def seal(today: dt.date | None = None, *, all_entries: bool = False) -> int:
    """Seal unsealed entries and completed days. Returns how many entries were sealed.

    `today`: the day by UTC; `all_entries`: check every entry, not only late ones.
    """
    sealed = 0
    day = today or dt.datetime.now(dt.UTC).date()
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
            if not cursor.fetchone()[0]:
                return sealed  # another worker is sealing
            count = _seal_batch(day, all_entries=all_entries)
        sealed += count
        if count < _BATCH:
            return sealed


def _seal_batch(today: dt.date, *, all_entries: bool) -> int:
    key = keys()[0]
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce(max(day), DATE '0001-01-01') FROM audit_auditday")
        closed: dt.date = cursor.fetchone()[0]
        cursor.execute(_OPEN_CHAINS, [closed])
        chains = {(day, lea): Chain(number, bytes(last)) for day, lea, number, last in cursor.fetchall()}
        today = max([today, closed + dt.timedelta(days=1), *(day for day, _lea in chains)])  # clocks are set back
        over = [(day, lea) for day, lea in chains if day < today]
        _close(over, chains, key)
        cursor.execute("SELECT coalesce(max(entry_id), 0) FROM audit_auditseal")
        newest = cursor.fetchone()[0]
        cursor.execute(_UNSEALED, [0 if all_entries or over else newest - _LATE])
        found = cursor.fetchall()
        if found:
            rows = list(_linked(found, chains, today, key))
            cursor.executemany(_SEAL, rows)
            cursor.execute("SELECT coalesce((SELECT entries FROM audit_audittotal WHERE id = 1), 0)")
            total = cursor.fetchone()[0] + len(rows)
            cursor.execute(_TOTAL, [total, total_hash(key, total)])
    return len(found)


def _close(over: Iterable[tuple[dt.date, int]], chains: dict[tuple[dt.date, int], Chain], key: bytes) -> None:
    with connection.cursor() as cursor:
        for day, lea in over:
            end = chains[day, lea]
            cursor.execute(_DAY, [day, lea, end.number, day_hash(key, day, lea, end.number, end.last)])


def _linked(
    found: Iterable[tuple[int, int, bytes]], chains: dict[tuple[dt.date, int], Chain], day: dt.date, key: bytes
) -> Iterable[tuple[int, dt.date, int, int, bytes]]:
    for entry, lea, digest in found:
        chain = chains.setdefault((day, lea), Chain())
        chain.number += 1
        chain.last = seal_hash(key, chain.last, (day, lea, chain.number, entry), bytes(digest))
        yield entry, day, lea, chain.number, chain.last
