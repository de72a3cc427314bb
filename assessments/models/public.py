"""The state's published results, and the row models of the files that bring them."""

from django.db import models

from sisimport.imports.definition.joins import joined
from sisimport.imports.definition.staged_row import StagedRow
from students.models import Student
from students.school_years import year_label


class PublicResult(models.Model):
    """What the state published of one county, district or school (`place`: 14 digits, zeros above its level), test, school year,
    grade (`13`: all) and student group (the state's number). Texts as in the file: `*` is hidden by the state.
    """

    key = models.TextField(help_text="Place, year, test, group and grade.")
    place = models.TextField()
    test = models.TextField()
    school_year = models.SmallIntegerField()
    student_group = models.TextField()
    grade = models.TextField()
    enrolled = models.TextField(blank=True)
    tested = models.TextField(blank=True)
    scored = models.TextField(blank=True)
    mean = models.TextField(blank=True)
    level_1 = models.TextField(blank=True)
    level_2 = models.TextField(blank=True)
    level_3 = models.TextField(blank=True)
    level_4 = models.TextField(blank=True)
    met = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["key"], name="public_result_key_unique")]
        indexes = [models.Index(fields=["test", "school_year", "student_group", "place"], name="public_result_of_test")]

    def __str__(self) -> str:
        return f"{self.test} of {self.place} in {year_label(self.school_year)}"


class PublicPlace(models.Model):
    """Name of a county, district or school in the state's files, from the newest year imported."""

    place = models.TextField()
    name = models.TextField()
    school_year = models.SmallIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["place"], name="public_place_unique")]

    def __str__(self) -> str:
        return self.name


class PublicRow(StagedRow):
    """One line of a research file. It contains no students: `student` joins no row."""

    county = models.TextField()
    district = models.TextField()
    school = models.TextField()
    test_year = models.TextField()

    # Computed while the row is staged (see research/files.py).
    place = models.TextField()
    lea_code = models.TextField()
    key = models.TextField()
    dup_key = models.SmallIntegerField(default=0)
    dup_key_line = models.IntegerField(default=0)
    student_pk = models.BigIntegerField(null=True)

    class Meta:
        abstract = True


class PublicResultRow(PublicRow):
    """One line of a research file of results."""

    test_id = models.TextField()
    student_group = models.TextField()
    grade = models.TextField()
    enrolled = models.TextField()
    tested = models.TextField()
    scored = models.TextField()
    mean = models.TextField()
    level_1 = models.TextField()
    level_2 = models.TextField()
    level_3 = models.TextField()
    level_4 = models.TextField()
    met = models.TextField()
    count_1 = models.TextField()
    count_2 = models.TextField()
    count_3 = models.TextField()
    count_4 = models.TextField()

    test = models.TextField()
    group_code = models.TextField()
    grade_code = models.TextField()
    nonsense = models.TextField(default="")

    student = joined(Student, id="student_pk")
    held = joined(PublicResult, key="key")

    class Meta:
        managed = False
        db_table = "staged_public_result"

    def __str__(self) -> str:
        return f"Line {self.line}"


class PublicPlaceRow(PublicRow):
    """One line of a research file of entities."""

    county_name = models.TextField()
    district_name = models.TextField()
    school_name = models.TextField()

    name = models.TextField()

    student = joined(Student, id="student_pk")
    held = joined(PublicPlace, place="key")

    class Meta:
        managed = False
        db_table = "staged_public_place"

    def __str__(self) -> str:
        return f"Line {self.line}"
