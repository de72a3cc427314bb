"""Tokens, and the runs that were started under an idempotency key."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from sisimport.imports.models import ImportRun


class ApiToken(models.Model):
    """Lets a program act as its user, within scopes and schools. Only a hash of the secret is stored.

    The secret is 256 random bits, so a plain SHA-256 is enough: it cannot be guessed from a word list.
    """

    name = models.CharField(max_length=80)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    scopes = ArrayField(models.CharField(max_length=20))
    schools = ArrayField(models.BigIntegerField(), null=True, blank=True, help_text="Empty: all of the user's.")
    digest = models.CharField(max_length=64)
    begins = models.CharField(max_length=12, help_text="How the secret begins, to tell tokens apart.")
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    last_used_at = models.DateTimeField(null=True, blank=True)
    last_address = models.CharField(max_length=45, blank=True)
    # Requests in the minute that began at `counted_from`; written with every request, in the statement that finds the token.
    counted_from = models.DateTimeField(null=True, blank=True)
    counted = models.IntegerField(default=0)

    class Meta:
        verbose_name = "API token"
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["digest"], name="api_token_digest_unique")]

    def __str__(self) -> str:
        return f"Token {self.pk}"

    @property
    def has_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()

    @property
    def works(self) -> bool:
        return self.revoked_at is None and not self.has_expired and self.user.is_active


class StartedRun(models.Model):
    """The run that a request with this idempotency key started. `digest` distinguishes a repeated request from a
    different one."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    digest = models.CharField(max_length=64)
    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="idempotency_key_once")]

    def __str__(self) -> str:
        return f"Started run {self.run_id}"
