"""Which schools a member of staff may see."""

from django.conf import settings
from django.db import models

from students.models.districts import School


class StaffAccess(models.Model):
    """Ties a user to schools, or to all of them. A user without one sees no student."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="access")
    all_schools = models.BooleanField(default=False)
    schools = models.ManyToManyField(School, blank=True, related_name="+")

    class Meta:
        verbose_name = "schools of a person"
        verbose_name_plural = "schools of people"

    def __str__(self) -> str:
        return f"Access of {self.user}"
