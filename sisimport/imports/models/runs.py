"""Runs: one execution of Test, Update, Import or Revert.

States and the services that move between them (an end state is never left; a revert is a run of its own):

    queued -> running -> completed | rejected (the file is wrong) | failed (we broke) | cancelled
    running -> held (it would change more than the district's limits) -> queued (approved) | cancelled (rejected, withdrawn)
    running -> queued (its worker died and the attempt count allows another try, or something it needs was missing)
"""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from sisimport.imports.models.files import ImportFile
from students.models import ReportWords


class Work(models.TextChoices):
    """Work to Perform, as the screens name it."""

    TEST = "test", "Test"
    UPDATE = "update", "Update"
    IMPORT = "import", "Import"
    REVERT = "revert", "Revert"
    CONVERT = "convert", "Convert"  # a workbook into text; touches no record


class RunStatus(models.TextChoices):
    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    HELD = "held", "Held"  # planned, and waiting for a second person (see RunHold)
    COMPLETED = "completed", "Completed"
    REJECTED = "rejected", "Rejected"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


class WaitsFor(models.TextChoices):
    """What a queued run lacks besides a worker."""

    DISK = "disk", "disk space"
    DATABASE = "database", "the database"
    FILE = "file", "its uploaded file"
    MACHINE = "machine", "server resources"


class Crash(models.TextChoices):
    """How an attempt at a run broke; later attempts may still have completed the run."""

    STOPPED = "stopped", "its worker stopped"  # killed, out of memory, or silent until another worker took over
    ERROR = "error", "an error in the program"


class Reverted(models.TextChoices):
    """How much of what a run wrote was put back; no value: none of it."""

    PARTLY = "partly", "Reverted in part"
    WHOLLY = "wholly", "Reverted"


ACTIVE = (RunStatus.QUEUED, RunStatus.RUNNING)
UNDECIDED = (*ACTIVE, RunStatus.HELD)  # not ended
WRITING = (Work.UPDATE, Work.IMPORT, Work.REVERT)
PAST_RECALL = ("applying", "reverting", "finishing")  # phases in which a run can no longer be cancelled


class ImportRun(models.Model):
    """One run. The plan of an Update is the plan of its Test: see `plan_run_id`."""

    file = models.ForeignKey(ImportFile, on_delete=models.PROTECT, null=True, related_name="runs")
    import_type = models.CharField(max_length=40)
    work = models.CharField(max_length=7, choices=Work.choices)
    options = models.JSONField(default=dict, blank=True)
    district_options = models.JSONField(
        default=list, blank=True, help_text="Those of the options whose value is what the district has chosen as usual."
    )
    report_words = models.CharField(
        "words of the results report",
        max_length=8,
        choices=ReportWords.choices,
        blank=True,
        default="",
        db_default="",
        help_text="Blank: as the district has chosen.",
    )
    status = models.CharField(max_length=9, choices=RunStatus.choices, default=RunStatus.QUEUED)
    test_run = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="updates",
        help_text="The Test this Update applies.",
    )
    reverts = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="reverted_by",
        help_text="The run this one undoes.",
    )
    converts = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="conversions",
        help_text="The run that refused the workbook which this one converts.",
    )
    corrects = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="corrected_by",
        help_text="The run of whose file this one reads corrected lines only, under their numbers there.",
    )
    made_file = models.ForeignKey(
        ImportFile,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="made_by",
        help_text="The text that a workbook became.",
    )
    reverted = models.CharField(
        max_length=6,
        choices=Reverted.choices,
        blank=True,
        help_text="How much of what this run wrote was put back by reverts; written with each of them.",
    )
    applied_order = models.BigIntegerField(
        null=True, blank=True, help_text="The order in which runs wrote, drawn while they held their LEAs' lock."
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="import_runs"
    )
    schools = ArrayField(
        models.BigIntegerField(),
        null=True,
        blank=True,
        help_text="Schools whose students this run may touch; empty: all.",
    )
    lea_ids = ArrayField(
        models.BigIntegerField(),
        default=list,
        blank=True,
        verbose_name="LEAs",
        help_text="LEAs whose update lock this run takes.",
    )

    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    interruptions = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="Attempts that ended for want of something and not by the run's own doing."
    )
    crash = models.CharField(
        max_length=8,
        choices=Crash.choices,
        blank=True,
        default="",
        db_default="",
        help_text="How the last failed attempt ended; blank: none failed.",
    )
    crash_attempt = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Number of the attempt that failed."
    )
    crash_phase = models.CharField(
        max_length=20, blank=True, default="", db_default="", help_text="What it was doing, as far as it had reported."
    )
    crashed_at = models.DateTimeField(null=True, blank=True, help_text="When it failed, or when that was noticed.")
    crash_error = models.CharField(
        max_length=80, blank=True, default="", db_default="", help_text="Kind of the error, never its text."
    )
    waits_for = models.CharField(max_length=8, choices=WaitsFor.choices, blank=True, default="", db_default="")
    waits_since = models.DateTimeField(null=True, blank=True)
    held_until = models.DateTimeField(null=True, blank=True, help_text="Not taken up before.")
    phase = models.CharField(max_length=20, blank=True)
    phase_seconds = models.JSONField(default=dict, blank=True, help_text="Of the attempt that ended it, by phase.")
    progress_done = models.BigIntegerField(default=0)
    progress_total = models.BigIntegerField(default=0)
    cancel_requested = models.BooleanField(default=False)

    layout = models.CharField(max_length=60, blank=True)
    facts = models.JSONField(
        default=dict, blank=True, help_text="What the file was recognised as: delimiter, encoding, header."
    )
    message = models.TextField(blank=True, help_text="Why the run was rejected or failed, in the user's words.")
    reference = models.CharField(max_length=12, blank=True, help_text="Finds the log entry of a failed run.")

    record_count = models.IntegerField(default=0)
    import_count = models.IntegerField(default=0)
    planned_count = models.IntegerField(default=0)
    unchanged_count = models.IntegerField(default=0)
    refused_count = models.IntegerField(default=0)
    set_aside_count = models.IntegerField(default=0)
    skipped_count = models.IntegerField(default=0)
    error_count = models.IntegerField(default=0)
    warning_count = models.IntegerField(default=0)
    notice_count = models.IntegerField(default=0)
    plan_removed_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When its changes and issues were removed, because they had been kept long enough.",
    )
    summary = models.JSONField(
        default=dict, blank=True, help_text="Issues by code, changes by kind; see queries.run_summary."
    )

    class Meta:
        verbose_name = "run"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["status"], condition=Q(status__in=["queued", "running"]), name="run_active"),
            models.Index(fields=["-id"], condition=Q(status="held"), name="run_held"),
            models.Index(fields=["created_by", "-id"], name="run_of_user"),
            models.Index(fields=["-started_at"], condition=Q(started_at__isnull=False), name="run_began"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=~Q(work="update") | Q(test_run__isnull=False), name="update_names_its_test"
            ),
            models.CheckConstraint(condition=~Q(work="revert") | Q(reverts__isnull=False), name="revert_names_its_run"),
            models.CheckConstraint(
                condition=~Q(work="convert") | Q(converts__isnull=False), name="conversion_names_its_run"
            ),
            # Two clicks on Update, or on Revert, make one run: the second finds this constraint. A Revert that kept something
            # may be tried again once it has ended.
            models.UniqueConstraint(
                fields=["test_run"],
                condition=Q(work="update") & Q(status__in=["queued", "running", "held"]),
                name="one_active_update_of_a_test",
            ),
            models.UniqueConstraint(
                fields=["reverts"],
                condition=Q(work="revert") & Q(status__in=["queued", "running"]),
                name="one_active_revert_of_a_run",
            ),
            # A refused workbook stays refused; only a conversion that failed is tried again.
            models.UniqueConstraint(
                fields=["converts"],
                condition=Q(work="convert") & Q(status__in=["queued", "running", "completed", "rejected"]),
                name="one_conversion_of_a_run",
            ),
        ]

    def __str__(self) -> str:
        return f"Run {self.pk}"

    @property
    def plan_run_id(self) -> int:
        """The run that holds the plan this run shows or applies."""
        return self.test_run_id or self.pk

    @property
    def is_active(self) -> bool:
        return self.status in ACTIVE

    @property
    def is_past_recall(self) -> bool:
        """It is writing now and will finish as a whole."""
        return self.status == RunStatus.RUNNING and self.phase in PAST_RECALL

    @property
    def writes(self) -> bool:
        return self.work in WRITING

    @property
    def applied(self) -> bool:
        """Did this run write its plan? One committed row decides, so it is never half applied."""
        return self.writes and self.status == RunStatus.COMPLETED

    @property
    def outcome_counts(self) -> dict[str, int]:
        """Counts that add up to the record count, in the order of the summary bar."""
        return {
            "imported": self.import_count if self.writes and self.status != RunStatus.HELD else self.planned_count,
            "unchanged": self.unchanged_count,
            "refused": self.refused_count,
            "set_aside": self.set_aside_count,
            "skipped": self.skipped_count,
        }
