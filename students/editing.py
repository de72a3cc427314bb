"""Edits of student records by hand: every changed field is written to the time line with its old value and the reason.

Each call is one transaction under the LEA's update lock, so that an import and a person never write at the same time.
SSIDs are given and retired in services.py.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import models, transaction

from sisimport.runtime.row_scope import across_schools
from students.locks import lock_leas
from students.models import SSID, ELRecord, Enrollment, Guardian, RecordEdit, Student
from students.models.people import CODE_FIELDS, NAME_FIELDS
from students.services import User, assign_ssid, clean_ssid, retire_ssid

Values = Mapping[str, Any]
Journal = dict[str, Any]  # `RecordEdit.journal` of a part of the record
STUDENT_FIELDS = ("local_number", *NAME_FIELDS, "birth_date", *CODE_FIELDS, "school", "grade")
EL_FIELDS = ("program_status", "identified_date", "tbd_date", "exit_date")
ENROLLMENT_FIELDS = ("school", "grade", "start_date", "exit_date", "exit_reason")
GUARDIAN_FIELDS = ("last_name", "first_name", "relationship")


@across_schools()  # the student may go to a school that the user does not see
@transaction.atomic
def create_student(*, student: Student, user: User, reason: str) -> Student:
    """Save a new student with the first enrollment at their school."""
    lock_leas([student.lea_id])
    student.save()
    Edit(student, user, reason).note("Student", "local_number", None, student.local_number)
    if student.school is not None:
        Enrollment.objects.create(student=student, school=student.school, grade=student.grade)
    return student


@across_schools()  # the student may go to a school that the user does not see
@transaction.atomic
def update_student(*, student: Student, values: Values, user: User, reason: str) -> Student:
    """Change fields of STUDENT_FIELDS; equal values are left alone. Raises ValueError for any other field."""
    lock_leas([student.lea_id])
    current = Student.objects.select_for_update(of=("self",)).get(pk=student.pk)
    Edit(student, user, reason).change(current, "Student", STUDENT_FIELDS, values)
    return current


@transaction.atomic
def update_el_record(*, student: Student, values: Values, user: User, reason: str) -> ELRecord:
    """Change the EL record, or make it (then `program_status` must be given)."""
    lock_leas([student.lea_id])
    record = ELRecord.objects.filter(student=student).first() or ELRecord(student=student, program_status="")
    Edit(student, user, reason).change(record, "EL record", EL_FIELDS, values)
    return record


@transaction.atomic
def remove_el_record(*, student: Student, user: User, reason: str) -> None:
    lock_leas([student.lea_id])
    record = ELRecord.objects.filter(student=student).first()
    if record is not None:
        remove_part(Edit(student, user, reason), record)


@across_schools()  # the student may go to a school that the user does not see
@transaction.atomic
def save_enrollment(*, enrollment: Enrollment, user: User, reason: str) -> Enrollment:
    """Save a changed or new enrollment; the student's school and grade follow the open one, or else the last."""
    edit = Edit(enrollment.student, user, reason)
    _save_part(enrollment, "Enrollment", ENROLLMENT_FIELDS, edit)
    follow_enrollment(edit)
    return enrollment


@across_schools()  # the student may go to a school that the user does not see
@transaction.atomic
def remove_enrollment(*, enrollment: Enrollment, user: User, reason: str) -> None:
    lock_leas([enrollment.student.lea_id])
    edit = Edit(enrollment.student, user, reason)
    remove_part(edit, enrollment)
    follow_enrollment(edit)


@transaction.atomic
def save_guardian(*, guardian: Guardian, user: User, reason: str) -> Guardian:
    _save_part(guardian, "Guardian", GUARDIAN_FIELDS, Edit(guardian.student, user, reason))
    return guardian


@transaction.atomic
def remove_guardian(*, guardian: Guardian, user: User, reason: str) -> None:
    lock_leas([guardian.student.lea_id])
    remove_part(Edit(guardian.student, user, reason), guardian)


@transaction.atomic
def change_ssid(*, student: Student, ssid: str, user: User, reason: str, was_mistake: bool = False) -> SSID | None:
    """Apply what staff typed as the student's SSID: give it, replace the one on record, or (blank) retire that one.

    The old number is kept as a former one or, if it was a mistake, removed so that its owner can have it.
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
class Edit:
    """Who edits whose records, and why."""

    student: Student
    user: User
    reason: str

    def change(self, record: models.Model, what: str, fields: tuple[str, ...], values: Values) -> None:
        """Set values that differ, log each, save once. A new record's blank fields are not logged."""
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
        journal: Journal | None = {
            "pk": record.pk,
            "before": None if is_new else {field: _plain(before) for field, before, _after in changed},
            "after": plain_values(record, fields) if is_new else {field: _plain(after) for field, _b, after in changed},
        }
        for field, before, after in changed:
            if before not in (None, "") or after not in (None, ""):
                self.note(what, field, before, after, journal)
                journal = None  # once for the record

    def note(self, what: str, field: str, before: Any, after: Any, journal: Journal | None = None) -> None:
        person: Any = self.user if self.user is not None and self.user.is_authenticated else None
        RecordEdit.objects.create(
            student=self.student,
            user=person,
            what=what,
            field=field,
            before=as_text(before),
            after=as_text(after),
            reason=self.reason.strip(),
            journal=journal,
        )


def remove_part(edit: Edit, part: ELRecord | Enrollment | Guardian) -> None:
    """Remove a part of the student's record, with one entry that names it."""
    fields: tuple[str, ...]
    if isinstance(part, ELRecord):
        what, fields, field, text = "EL record", EL_FIELDS, "program_status", part.program_status
    elif isinstance(part, Enrollment):
        what, fields, field, text = "Enrollment", ENROLLMENT_FIELDS, "school", str(part.school)
    else:
        what, fields, field, text = "Guardian", GUARDIAN_FIELDS, "name", f"{part.first_name} {part.last_name}"
    edit.note(what, field, text, None, {"pk": part.pk, "before": plain_values(part, fields), "after": None})
    part.delete()


def _save_part(part: Enrollment | Guardian, what: str, fields: tuple[str, ...], edit: Edit) -> None:
    lock_leas([part.student.lea_id])
    current = type(part)._default_manager.filter(pk=part.pk).first() if part.pk else None
    target = current or type(part)(student=part.student)
    edit.change(target, what, fields, {field: getattr(part, field) for field in fields})
    part.pk = target.pk


def follow_enrollment(edit: Edit) -> None:
    """School and grade of the student are those of the open enrollment, or else of the last."""
    enrollments = list(edit.student.enrollments.all())
    if not enrollments:
        return

    def latest(enrollment: Enrollment) -> tuple[bool, dt.date]:
        return enrollment.exit_date is None, enrollment.start_date or dt.date.min

    last = max(enrollments, key=latest)
    current = Student.objects.select_for_update(of=("self",)).get(pk=edit.student.pk)
    edit.change(current, "Student", STUDENT_FIELDS, {"school": last.school, "grade": last.grade})


def plain_values(record: models.Model, fields: tuple[str, ...]) -> dict[str, Any]:
    """Fields of a record as a journal stores them: dates as text, a school by its key."""
    return {field: _plain(getattr(record, field)) for field in fields}


def _plain(value: Any) -> Any:
    if isinstance(value, models.Model):
        return value.pk
    return value.isoformat() if isinstance(value, dt.date) else value


def as_text(value: Any) -> str | None:
    """A value as text for an entry of the time line."""
    return None if value in (None, "") else str(value)
