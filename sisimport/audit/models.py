"""The record of access, and its seals. Triggers refuse to change or delete any of it (migration 0001)."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Now


class Looks(models.Manager["AuditEntry"]):
    """Entries for data that was shown."""

    def get_queryset(self) -> models.QuerySet["AuditEntry"]:
        kinds = AuditEntry.Kind
        looks = (kinds.PAGE, kinds.LIST, kinds.LINES, kinds.SSID, kinds.EXPORT, kinds.MORE)
        return super().get_queryset().filter(kind__in=looks)


class AuditEntry(models.Model):
    """One request that showed students, one sign-in or failed sign-in, or one change of a role.

    No foreign keys point from here to rows that may be deleted: a deleted person or student stays in the record by number (a
    person also by the user name of that time). `of`: the entry that this one continues, in a long download.
    """

    class Kind(models.TextChoices):
        PAGE = "page", "Student page"
        LIST = "list", "List of students"
        LINES = "lines", "Lines of a file"
        SSID = "ssid", "SSID shown"
        EXPORT = "export", "Export"
        MORE = "more", "Rest of an export"
        SIGN_IN = "sign_in", "Signed in"
        SIGN_OUT = "sign_out", "Signed out"
        REFUSED = "refused", "Sign-in refused"
        ROLE = "role", "Access changed"
        PURGE = "purge", "Old entries removed"
        ERASED = "erased", "Erased for good"

    at = models.DateTimeField(db_default=Now())
    kind = models.CharField(max_length=8, choices=Kind.choices)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        null=True,
        related_name="+",
    )
    who = models.CharField(max_length=150, blank=True, db_default="")
    token_id = models.BigIntegerField(null=True)
    place = models.CharField(max_length=120, blank=True, db_default="")
    subject = models.CharField(max_length=200, blank=True, db_default="")
    address = models.CharField(max_length=45, blank=True, db_default="")
    lines = models.IntegerField(db_default=0)
    count = models.IntegerField(db_default=0)
    of = models.BigIntegerField(null=True)
    lea_id = models.BigIntegerField(null=True)
    students = ArrayField(models.BigIntegerField(), db_default=models.Value([], ArrayField(models.BigIntegerField())))

    objects = models.Manager["AuditEntry"]()
    looks = Looks()

    class Meta:
        verbose_name = "entry of the record of access"
        verbose_name_plural = "record of access"
        ordering = ["-id"]
        indexes = [
            GinIndex(fields=["students"], name="audit_students"),
            models.Index(fields=["user", "id"], name="audit_user"),
            models.Index(fields=["kind", "id"], name="audit_kind"),
        ]

    def __str__(self) -> str:
        return f"entry {self.pk}"


class AuditSeal(models.Model):
    """An entry's place in the chain of its day and LEA (0: several or none), and the hash over it and all before it."""

    entry_id = models.BigIntegerField(primary_key=True)
    day = models.DateField()
    lea = models.BigIntegerField()
    number = models.BigIntegerField()
    hash = models.BinaryField()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["day", "lea", "number"], name="audit_place_once")]

    def __str__(self) -> str:
        return f"seal {self.entry_id}"


class AuditRewording(models.Model):
    """Certifies the content of a sealed entry after a person was erased from its text; keyed like seals."""

    entry_id = models.BigIntegerField(db_index=True)
    hash = models.BinaryField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"rewording of entry {self.entry_id}"


class AuditDay(models.Model):
    """The seal of a completed day's chain: how many entries it has, and the hash of the last."""

    day = models.DateField()
    lea = models.BigIntegerField()
    entries = models.BigIntegerField()
    hash = models.BinaryField()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["day", "lea"], name="audit_day_once")]

    def __str__(self) -> str:
        return f"seal of {self.day}"


class AuditTotal(models.Model):
    """How many entries were ever sealed: one row, so that the last entries cannot be removed without a trace."""

    entries = models.BigIntegerField()
    hash = models.BinaryField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.entries} entries"
