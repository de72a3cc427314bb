"""Row model of the Utah response file."""

from django.db import models

from sisimport.imports.definition.joins import joined_holder, joined_student
from sisimport.imports.definition.staged_row import StagedRow


class UtahResponseRow(StagedRow):
    """One line of a response; `status` holds a code of the code set utah_status."""

    file_line = models.TextField()
    ssid = models.TextField()
    school_year = models.TextField()
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
    holder = joined_holder()

    class Meta:
        managed = False
        db_table = "staged_utah_response"

    def __str__(self) -> str:
        return f"Line {self.line}"
