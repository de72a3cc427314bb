"""Erasures asked for on the page: put down there, done by a worker when no run is at work."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from sisimport.erasing.guard import BusyError, ErasingError
from sisimport.erasing.models import Erasure
from sisimport.erasing.students import check_reason, erase_student
from students.models import Student

EVERY_SECONDS = 5.0


def count(student: Student, *, user: Any) -> Erasure:
    """Ask for the numbers of what would go; one that waits is enough."""
    waiting = Erasure.objects.filter(student_id=student.pk, dry_run=True, state=Erasure.State.WAITING).first()
    return waiting or Erasure.objects.create(student_id=student.pk, dry_run=True, asked_by=user)


def counted(student: Student) -> Erasure | None:
    """The last count of what would go, done or not."""
    return Erasure.objects.filter(student_id=student.pk, dry_run=True).first()


def ask(student: Student, *, reason: str, typed: str, user: Any) -> Erasure:
    """Ask for the erasure. `typed`: the local number, once more. Raises ErasingError."""
    last = counted(student)
    if last is None or last.state != Erasure.State.DONE:
        raise ErasingError("Count first what would go, and look at it.")
    if typed.strip() != student.local_number:
        raise ErasingError("The number typed is not this student's. Type the local number shown above.")
    check_reason(student, reason)
    waiting = Erasure.objects.filter(student_id=student.pk, dry_run=False, state=Erasure.State.WAITING).first()
    return waiting or Erasure.objects.create(
        student_id=student.pk, dry_run=False, reason=reason.strip()[:120], asked_by=user
    )


def do_waiting() -> int:
    """Do what was asked for, the oldest first. Returns how many were done or refused."""
    ended = 0
    for pk in list(Erasure.objects.filter(state=Erasure.State.WAITING).order_by("pk").values_list("pk", flat=True)):
        ended += _do(pk)
    return ended


def _do(pk: int) -> bool:
    """One of them, and its end in the same transaction: one that breaks off is done anew."""
    with transaction.atomic():
        waiting = Erasure.objects.select_for_update(skip_locked=True, of=("self",)).filter(state=Erasure.State.WAITING)
        found = waiting.select_related("asked_by").filter(pk=pk).first()
        if found is None:
            return False
        student = Student.objects.filter(pk=found.student_id).first()
        try:
            if student is None:
                raise ErasingError("The student was erased or removed meanwhile. Nothing is left to do.")
            erased = erase_student(student, reason=found.reason, user=found.asked_by, dry_run=found.dry_run)
        except BusyError as error:
            Erasure.objects.filter(pk=pk).update(message=str(error))
            return False
        except ErasingError as error:
            end: dict[str, Any] = {"state": Erasure.State.REFUSED, "message": str(error)}
        else:
            end = {"state": Erasure.State.DONE, "message": "", "result": erased.as_json()}
        Erasure.objects.filter(pk=pk).update(ended_at=timezone.now(), **end)
    return True
