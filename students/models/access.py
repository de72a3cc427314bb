"""Which schools a member of staff may see, and the log of who looked at whom."""

from django.conf import settings
from django.db import models

from students.models.districts import School
from students.models.people import Student


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


class StudentView(models.Model):
    """A student page, an unmasked SSID or an export that somebody opened (rule ID-6)."""

    class Kind(models.TextChoices):
        PAGE = "page", "Student page"
        SSID = "ssid", "SSID shown"
        EXPORT = "export", "Export"

    at = models.DateTimeField(auto_now_add=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    kind = models.CharField(max_length=6, choices=Kind.choices)
    student = models.ForeignKey(Student, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    subject = models.CharField(max_length=120, blank=True)

    class Meta:
        verbose_name = "look at a student"
        verbose_name_plural = "looks at students"
        ordering = ["-at"]

    def __str__(self) -> str:
        return f"{self.kind} by {self.user_id} at {self.at:%Y-%m-%d %H:%M}"
