"""The joins of staged rows, by the values of their own columns. Used only inside statements: nothing is ever loaded through
them."""

from django.db import models

from students.models import SSID, School, Student


def joined(model: type[models.Model], **columns: str) -> models.ForeignObject:
    """Join to `model` on the given pairs of its field and a column of the row: `joined(Student, id="student_pk")`."""
    return models.ForeignObject(
        model,
        on_delete=models.DO_NOTHING,
        from_fields=list(columns.values()),
        to_fields=list(columns),
        related_name="+",
        null=True,
    )


def joined_student() -> models.ForeignObject:
    """The student of this LEA and local number."""
    return joined(Student, lea_id="lea_id", local_number="local_number")


def joined_holder() -> models.ForeignObject:
    """The record of the file's SSID: a student has it now, or had it before."""
    return joined(SSID, state="state", ssid="ssid")


def joined_school() -> models.ForeignObject:
    """The school of this code in the LEA."""
    return joined(School, lea_id="lea_id", code="school")
