"""Collection of SSIDs from schools and families: the policy, annual enrollment forms, reported numbers, daily counts.

Rules M-1 to M-8; source: MESA Collection of the CASSID (memo).
"""

import datetime as dt

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q

from students.models.districts import School, StateProfile
from students.models.identifiers import mask_ssid
from students.models.people import Student


class CollectionPolicy(models.Model):
    """What this installation requires about SSIDs. One row; without it the SSID is recommended and families enter
    nothing."""

    required_from = models.DateField(
        "SSID required from",
        null=True,
        blank=True,
        help_text="Enrollment forms are approved without SSID only before this day. Blank: the SSID is recommended.",
    )
    families_may_enter = models.BooleanField(
        "families may enter the SSID",
        default=False,
        help_text="What they enter stays unverified until someone on the staff has compared it.",
    )
    online_enrollment = models.BooleanField(
        "families enroll online",
        default=False,
        help_text="Families submit the annual enrollment form themselves. From the day the SSID is required it is also asked "
        "of them as a second check.",
    )
    online_schools = ArrayField(
        models.BigIntegerField(),
        verbose_name="schools whose families enroll online",
        default=list,
        blank=True,
        help_text="Ids of schools; none: all of them.",
    )

    class Meta:
        verbose_name = "SSID collection policy"
        verbose_name_plural = "SSID collection policy"
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="one_collection_policy")]

    def __str__(self) -> str:
        return "SSID collection policy"

    def is_required_on(self, day: dt.date) -> bool:
        """M-2: recommended before the day, required from it."""
        return self.required_from is not None and day >= self.required_from

    def enrolls_online(self, school_id: int | None) -> bool:
        """Whether families of a school submit the annual enrollment form themselves."""
        return self.online_enrollment and (not self.online_schools or school_id in self.online_schools)

    def asks_second_check_on(self, day: dt.date, school_id: int | None) -> bool:
        """M-4: from the same day the SSID is the second check of a family's own enrollment."""
        return self.enrolls_online(school_id) and self.is_required_on(day)


class AnnualEnrollment(models.Model):
    """A student's enrollment form for one school year: draft, submitted, approved.

    draft -> submitted (by staff, or the family online) -> approved (by staff); submitted -> draft if it is sent back.
    """

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        SUBMITTED = "submitted", "Submitted"
        APPROVED = "approved", "Approved"

    student = models.ForeignKey(Student, on_delete=models.CASCADE, related_name="annual_enrollments", db_index=False)
    school_year = models.CharField(max_length=9, validators=[RegexValidator(r"^\d{4}-\d{4}\Z", "As 2025-2026.")])
    status = models.CharField(max_length=9, choices=Status.choices, default=Status.DRAFT)
    online = models.BooleanField("submitted by the family", default=False)
    submitted_at = models.DateTimeField(null=True, blank=True)
    submitted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    approved_at = models.DateTimeField(null=True, blank=True)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    without_ssid = models.BooleanField("approved without SSID", default=False)

    class Meta:
        verbose_name = "annual enrollment form"
        ordering = ["-school_year", "student"]
        constraints = [
            models.UniqueConstraint(fields=["student", "school_year"], name="one_enrollment_form_a_year"),
            models.CheckConstraint(
                condition=~Q(status="approved") | Q(approved_at__isnull=False), name="approved_form_has_its_time"
            ),
        ]

    def __str__(self) -> str:
        return f"Enrollment form {self.school_year}"


class ReportedSSID(models.Model):
    """A number that a student or family gave us (rule M-8): kept apart from SSIDs until a person has verified it.

    It takes no number away from any student: a mistyped one may well be another student's. At most one per student is
    open.
    """

    student = models.OneToOneField(Student, on_delete=models.CASCADE, related_name="reported_ssid", primary_key=True)
    state = models.CharField(max_length=2, choices=StateProfile.choices, default=StateProfile.CALIFORNIA)
    ssid = models.CharField("SSID", max_length=10)
    reported_at = models.DateTimeField(auto_now=True)
    reported_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        verbose_name = "reported SSID"
        constraints = [
            models.CheckConstraint(condition=Q(ssid__regex=r"^[0-9]{1,10}$"), name="reported_ssid_is_digits")
        ]

    def __str__(self) -> str:
        return mask_ssid(self.ssid)


class MissingSnapshot(models.Model):
    """How many students of a school and grade had no SSID on a day: the share over time is drawn from these."""

    day = models.DateField()
    # Without database constraint: a count never keeps a school from being removed by a revert.
    school = models.ForeignKey(
        School, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False, null=True
    )
    grade = models.CharField(max_length=2, blank=True)
    students = models.IntegerField()
    without_ssid = models.IntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["day", "school", "grade"], nulls_distinct=False, name="one_snapshot_of_a_day"
            ),
            models.CheckConstraint(
                condition=Q(without_ssid__gte=0) & Q(without_ssid__lte=models.F("students")),
                name="snapshot_counts_add_up",
            ),
        ]

    def __str__(self) -> str:
        return f"Snapshot of {self.day:%Y-%m-%d}, school {self.school_id}, grade {self.grade}"
