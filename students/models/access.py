"""Which schools a member of staff may see."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from students.models.districts import School


class StaffAccess(models.Model):
    """Ties a user to schools, or to all of them. A user without one sees no student."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="access")
    all_schools = models.BooleanField(default=False)
    schools = models.ManyToManyField(School, blank=True, related_name="+")
    renewed_at = models.DateTimeField(
        default=timezone.now,
        db_default=Now(),
        editable=False,
        help_text="Opened or renewed: decides at which yearly date the account ends.",
    )
    told_end = models.DateField(null=True, editable=False, help_text="The end that was announced by mail last.")
    ended_on = models.DateField(null=True, editable=False, help_text="The yearly date at which the account ended.")

    class Meta:
        verbose_name = "schools of a person"
        verbose_name_plural = "schools of people"

    def __str__(self) -> str:
        return f"Access of {self.user}"
