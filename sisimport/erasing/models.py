"""Erasures requested on the page: a worker does them."""

from django.conf import settings
from django.db import models


class Erasure(models.Model):
    """One erasure, or one count of what would be erased. It stays, with only the internal number of the student.

    For a person without a record: `said` is kept until the end, or for a day after a count; `student_id` is 0 if there
    was never a record.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        DONE = "done", "Done"
        REFUSED = "refused", "Not done"

    student_id = models.BigIntegerField()
    dry_run = models.BooleanField()
    reason = models.CharField(max_length=120, blank=True)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    asked_at = models.DateTimeField(auto_now_add=True)
    state = models.CharField(max_length=7, choices=State.choices, default=State.WAITING)
    message = models.CharField(max_length=500, blank=True, help_text="Why it waits or was not done.")
    said = models.JSONField(
        default=dict,
        db_default=models.Value({}, models.JSONField()),
        blank=True,
        help_text="Who it is that has no record, as students.find_off_record asks it; empty at the end.",
    )
    result = models.JSONField(default=dict, help_text="What was or would be removed, as students.Erased reports it.")
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        default_permissions = ()
        indexes = [
            models.Index(fields=["student_id"], name="erasure_of_student"),
            models.Index(fields=["id"], condition=models.Q(state="waiting"), name="erasure_waiting"),
        ]

    def __str__(self) -> str:
        return f"Erasure {self.pk}"
