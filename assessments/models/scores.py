"""Scores of students."""

from django.db import models
from django.db.models import Q

from assessments.models.setups import Assessment
from sisimport.audit.looking import NotesStudent
from students.models import Student
from students.school_years import year_label


class Score(models.Model):
    """One student's result on one assessment in one school year (`school_year` 2024 is 2023-24).

    Written by imports millions at a time: the key is the only index, and the writing statements keep student and
    assessment valid, not a constraint checked per row (see docs/decisions/0008-scores.md). Empty text: not in the file.
    """

    pk = models.CompositePrimaryKey("student_id", "assessment_id", "school_year")
    student = models.ForeignKey(
        Student, on_delete=models.CASCADE, related_name="scores", db_constraint=False, db_index=False
    )
    assessment = models.ForeignKey(
        Assessment, on_delete=models.PROTECT, related_name="scores", db_constraint=False, db_index=False
    )
    school_year = models.SmallIntegerField()
    date = models.DateField(null=True)
    line = models.IntegerField(null=True)
    run_id = models.BigIntegerField(null=True, help_text="The run that wrote it last.")
    scale_score = models.CharField(max_length=8, blank=True)
    raw_score = models.CharField(max_length=8, blank=True)
    result = models.CharField(max_length=40, blank=True)
    grade = models.CharField("grade assessed", max_length=2, blank=True)
    status = models.CharField("condition code", max_length=8, blank=True)
    error_band = models.CharField("standard error", max_length=8, blank=True)
    measure = models.CharField("Lexile or Quantile measure", max_length=12, blank=True)
    uin = models.CharField("UIN", max_length=20, blank=True)
    as_tested = models.TextField(blank=True, default="", db_default="", help_text="See scores/as_tested.py.")

    class Meta:
        indexes = [
            # For whole tests: results of a year, and students who took the test in two years.
            models.Index(fields=["assessment_id", "school_year"], name="score_as_tested", condition=~Q(as_tested="")),
        ]

    def __str__(self) -> str:
        return f"Score of student {self.student_id} on assessment {self.assessment_id}, {self.year_label}"

    @property
    def year_label(self) -> str:
        return year_label(self.school_year)

    @property
    def result_name(self) -> str:
        """The result in words: `Standard Met`; the code itself if the set-up does not name it."""
        parent = self.assessment.parent
        year = self.school_year
        names = self.assessment.names_in(year) or (parent.names_in(year) if parent else {})
        return names.get(self.result, self.result)


class ListedScore(NotesStudent, models.Model):
    """Scores as the admin lists them: the same table, with a one-column key, which lists need but never search by."""

    student = models.OneToOneField(Student, on_delete=models.DO_NOTHING, primary_key=True, related_name="+")
    assessment = models.ForeignKey(Assessment, on_delete=models.DO_NOTHING, related_name="+")
    school_year = models.SmallIntegerField()
    date = models.DateField(null=True)
    scale_score = models.CharField(max_length=8)
    raw_score = models.CharField(max_length=8)
    result = models.CharField(max_length=40)
    grade = models.CharField("grade assessed", max_length=2)
    status = models.CharField("condition code", max_length=8)
    run_id = models.BigIntegerField("run", null=True)

    class Meta:
        managed = False
        db_table = "assessments_score"
        verbose_name = "score"
        ordering = ["student_id", "assessment_id", "school_year"]

    def __str__(self) -> str:
        return f"Score of student {self.student_id} on assessment {self.assessment_id}, {year_label(self.school_year)}"
