"""Requests for SSIDs sent to the state, stored so that answers can be matched and open requests shown."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from students.models import LEA, School, Student


class SENRRequest(models.Model):
    """One request file: enrollment records without SSID, for the state's match tool (CALPADS, SENR with blank SSIDs)."""

    class Delimiter(models.TextChoices):
        CARET = "^", "Caret"
        COMMA = ",", "Comma (csv)"

    lea = models.ForeignKey(LEA, on_delete=models.PROTECT, related_name="senr_requests", verbose_name="LEA")
    schools = ArrayField(models.BigIntegerField(), help_text="Schools the request was made for.")
    school_year = models.CharField(max_length=9)
    delimiter = models.CharField(max_length=1, choices=Delimiter.choices, default=Delimiter.CARET)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        verbose_name = "SENR request"
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"SENR request {self.pk}"


class SENRLine(models.Model):
    """What a request said about one student. A student has at most one line that counts, that of the last request.

    The names, birth date and gender are those that were sent; `identity_hash` is the student's at that time: a
    different one now means that the student was edited since. `sent` holds the whole line, column by column. Whether
    the state has answered is not stored here: imported match results tell (senr_requests).
    """

    class Status(models.TextChoices):
        OUT = "out", "Sent"
        REPLACED = "replaced", "Asked again later"

    request = models.ForeignKey(SENRRequest, on_delete=models.CASCADE, related_name="lines", db_index=False)
    line = models.IntegerField(help_text="1-based line of the request file.")
    student = models.ForeignKey(Student, on_delete=models.CASCADE, related_name="senr_lines")
    school = models.ForeignKey(School, on_delete=models.PROTECT, related_name="senr_lines")
    local_number = models.CharField(max_length=16)
    last_name = models.CharField(max_length=50)
    first_name = models.CharField(max_length=30)
    middle_name = models.CharField(max_length=30, blank=True)
    birth_date = models.DateField()
    gender = models.CharField(max_length=1, blank=True)
    identity_hash = models.BigIntegerField()
    sent = ArrayField(models.TextField(blank=True))
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.OUT)

    class Meta:
        verbose_name = "SENR request line"
        ordering = ["request", "line"]
        constraints = [
            models.UniqueConstraint(fields=["request", "line"], name="senr_line_unique_in_request"),
            models.UniqueConstraint(
                fields=["student"], condition=Q(status="out"), name="student_has_one_senr_line_out"
            ),
        ]

    def __str__(self) -> str:
        return f"Line {self.line} of SENR request {self.request_id}"
