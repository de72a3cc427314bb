"""Purging: the one way in which entries go. Whole days only, the oldest first; what stood there is told by an entry of its own.

The seals of the days stay, so the gap is as provable as the rest: how many entries, of which days, removed when.
"""

import datetime as dt
import re
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from sisimport.audit import sealing
from sisimport.audit.models import AuditEntry
from sisimport.audit.writing import Doer, write

_SUBJECT = re.compile(r"\d+ entries of days through (\d{4}-\d{2}-\d{2})")
_COUNT = """SELECT count(*), count(DISTINCT (s.day, s.lea)) FROM audit_auditseal s
JOIN audit_auditday d ON d.day = s.day AND d.lea = s.lea WHERE s.day <= %s"""
_REMOVE = """WITH gone AS (DELETE FROM audit_auditseal s WHERE s.day <= %s
  AND EXISTS (SELECT 1 FROM audit_auditday d WHERE d.day = s.day AND d.lea = s.lea) RETURNING s.entry_id)
DELETE FROM audit_auditentry e USING gone WHERE e.id = gone.entry_id"""

_REWORDED = """DELETE FROM audit_auditrewording r
WHERE NOT EXISTS (SELECT 1 FROM audit_auditentry e WHERE e.id = r.entry_id)"""


@dataclass(frozen=True, slots=True)
class Purged:
    """What a purge removed, or would: `entries` of `chains` of days that are over, through a day."""

    entries: int
    chains: int
    through: dt.date


def purge(through: dt.date, *, user: Any = None, dry_run: bool = False) -> Purged:
    """Remove all entries of the days through this one that are over and sealed."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_COUNT, [through])
        entries, chains = cursor.fetchone()
        found = Purged(entries, chains, through)
        if dry_run or not found.entries:
            return found
        subject = f"{found.entries} entries of days through {through:%Y-%m-%d}"
        write(AuditEntry.Kind.PURGE, Doer(user, place="purge"), subject=subject)
        cursor.execute("SET LOCAL sisimport.audit_purge = 'on'")
        cursor.execute(_REMOVE, [through])
        cursor.execute(_REWORDED)
        cursor.execute("SET LOCAL sisimport.audit_purge = ''")
    sealing.seal()
    return found


def remove_old(before: dt.datetime, dry_run: bool) -> int:
    """Remove the days that ended before this moment, or only count their entries (see runtime/retention.py)."""
    return purge(before.astimezone(dt.UTC).date() - dt.timedelta(days=1), dry_run=dry_run).entries


def purged_through() -> dt.date | None:
    """The last day that sealed entries say was removed."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT e.subject FROM audit_auditentry e JOIN audit_auditseal s ON s.entry_id = e.id WHERE e.kind = 'purge'"
        )
        found = [_SUBJECT.fullmatch(subject) for (subject,) in cursor.fetchall()]
    return max((dt.date.fromisoformat(match[1]) for match in found if match), default=None)
