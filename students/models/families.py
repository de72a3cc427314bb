"""Accounts of students and parents: which students an account may see, invitations to one, and numbers typed as proof."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from students.models.people import Student


class FamilyMember(models.Model):
    """Ties an account to a student: the student's own, or a parent's. A parent of three has three rows."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="family")
    student = models.ForeignKey(Student, on_delete=models.CASCADE, related_name="family")
    since = models.DateTimeField(auto_now_add=True)
    renewed_at = models.DateTimeField(
        default=timezone.now, help_text="Opened or renewed: decides at which yearly date it ends (family_access.py)."
    )
    told_end = models.DateField(null=True, blank=True, help_text="The end that was announced by mail last.")

    class Meta:
        verbose_name = "family member"
        constraints = [models.UniqueConstraint(fields=["user", "student"], name="family_member_once_per_student")]

    def __str__(self) -> str:
        return f"Account {self.user_id} of student {self.student_id}"


class FamilyInvitation(models.Model):
    """An invitation to open an account for some students. Valid once and for a limited time; only a hash of its secret
    is stored."""

    token_hash = models.CharField(max_length=64, editable=False)
    students = models.ManyToManyField(Student, related_name="invitations")
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    used_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["token_hash"], name="invitation_secret_unique"),
            models.CheckConstraint(
                condition=Q(used_at__isnull=True) | Q(withdrawn_at__isnull=True), name="invitation_used_or_withdrawn"
            ),
        ]

    def __str__(self) -> str:
        return f"Invitation {self.pk}"

    @property
    def is_open(self) -> bool:
        return self.used_at is None and self.withdrawn_at is None and self.expires_at > timezone.now()


class SecondCheck(models.Model):
    """One number typed as the second check of an online enrollment, right or wrong; the number itself is not stored."""

    student = models.ForeignKey(Student, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    passed = models.BooleanField()

    class Meta:
        indexes = [models.Index(fields=["user", "at"], name="second_check_of_user")]

    def __str__(self) -> str:
        return f"Second check {self.pk}"
