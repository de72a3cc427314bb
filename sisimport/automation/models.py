"""Who wants to be notified of what, and deliveries on their way; places for picking up files and delivering exports.

event -> one Delivery for each person and webhook that wants it, in the event's own transaction -> sent by a chore
"""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from sisimport.imports.models import ImportRun


class MailWish(models.Model):
    """What a user wants mail about. A user without a row has the defaults (see `telling.wishes_of`)."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="+")
    subjects = ArrayField(models.CharField(max_length=20), default=list, blank=True)

    def __str__(self) -> str:
        return f"mail wishes of user {self.user_id}"


class Webhook(models.Model):
    """An address of another program that is notified of runs. The secret signs the requests, so it is stored as it
    is."""

    name = models.CharField(max_length=80)
    url = models.URLField(max_length=500)
    events = ArrayField(models.CharField(max_length=20))
    secret = models.CharField(max_length=64)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="+",
        help_text="It is notified of the runs that this user may see.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    failures = models.PositiveIntegerField(default=0, help_text="Deliveries given up in a row.")
    deactivated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return f"webhook {self.pk}"


class Delivery(models.Model):
    """One mail or one webhook request, and its result. Contains no student data."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        DONE = "done", "Delivered"
        GIVEN_UP = "given_up", "Given up"

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, null=True, blank=True, related_name="deliveries")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    subject = models.CharField(max_length=20, help_text="The event of a webhook; of a mail what it is about.")
    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    payload = models.JSONField(default=dict)
    created_at = models.DateTimeField(auto_now_add=True)
    due_at = models.DateTimeField()
    tries = models.PositiveSmallIntegerField(default=0)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    done_at = models.DateTimeField(null=True, blank=True)
    answer = models.CharField(max_length=120, blank=True, help_text="Status or kind of error of the last try.")

    class Meta:
        verbose_name_plural = "deliveries"
        indexes = [
            models.Index(fields=["due_at"], condition=Q(state="waiting"), name="delivery_due"),
            models.Index(fields=["webhook", "-id"], name="delivery_of_webhook"),
            models.Index(fields=["created_at"], name="delivery_age"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(webhook__isnull=False, user__isnull=True) | Q(webhook__isnull=True, user__isnull=False),
                name="delivery_to_one",
            )
        ]

    def __str__(self) -> str:
        return f"delivery {self.pk}"


class PlaceAddress(models.Model):
    """Where a place is, and how it is reached."""

    class Kind(models.TextChoices):
        FOLDER = "folder", "Folder of this machine"
        SFTP = "sftp", "SFTP server"

    kind = models.CharField(max_length=6, choices=Kind.choices)
    path = models.CharField("folder", max_length=500)
    host = models.CharField(max_length=255, blank=True)
    port = models.PositiveIntegerField(default=22)
    username = models.CharField("user name", max_length=80, blank=True)
    host_key = models.CharField("fingerprint of the server's key", max_length=60, blank=True)
    public_key = models.CharField(max_length=200, blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.key_name

    @property
    def key_name(self) -> str:
        """The name of the file with its sign-in key."""
        raise NotImplementedError


class PickUpPlace(PlaceAddress):
    """A folder that is checked at an interval of minutes; its files are tested, and applied if that was requested."""

    class Work(models.TextChoices):
        TEST = "test", "Test"
        UPDATE = "update", "Test, and Update if there is no error"

    name = models.CharField(max_length=80, unique=True)
    pattern = models.CharField(max_length=120, default="*", help_text="Which files: SSID*.txt; * for all.")
    import_type = models.CharField(max_length=40, default="auto")
    options = models.JSONField(default=dict, blank=True)
    work = models.CharField(max_length=6, choices=Work.choices, default=Work.TEST)
    every_minutes = models.PositiveIntegerField(default=15)
    needs_mark = models.BooleanField(
        "wait for a .done file",
        default=False,
        help_text="Otherwise a file is picked up when its size has not changed between two checks.",
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="With whose rights its runs are started.",
    )
    active = models.BooleanField(default=True)
    seen = models.JSONField(default=dict, blank=True, help_text="Size and time of each file at the last look.")
    last_look_at = models.DateTimeField(null=True, blank=True)
    next_look_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True, help_text="Of the last look; blank: it went well.")

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return f"pick-up place {self.pk}"

    @property
    def key_name(self) -> str:
        return f"place-{self.pk}"


class PickedFile(models.Model):
    """A file of a place, taken once, identified by name and content."""

    class State(models.TextChoices):
        TAKEN = "taken", "Its run is in progress"
        DONE = "done", "Done"
        FAILED = "failed", "Failed"

    place = models.ForeignKey(PickUpPlace, on_delete=models.CASCADE, related_name="picked")
    name = models.CharField(max_length=255)
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()
    modified = models.BigIntegerField()
    taken_at = models.DateTimeField(auto_now_add=True)
    state = models.CharField(max_length=6, choices=State.choices, default=State.TAKEN)
    test = models.ForeignKey(ImportRun, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    update = models.ForeignKey(ImportRun, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    message = models.CharField(max_length=500, blank=True)
    cleared = models.BooleanField(default=False, help_text="It was moved out of the folder, with its report.")

    class Meta:
        ordering = ["-pk"]
        constraints = [models.UniqueConstraint(fields=["place", "name", "sha256"], name="picked_once")]

    def __str__(self) -> str:
        return f"picked file {self.pk}"


class ExportDelivery(PlaceAddress):
    """An export that is put into a folder at due times: `first_at`, and then at an interval of minutes."""

    name = models.CharField(max_length=80, unique=True)
    what = models.CharField(max_length=20, help_text="Key of a deliverable (sisimport.web.exports.deliverables).")
    school_year = models.CharField(max_length=7, blank=True, help_text="2023-24, current or last; blank: all.")
    options = models.JSONField(default=dict, blank=True)
    file_name = models.CharField(max_length=120, help_text="students-{date}.csv; its ending sets the format.")
    every_minutes = models.PositiveIntegerField(default=24 * 60)
    first_at = models.DateTimeField(help_text="The first due time.")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="With whose rights its files are made.",
    )
    active = models.BooleanField(default=True)
    next_due_at = models.DateTimeField(null=True, blank=True)
    delivered_until = models.DateTimeField(help_text="What changed from then on was not delivered yet.")
    error = models.CharField(max_length=500, blank=True, help_text="Of the last try; blank: it went well.")

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "export deliveries"

    def __str__(self) -> str:
        return f"export delivery {self.pk}"

    @property
    def key_name(self) -> str:
        return f"delivery-{self.pk}"

    @property
    def every(self) -> str:
        """The interval in words: day, 2 hours, 15 minutes."""
        for minutes, unit in ((24 * 60, "day"), (60, "hour"), (1, "minute")):
            count, rest = divmod(self.every_minutes, minutes)
            if count and not rest:
                return unit if count == 1 else f"{count} {unit}s"
        return ""


class DeliveredExport(models.Model):
    """A file of one due time, and its result. Contains no student data."""

    class State(models.TextChoices):
        WAITING = "waiting", "To be delivered"
        THERE = "there", "There, under a temporary name"
        DONE = "done", "Delivered"
        GIVEN_UP = "given_up", "Given up"

    delivery = models.ForeignKey(ExportDelivery, on_delete=models.CASCADE, related_name="files")
    due_at = models.DateTimeField()
    file_name = models.CharField(max_length=200)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    tries = models.PositiveSmallIntegerField(default=0)
    next_try_at = models.DateTimeField()
    rows = models.PositiveBigIntegerField(null=True, blank=True)
    students = models.PositiveBigIntegerField(null=True, blank=True)
    size = models.PositiveBigIntegerField(null=True, blank=True)
    since = models.DateTimeField(null=True, blank=True, help_text="The period of what changed.")
    until = models.DateTimeField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)
    message = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["-due_at"]
        constraints = [models.UniqueConstraint(fields=["delivery", "due_at"], name="delivered_once")]

    def __str__(self) -> str:
        return f"delivered export {self.pk}"
