"""Row models of the SSID imports: what one staged line is, and what it joins."""

from django.db import models

from sisimport.imports.definition.expressions import Matches
from sisimport.imports.definition.joins import joined_holder, joined_school, joined_student
from sisimport.imports.definition.staged_row import StagedRow
from students.patterns import TEN_DIGITS


def ten_digits(field: str = "ssid") -> models.GeneratedField:
    """Is the SSID in this field ten digits (rule ID-1)?"""
    return models.GeneratedField(
        expression=Matches(models.F(field), TEN_DIGITS), output_field=models.BooleanField(), db_persist=True
    )


class SSIDDownloadRow(StagedRow):
    """One line of the CALPADS SSID download file."""

    lea = models.TextField()
    school = models.TextField()
    ssid = models.TextField()
    local_number = models.TextField()
    last_name = models.TextField()
    first_name = models.TextField()
    middle_name = models.TextField()
    gender = models.TextField()
    birth_date = models.DateField(null=True)
    grade = models.TextField()
    elas = models.TextField()
    elas_date = models.DateField(null=True)
    language = models.TextField()
    # Used by several rules: computed once, while the database stores the line.
    ssid_ok = ten_digits()

    dup_number = models.SmallIntegerField(default=0)
    dup_number_line = models.IntegerField(default=0)
    dup_ssid = models.SmallIntegerField(default=0)
    dup_ssid_line = models.IntegerField(default=0)

    student = joined_student()
    holder = joined_holder()
    known_school = joined_school()

    class Meta:
        managed = False
        db_table = "staged_ssid_download"

    def __str__(self) -> str:
        return f"Line {self.line}"
