"""Erasures requested on the page: recorded there, done by a worker when no run is active."""

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from sisimport.audit import looking
from sisimport.erasing.guard import BusyError, ErasingError
from sisimport.erasing.models import Erasure
from sisimport.erasing.people import Person
from sisimport.erasing.students import (
    Erased,
    check_reason,
    check_reason_off_record,
    erase_student,
    erase_traces,
    find_off_record,
)
from students.models import Student

EVERY_SECONDS = 5.0
# The data of a person without a record is deleted after this time if the user did not continue after the count.
COUNT_KEPT = dt.timedelta(days=1)


def count(student: Student, *, user: Any) -> Erasure:
    """Request a count of what would be erased; a waiting one is reused."""
    waiting = Erasure.objects.filter(student_id=student.pk, dry_run=True, state=Erasure.State.WAITING).first()
    return waiting or Erasure.objects.create(student_id=student.pk, dry_run=True, asked_by=user)


def counted(student: Student) -> Erasure | None:
    """The last count of what would be erased, done or not."""
    return Erasure.objects.filter(student_id=student.pk, dry_run=True).first()


def ask(student: Student, *, reason: str, typed: str, user: Any) -> Erasure:
    """Request the erasure. `typed`: the local number, typed again. Raises ErasingError."""
    last = counted(student)
    if last is None or last.state != Erasure.State.DONE:
        raise ErasingError("First count what would be erased, and check it.")
    if typed.strip() != student.local_number:
        raise ErasingError("The number typed is not this student's. Type the local number shown above.")
    check_reason(student, reason)
    waiting = Erasure.objects.filter(student_id=student.pk, dry_run=False, state=Erasure.State.WAITING).first()
    return waiting or Erasure.objects.create(
        student_id=student.pk, dry_run=False, reason=reason.strip()[:120], asked_by=user
    )


# ---- a person without a record ----


def count_off_record(values: Mapping[str, str], *, user: Any) -> Erasure:
    """Request a count of what would be erased about a person without a record. `values`: the values for
    `find_off_record`, without blank ones.

    Raises ErasingError if there is a record, or if it might be anyone.
    """
    person = _person(values)
    forget_off_record(user)
    return Erasure.objects.create(student_id=person.student, dry_run=True, said=dict(values), asked_by=user)


def counted_off_record(user: Any) -> Erasure | None:
    """The last count that this user requested, as long as the person's data is kept."""
    counts = Erasure.objects.filter(dry_run=True, asked_by=user, asked_at__gt=timezone.now() - COUNT_KEPT)
    return counts.exclude(said={}).first()


def forget_off_record(user: Any) -> None:
    """Discard the person's data of this user's counts."""
    Erasure.objects.filter(dry_run=True, asked_by=user).exclude(said={}).update(said={})


def ask_off_record(*, reason: str, typed: str, user: Any) -> Erasure:
    """Request the erasure of the person this user counted last. `typed`: the local number or the SSID, typed again.
    Raises ErasingError."""
    last = counted_off_record(user)
    if last is None or last.state != Erasure.State.DONE:
        raise ErasingError("First count what would be erased, and check it.")
    values: dict[str, str] = last.said
    if typed.strip() not in {values.get("number"), values.get("ssid")} - {None}:
        raise ErasingError("The number typed is not the one that was counted. Type the local number or the SSID.")
    person = _person(values)
    check_reason_off_record(person, reason)
    with transaction.atomic():
        erasure = Erasure.objects.create(
            student_id=person.student, dry_run=False, reason=reason.strip()[:120], said=values, asked_by=user
        )
        forget_off_record(user)
    return erasure


def _person(values: Mapping[str, str]) -> Person:
    born = {"birth_date": dt.date.fromisoformat(values["birth_date"])} if "birth_date" in values else {}
    texts = {name: text for name, text in values.items() if name != "birth_date"}
    with looking.unseen():
        return find_off_record(**texts, **born)  # type: ignore[arg-type]


# ---- in a worker ----


def do_waiting() -> int:
    """Process requests, oldest first. Returns how many were done or refused."""
    ended = 0
    old = Erasure.objects.filter(dry_run=True, asked_at__lt=timezone.now() - COUNT_KEPT)
    old.exclude(said={}).exclude(state=Erasure.State.WAITING).update(said={})
    for pk in list(Erasure.objects.filter(state=Erasure.State.WAITING).order_by("pk").values_list("pk", flat=True)):
        ended += _do(pk)
    return ended


def _do(pk: int) -> bool:
    """Process one request and its completion in one transaction: an interrupted one is done again."""
    with transaction.atomic():
        waiting = Erasure.objects.select_for_update(skip_locked=True, of=("self",)).filter(state=Erasure.State.WAITING)
        found = waiting.select_related("asked_by").filter(pk=pk).first()
        if found is None:
            return False
        # Not counted among the data that names the person; restored if the user may continue after the count.
        Erasure.objects.filter(pk=pk).update(said={})
        try:
            erased = _erase(found)
        except BusyError as error:
            Erasure.objects.filter(pk=pk).update(message=str(error), said=found.said)
            return False
        except ErasingError as error:
            end: dict[str, Any] = {"state": Erasure.State.REFUSED, "message": str(error)}
        else:
            end = {"state": Erasure.State.DONE, "message": "", "result": erased.as_json()}
        if found.dry_run and end["state"] == Erasure.State.DONE:
            end["said"] = found.said
        Erasure.objects.filter(pk=pk).update(ended_at=timezone.now(), **end)
    return True


def _erase(erasure: Erasure) -> Erased:
    how: dict[str, Any] = {"reason": erasure.reason, "user": erasure.asked_by, "dry_run": erasure.dry_run}
    if erasure.said:
        return erase_traces(_person(erasure.said), **how)
    student = Student.objects.filter(pk=erasure.student_id).first()
    if student is None:
        raise ErasingError("The student was erased or removed in the meantime. There is nothing left to do.")
    return erase_student(student, **how)
