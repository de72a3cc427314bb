"""Edits of student records by people: each locks the LEA as imports do and is written to the student's time line."""

import re
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import transaction
from django.utils import timezone

from sisimport.runtime.row_scope import across_schools
from students.locks import lock_leas
from students.models import SSID, Origin, RecordEdit, ReportedSSID, Student
from students.profiles import profile_of

User = AbstractBaseUser | AnonymousUser | None

_SSID_FACTS = ("origin", "origin_run", "origin_line", "verified", "created_at", "retired_at")
_MOMENTS = ("created_at", "retired_at")

HELD_BY_ANOTHER = "This SSID belongs to another student. Compare the digits again."


class SSIDRefusedError(Exception):
    """An SSID that cannot be given to a student. `code` is one of the reference of issue codes; the text is for
    staff."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


def clean_ssid(text: str, *, student: Student) -> str:
    """The number without blanks and hyphens. Raises SSIDRefusedError if it cannot be an SSID (rules M-1, ID-3,
    ID-4)."""
    profile = profile_of(student.lea.state)
    number = re.sub(r"[\s\-‐-–]", "", text)
    if not number:
        raise SSIDRefusedError("SSID-FORMAT", f"Type the SSID: {profile.ssid_words}.")
    if looks_like_local_number(number, student):
        raise SSIDRefusedError("SSID-FORMAT", "This is the student's own local number, not an SSID.")
    if re.search(r"[^0-9]", number):
        raise SSIDRefusedError("SSID-FORMAT", f"An SSID is {profile.ssid_words} and nothing else.")
    if not profile.is_ssid(number):
        raise SSIDRefusedError("SSID-FORMAT", f"An SSID is {profile.ssid_words}; this has {len(number)}.")
    return number


def looks_like_local_number(number: str, student: Student) -> bool:
    """Is it the school's own student number, possibly padded with zeros to make it long enough (rule ID-4)?"""
    local = student.local_number
    return number == local or (local.isdigit() and number.isdigit() and len(local) >= 4 and int(number) == int(local))


@transaction.atomic
def assign_ssid(
    *,
    student: Student,
    ssid: str,
    user: User,
    origin: Origin = Origin.STAFF,
    verified: bool = True,
    reason: str = "",
    replace: bool = False,
    keep_former: bool = False,
) -> SSID:
    """Give a student an SSID, or mark the one on record verified.

    A different number on record is only taken away with `replace`: it was wrong and is removed or, with `keep_former`,
    the state replaced it and it stays as a former one. Either makes one entry of the time line. A verified number is
    never replaced by one that is not (rule M-8). Raises SSIDRefusedError.
    """
    number = clean_ssid(ssid, student=student)
    lock_leas([student.lea_id])
    state = student.lea.state
    with across_schools():  # a number belongs to one student of the state
        is_taken = SSID.objects.filter(state=state, ssid=number).exclude(student=student).exists()
    if is_taken:
        raise SSIDRefusedError("SSID-TAKEN", HELD_BY_ANOTHER)
    current = SSID.objects.filter(student=student, retired_at__isnull=True).first()
    if current is not None and current.ssid == number:
        return _confirm(current, verified=verified, user=user, reason=reason)
    if SSID.objects.filter(student=student, state=state, ssid=number).exists():
        raise SSIDRefusedError("SSID-FORMER", "This is a retired SSID of this student.")
    before, then = None, numbers_of(student)
    if current is not None:
        if not replace:
            raise SSIDRefusedError("SSID-CONFLICT", "The student already has a different SSID.")
        if current.verified and not verified:
            raise SSIDRefusedError("SSID-CONFLICT", "A verified SSID is not replaced by one that is not verified.")
        before = current.ssid
        if keep_former:
            current.retired_at = timezone.now()
            current.save(update_fields=["retired_at"])
        else:
            current.delete()
    given = SSID.objects.create(student=student, state=state, ssid=number, origin=origin, verified=verified)
    if verified:
        ReportedSSID.objects.filter(student=student).delete()
    note_ssid(student, user, then, field="ssid", before=before, after=number, reason=reason)
    return given


def _confirm(current: SSID, *, verified: bool, user: User, reason: str) -> SSID:
    student, then, confirms = current.student, numbers_of(current.student), verified and not current.verified
    if confirms:
        current.verified = True
        current.save(update_fields=["verified"])
    if current.verified:
        ReportedSSID.objects.filter(student=student).delete()
    if confirms:
        note_ssid(student, user, then, field="verified", before="no", after="yes", reason=reason)
    return current


@transaction.atomic
def retire_ssid(*, student: Student, user: User, reason: str) -> None:
    """The state says that the current SSID is no longer valid and names no other: it becomes a former one."""
    lock_leas([student.lea_id])
    current = SSID.objects.filter(student=student, retired_at__isnull=True).first()
    if current is not None:
        then = numbers_of(student)
        current.retired_at = timezone.now()
        current.save(update_fields=["retired_at"])
        note_ssid(student, user, then, field="ssid", before=current.ssid, after=None, reason=reason)


def report_ssid(*, student: Student, ssid: str, user: User) -> ReportedSSID:
    """Store the number that a student or family gave us (rule M-7), unverified.

    No existing number is looked up: the answer is the same, and as quick, whether the number exists or not. Raises
    SSIDRefusedError if it cannot be an SSID of this student.
    """
    number = clean_ssid(ssid, student=student)
    kept, _created = ReportedSSID.objects.update_or_create(
        student=student, defaults={"ssid": number, "state": student.lea.state, "reported_by": _person(user)}
    )
    return kept


@transaction.atomic
def verify_reported(*, student: Student, user: User, reason: str = "", replace: bool = False) -> SSID:
    """A person compared the number the family gave us with a document: it becomes the student's SSID, verified.

    Raises SSIDRefusedError, also if nothing is reported.
    """
    reported = ReportedSSID.objects.filter(student=student).first()
    if reported is None:
        raise SSIDRefusedError("SSID-FORMAT", "No number is reported for this student.")
    return assign_ssid(
        student=student,
        ssid=reported.ssid,
        user=user,
        origin=Origin.STUDENT,
        verified=True,
        reason=reason or "Number given by the family, compared by staff",
        replace=replace,
    )


def dismiss_reported(*, student: Student) -> None:
    """The number the family gave us is wrong: forget it."""
    ReportedSSID.objects.filter(student=student).delete()


def _person(user: User) -> Any:
    return user if isinstance(user, AbstractBaseUser) and user.is_authenticated else None


def numbers_of(student: Student) -> dict[str, Any]:
    """All numbers of a student with the data on record for each, and the one that the family gave: as stored in a
    journal."""
    rows = SSID.objects.filter(student=student).order_by("pk").values("pk", "ssid", *_SSID_FACTS)
    return {
        "ssids": [{**row, **{name: row[name] and row[name].isoformat() for name in _MOMENTS}} for row in rows],
        "reported": ReportedSSID.objects.filter(student=student).values("ssid", "reported_by").first(),
    }


def note_ssid(
    student: Student,
    user: User,
    then: dict[str, Any],
    *,
    field: str,
    before: str | None,
    after: str | None,
    reason: str,
) -> None:
    """An entry of the time line about the student's numbers. `then`: the result of `numbers_of` before the edit."""
    RecordEdit.objects.create(
        student=student,
        user=_person(user),
        what="SSID",
        field=field,
        before=before,
        after=after,
        reason=reason,
        journal={"before": then, "after": numbers_of(student)},
    )


@transaction.atomic
def put_ssids_back(student: Student, entry: RecordEdit, *, user: User, reason: str) -> None:
    """Undo an entry about the student's numbers: restore all of them from its journal. Raises SSIDRefusedError.

    Only while they are as the entry left them, and no other student has been given a number to be restored.
    """
    journal = entry.journal or {}
    now, then, after = numbers_of(student), journal["before"], journal["after"]
    if list(map(_what_counts, now["ssids"])) != list(map(_what_counts, after["ssids"])):
        raise SSIDRefusedError(
            "SSID-CONFLICT",
            "The SSID has been changed again since then; the later value is kept. Undo the later change first.",
        )
    state, rows = student.lea.state, then["ssids"]
    numbers = [row["ssid"] for row in rows]
    with across_schools():
        is_taken = SSID.objects.filter(state=state, ssid__in=numbers).exclude(student=student).exists()
    if is_taken:
        raise SSIDRefusedError(
            "SSID-TAKEN",
            "Another student has been given this SSID since then. Compare both with the state's own records.",
        )
    SSID.objects.filter(student=student).exclude(pk__in=[row["pk"] for row in rows]).delete()
    for row in sorted(rows, key=lambda row: row["retired_at"] is None):  # the current one last: there is one only
        values = {name: row[name] for name in _SSID_FACTS}
        if not SSID.objects.filter(pk=row["pk"]).update(**values):
            SSID.objects.create(pk=row["pk"], student=student, state=state, ssid=row["ssid"], **values)
            SSID.objects.filter(pk=row["pk"]).update(created_at=row["created_at"])
    if now["reported"] == after["reported"] != then["reported"]:
        _put_reported_back(student, then["reported"])
    note_ssid(student, user, now, field=entry.field, before=entry.after, after=entry.before, reason=reason)


def _put_reported_back(student: Student, reported: dict[str, Any] | None) -> None:
    ReportedSSID.objects.filter(student=student).delete()
    if reported is not None:
        by = get_user_model().objects.filter(pk=reported["reported_by"]).first()
        ReportedSSID.objects.create(student=student, state=student.lea.state, ssid=reported["ssid"], reported_by=by)


def _what_counts(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["pk"], row["ssid"], row["verified"], row["retired_at"] is None
