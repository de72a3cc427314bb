"""What is counted of signing in, and what people keep for themselves.

Names of those who sign in stand here as keyed hashes: people type passwords, or students' names, in their place.
"""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class SignInTry(models.Model):
    """A password that was tried and not right (or is being looked at this moment)."""

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
    """A name signed in from this address before: tries of others, or on other names, do not keep it out there."""

    name = models.CharField(max_length=64)
    address = models.CharField(max_length=45)
    last_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "address"], name="place_known_once")]
        indexes = [models.Index(fields=["last_at"])]

    def __str__(self) -> str:
        return f"place {self.pk}"


class SavedFilter(models.Model):
    """A filter of a list that somebody gave a name: the parameters of its address, never a text that was searched for."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", db_index=False)
    list = models.CharField(max_length=40)
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["user", "list", "name"], name="filter_named_once")]

    def __str__(self) -> str:
        return f"filter {self.pk}"
