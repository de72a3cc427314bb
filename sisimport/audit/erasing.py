"""Removing a person's name from entries: user names of family accounts, and words that people wrote.

An entry names students by internal numbers, which stay: they show that a record was read, but no longer whose. When the text of a
sealed entry changes, its seal no longer fits; a keyed statement stored with it (`AuditRewording`) certifies its new content. It
cannot be made without the key, and fits only that seal and that content. An entry that was tampered with before gets none, so
that it is still detected.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.db import connection

from sisimport.audit.sealing import DIGEST, LOCK, START, keys, reword_hash, seal_hash

_FOUND = "SELECT id, who, subject FROM audit_auditentry WHERE who ILIKE ANY (%(like)s) OR subject ILIKE ANY (%(like)s)"
_OF_PEOPLE = "SELECT id, who, subject FROM audit_auditentry WHERE user_id = ANY (%(people)s) OR kind = 'role'"
_PERSON = re.compile(r"(?<=\bperson )(\d+) \((.*)\)(?=: )")
_SEALED = f"""
SELECT {DIGEST}, s.day, s.lea, s.number, s.hash, b.hash,
       ARRAY(SELECT r.hash FROM audit_auditrewording r WHERE r.entry_id = e.id)
FROM audit_auditentry e JOIN audit_auditseal s ON s.entry_id = e.id
LEFT JOIN audit_auditseal b ON b.day = s.day AND b.lea = s.lea AND b.number = s.number - 1 WHERE e.id = %s
"""
_DIGEST = f"SELECT {DIGEST} FROM audit_auditentry e WHERE e.id = %s"


def reword(like: Sequence[str], replace: Callable[[str], str]) -> int:
    """Replace text in `who` and `what` of all entries that match one of `like` (ILIKE patterns). Returns how many changed.

    Runs in the caller's transaction, and blocks sealing until it ends.
    """
    return _reword(_FOUND, {"like": list(like)}, lambda who, subject: (replace(who), replace(subject)))


def reword_people(people: Mapping[int, str], erased: str) -> int:
    """Replace the user names of these people (by account number), wherever they looked or were given access."""
    names = set(people.values())

    def replaced(who: str, subject: str) -> tuple[str, str]:
        found = _PERSON.search(subject)
        if found and int(found[1]) in people:
            subject = f"{subject[: found.start(2)]}{erased}{subject[found.end(2) :]}"
            if ": user name was " in subject:
                subject = f"{subject.split(': user name was ')[0]}: user name changed"
        return erased if who in names else who, subject

    return _reword(_OF_PEOPLE, {"people": list(people)}, replaced)


def _reword(found: str, params: dict[str, Any], replaced: Callable[[str, str], tuple[str, str]]) -> int:
    changed = 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        cursor.execute(found, params)
        for entry, who, subject in cursor.fetchall():
            new_who, new_subject = replaced(who, subject)
            new = new_who[:150], new_subject[:200]
            if new == (who, subject):
                continue
            seal = _intact_seal(entry)
            cursor.execute("SELECT audit_reword(%s, %s, %s)", [entry, *new])
            if seal is not None:
                cursor.execute(_DIGEST, [entry])
                stated = reword_hash(keys()[0], seal, entry, bytes(cursor.fetchone()[0]))
                cursor.execute("INSERT INTO audit_auditrewording (entry_id, hash) VALUES (%s, %s)", [entry, stated])
            changed += 1
    return changed


def _intact_seal(entry: int) -> bytes | None:
    """The hash of the entry's seal, if it has one and it fits."""
    with connection.cursor() as cursor:
        cursor.execute(_SEALED, [entry])
        row = cursor.fetchone()
    if row is None:
        return None
    digest, day, lea, number, seal, before, stated = row
    digest, seal, before = bytes(digest), bytes(seal), START if before is None else bytes(before)
    fits = seal in {seal_hash(key, before, (day, lea, number, entry), digest) for key in keys()}
    again = {bytes(one) for one in stated} & {reword_hash(key, seal, entry, digest) for key in keys()}
    return seal if fits or again else None
