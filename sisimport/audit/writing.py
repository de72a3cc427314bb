"""Writing entries: one statement each."""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection

from sisimport.audit import looking
from sisimport.audit.looking import Looked
from sisimport.audit.models import AuditEntry
from sisimport.runtime.row_scope import across_schools

Kind = AuditEntry.Kind

# The LEA is that of the students, if they share one. Numbers only: the record holds nothing else about students.
_INSERT = """
INSERT INTO audit_auditentry (kind, user_id, who, token_id, place, subject, address, lines, of, students, count, lea_id)
SELECT %(kind)s, %(user)s, %(who)s, %(token)s, %(place)s, %(subject)s, %(address)s, %(lines)s, %(of)s, ids, cardinality(ids),
       (SELECT CASE WHEN min(lea_id) = max(lea_id) THEN min(lea_id) END FROM students_student WHERE id = ANY (ids))
FROM (SELECT coalesce(array_agg(DISTINCT id ORDER BY id), '{}') AS ids FROM (
    SELECT id FROM unnest(%(students)s::bigint[]) AS given (id)
    UNION ALL SELECT s.id FROM students_lea l JOIN students_student s ON s.lea_id = l.id
    WHERE cardinality(%(numbers)s::text[]) > 0 AND s.local_number = ANY (%(numbers)s::text[])) AS seen) AS of
RETURNING id
"""


@dataclass(frozen=True, slots=True)
class Doer:
    """Who does something, from where: person and token (if any), the name of the URL, the client's address."""

    user: Any = None
    token: int | None = None
    place: str = ""
    address: str = ""


def write(
    kind: str,
    doer: Doer,
    *,
    students: Iterable[int] = (),
    numbers: Iterable[str] = (),
    lines: int = 0,
    subject: str = "",
    of: int | None = None,
) -> int:
    """Write an entry; returns its number. `students`: internal ids; `numbers`: local ones. `subject`: never a student's data."""
    signed_in = doer.user is not None and doer.user.is_authenticated
    values = {
        "kind": kind,
        "user": doer.user.pk if signed_in else None,
        "who": doer.user.get_username()[:150] if signed_in else "",
        "token": doer.token,
        "place": doer.place[:120],
        "subject": subject[:200],
        "address": doer.address[:45],
        "lines": lines,
        "of": of,
        "students": list(students),
        "numbers": list(numbers),
    }
    # The entry also records the students' district, regardless of who may see them.
    with across_schools(), connection.cursor() as cursor:
        cursor.execute(_INSERT, values)
        (number,) = cursor.fetchone()
    return int(number)


def write_looked(looked: Looked, doer: Doer) -> int:
    """Write the entry for the students a request has shown."""
    kind = looked.kind
    if not kind:
        kind = Kind.LINES if looked.lines else Kind.PAGE if len(set(looked.students)) == 1 else Kind.LIST
    return write(
        kind, doer, students=looked.students, numbers=looked.numbers, lines=looked.lines, subject=looked.subject
    )


def label(kind: str, user: Any, *, students: Iterable[int] = (), subject: str = "") -> None:
    """Say what the current request or command is showing; outside of one, write the entry immediately.

    A command that works for a person, such as a delivery, also writes it immediately: the entry is that person's.
    """
    looked = looking.current()
    if looked is None or (looked.of_command and user.is_authenticated):
        write(kind, Doer(user, place="command"), students=students, subject=subject)
        return
    looked.label(kind, subject)
    looked.students.extend(array("q", students))
