"""Requests to Utah's SSID system and the answers to them (rules U-1 to U-12)."""

import calendar

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from sisimport.audit.looking import NotesStudent
from sisimport.imports.models import ImportRun
from students.models import LEA, School, Student


class UtahFunction(models.TextChoices):
    """What a request asks of the state; the value is its code in the file."""

    RETRIEVE = "R", "Retrieve"
    NEW = "N", "New"
    UPDATE = "U", "Update"
    VERIFY = "V", "Verify"

    @property
    def word(self) -> str:
        """Its name in commands: `retrieve`."""
        return str(self.label).lower()


class UtahRequest(models.Model):
    """One request file: who made it, when, for which schools; its students and the values sent are in `students`.

    Its state (sent, answered, applied, withdrawn) follows from the runs of its answers: see utah.queries.with_state.
    """

    lea = models.ForeignKey(LEA, on_delete=models.PROTECT, related_name="utah_requests", verbose_name="LEA")
    function = models.CharField(max_length=1, choices=UtahFunction.choices)
    schools = models.ManyToManyField(School, related_name="utah_requests")
    school_year = models.PositiveSmallIntegerField(help_text="Calendar year in which the school year ends.")
    effective_date = models.DateField(
        null=True, blank=True, help_text="Only students enrolled on this day; empty: at any time in the school year."
    )
    record_count = models.PositiveIntegerField(default=0)
    file = models.FileField(upload_to="utah-requests", max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    override_reason = models.TextField(
        blank=True, help_text="Why a New request was made while a Retrieve answer was outstanding."
    )
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    withdrawn_reason = models.TextField(blank=True)

    class Meta:
        verbose_name = "Utah request"
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"{self.get_function_display()} request {self.pk}"

    @property
    def file_name(self) -> str:
        return f"{UtahFunction(self.function).label.upper()}_{self.lea.code}_{self.pk}.csv"


class UtahRequestStudent(NotesStudent, models.Model):
    """What a request said about one student.

    `changed_through` is the student's latest ChangedRecord when the request was made: an answer confirms the changes up to it.
    """

    pk = models.CompositePrimaryKey("request_id", "line")
    # Without database constraints, like all rows written by the hundred thousand; sent values outlive the student's
    # record.
    request = models.ForeignKey(
        UtahRequest, on_delete=models.CASCADE, related_name="students", db_constraint=False, db_index=False
    )
    line = models.PositiveIntegerField(help_text="File Line Number, counted from 1.")
    student = models.ForeignKey(
        Student, on_delete=models.CASCADE, related_name="utah_sent", db_constraint=False, db_index=False
    )
    school = models.ForeignKey(School, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False)
    local_number = models.CharField(max_length=16)
    ssid = models.CharField("SSID", max_length=10, blank=True)
    last_name = models.CharField(max_length=50)
    first_name = models.CharField(max_length=30, blank=True)
    middle_name = models.CharField(max_length=30, blank=True)
    suffix = models.CharField(max_length=8, blank=True)
    birth_date = models.DateField()
    gender = models.CharField(max_length=1, blank=True)
    ethnicity = models.CharField(max_length=40, blank=True)
    was_enrolled = models.BooleanField(help_text="The student had not left when the request was made.")
    changed_through = models.BigIntegerField(null=True, blank=True)

    class Meta:
        ordering = ["line"]
        constraints = [models.UniqueConstraint(fields=["student", "request"], name="student_once_in_utah_request")]

    def __str__(self) -> str:
        return f"Line {self.line} of request {self.request_id}"


class UtahAnswer(models.Model):
    """A response file that was tested and recognized as the answer to a request."""

    request = models.ForeignKey(UtahRequest, on_delete=models.CASCADE, related_name="answers")
    test_run = models.OneToOneField(ImportRun, on_delete=models.CASCADE, related_name="utah_answer")

    def __str__(self) -> str:
        return f"Answer to request {self.request_id}"


class UtahDueDate(models.Model):
    """A day before which all four functions are to be run: test preprints, 1 October, 1 December, year end (rule U-6)."""

    lea = models.ForeignKey(LEA, on_delete=models.CASCADE, related_name="utah_due_dates", verbose_name="LEA")
    name = models.CharField(max_length=60)
    month = models.PositiveSmallIntegerField(validators=[MinValueValidator(1), MaxValueValidator(12)])
    day = models.PositiveSmallIntegerField(validators=[MinValueValidator(1), MaxValueValidator(31)])
    lead_days = models.PositiveSmallIntegerField(
        default=30, help_text="How many days before it the functions show as due."
    )

    class Meta:
        verbose_name = "Utah due date"
        ordering = ["lea", "month", "day"]
        constraints = [
            models.UniqueConstraint(fields=["lea", "name"], name="utah_due_date_named_once"),
            models.CheckConstraint(
                condition=models.Q(month__range=(1, 12)) & models.Q(day__range=(1, 31)), name="utah_due_date_is_a_day"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.month}/{self.day})"

    @property
    def shown(self) -> str:
        """`October 1`."""
        return f"{calendar.month_name[self.month]} {self.day}"
