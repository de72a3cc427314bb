"""Verifying: reads all seals and entries once, in order, and reports what does not match."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db import connection, transaction

from sisimport.audit.purging import purged_through
from sisimport.audit.sealing import DIGEST, Chain, day_hash, keys, reword_hash, seal_hash, total_hash

MOST_TOLD = 1_000
_BLOCK = 5_000
ENTRY, SEAL, DAY, TOTAL = "audit_auditentry", "audit_auditseal", "audit_auditday", "audit_audittotal"

_CHAINS = f"""
SELECT s.day, s.lea, s.number, s.entry_id, s.hash, CASE WHEN e.id IS NOT NULL THEN {DIGEST} END, coalesce(e.lea_id, 0)
FROM audit_auditseal s LEFT JOIN audit_auditentry e ON e.id = s.entry_id ORDER BY s.day, s.lea, s.number
"""
_FORGOTTEN = """
SELECT e.id FROM audit_auditentry e
WHERE NOT EXISTS (SELECT 1 FROM audit_auditseal s WHERE s.entry_id = e.id)
  AND e.at < (SELECT max(l.at) FROM audit_auditentry l JOIN audit_auditseal s ON s.entry_id = l.id) - interval '1 day'
ORDER BY e.id LIMIT 1000
"""
_UNSEALED = """
SELECT count(*) FROM audit_auditentry e WHERE NOT EXISTS (SELECT 1 FROM audit_auditseal s WHERE s.entry_id = e.id)
"""


OTHER_KEY = (
    "None of the seals is valid: they were probably made with another key. After a restore, restore the keys of the "
    "installation too (restore --keys), or name the former key in AUDIT_KEY_FALLBACKS (SECRET_KEY_FALLBACKS where "
    "AUDIT_KEY was not set), then check again."
)


@dataclass(frozen=True, slots=True)
class Broken:
    """Something that is not as it was sealed. `id`: the entry's id, or the day's date."""

    table: str
    id: int | str
    what: str


@dataclass(slots=True)
class Verified:
    """`rows`: entries that match their seals; `unsealed`: those not sealed yet; `hint`: a possible cause of all breaks."""

    rows: int = 0
    chains: int = 0
    unsealed: int = 0
    broken: list[Broken] = field(default_factory=list)
    hint: str = ""

    def tell(self, table: str, number: int | str, what: str) -> None:
        if len(self.broken) < MOST_TOLD:
            self.broken.append(Broken(table, number, what))


Place = tuple[dt.date, int]


def verify() -> Verified:
    """Compare every entry with its seal, every chain with the seal of its day, and all of them with the total."""
    result = Verified()
    inner = connection.in_atomic_block
    with transaction.atomic():
        if not inner:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        ends = _chains(result)
        removed = _days(result, ends)
        _total(result, sum(chain.number for chain in ends.values()) + removed)
        with connection.cursor() as cursor:
            cursor.execute(_FORGOTTEN)
            for (entry,) in cursor.fetchall():
                result.tell(ENTRY, entry, "was never sealed, but later ones were: it was added afterwards")
            cursor.execute(_UNSEALED)
            result.unsealed = cursor.fetchone()[0]
    result.chains = len(ends)
    if result.broken and not result.rows:
        result.hint = OTHER_KEY
    return result


def _rows() -> Iterator[tuple[dt.date, int, int, int, bytes, bytes | None, int]]:
    with connection.chunked_cursor() as cursor:
        cursor.execute(_CHAINS)
        while block := cursor.fetchmany(_BLOCK):
            for day, lea, number, entry, seal, digest, of_lea in block:
                yield day, lea, number, entry, bytes(seal), None if digest is None else bytes(digest), of_lea


def _chains(result: Verified) -> dict[Place, Chain]:
    """Follow every chain. After a break it continues from the next seal, so that one change is reported once."""
    seal_keys, reworded = keys(), _reworded()
    ends: dict[Place, Chain] = {}
    for day, lea, number, entry, seal, digest, of_lea in _rows():
        chain = ends.setdefault((day, lea), Chain())
        if number != chain.number + 1:
            result.tell(SEAL, entry, f"{number - chain.number - 1} before it in the chain of {day} are gone")
        if digest is None:
            result.tell(ENTRY, entry, "was removed")
        elif of_lea != lea or (
            seal not in {seal_hash(key, chain.last, (day, lea, number, entry), digest) for key in seal_keys}
            and reworded.get(entry, set()).isdisjoint(reword_hash(key, seal, entry, digest) for key in seal_keys)
        ):
            result.tell(ENTRY, entry, "it, its seal or what came before it was changed")
        else:
            result.rows += 1
        chain.number, chain.last = number, seal
    return ends


def _reworded() -> dict[int, set[bytes]]:
    """Certified contents of entries from which a person was erased."""
    found: dict[int, set[bytes]] = {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT entry_id, hash FROM audit_auditrewording")
        for entry, stated in cursor.fetchall():
            found.setdefault(entry, set()).add(bytes(stated))
    return found


def _days(result: Verified, ends: dict[Place, Chain]) -> int:
    """Compare the chains of completed days with their seals. Returns how many entries a purge removed."""
    seal_keys, removed, sealed = keys(), 0, set()
    through = purged_through()
    with connection.cursor() as cursor:
        cursor.execute("SELECT day, lea, entries, hash FROM audit_auditday ORDER BY day, lea")
        days = cursor.fetchall()
    for day, lea, entries, seal in days:
        sealed.add((day, lea))
        end = ends.get((day, lea))
        name = f"{day}/{lea}"
        if end is None and through is not None and day <= through:
            removed += entries
        elif end is None:
            result.tell(DAY, name, f"all {entries} entries of this chain are gone")
        elif end.number != entries:
            result.tell(DAY, name, f"the chain has {end.number} entries and was sealed with {entries}")
        elif bytes(seal) not in {day_hash(key, day, lea, entries, end.last) for key in seal_keys}:
            result.tell(DAY, name, "its seal, or the end of its chain, was changed")
    newest = max((day for day, _lea in ends), default=None)
    for day, lea in ends.keys() - sealed:
        if day != newest:
            result.tell(DAY, f"{day}/{lea}", "the seal of this day is gone")
    return removed


def _total(result: Verified, found: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT entries, hash FROM audit_audittotal WHERE id = 1")
        row = cursor.fetchone()
    if row is None:
        if found:
            result.tell(TOTAL, 1, "the total is gone")
        return
    entries, seal = row
    if bytes(seal) not in {total_hash(key, entries) for key in keys()}:
        result.tell(TOTAL, 1, "the total was changed")
    if entries != found:
        result.tell(
            TOTAL, 1, f"{entries} entries were sealed and {found} are accounted for: {entries - found} are gone"
        )
