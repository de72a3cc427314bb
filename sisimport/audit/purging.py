"""Purging: the only way in which entries are removed. Whole days only, oldest first; a new entry says what was removed.

The seals of the days stay, so the gap is as verifiable as the rest: how many entries, of which days, removed when.
"""

import datetime as dt
import re
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from sisimport.audit import sealing

_SUBJECT = re.compile(r"\d+ entries of days through (\d{4}-\d{2}-\d{2})")
_COUNT = """SELECT count(*), count(DISTINCT (s.day, s.lea)) FROM audit_auditseal s
JOIN audit_auditday d ON d.day = s.day AND d.lea = s.lea WHERE s.day <= %s"""
# Runs with the owner's rights and writes the entry about the purge: migration 0004.
_PURGE = "SELECT entries, chains FROM audit_purge(%s, %s, %s, %s)"


@dataclass(frozen=True, slots=True)
class Purged:
    """What a purge removed, or would remove: `entries` in `chains` of completed days, through a day."""

    entries: int
    chains: int
    through: dt.date


def purge(through: dt.date, *, user: Any = None, dry_run: bool = False) -> Purged:
    """Remove all entries of completed and sealed days through this one."""
    with transaction.atomic(), connection.cursor() as cursor:
        if dry_run:
            cursor.execute(_COUNT, [through])
            entries, chains = cursor.fetchone()
            return Purged(entries, chains, through)
        name = user.get_username() if user is not None else ""
        cursor.execute(_PURGE, [through, user.pk if user is not None else None, name, "purge"])
        entries, chains = cursor.fetchone()
        found = Purged(entries, chains, through)
    if found.entries:
        sealing.seal()
    return found


def remove_old(before: dt.datetime, dry_run: bool) -> int:
    """Remove the days that ended before this moment, or only count their entries (see runtime/retention.py)."""
    return purge(before.astimezone(dt.UTC).date() - dt.timedelta(days=1), dry_run=dry_run).entries


def purged_through() -> dt.date | None:
    """The last removed day, according to sealed entries."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT e.subject FROM audit_auditentry e JOIN audit_auditseal s ON s.entry_id = e.id WHERE e.kind = 'purge'"
        )
        found = [_SUBJECT.fullmatch(subject) for (subject,) in cursor.fetchall()]
    return max((dt.date.fromisoformat(match[1]) for match in found if match), default=None)
