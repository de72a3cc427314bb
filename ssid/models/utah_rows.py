"""Row model of the Utah response file."""

from django.db import models

from sisimport.imports.base import StagedRow
from ssid.models.staged import joined_student
from students.models import SSID


class UtahResponseRow(StagedRow):
    """One line of a response; `status` holds a code of the code set utah_status."""

    file_line = models.TextField()
    ssid = models.TextField()
    last_name = models.TextField()
    first_name = models.TextField()
    middle_name = models.TextField()
    suffix = models.TextField()
    birth_date = models.DateField(null=True)
    gender = models.TextField()
    ethnicity = models.TextField()
    lea = models.TextField()
    school = models.TextField()
    local_number = models.TextField()
    request_type = models.TextField()
    status = models.TextField()
    message = models.TextField()

    dup_number = models.SmallIntegerField(default=0)
    dup_number_line = models.IntegerField(default=0)
    dup_ssid = models.SmallIntegerField(default=0)
    dup_ssid_line = models.IntegerField(default=0)

    student = joined_student()
    # Whoever holds the file's SSID now, current or retired.
    holder = models.ForeignObject(
        SSID,
        on_delete=models.DO_NOTHING,
        from_fields=["state", "ssid"],
        to_fields=["state", "ssid"],
        related_name="+",
        null=True,
    )

    class Meta:
        managed = False
        db_table = "staged_utah_response"

    def __str__(self) -> str:
        return f"Line {self.line}"
