"""Edits of student records by hand: every changed field is written to the time line with its old value and the reason.

Each call is one transaction under the LEA's update lock, so that an import and a person never write at once.
SSIDs are given and retired in services.py.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import models, transaction

from students.locks import lock_leas
from students.models import SSID, ELRecord, Enrollment, Guardian, RecordEdit, Student
from students.models.people import CODE_FIELDS, NAME_FIELDS
from students.services import User, assign_ssid, clean_ssid, retire_ssid

Values = Mapping[str, Any]
STUDENT_FIELDS = ("local_number", *NAME_FIELDS, "birth_date", *CODE_FIELDS, "school", "grade")
EL_FIELDS = ("program_status", "identified_date", "tbd_date", "exit_date")
ENROLLMENT_FIELDS = ("school", "grade", "start_date", "exit_date", "exit_reason")
GUARDIAN_FIELDS = ("last_name", "first_name", "relationship")


@transaction.atomic
def create_student(*, student: Student, user: User, reason: str) -> Student:
    """Save a new student with the first enrollment at their school."""
    lock_leas([student.lea_id])
    student.save()
    _Edit(student, user, reason).note("Student", "local_number", None, student.local_number)
    if student.school is not None:
        Enrollment.objects.create(student=student, school=student.school, grade=student.grade)
    return student


@transaction.atomic
def update_student(*, student: Student, values: Values, user: User, reason: str) -> Student:
    """Change fields of STUDENT_FIELDS; what is equal is left alone. Raises ValueError for another field."""
    lock_leas([student.lea_id])
    current = Student.objects.select_for_update(of=("self",)).get(pk=student.pk)
    _Edit(student, user, reason).change(current, "Student", STUDENT_FIELDS, values)
    return current


@transaction.atomic
def update_el_record(*, student: Student, values: Values, user: User, reason: str) -> ELRecord:
    """Change the EL record, or make it (then `program_status` must be given)."""
    lock_leas([student.lea_id])
    record = ELRecord.objects.filter(student=student).first() or ELRecord(student=student, program_status="")
    _Edit(student, user, reason).change(record, "EL record", EL_FIELDS, values)
    return record


@transaction.atomic
def remove_el_record(*, student: Student, user: User, reason: str) -> None:
    lock_leas([student.lea_id])
    record = ELRecord.objects.filter(student=student).first()
    if record is not None:
        _Edit(student, user, reason).note("EL record", "program_status", record.program_status, None)
        record.delete()


@transaction.atomic
def save_enrollment(*, enrollment: Enrollment, user: User, reason: str) -> Enrollment:
    """Save a changed or new enrollment; the student's school and grade follow the open one, or else the last."""
    edit = _Edit(enrollment.student, user, reason)
    _save_part(enrollment, "Enrollment", ENROLLMENT_FIELDS, edit)
    _follow_enrollment(edit)
    return enrollment


@transaction.atomic
def remove_enrollment(*, enrollment: Enrollment, user: User, reason: str) -> None:
    lock_leas([enrollment.student.lea_id])
    edit = _Edit(enrollment.student, user, reason)
    edit.note("Enrollment", "school", enrollment.school, None)
    enrollment.delete()
    _follow_enrollment(edit)


@transaction.atomic
def save_guardian(*, guardian: Guardian, user: User, reason: str) -> Guardian:
    _save_part(guardian, "Guardian", GUARDIAN_FIELDS, _Edit(guardian.student, user, reason))
    return guardian


@transaction.atomic
def remove_guardian(*, guardian: Guardian, user: User, reason: str) -> None:
    lock_leas([guardian.student.lea_id])
    name = f"{guardian.first_name} {guardian.last_name}"
    _Edit(guardian.student, user, reason).note("Guardian", "name", name, None)
    guardian.delete()


@transaction.atomic
def change_ssid(*, student: Student, ssid: str, user: User, reason: str, was_mistake: bool = False) -> SSID | None:
    """What staff typed as the student's SSID: give it, replace the one on record, or (blank) retire that.

    The old number is kept as a former one, or, if it was a mistake, taken away so that its owner can have it.
    Raises SSIDRefusedError.
    """
    if not ssid.strip():
        retire_ssid(student=student, user=user, reason=reason)
        return None
    number = clean_ssid(ssid, student=student)
    lock_leas([student.lea_id])
    return assign_ssid(
        student=student, ssid=number, user=user, reason=reason, replace=True, keep_former=not was_mistake
    )


# ---- shared ----


@dataclass(frozen=True, slots=True)
class _Edit:
    """Who edits whose records, and why."""

    student: Student
    user: User
    reason: str

    def change(self, record: models.Model, what: str, fields: tuple[str, ...], values: Values) -> None:
        """Set values that differ, note each, save once. A new record's blank fields are not noted."""
        unknown = set(values) - set(fields)
        if unknown:
            raise ValueError(f"{what} has no field {', '.join(sorted(unknown))} that is edited by hand")
        is_new = record._state.adding
        changed = []
        for field, value in values.items():
            before = None if is_new else getattr(record, field)
            if before != value:
                setattr(record, field, value)
                changed.append((field, before, value))
        if not changed and not is_new:
            return
        record.save(update_fields=None if is_new else [field for field, _before, _after in changed])
        for field, before, after in changed:
            if before not in (None, "") or after not in (None, ""):
                self.note(what, field, before, after)

    def note(self, what: str, field: str, before: Any, after: Any) -> None:
        person: Any = self.user if self.user is not None and self.user.is_authenticated else None
        RecordEdit.objects.create(
            student=self.student,
            user=person,
            what=what,
            field=field,
            before=as_text(before),
            after=as_text(after),
            reason=self.reason.strip(),
        )


def _save_part(part: Enrollment | Guardian, what: str, fields: tuple[str, ...], edit: _Edit) -> None:
    lock_leas([part.student.lea_id])
    current = type(part)._default_manager.filter(pk=part.pk).first() if part.pk else None
    target = current or type(part)(student=part.student)
    edit.change(target, what, fields, {field: getattr(part, field) for field in fields})
    part.pk = target.pk


def _follow_enrollment(edit: _Edit) -> None:
    enrollments = list(edit.student.enrollments.all())
    if not enrollments:
        return

    def latest(enrollment: Enrollment) -> tuple[bool, dt.date]:
        return enrollment.exit_date is None, enrollment.start_date or dt.date.min

    last = max(enrollments, key=latest)
    current = Student.objects.select_for_update(of=("self",)).get(pk=edit.student.pk)
    edit.change(current, "Student", STUDENT_FIELDS, {"school": last.school, "grade": last.grade})


def as_text(value: Any) -> str | None:
    """A value as an entry of the time line has it."""
    return None if value in (None, "") else str(value)
