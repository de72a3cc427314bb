"""Assessments (the Test Detail records), scores, and the row model of the wide import files."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.functional import cached_property

from assessments.structure import known_level_names, level_names
from sisimport.audit.looking import NotesStudent
from sisimport.imports.definition.joins import joined, joined_holder
from sisimport.imports.definition.staged_row import StagedRow
from students.models import Student
from students.school_years import year_label


class ScoreType(models.TextChoices):
    SCALE = "scale", "Scale score and level"
    LEVEL = "level", "Level only"
    RAW = "raw", "Raw score only"


class Assessment(models.Model):
    """One test set-up: a parent test or one of its children, known to imports by its state code.

    Imports find a parent by `state_code` and its years, and its children by the code under that parent; everything else may be
    edited without breaking later imports. `results` lists the result statuses as `[{"code", "name", "passing"}]`, best first.
    Without years (those made before 1.1) it takes the scores of every year whose test has not changed (see scores/setups.py).
    """

    state_code = models.CharField(max_length=12)
    name = models.CharField(max_length=120)
    parent = models.ForeignKey("self", on_delete=models.CASCADE, null=True, blank=True, related_name="children")
    score_type = models.CharField(max_length=5, choices=ScoreType.choices, default=ScoreType.SCALE)
    position = models.PositiveSmallIntegerField(default=0, help_text="Order among assessments, and under the parent.")
    start_date = models.DateField("date", null=True, blank=True, help_text="Set up for tests from this day on.")
    first_year = models.PositiveSmallIntegerField(
        "first school year",
        null=True,
        blank=True,
        help_text="By its spring: 2025 is 2024-25. Empty: as far back as it fits.",
    )
    last_year = models.PositiveSmallIntegerField(
        "last school year", null=True, blank=True, help_text="By its spring. Empty: until the state changes the test."
    )
    preferred = models.BooleanField(
        "use this from now on",
        default=False,
        help_text="Imports without a choice take this one, where several set-ups are for the same year.",
    )
    ranged = models.BooleanField(
        "published score ranges apply",
        default=True,
        help_text="Pages show the score ranges of levels that the state has published.",
    )
    results = models.JSONField("result statuses", default=list, blank=True)
    passing_score = models.CharField(max_length=8, blank=True)
    comments = models.TextField(blank=True)
    shown_to_families = models.BooleanField(
        "shown to students and parents",
        default=False,
        help_text="Display Options: scores appear in the family portals.",
    )

    class Meta:
        ordering = ["position", "name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["state_code", "name"], condition=Q(parent__isnull=True), name="assessment_name_unique"
            ),
            models.UniqueConstraint(fields=["parent", "state_code"], name="assessment_child_code_unique"),
            models.CheckConstraint(condition=~Q(state_code="") & ~Q(name=""), name="assessment_has_code_and_name"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.state_code})"

    @cached_property
    def result_names(self) -> dict[str, str]:
        return {str(result["code"]): str(result["name"]) for result in self.results}

    def names_in(self, year: int) -> dict[str, str]:
        """Names of results for scores of a school year.

        A set-up for all years that nobody has edited names them as the test did in that year.
        """
        names = self.result_names
        if self.first_year is None and self.last_year is None and names in known_level_names(self.state_code):
            return dict(level_names(self.state_code, year)) or names
        return names

    def covers(self, year: int) -> bool:
        """Whether its years hold this one; a set-up without years covers all."""
        return (self.first_year or 0) <= year <= (self.last_year or year)


class AddedLayout(models.Model):
    """A layout that an import admin added from a file's header line: an import type of its own from then on, or, of a research
    file, one more layout of the type that reads these.

    Until it is added (`text` is blank) it is a draft: the header and facts about its columns, never a value of a record.
    `comparison` tells how it differs from the layout `like`: kept (a number), added, missing, renamed.
    """

    key = models.CharField(max_length=80)
    like = models.CharField(max_length=80)
    school_year = models.PositiveSmallIntegerField(help_text="By its spring.")
    file_name = models.CharField(max_length=255)
    text = models.TextField(blank=True)
    draft = models.JSONField(default=dict, blank=True)
    comparison = models.JSONField(default=dict, blank=True)
    made_at = models.DateTimeField(auto_now_add=True)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        ordering = ["-made_at"]
        constraints = [
            models.UniqueConstraint(fields=["key"], condition=~Q(text=""), name="added_layout_key_unique"),
        ]

    def __str__(self) -> str:
        return self.key


class ShownResults(models.Model):
    """Whether families see the results of a family of tests in a school year: one switch, which goes before Display Options."""

    family = models.CharField(max_length=20)
    school_year = models.PositiveSmallIntegerField(help_text="By its spring.")
    shown = models.BooleanField()
    switched_at = models.DateTimeField(auto_now=True)
    switched_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["family", "school_year"], name="one_switch_of_a_year")]

    def __str__(self) -> str:
        return f"{self.family} {year_label(self.school_year)}: {'shown' if self.shown else 'not shown'}"


class Score(models.Model):
    """One student's result on one assessment in one school year (`school_year` 2024 is 2023-24).

    Written by imports millions at a time: the key is the only index, and student and assessment are kept right by the
    statements that write, not by a constraint checked per row (see docs/decisions/0008-scores.md). Empty text: not in the file.
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
            # Of the tests themselves: results of a year, and who took the test in two of them.
            models.Index(fields=["assessment_id", "school_year"], name="score_as_tested", condition=~Q(as_tested="")),
        ]

    def __str__(self) -> str:
        return f"Score of student {self.student_id} on assessment {self.assessment_id}, {self.year_label}"

    @property
    def year_label(self) -> str:
        return year_label(self.school_year)

    @property
    def result_name(self) -> str:
        """The result in words: `Standard Met`; the code itself where the set-up does not name it."""
        parent = self.assessment.parent
        year = self.school_year
        names = self.assessment.names_in(year) or (parent.names_in(year) if parent else {})
        return names.get(self.result, self.result)


class ResultCount(models.Model):
    """Students of one school, grade and student group, by what they had on a test in a school year.

    Kept in step by the statements that write scores (scores/result_counts.py). `lea` and `school`: codes of the enrollment at
    the time of the test; blank where scores were imported before that was kept. `student_group`: all, or `e:500` and the like.
    `scored`: of those tested, with a result that counts.
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
    """How often the counted results of an LEA in a test and year were written: what was worked out from them holds for a version.

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

    `scope`: what is decided for at once, the code of an LEA. `cells`: one in each line. `crossed`: the divisions of students
    whose groups may be shown by school and grade together.
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


class ListedScore(NotesStudent, models.Model):
    """Scores as the admin lists them: the same table, under a key of one column, which lists need and never look up by."""

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
    """One line of a CAASPP or ELPAC file: every column any layout has that a score is made of."""

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

    # Worked out while the row is staged (see scores/columns.py).
    skipped = models.SmallIntegerField(default=0)  # 1: nothing scored, 2: not to be imported
    plain = models.BooleanField(default=False)  # every value is as usual, as far as a row can tell by itself
    repeat_key = models.BigIntegerField(null=True)  # equal for lines of one SSID and test
    uin_key = models.BigIntegerField(null=True)
    packed = models.TextField()  # all scores of the line in one text (see scores/encoding.py)

    # Filled by `prepare`, on the few rows they are about.
    replaced_ssid = models.TextField()  # the file's SSID, where the state replaced it and `ssid` holds the new one
    # 1: equal to an earlier line, 2: contradicts another line, 3: equal to a refused one, 4: an earlier line's scores with
    # another date, grade and so on, which `repeat_differs` tells.
    repeated = models.SmallIntegerField(default=0)
    repeated_line = models.IntegerField(default=0)
    repeat_differs = models.TextField()
    told_date = models.DateField(
        null=True
    )  # another date of a line without test date, by which it is of another year …
    told_by = models.TextField()  # … and its column
    student_pk = models.BigIntegerField(null=True)  # whose line it is; only where a match of the file was accepted

    holder = joined_holder()
    accepted_student = joined(Student, id="student_pk")
    range = joined(ScoreRange, record_type="record_type", grade="grade_assessed")

    class Meta:
        managed = False
        db_table = "staged_score"

    def __str__(self) -> str:
        return f"Line {self.line}"


class PublicResult(models.Model):
    """What the state published of one county, district or school (`place`: 14 digits, zeros above its level), test, school year,
    grade (`13`: all) and student group (the state's number). Texts as the file has them: `*` is hidden by the state.
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
    """Name of a county, district or school in the state's files, of the newest year that a file brought."""

    place = models.TextField()
    name = models.TextField()
    school_year = models.SmallIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["place"], name="public_place_unique")]

    def __str__(self) -> str:
        return self.name


class PublicRow(StagedRow):
    """One line of a research file. No student stands in it: `student` joins nobody."""

    county = models.TextField()
    district = models.TextField()
    school = models.TextField()
    test_year = models.TextField()

    # Worked out while the row is staged (see research/files.py).
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
