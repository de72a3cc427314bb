"""Row model of the Replacement SSID file."""

from django.db import models

from sisimport.imports.definition.joins import joined, joined_school
from sisimport.imports.definition.staged_row import StagedRow
from ssid.models.staged import ten_digits
from students.models import SSIDReplacement, Student


def _student(column: str) -> models.ForeignObject:
    """Join to a student whose key was found before the rules are evaluated."""
    return joined(Student, id=column)


def _recorded(column: str) -> models.ForeignObject:
    """Join to the existing record that the SSID in this column was retired."""
    return joined(SSIDReplacement, state="state", retired_ssid=column)


class ReplacementRow(StagedRow):
    """One line: the state merged `retired_ssid` into `replacement_ssid`. The `*_pk` columns and those after them are
    filled by `prepare`."""

    lea = models.TextField()
    school = models.TextField()
    local_number = models.TextField()
    retired_ssid = models.TextField()
    replacement_ssid = models.TextField()
    retired_ok = ten_digits("retired_ssid")
    replacement_ok = ten_digits("replacement_ssid")

    numbered_pk = models.BigIntegerField(null=True)  # student with the last known local number
    holder_pk = models.BigIntegerField(null=True)  # student who has, or had, the retired SSID
    owner_pk = models.BigIntegerField(null=True)  # student who has, or had, the replacement
    student_pk = models.BigIntegerField(null=True)  # the student the line is about
    moves_on = models.BooleanField(default=False)  # the replacement was itself replaced, according to the record
    chained_line = models.IntegerField(default=0)  # line that makes this line's retired SSID current
    shared = models.BooleanField(default=False)  # another line gives the replacement to another student
    # Where the line leads, given the other lines and the records (see replacement_chains.py).
    circle = models.BooleanField(default=False)  # to its own retired SSID, or into such a circle
    twice = models.BooleanField(default=False)  # to numbers of several students
    behind = models.BooleanField(
        default=False
    )  # its retired SSID leads to the student's current SSID, or to its replacement
    elsewhere = models.BooleanField(default=False)  # ... of a student other than the line's
    # Of a chain from the student's current SSID to a number that nobody has, which one Update can write:
    opens_chain = models.BooleanField(default=False)  # the line of the current SSID; the last line replaces it
    ends_chain = models.BooleanField(default=False)  # the last line
    dup_retired = models.SmallIntegerField(default=0)
    dup_retired_line = models.IntegerField(default=0)

    student = _student("student_pk")
    numbered = _student("numbered_pk")
    owner = _student("owner_pk")
    recorded = _recorded("retired_ssid")
    moved_on = _recorded("replacement_ssid")
    known_school = joined_school()

    class Meta:
        managed = False
        db_table = "staged_replacement"

    def __str__(self) -> str:
        return f"Line {self.line}"
