"""Erasing one student: out of every table, text, kept file, mail and session, in one transaction.

The history stays without the person: counts of runs, who viewed records (with an internal number that identifies no
one), requests that were sent. What a run wrote about this student can no longer be reverted; its page says so.
"""

import datetime as dt
import logging
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils import timezone

from sisimport.accounts import kept_mail
from sisimport.audit import erasing as record
from sisimport.audit import looking
from sisimport.audit.models import AuditEntry
from sisimport.audit.writing import Doer, write
from sisimport.erasing import files, rows
from sisimport.erasing.guard import ErasingError, begin, keep_runs_away
from sisimport.erasing.lines import is_text_bytes, naming
from sisimport.erasing.people import Mentions, Person, person_of, person_off_record
from sisimport.runtime.erasing import Asked, all_erasers
from students.models import LEA, School, Student
from students.removing import remove

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Erased:
    """What was or would be removed. student: the internal number, which stays in the record of access.

    rows: rows removed by kind; reworded: texts by kind; lines, files: lines blanked in stored files, and files removed
    whole; other: mails, sessions, accounts and the like; runs: runs that cannot revert what they wrote about this
    student; elsewhere: what must be handled manually; places: how many lines of which stored file, and rows of which
    run.
    """

    student: int
    dry_run: bool
    at: str = ""
    rows: dict[str, int] = field(default_factory=dict)
    reworded: dict[str, int] = field(default_factory=dict)
    lines: int = 0
    files: int = 0
    other: dict[str, int] = field(default_factory=dict)
    runs: int = 0
    elsewhere: list[str] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def find_student(number: str, *, lea: str = "") -> Student:
    """The student with this local number. Raises ErasingError if there is none, or if several districts have it."""
    found = Student.objects.filter(local_number=number).select_related("lea")
    found = found.filter(lea__code=lea) if lea else found
    students = list(found[:2])
    if not students:
        raise ErasingError("No student has this local number. Look the number up on the student's page.")
    if len(students) > 1:
        raise ErasingError("Several districts have this local number. Add the code of the district.")
    return students[0]


def find_off_record(  # the known data of a person without a record
    number: str = "",
    *,
    ssid: str = "",
    lea: str = "",
    last_name: str = "",
    first_name: str = "",
    birth_date: dt.date | None = None,
) -> Person:
    """A person who is only in old files and journals. Raises ErasingError if there is a record, or if it might be
    anyone."""
    leas = list(LEA.objects.filter(code=lea) if lea else LEA.objects.all()[:2])
    if len(leas) != 1:
        raise ErasingError("There is no such district." if lea else "Add the code of the district.")
    if School.objects.filter(code=number).exists() or LEA.objects.filter(code=number).exists():
        raise ErasingError("That is the code of a school or a district, which is in every line of its files.")
    values = {"local_number": number, "ssid": ssid, "last_name": last_name, "first_name": first_name}
    person = person_off_record(lea=leas[0].pk, values=values, birth_date=birth_date)
    if (number and number not in person.numbers) or (ssid and ssid not in person.state_numbers):
        raise ErasingError(
            "A student on record has this number. Erase that student by the local number, without --off-record."
        )
    if not (person.numbers or person.state_numbers):
        raise ErasingError("Enter a local number or an SSID: a name alone could be anyone's.")
    return person


def erase_student(student: Student, *, reason: str, user: Any = None, dry_run: bool = False) -> Erased:
    """Erase the student, or only count what would go. `reason`: why, without naming the student, since it stays on
    record; a count needs none.

    Raises ErasingError: no reason, one that names the student, an active run, or one that waits for a decision.
    """
    with looking.unseen(), transaction.atomic():
        begin(student.lea_id)
        if not Student.objects.filter(pk=student.pk).exists():
            raise ErasingError("The student was erased or removed in the meantime. There is nothing left to do.")
        erased = _erase(student, person_of(student), reason=reason, user=user, dry_run=dry_run)
    if not dry_run:
        logger.info("erased a student: %s lines blanked, %s files removed", erased.lines, erased.files)
    return erased


def check_reason(student: Student, reason: str) -> None:
    """Raises ErasingError for a reason that is blank or names the student."""
    _refuse(reason, Mentions(person_of(student)))


def check_reason_off_record(person: Person, reason: str) -> None:
    """Like `check_reason`, for a person without a record."""
    _refuse(reason, Mentions(person))


def _refuse(reason: str, mentions: Mentions) -> None:
    if not reason.strip():
        raise ErasingError("Say why: a short reason, such as the number of the request.")
    if mentions.in_reason(reason):
        raise ErasingError("The reason names the student, and it stays on record. Write one without name and number.")


def erase_traces(person: Person, *, reason: str, user: Any = None, dry_run: bool = False) -> Erased:
    """Erase a person without a record (`person_off_record`): lines of stored files, rows of runs, texts; or count them.

    Raises ErasingError like `erase_student`.
    """
    with looking.unseen(), transaction.atomic():
        begin(person.lea)
        erased = _erase(None, person, reason=reason, user=user, dry_run=dry_run)
    if not dry_run:
        logger.info(
            "erased traces of a person not on record: %s lines blanked, %s files removed", erased.lines, erased.files
        )
    return erased


def _erase(student: Student | None, person: Person, *, reason: str, user: Any, dry_run: bool) -> Erased:
    """Erase within a transaction, which is rolled back for a count. `student`: None if there is no record."""
    mentions = Mentions(person)
    if not dry_run:
        _refuse(reason, mentions)
    keep_runs_away(person.lea)
    erased = Erased(person.student, dry_run, at=timezone.now().isoformat(timespec="seconds"))
    write(
        AuditEntry.Kind.ERASED,
        Doer(user, place="erase_student"),
        students=person.students,
        subject=f"student erased, can't be undone: {reason.strip()}",
    )
    _beside(person, mentions, erased, dry_run=dry_run)

    own_lines = rows.known_lines(person.students)
    cleaned = files.clean_files(mentions, rows.by_file(own_lines), dry_run=dry_run)
    erased.lines, erased.files = cleaned.blanked, cleaned.removed
    erased.places = {f"file {number}": len(lines) for number, lines in cleaned.lines.items() if lines}
    if cleaned.missing:
        erased.elsewhere.append(f"{cleaned.missing} kept files are on record and not in this machine's upload folder.")

    lines = rows.lines_of_runs(own_lines, cleaned.lines)
    gone, of_runs = rows.remove_rows(person, lines)
    erased.runs = rows.note_on_runs(of_runs, lines)
    erased.places |= {f"run {number}": sum(counts.values()) for number, counts in sorted(of_runs.items())}
    gone += _remove_student(student) if student is not None else Counter()
    get_user_model()._default_manager.filter(pk__in=person.account_ids).delete()
    erased.rows = dict(gone)
    erased.reworded = dict(rows.reword_texts(mentions))
    if entries := record.reword(_of_record(mentions), mentions.replace_account):
        erased.reworded["entries of the record of access"] = entries
    transaction.set_rollback(dry_run)
    return erased


def _of_record(mentions: Mentions) -> list[str]:
    return [*mentions.like(), *(f"%{name}%" for name in sorted(mentions.person.accounts))]


def _remove_student(student: Student) -> Counter[str]:
    """Remove the record with everything that refers to it. Returns rows by kind."""
    gone: Counter[str] = Counter()
    for relation in Student._meta.get_fields(include_hidden=True):
        if relation.auto_created and not relation.concrete and (relation.one_to_many or relation.one_to_one):
            model: Any = relation.related_model
            if model._meta.managed:
                field_name = relation.field.name  # type: ignore[union-attr]
                if count := model._base_manager.filter(**{field_name: student.pk}).count():
                    gone[str(model._meta.verbose_name_plural)] += count
    gone["students"] += 1
    remove(Student.objects.filter(pk=student.pk))
    return gone


def _beside(person: Person, mentions: Mentions, erased: Erased, *, dry_run: bool) -> None:
    """Erase data outside the tables, and accounts, before the rows needed to find it are gone."""
    counts = {
        "family accounts": len(person.account_ids),
        "mails": kept_mail.remove_naming(mentions.in_text, dry_run=dry_run),
        "sessions": _sessions(person, mentions, dry_run=dry_run),
    }
    for kind, eraser in all_erasers().items():
        counts[kind], by_hand = eraser.remove(Asked(person.student, naming(mentions), is_text_bytes, dry_run))
        erased.elsewhere += by_hand
    erased.other = {kind: count for kind, count in counts.items() if count}


def _sessions(person: Person, mentions: Mentions, *, dry_run: bool) -> int:
    """Remove sessions of the family, and those that store a search text about the person."""
    accounts = {str(pk) for pk in person.account_ids}
    keys = []
    for session in Session.objects.iterator():
        data = session.get_decoded()
        if data.get("_auth_user_id") in accounts or mentions.replace_in(data) != data:
            keys.append(session.pk)
    if not dry_run:
        Session.objects.filter(pk__in=keys).delete()
    return len(keys)
