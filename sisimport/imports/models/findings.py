"""A run's findings and changes. Written by set-based statements, never row by row.

Runs, students and schools are referenced without a database constraint: the rows outlive what they are about, and when hundreds
of thousands are written, a check per row would cost as much as the row.
"""

import re
from collections.abc import Collection
from typing import Any, Self

from django.db import models
from django.db.models import Q

from sisimport.audit import looking
from sisimport.audit.looking import NotesLine
from sisimport.files.issues import Severity
from sisimport.imports.models.runs import ImportRun

_NEAR = re.compile(r"On record is (.+?), ")  # of engine.identifiers.near_text


class ImportIssue(NotesLine, models.Model):
    """A finding on a record (line 0: on the whole file). The text is rendered from code and parameters when shown."""

    pk = models.CompositePrimaryKey("run_id", "line", "seq")
    run = models.ForeignKey(
        ImportRun, on_delete=models.CASCADE, related_name="issues", db_index=False, db_constraint=False
    )
    line = models.IntegerField()
    seq = models.SmallIntegerField()
    severity = models.SmallIntegerField(choices=[(s.value, s.label) for s in Severity])
    code = models.CharField(max_length=24)
    part = models.CharField(max_length=8, help_text="The independent part of the record it is about.")
    field = models.CharField(max_length=40, blank=True)
    found = models.TextField(blank=True)
    expected = models.TextField(blank=True)
    params = models.JSONField(null=True, blank=True)
    student_id = models.BigIntegerField(null=True)
    school_id = models.BigIntegerField(null=True)

    class Meta:
        ordering = ["line", "seq"]
        indexes = [
            # Retesting a file makes hundreds of thousands of notices; people filter errors and warnings.
            models.Index(fields=["run", "code", "line"], condition=Q(severity__gt=1), name="issue_by_cause")
        ]

    def __str__(self) -> str:
        return f"{self.code} in line {self.line}"

    @classmethod
    def from_db(cls, db: str | None, field_names: Collection[str], values: Collection[Any], **more: Any) -> Self:
        """Notes, besides whose line it is, the students its sentence names by local number: of a similar number or the same
        name."""
        made = super().from_db(db, field_names, values, **more)
        held = made.__dict__
        params = held.get("params") or {}
        if isinstance(candidates := params.get("candidates"), str):
            looking.note_numbers(candidates.split(", "))
        if near := _NEAR.search(params.get("near_text") or ""):
            looking.note_numbers(near[1].split(" and "))
        elif held.get("code") == "NUMBER-NEAR":
            looking.note_numbers(str(held.get("expected") or "").split(" and "))
        return made


class ImportChange(NotesLine, models.Model):
    """One object's fields before and after, as planned by its run; once a run has applied the plan, its journal.

    `before` empty: the object is created; `after` empty: it is removed.
    `guard` is the student's identity hash as Test saw it.
    """

    pk = models.CompositePrimaryKey("run_id", "line", "seq")
    run = models.ForeignKey(
        ImportRun, on_delete=models.CASCADE, related_name="changes", db_index=False, db_constraint=False
    )
    line = models.IntegerField()
    seq = models.SmallIntegerField()
    part = models.CharField(max_length=8)
    kind = models.CharField(max_length=16)
    object_id = models.BigIntegerField()
    student_id = models.BigIntegerField(null=True)
    guard = models.BigIntegerField(null=True)
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)

    class Meta:
        ordering = ["line", "seq"]
        indexes = [models.Index(fields=["student_id", "run"], name="change_of_student")]

    def __str__(self) -> str:
        return f"{self.kind} in line {self.line}"


class SetAsideReason(models.TextChoices):
    CHANGED = "changed", "Changed since Test"
    TAKEN = "taken", "Taken since Test"
    IN_USE = "in_use", "Used by other records since"
    LATER = "later", "Written by a later run since"
    DONE = "done", "Already as planned"


class SetAside(models.Model):
    """A planned change that `run` did not write because the data was no longer as Test saw it."""

    pk = models.CompositePrimaryKey("run_id", "line", "seq")
    run = models.ForeignKey(
        ImportRun, on_delete=models.CASCADE, related_name="set_aside", db_index=False, db_constraint=False
    )
    line = models.IntegerField()
    seq = models.SmallIntegerField()
    reason = models.CharField(max_length=8, choices=SetAsideReason.choices)

    class Meta:
        ordering = ["line", "seq"]

    def __str__(self) -> str:
        return f"Set aside: line {self.line}"
