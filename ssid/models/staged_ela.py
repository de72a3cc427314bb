"""Row model of the ELA Import: one line of the download file or of a SELA file."""

from django.db import models

from sisimport.imports.definition.joins import joined_holder, joined_school, joined_student
from sisimport.imports.definition.staged_row import StagedRow


class ELARow(StagedRow):
    """One line with English learner data. A column that the file's layout does not have stays blank."""

    lea = models.TextField()
    school = models.TextField()
    ssid = models.TextField()
    local_number = models.TextField()
    last_name = models.TextField()
    first_name = models.TextField()
    birth_date = models.DateField(null=True)
    grade = models.TextField()
    elas = models.TextField()
    elas_date = models.DateField(null=True)
    language = models.TextField()
    record_type = models.TextField()
    transaction_type = models.TextField()
    correction_reason = models.TextField()

    dup_number = models.SmallIntegerField(default=0)  # 3: an earlier status of a student with several
    dup_number_line = models.IntegerField(default=0)

    student = joined_student()
    holder = joined_holder()
    known_school = joined_school()

    class Meta:
        managed = False
        db_table = "staged_ela"

    def __str__(self) -> str:
        return f"Line {self.line}"
