"""The row model of the wide score files."""

from django.db import models

from sisimport.imports.definition.joins import joined, joined_holder
from sisimport.imports.definition.staged_row import StagedRow
from students.models import Student


class ScoreRange(models.Model):
    """Lowest scale score of each level, per record type and grade; a temporary table that one run's rules join."""

    record_type = models.TextField(primary_key=True)
    grade = models.TextField()
    lowest = models.IntegerField()
    level_2 = models.IntegerField(null=True)
    level_3 = models.IntegerField(null=True)
    level_4 = models.IntegerField(null=True)
    highest = models.IntegerField()

    class Meta:
        managed = False
        db_table = "staged_score_range"

    def __str__(self) -> str:
        return f"{self.record_type} grade {self.grade}"


class ScoreRow(StagedRow):
    """One line of a CAASPP or ELPAC file: every column of any layout that scores are made from."""

    record_type = models.TextField()
    ssid = models.TextField()
    local_student_id = models.TextField()
    uin = models.TextField()
    last_name = models.TextField()
    first_name = models.TextField()
    birth_date = models.DateField(null=True)
    grade_assessed = models.TextField()
    condition_code = models.TextField()
    current_year_flag = models.TextField()
    calculated_elas = models.TextField()

    final_test_completed_date = models.DateField(null=True)
    test_completed_date = models.DateField(null=True)
    test_completed_date_1 = models.DateField(null=True)
    test_completed_date_2 = models.DateField(null=True)
    test_completed_date_3 = models.DateField(null=True)
    test_completed_date_4 = models.DateField(null=True)
    paper_test_completion_date = models.DateField(null=True)
    lst_lock_score_date = models.DateField(null=True)

    scale_score = models.TextField()
    scale_score_sem = models.TextField()
    lexile_quantile = models.TextField()
    achievement_level = models.TextField()
    performance_level = models.TextField()
    percent_correct = models.TextField()
    preliminary_indicator = models.TextField()
    raw_score_1 = models.TextField()
    raw_score_2 = models.TextField()
    raw_score_3 = models.TextField()
    raw_score_4 = models.TextField()
    claim_1_level = models.TextField()
    claim_2_level = models.TextField()
    claim_3_level = models.TextField()
    claim_4_level = models.TextField()
    composite_claim_1_level = models.TextField()
    composite_claim_1_score = models.TextField()
    composite_claim_2_level = models.TextField()
    composite_claim_2_score = models.TextField()
    domain_1_level = models.TextField()
    domain_2_level = models.TextField()
    domain_3_level = models.TextField()
    domain_4_level = models.TextField()
    csa_composite_1_level = models.TextField()
    csa_composite_1_score = models.TextField()
    csa_composite_2_level = models.TextField()
    csa_composite_2_score = models.TextField()
    oral_scale_score = models.TextField()
    oral_csem = models.TextField()
    oral_level = models.TextField()
    written_scale_score = models.TextField()
    written_csem = models.TextField()
    written_level = models.TextField()
    listening_level = models.TextField()
    speaking_level = models.TextField()
    reading_level = models.TextField()
    writing_level = models.TextField()

    as_tested = models.TextField()  # several columns of the file as one text (see scores/as_tested.py)

    # Computed while the row is staged (see scores/columns.py).
    skipped = models.SmallIntegerField(default=0)  # 1: nothing scored, 2: not to be imported
    plain = models.BooleanField(default=False)  # every value is normal, as far as the row alone shows
    repeat_key = models.BigIntegerField(null=True)  # equal for lines of one SSID and test
    uin_key = models.BigIntegerField(null=True)
    packed = models.TextField()  # all scores of the line in one text (see scores/encoding.py)

    # Filled by `prepare`, on the few rows concerned.
    replaced_ssid = models.TextField()  # the file's SSID, if the state replaced it and `ssid` holds the new one
    # 1: equal to an earlier line, 2: contradicts another line, 3: equal to a refused one, 4: an earlier line's scores with
    # another date, grade and so on, which `repeat_differs` tells.
    repeated = models.SmallIntegerField(default=0)
    repeated_line = models.IntegerField(default=0)
    repeat_differs = models.TextField()
    told_date = models.DateField(null=True)  # another date that places a line without test date in another year …
    told_by = models.TextField()  # … and its column
    student_pk = models.BigIntegerField(null=True)  # the line's student; only if a match of the file was accepted

    holder = joined_holder()
    accepted_student = joined(Student, id="student_pk")
    range = joined(ScoreRange, record_type="record_type", grade="grade_assessed")

    class Meta:
        managed = False
        db_table = "staged_score"

    def __str__(self) -> str:
        return f"Line {self.line}"
