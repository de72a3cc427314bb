"""Statewide Student Identifiers, in a separate table: one current per student, former ones kept."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from students.models.districts import StateProfile
from students.models.people import Student
from students.patterns import well_formed


class Origin(models.TextChoices):
    """Where an SSID came from; a number that a student gave is the weakest (rule M-8)."""

    STATE_FILE = "state_file", "State file"
    SCHOOL_LIST = "school_list", "School list"
    STAFF = "staff", "Staff"
    STUDENT = "student", "Student"
    ROSTER = "roster", "Student roster"


class SSID(models.Model):
    """One SSID of a student, current while `retired_at` is empty.

    A number belongs to one student permanently, in the state that issued it (rule ID-5); a student has one current
    number. Stored as text: leading zeros count (rule ID-3).
    """

    # A full index, because former numbers are searched too: the partial index below has only the current ones.
    student = models.ForeignKey(Student, on_delete=models.CASCADE, related_name="ssids", db_constraint=False)
    state = models.CharField(max_length=2, choices=StateProfile.choices, default=StateProfile.CALIFORNIA)
    ssid = models.CharField("SSID", max_length=10)
    origin = models.CharField(max_length=11, choices=Origin.choices)
    origin_run = models.BigIntegerField("run", null=True, blank=True)
    origin_line = models.IntegerField("line", null=True, blank=True)
    verified = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "SSID"
        verbose_name_plural = "SSIDs"
        constraints = [
            models.UniqueConstraint(fields=["state", "ssid"], name="ssid_belongs_to_one_student"),
            models.UniqueConstraint(
                fields=["student"], condition=Q(retired_at__isnull=True), name="student_has_one_current_ssid"
            ),
            models.CheckConstraint(
                condition=well_formed(),
                name="ssid_is_digits",
            ),
        ]

    def __str__(self) -> str:
        return self.masked

    @property
    def masked(self) -> str:
        """The number as screens show it until a user reveals it: `90•• ••• 678` (rule ID-6)."""
        return mask_ssid(self.ssid)


def mask_ssid(ssid: str) -> str:
    """`9012345678` -> `90•• ••• 678`; shorter numbers keep their last two digits only."""
    if len(ssid) == 10:
        return f"{ssid[:2]}•• ••• {ssid[-3:]}"
    return "•" * max(len(ssid) - 2, 0) + ssid[-2:]


class SSIDReplacement(models.Model):
    """The state's statement that one SSID was merged into another (CALPADS Replacement SSIDs Extract)."""

    state = models.CharField(max_length=2, choices=StateProfile.choices, default=StateProfile.CALIFORNIA)
    retired_ssid = models.CharField("retired SSID", max_length=10)
    replacement_ssid = models.CharField("replacement SSID", max_length=10)
    learned_at = models.DateTimeField(auto_now_add=True)
    origin_run = models.BigIntegerField("run", null=True, blank=True)
    entered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        verbose_name = "SSID replacement"
        constraints = [
            models.UniqueConstraint(fields=["state", "retired_ssid"], name="retired_ssid_has_one_replacement"),
            models.CheckConstraint(
                condition=~Q(retired_ssid=models.F("replacement_ssid")), name="replacement_differs_from_retired"
            ),
        ]

    def __str__(self) -> str:
        return f"{mask_ssid(self.retired_ssid)} → {mask_ssid(self.replacement_ssid)}"
