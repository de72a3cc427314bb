"""Undo of one manual edit: what it wrote gets its former values back, as a separate edit with a reason.

Only if nothing was written since: a value that is not as the edit left it is never overwritten. The journal on an entry
(`RecordEdit.journal`) says what to restore. Entries from before journals existed can be undone if their texts say
enough: fields of the student and of the EL record.
"""

import datetime as dt
from collections.abc import Collection
from typing import Any

from django.db import models, transaction
from django.utils import timezone

from sisimport.runtime.row_scope import across_schools
from students.editing import (
    EL_FIELDS,
    ENROLLMENT_FIELDS,
    GUARDIAN_FIELDS,
    STUDENT_FIELDS,
    Edit,
    as_text,
    follow_enrollment,
    plain_values,
    remove_part,
    update_el_record,
    update_student,
)
from students.locks import lock_leas
from students.models import ELRecord, Enrollment, Guardian, RecordEdit, School, Student
from students.services import SSIDRefusedError, User, put_ssids_back

STUDENT, EL, ENROLLMENT, GUARDIAN, SSID = "Student", "EL record", "Enrollment", "Guardian", "SSID"
_FIELDS = {STUDENT: STUDENT_FIELDS, EL: EL_FIELDS}
_PARTS: dict[str, tuple[type[models.Model], tuple[str, ...]]] = {
    STUDENT: (Student, STUDENT_FIELDS),
    EL: (ELRecord, EL_FIELDS),
    ENROLLMENT: (Enrollment, ENROLLMENT_FIELDS),
    GUARDIAN: (Guardian, GUARDIAN_FIELDS),
}


class UndoRefusedError(Exception):
    """Why an edit cannot be undone, for the person who asked."""


def can_be_undone(edits: Collection[RecordEdit]) -> bool:
    """Whether the entries that make up one edit say enough to undo it: either all are undone or none."""
    journalled = {edit.what for edit in edits if edit.journal is not None}
    return bool(edits) and all((edit.what in journalled or _by_its_text(edit)) and not _makes(edit) for edit in edits)


def _makes(edit: RecordEdit) -> bool:
    """Whether the entry created the student, which is not undone: a student leaves by an exit date."""
    return edit.what == STUDENT and edit.field == "local_number" and not edit.before


def _by_its_text(edit: RecordEdit) -> bool:
    if edit.what not in _FIELDS or edit.field not in _FIELDS[edit.what]:
        return False
    return edit.field != "program_status" or bool(edit.before)


@across_schools()  # the student may go back to a school that the user does not see
@transaction.atomic
def undo_edit(*, student: Student, edits: Collection[int], user: User) -> None:
    """Restore what these entries of the student's time line changed, all of them or none. Raises UndoRefusedError."""
    lock_leas([student.lea_id])
    entries = list(RecordEdit.objects.filter(student=student, pk__in=edits).order_by("-pk"))
    if not can_be_undone(entries):
        raise UndoRefusedError("This edit cannot be undone here. Correct the record on its own page.")
    edit = Edit(student, user, f"Undoes an edit of {timezone.localdate(entries[0].at):%m/%d/%Y}")
    journalled = {entry.what for entry in entries if entry.journal is not None}
    _put_texts_back(edit, [entry for entry in entries if entry.what not in journalled])
    for entry in entries:
        if entry.journal is not None and entry.what == SSID:
            _put_numbers_back(edit, entry)
        elif entry.journal is not None:
            _put_part_back(edit, entry.what, entry.journal)
    if any(entry.what == ENROLLMENT for entry in entries) and not any(entry.what == STUDENT for entry in entries):
        follow_enrollment(edit)


# ---- fields restored from the texts of their entries ----


def _put_texts_back(edit: Edit, entries: list[RecordEdit]) -> None:
    for what in _FIELDS:
        values = {entry.field: _text_value(edit.student, entry) for entry in entries if entry.what == what}
        if values and what == STUDENT:
            _check_local_number(edit.student, values.get("local_number"))
            update_student(student=edit.student, values=values, user=edit.user, reason=edit.reason)
        elif values:
            update_el_record(student=edit.student, values=values, user=edit.user, reason=edit.reason)


def _text_value(student: Student, entry: RecordEdit) -> Any:
    """The value that the text of an entry means. Raises UndoRefusedError if the field is not as the entry left it."""
    record: Any = Student.objects.filter(pk=student.pk).first()
    if entry.what == EL:
        record = ELRecord.objects.filter(student=student).first()
    if record is None:
        raise UndoRefusedError(_gone(entry.what))
    if as_text(getattr(record, entry.field)) != entry.after:
        raise UndoRefusedError(_changed_since(entry.field))
    field = record._meta.get_field(entry.field)
    if entry.field == "school":
        return _school(record, entry.before)
    if isinstance(field, models.DateField):
        return dt.date.fromisoformat(entry.before) if entry.before else None
    return entry.before or ""


def _school(record: Any, text: str | None) -> School | None:
    if not text:
        return None
    for school in School.objects.filter(lea_id=record.lea_id):
        if str(school) == text:
            return school
    raise UndoRefusedError(
        "The school that the student had is no longer on record under that name. Choose the school by hand."
    )


def _check_local_number(student: Student, number: str | None) -> None:
    if number and Student.objects.filter(lea_id=student.lea_id, local_number=number).exclude(pk=student.pk).exists():
        raise UndoRefusedError(
            "Another student has this local number now. Check that student first, then correct the number by hand."
        )


# ---- parts of the record that have a journal ----


def _put_part_back(edit: Edit, what: str, journal: dict[str, Any]) -> None:
    model, fields = _PARTS[what]
    own = {"pk": edit.student.pk} if what == STUDENT else {"pk": journal["pk"], "student": edit.student}
    record: Any = model._default_manager.filter(**own).first()
    before, after = journal["before"], journal["after"]
    if after is None:
        _bring_back(edit, what, journal["pk"], before)
        return
    if record is None:
        raise UndoRefusedError(_gone(what))
    now = plain_values(record, fields)
    for field, value in after.items():
        if now[field] != value:
            raise UndoRefusedError(_changed_since(field))
    if before is None:
        remove_part(edit, record)
    else:
        if what == STUDENT:
            _check_local_number(edit.student, before.get("local_number"))
        _check_enrollment(edit, record, before)
        edit.change(record, what, fields, _values(model, before))


def _bring_back(edit: Edit, what: str, pk: int, before: dict[str, Any]) -> None:
    """Restore a part that the edit removed, under its own key: what a run wrote to it can still be reverted."""
    model, fields = _PARTS[what]
    if what == EL and ELRecord.objects.filter(student=edit.student).exists():
        raise UndoRefusedError("A new EL record was added since then; it is kept. Correct it on the student's record.")
    record: Any = model(pk=pk, student=edit.student)
    _check_enrollment(edit, record, before)
    edit.change(record, what, fields, _values(model, before))


def _check_enrollment(edit: Edit, record: Any, before: dict[str, Any]) -> None:
    """One enrollment per school and day: refused if there is a different one by now."""
    if not isinstance(record, Enrollment):
        return
    current = {} if record._state.adding else plain_values(record, ENROLLMENT_FIELDS)
    wanted = current | before
    same = Enrollment.objects.filter(student=edit.student, school=wanted["school"], start_date=wanted["start_date"])
    if same.exclude(pk=record.pk).exists():
        raise UndoRefusedError(
            "There is another enrollment at this school from the same day now; it is kept. Correct the enrollments by hand."
        )


def _values(model: type[models.Model], plain: dict[str, Any]) -> dict[str, Any]:
    """The values that a journal means."""
    values: dict[str, Any] = {}
    for name, value in plain.items():
        field = model._meta.get_field(name)
        if value and isinstance(field, models.ForeignKey):
            values[name] = School.objects.filter(pk=value).first()
            if values[name] is None:
                raise UndoRefusedError("The school from that time is no longer on record. Choose the school by hand.")
        else:
            values[name] = dt.date.fromisoformat(value) if value and isinstance(field, models.DateField) else value
    return values


def _put_numbers_back(edit: Edit, entry: RecordEdit) -> None:
    if entry.journal is None:
        return
    try:
        put_ssids_back(edit.student, entry, user=edit.user, reason=edit.reason)
    except SSIDRefusedError as error:
        raise UndoRefusedError(str(error)) from None


def _gone(what: str) -> str:
    return f"The {what} no longer exists, so there is nothing to put back. Check the student's record."


def _changed_since(field: str) -> str:
    label = field.replace("_", " ").capitalize()
    return f"{label} has been changed again since then; the later value is kept. Undo the later change first."
