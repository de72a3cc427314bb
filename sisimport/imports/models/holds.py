"""Runs that wait for a second person before they write."""

from django.conf import settings
from django.db import models

from sisimport.imports.models.runs import ImportRun


class HoldDecision(models.TextChoices):
    APPROVED = "approved", "Approved"
    REJECTED = "rejected", "Rejected"


class RunHold(models.Model):
    """Why a run was held, and what a second person decided. Kept permanently with the run.

    `reasons`: a list of objects {"code", "found", "limit", "count", "of", "where"}; `found` and `limit` are percentages (see
    `sisimport.imports.runs.holding`).
    """

    run = models.OneToOneField(ImportRun, on_delete=models.CASCADE, primary_key=True, related_name="hold")
    reasons = models.JSONField()
    held_at = models.DateTimeField(auto_now_add=True)
    decision = models.CharField(max_length=8, choices=HoldDecision.choices, blank=True, default="", db_default="")
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True, blank=True)
    why = models.CharField(
        max_length=500, blank=True, default="", db_default="", help_text="In the words of the person who decided."
    )

    class Meta:
        verbose_name = "hold"

    def __str__(self) -> str:
        return f"Hold of run {self.run_id}"
