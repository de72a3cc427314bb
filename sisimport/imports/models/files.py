"""Uploaded files, kept unchanged in private storage."""

import uuid
from pathlib import PurePath

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


def storage_name(_instance: models.Model, _filename: str) -> str:
    """A name of our own: the user's name for the file never reaches the file system."""
    return f"imports/{uuid.uuid4().hex}"


class ImportFile(models.Model):
    """One uploaded file. `name` is the user's name for it, only for display; `sha256` identifies equal files.

    For an archive, its only text file is kept: `member` is its name there; hash and size are those of the text.
    """

    name = models.CharField(max_length=255)
    member = models.CharField(max_length=80, blank=True, help_text="Name of the file in the archive it came in.")
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField(help_text="Bytes.")
    file = models.FileField(upload_to=storage_name, max_length=100)
    uploaded_at = models.DateTimeField(auto_now_add=True)
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    converted_from = models.ForeignKey(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="conversions"
    )
    lines_of = models.ForeignKey(
        "imports.ImportRun",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="line_files",
        help_text="The run whose file these are corrected lines of, under their numbers there.",
    )
    removed_at = models.DateTimeField(
        null=True, blank=True, help_text="When the bytes were removed, because they had been kept long enough."
    )
    notices = models.JSONField(
        default=list, blank=True, help_text="What was seen of the archive it came in, beside the text: code, found …"
    )
    line_index = models.JSONField(default=list, blank=True, help_text="Byte offset of every 4,000th line.")

    class Meta:
        verbose_name = "file"
        ordering = ["-uploaded_at"]
        indexes = [models.Index(fields=["sha256"], name="import_file_sha256")]

    def __str__(self) -> str:
        return f"File {self.pk}"

    @property
    def ending(self) -> str:
        """File extension of the text file: `.csv`, or blank."""
        return PurePath(self.member or self.name).suffix


class StoredObject(models.Model):
    """An object in a bucket, noted before it is put there, so that objects no record names are found without listing the
    bucket."""

    name = models.CharField(max_length=100, primary_key=True)
    put_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return self.name
