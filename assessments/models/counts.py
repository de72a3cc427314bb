"""Counted results, and the record of which are hidden."""

from django.db import models

from students.school_years import year_label


class ResultCount(models.Model):
    """Students of one school, grade and student group, by their result on a test in a school year.

    Kept in step by the statements that write scores (scores/result_counts.py). `lea` and `school`: codes of the
    enrollment at the time of the test; blank for scores imported before that was stored. `student_group`: all, or
    `e:500` and the like. `scored`: tested students with a result that counts.
    """

    pk = models.CompositePrimaryKey("assessment_id", "school_year", "student_group", "lea", "school", "grade")
    assessment_id = models.BigIntegerField()
    school_year = models.SmallIntegerField()
    student_group = models.CharField(max_length=8)
    lea = models.CharField(max_length=7)
    school = models.CharField(max_length=7)
    grade = models.CharField(max_length=2)
    tested = models.IntegerField()
    scored = models.IntegerField()
    level_1 = models.IntegerField()
    level_2 = models.IntegerField()
    level_3 = models.IntegerField()
    level_4 = models.IntegerField()
    level_5 = models.IntegerField()
    scale_count = models.IntegerField()
    scale_sum = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.student_group} of {self.school}, grade {self.grade}, in {year_label(self.school_year)}"


class ResultVersion(models.Model):
    """How often the counted results of an LEA in a test and year were written: values computed from them are valid for
    one version.

    Raised by the statements that write counts, in their transaction. No row: never.
    """

    pk = models.CompositePrimaryKey("assessment_id", "school_year", "lea")
    assessment_id = models.BigIntegerField()
    school_year = models.SmallIntegerField()
    lea = models.CharField(max_length=7)
    version = models.BigIntegerField()

    def __str__(self) -> str:
        return f"version {self.version} of {self.lea} in {year_label(self.school_year)}"


class HiddenResults(models.Model):
    """Which results of a district in a test and year are hidden (results/hidden_results.py), as of the versions in `stamp`.

    `scope`: the unit of the decision, the code of an LEA. `cells`: one per line. `crossed`: the divisions of students
    whose groups may be shown by both school and grade.
    """

    pk = models.CompositePrimaryKey("assessment_id", "school_year", "scope")
    assessment_id = models.BigIntegerField()
    school_year = models.SmallIntegerField()
    scope = models.CharField(max_length=7)
    stamp = models.TextField()
    cells = models.TextField()
    crossed = models.CharField(max_length=20)

    def __str__(self) -> str:
        return f"hidden results of {self.scope} in {year_label(self.school_year)}"
