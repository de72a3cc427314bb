"""What changed about students since their state last confirmed it, for states that must be informed (rule U-4)."""

from django.db import models

from students.models.people import Student

# Columns of the student record that a state's SSID system also stores. The trigger of migration 0003 watches them.
WATCHED_FIELDS = {
    "last_name": "Last name",
    "first_name": "First name",
    "middle_name": "Middle name",
    "suffix": "Name suffix",
    "legal_last_name": "Legal last name",
    "legal_first_name": "Legal first name",
    "legal_middle_name": "Legal middle name",
    "birth_date": "Birth date",
    "gender": "Gender",
    "legal_gender": "Legal gender",
    "ethnicity": "Ethnicity",
}


class ChangedRecord(models.Model):
    """One edit of one watched field. The student is flagged while a row is not cleared.

    A database trigger writes the rows, so no edit can bypass it: imports, reverts, admin, services or plain SQL. Only
    students of LEAs in Utah are watched. Rows of a student are numbered in the order of the edits.
    `cleared_by` is the number of the Update request whose answer confirmed the change.
    """

    # Without database constraint: the flag never keeps a student's record from being removed by a revert.
    student = models.ForeignKey(
        Student, on_delete=models.CASCADE, related_name="changed_records", db_constraint=False, db_index=False
    )
    field = models.CharField(max_length=20, choices=list(WATCHED_FIELDS.items()))
    before = models.TextField(blank=True)
    after = models.TextField(blank=True)
    since = models.DateTimeField(auto_now_add=True)
    cleared_by = models.BigIntegerField("confirmed by request", null=True, blank=True)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["student", "cleared_by"], name="changed_record_of_student")]

    def __str__(self) -> str:
        return f"{self.field} of student {self.student_id}"
