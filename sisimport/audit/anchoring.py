"""Anchors: the ends of the chains, recorded outside the database, so that a complete forgery of the record is detected.

An anchor covers the seals of all completed days (by one hash) and the last seal of each open chain. Everything it names is
permanent: seals of days outlive the entries of purged days.
"""

import datetime as dt
import json
from hashlib import sha256
from typing import Any

from django.db import connection

from sisimport.audit.purging import purged_through
from sisimport.audit.verifying import DAY, SEAL, TOTAL, Verified

_OPEN = """SELECT DISTINCT ON (s.day, s.lea) s.day, s.lea, s.number, s.hash FROM audit_auditseal s
WHERE NOT EXISTS (SELECT 1 FROM audit_auditday d WHERE d.day = s.day AND d.lea = s.lea) ORDER BY s.day, s.lea, s.number DESC"""


def anchor() -> dict[str, Any]:
    """The data to record, as JSON: `entries` sealed so far, `through` and `days` (the hash over the seals of days), `open`
    chains."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce((SELECT entries FROM audit_audittotal WHERE id = 1), 0), max(day) FROM audit_auditday"
        )
        entries, through = cursor.fetchone()
        cursor.execute(_OPEN)
        ends = [[str(day), lea, number, bytes(seal).hex()] for day, lea, number, seal in cursor.fetchall()]
    return {
        "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "entries": entries,
        "through": str(through) if through else "",
        "days": _days(str(through)) if through else "",
        "open": ends,
    }


def _days(through: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT day, lea, entries, hash FROM audit_auditday WHERE day <= %s::date ORDER BY day, lea", [through]
        )
        rows = [[str(day), lea, entries, bytes(seal).hex()] for day, lea, entries, seal in cursor.fetchall()]
    return sha256(json.dumps(rows).encode()).hexdigest()


def compare(noted: dict[str, Any], result: Verified) -> None:
    """Report everything that differs from the anchor. Raises KeyError, TypeError and ValueError if `noted` is not an anchor."""
    at, purged = noted["at"], purged_through()
    with connection.cursor() as cursor:
        cursor.execute("SELECT coalesce((SELECT entries FROM audit_audittotal WHERE id = 1), 0)")
        if cursor.fetchone()[0] < int(noted["entries"]):
            result.tell(TOTAL, 1, f"{noted['entries']} entries were sealed by {at}, and fewer are now")
        if noted["through"] and _days(noted["through"]) != noted["days"]:
            result.tell(DAY, noted["through"], f"the seals of days through this one differ from those recorded at {at}")
        for day, lea, number, seal in noted["open"]:
            if purged is not None and dt.date.fromisoformat(day) <= purged:
                continue
            cursor.execute(
                "SELECT hash FROM audit_auditseal WHERE day = %s AND lea = %s AND number = %s", [day, lea, number]
            )
            row = cursor.fetchone()
            if row is None or bytes(row[0]).hex() != seal:
                result.tell(
                    SEAL, f"{day}/{lea}", f"place {number} of this chain differs from what was recorded at {at}"
                )
