"""Row model of the student roster, and the column mappings that people made."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper

from sisimport.imports.definition.joins import joined, joined_holder, joined_student
from sisimport.imports.definition.staged_row import StagedRow
from students.models import Enrollment


class RosterRow(StagedRow):
    """One line of the roster CSV; `*_pk` columns are found or allocated before the rules are evaluated."""

    lea = models.TextField()
    school = models.TextField()
    local_number = models.TextField()
    ssid = models.TextField()
    last_name = models.TextField()
    first_name = models.TextField()
    middle_name = models.TextField()
    suffix = models.TextField()
    legal_last_name = models.TextField()
    legal_first_name = models.TextField()
    legal_middle_name = models.TextField()
    alias_last_name = models.TextField()
    alias_first_name = models.TextField()
    birth_date = models.DateField(null=True)
    gender = models.TextField()
    legal_gender = models.TextField()
    birth_country = models.TextField()
    birth_state = models.TextField()
    home_language = models.TextField()
    grade = models.TextField()
    enrollment_start = models.DateField(null=True)
    enrollment_exit = models.DateField(null=True)
    enrollment_exit_reason = models.TextField()
    el_status = models.TextField()
    el_identified_date = models.DateField(null=True)
    el_tbd_date = models.DateField(null=True)
    el_exit_date = models.DateField(null=True)
    ethnicity = models.TextField()
    # For OneRoster: what the joined line says about itself (see files/oneroster/joining.py).
    is_primary = models.TextField()
    mode = models.TextField()
    marked = models.TextField()
    problem = models.TextField()
    detail = models.TextField()

    student_pk = models.BigIntegerField(null=True)
    school_pk = models.BigIntegerField(null=True)
    home_school_pk = models.BigIntegerField(null=True)
    home_grade = models.TextField()
    home_exit = models.DateField(null=True)
    # The stay at the school that a line without start date is about: the only one, or the only open one; 0: several.
    undated_pk = models.BigIntegerField(null=True)
    # Since when the student is enrolled at the school already, where the line would make a second enrollment (see stays.py).
    open_since = models.DateField(null=True)
    is_new = models.BooleanField(default=False)
    alike = (
        models.TextField()
    )  # local number of a student of the same name and birth date, where the line would create one
    person = models.TextField()  # set if the line is about someone else than the number's student (see other_people.py)
    dup_number = models.SmallIntegerField(default=0)
    dup_number_line = models.IntegerField(default=0)
    dup_line = models.SmallIntegerField(default=0)
    dup_line_line = models.IntegerField(default=0)
    dup_ssid = models.SmallIntegerField(default=0)
    dup_ssid_line = models.IntegerField(default=0)

    student = joined_student()
    holder = joined_holder()
    enrollment = joined(Enrollment, student="student_pk", school="school_pk", start_date="enrollment_start")
    undated = joined(Enrollment, id="undated_pk")

    class Meta:
        managed = False
        db_table = "staged_roster"

    def __str__(self) -> str:
        return f"Line {self.line}"


class ColumnMapping(models.Model):
    """Which columns of another system's export the roster is read from: a name and a district; its versions hold the
    content.

    A removed mapping keeps its versions: the reports of earlier runs get their column names from them.
    """

    name = models.CharField(max_length=80)
    lea = models.CharField(max_length=7, blank=True, help_text="Code of the district that it is for.")
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(Upper("name"), condition=Q(removed_at=None), name="column_mapping_name_unique"),
        ]

    def __str__(self) -> str:
        return self.name


class MappingVersion(models.Model):
    """What a mapping said from a certain time on, who changed it and why. Never changed, so the versions are its
    journal."""

    class What(models.TextChoices):
        MADE = "made", "Made"
        CHANGED = "changed", "Changed"
        RENAMED = "renamed", "Renamed"
        BROUGHT = "brought", "Brought from a file"
        REMOVED = "removed", "Removed"

    mapping = models.ForeignKey(ColumnMapping, on_delete=models.PROTECT, related_name="versions", db_index=False)
    number = models.PositiveIntegerField()
    what = models.CharField(max_length=7, choices=What.choices)
    sha = models.CharField(max_length=16, help_text="Of the content: names the layout that runs record.")
    text = models.TextField(help_text="The mapping as it is shared.")
    made_at = models.DateTimeField(auto_now_add=True)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["mapping", "number"], name="mapping_version_number_unique"),
        ]
        indexes = [models.Index(fields=["sha"], name="mapping_version_sha")]

    def __str__(self) -> str:
        return f"{self.mapping_id}, version {self.number}"
