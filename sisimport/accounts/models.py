"""Counts of sign-in attempts, and what people save for themselves.

Names typed at sign-in are stored as keyed hashes: people sometimes type passwords or students' names instead.
"""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone


class SignInTry(models.Model):
    """A password attempt that was wrong (or is being checked at this moment)."""

    name = models.CharField(max_length=64)
    address = models.CharField(max_length=45)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [
            models.Index(fields=["name", "at"]),
            models.Index(fields=["address", "at"]),
            models.Index(fields=["at"]),
        ]

    def __str__(self) -> str:
        return f"try {self.pk}"


class KnownPlace(models.Model):
    """A name that signed in from this address before: attempts by others, or on other names, do not lock it out there."""

    name = models.CharField(max_length=64)
    address = models.CharField(max_length=45)
    last_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "address"], name="place_known_once")]
        indexes = [models.Index(fields=["last_at"])]

    def __str__(self) -> str:
        return f"place {self.pk}"


class SavedFilter(models.Model):
    """A list filter that a user named: the parameters of its URL, never a search text."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    list = models.CharField(max_length=40)
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["user", "list", "name"], name="filter_named_once")]

    def __str__(self) -> str:
        return f"filter {self.pk}"


class StaffInvitation(models.Model):
    """An invitation to a person whose account awaits it. Valid once and for a limited time; only a hash of its code is kept."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="invitations")
    code_hash = models.CharField(max_length=64, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["code_hash"], name="staff_invitation_code_unique")]

    def __str__(self) -> str:
        return f"invitation {self.pk}"

    @property
    def is_open(self) -> bool:
        return self.used_at is None and self.withdrawn_at is None and self.expires_at > timezone.now()


class DirectoryAccess(models.Model):
    """Roles and schools of this person come from groups of the district's directory, and are set at each sign-in."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="directory_access")
    superuser = models.BooleanField(default=False)  # this too is set by the directory
    at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"directory access {self.pk}"
