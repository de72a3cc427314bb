"""What people changed by hand: one row per field, shown on the student's time line together with the imports."""

from django.conf import settings
from django.db import models

from sisimport.audit.looking import NotesStudent
from students.models.people import Student


class RecordEdit(NotesStudent, models.Model):
    """One field of a student's records edited by a person, with the value it had and why."""

    student = models.ForeignKey(Student, on_delete=models.CASCADE, related_name="edits")
    at = models.DateTimeField(auto_now_add=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    what = models.CharField(max_length=20)
    field = models.CharField(max_length=40)
    before = models.TextField(null=True, blank=True)  # noqa: DJ001 - absent and empty differ in a journal
    after = models.TextField(null=True, blank=True)  # noqa: DJ001
    reason = models.TextField(blank=True)
    # What undoing needs besides the texts (undoing.py). For a part of the record, on its first entry: `pk`, and the
    # written fields, `before` and `after` (null if the part did not exist). For SSIDs: all numbers of the student.
    journal = models.JSONField(null=True, blank=True)

    class Meta:
        verbose_name = "edit of a record"
        verbose_name_plural = "edits of records"
        ordering = ["-at", "-id"]

    def __str__(self) -> str:
        return f"{self.what}, {self.field.replace('_', ' ')}"
