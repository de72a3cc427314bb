"""Row model of a school's filled-in list of missing SSIDs."""

from django.db import models

from sisimport.imports.definition.joins import joined, joined_holder
from sisimport.imports.definition.staged_row import StagedRow
from students.models import ReportedSSID, Student


class SSIDListRow(StagedRow):
    """One line: a student and the SSID the school wrote next to the name. `student_pk` and the marks are filled by
    `prepare`."""

    lea = models.TextField()
    school = models.TextField()
    local_number = models.TextField()
    last_name = models.TextField()
    first_name = models.TextField()
    middle_name = models.TextField()
    birth_date = models.DateField(null=True)
    grade = models.TextField()
    ssid = models.TextField()

    student_pk = models.BigIntegerField(null=True)
    own_number = models.TextField()  # the student's local number as on record, to tell it from an SSID
    alike = models.SmallIntegerField(default=0)  # students of this name and birth date, for lines without local number
    dup_student = models.SmallIntegerField(default=0)
    dup_student_line = models.IntegerField(default=0)
    dup_ssid = models.SmallIntegerField(default=0)
    dup_ssid_line = models.IntegerField(default=0)

    student = joined(Student, id="student_pk")
    holder = joined_holder()
    reported = joined(ReportedSSID, student="student_pk")

    class Meta:
        managed = False
        db_table = "staged_ssid_list"

    def __str__(self) -> str:
        return f"Line {self.line}"
