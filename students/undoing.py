"""Undo of one edit by hand: its fields get the values they had, as an edit of its own with a reason.

Only where nothing was written since: a field that is not as the edit left it is never overwritten. What an edit of a number or
of an enrollment meant cannot be told from its entry alone; those are put right where they are edited.
"""

import datetime as dt
from collections.abc import Collection
from typing import Any

from django.db import models, transaction

from students.editing import EL_FIELDS, STUDENT_FIELDS, as_text, update_el_record, update_student
from students.locks import lock_leas
from students.models import ELRecord, RecordEdit, School, Student
from students.services import User

STUDENT, EL = "Student", "EL record"
_UNDOABLE = {STUDENT: tuple(field for field in STUDENT_FIELDS if field != "local_number"), EL: EL_FIELDS}


class UndoRefusedError(Exception):
    """Why an edit cannot be undone, for the person who asked."""


def can_be_undone(edit: RecordEdit) -> bool:
    """Whether its kind of edit can be undone at all. A record that the edit made is removed where it is edited."""
    if edit.what not in _UNDOABLE or edit.field not in _UNDOABLE[edit.what]:
        return False
    return edit.field != "program_status" or bool(edit.before)


@transaction.atomic
def undo_edit(*, student: Student, edits: Collection[int], user: User) -> None:
    """Put back what these entries of the student's time line changed, all of them or none. Raises UndoRefusedError."""
    lock_leas([student.lea_id])
    entries = list(RecordEdit.objects.filter(student=student, pk__in=edits).order_by("pk"))
    if not entries or not all(map(can_be_undone, entries)):
        raise UndoRefusedError("This edit cannot be undone here. Correct the record on its own page.")
    for what in _UNDOABLE:
        own = [entry for entry in entries if entry.what == what]
        if own:
            _put_back(student, what, own, user)


def _put_back(student: Student, what: str, entries: list[RecordEdit], user: User) -> None:
    record: Any = Student.objects.filter(pk=student.pk).first()
    if what == EL:
        record = ELRecord.objects.filter(student=student).first()
    if record is None:
        raise UndoRefusedError(
            f"The {what} is not there any more, so there is nothing to put back. Look at the student's record."
        )
    values: dict[str, Any] = {}
    for entry in entries:
        if as_text(getattr(record, entry.field)) != entry.after:
            label = entry.field.replace("_", " ")
            raise UndoRefusedError(
                f"{label.capitalize()} was changed again since; what was written later is kept. Undo the later change first."
            )
        values[entry.field] = _value(record, entry)
    reason = f"Undoes an edit of {entries[0].at:%Y-%m-%d}"
    if what == STUDENT:
        update_student(student=student, values=values, user=user, reason=reason)
    else:
        update_el_record(student=student, values=values, user=user, reason=reason)


def _value(record: models.Model, entry: RecordEdit) -> Any:
    """The value that the text of an entry stands for."""
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
        "The school that the student had is not on record under that name any more. Choose the school by hand."
    )
