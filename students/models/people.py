"""Students, their enrollments, English learner records and guardians."""

from typing import Any

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import Case, F, Func, Q, Value, When
from django.db.models.functions import Coalesce, NullIf, Upper

from sisimport.audit.looking import NotesStudent
from sisimport.runtime.row_scope import across_schools
from students.models.districts import LEA, School

# Texts of a student that files and forms may write: names, and values stored as codes.
NAME_FIELDS = (
    "last_name",
    "first_name",
    "middle_name",
    "suffix",
    "legal_last_name",
    "legal_first_name",
    "legal_middle_name",
    "alias_last_name",
    "alias_first_name",
)
CODE_FIELDS = ("gender", "legal_gender", "birth_country", "birth_state", "home_language", "ethnicity")


class Gender(models.TextChoices):
    FEMALE = "F", "Female"
    MALE = "M", "Male"
    NONBINARY = "X", "Nonbinary"


class ProgramStatus(models.TextChoices):
    """Program Status of an English learner record (labels as in current screens; older ones said LEP)."""

    EL = "EL", "EL"
    EXITED = "Exited EL", "Exited EL"
    PENDING = "Pending", "Pending"
    NOT_EL = "Not EL", "Not EL"
    EO = "EO", "EO"


class _DayNumber(Func):
    """A date as days since 2000-01-01: unlike a cast to text it does not depend on session settings."""

    template = "(%(expressions)s - DATE '2000-01-01')"
    output_field = models.IntegerField()


class _Hash(Func):
    """64-bit hash of several columns; changes whenever one of them does."""

    template = "hashtextextended(%(expressions)s, 0)"
    arg_joiner = " || chr(31) || "
    output_field = models.BigIntegerField()


class Loose(Func):
    """A name without case, accents, hyphens, apostrophes, periods and spaces (rule D-13; migration 0002)."""

    function = "sis_loose"
    output_field = models.TextField()


_Loose = Loose  # as migrations name it


class _NameKey(Func):
    """Names joined to one loose word, `Díaz` and `Jr.` to `diazjr`: for sorting and prefix search."""

    function = "sis_loose"
    arg_joiner = " || "
    output_field = models.TextField()


def _key_field(*names: str) -> models.GeneratedField:
    """Compared byte by byte: the order, and the index for finding a prefix, are the same under every locale."""
    return models.GeneratedField(
        expression=_NameKey(*map(F, names)), output_field=models.TextField(db_collation="C"), db_persist=True
    )


class _Lexeme(Func):
    """Names as one loose word of a text vector, marked `l` (last) or `f` (first)."""

    template = "'%(mark)s' || sis_loose(%(expressions)s)"
    arg_joiner = " || "
    output_field = models.TextField()


class _Lexemes(Func):
    template = "array_to_tsvector(ARRAY[%(expressions)s])"
    output_field = SearchVectorField()


def _name_field(expression: Case | Coalesce, max_length: int) -> models.GeneratedField:
    return models.GeneratedField(
        expression=expression, output_field=models.CharField(max_length=max_length), db_persist=True
    )


_KEYS = (("last_name", "suffix"), ("first_name", "middle_name"))
_MATCH_LAST = Coalesce(NullIf(F("legal_last_name"), Value("")), F("last_name"))
_MATCH_FIRST = Coalesce(NullIf(F("legal_first_name"), Value("")), F("first_name"))
_MATCH_MIDDLE = Case(
    When(Q(legal_last_name="") & Q(legal_first_name=""), then=F("middle_name")), default=F("legal_middle_name")
)


class Student(NotesStudent, models.Model):
    """A student of one LEA. The local number is the district's own and the match key of every import.

    `match_*` names are the legal ones where a legal name is recorded, else the everyday ones (rule D-3).
    `identity_hash` covers everything an import compares to know a student; a plan made by Test carries it,
    so that Update sees when the student was edited in between.
    """

    lea = models.ForeignKey(LEA, on_delete=models.PROTECT, related_name="students", db_index=False, verbose_name="LEA")
    local_number = models.CharField("local student number", max_length=16)
    school = models.ForeignKey(
        School, on_delete=models.PROTECT, null=True, blank=True, related_name="students", db_index=False
    )
    grade = models.CharField(max_length=2, blank=True)
    last_name = models.CharField(max_length=50)
    first_name = models.CharField(max_length=30)
    middle_name = models.CharField(max_length=30, blank=True)
    suffix = models.CharField(max_length=8, blank=True)
    legal_last_name = models.CharField(max_length=50, blank=True)
    legal_first_name = models.CharField(max_length=30, blank=True)
    legal_middle_name = models.CharField(max_length=30, blank=True)
    alias_last_name = models.CharField(max_length=50, blank=True)
    alias_first_name = models.CharField(max_length=30, blank=True)
    birth_date = models.DateField()
    gender = models.CharField(max_length=1, choices=Gender.choices, blank=True)
    legal_gender = models.CharField(max_length=1, choices=Gender.choices, blank=True)
    birth_country = models.CharField(max_length=2, blank=True)
    birth_state = models.CharField(max_length=6, blank=True)
    home_language = models.CharField("home primary language", max_length=3, blank=True)
    ethnicity = models.CharField(max_length=40, blank=True)

    # Search keys (search.py): the everyday name, and all names of students who also have a legal or an alias name.
    last_key = _key_field(*_KEYS[0])
    first_key = _key_field(*_KEYS[1])
    other_names = models.GeneratedField(
        expression=Case(
            When(Q(legal_last_name="", legal_first_name="", alias_last_name="", alias_first_name=""), then=None),
            default=_Lexemes(
                *(_Lexeme(F(first), F(second), mark=first[0]) for first, second in _KEYS),
                *(
                    _Lexeme(F(f"{kind}_{part}_name"), mark=part[0])
                    for kind in ("legal", "alias")
                    for part in ("last", "first")
                ),
            ),
        ),
        output_field=SearchVectorField(),
        db_persist=True,
    )
    match_last_name = _name_field(_MATCH_LAST, 50)
    match_first_name = _name_field(_MATCH_FIRST, 30)
    match_middle_name = _name_field(_MATCH_MIDDLE, 30)
    identity_hash = models.GeneratedField(
        expression=_Hash(
            F("local_number"),
            _MATCH_LAST,
            _MATCH_FIRST,
            _MATCH_MIDDLE,
            _DayNumber(F("birth_date")),
            F("gender"),
            F("legal_gender"),
        ),
        output_field=models.BigIntegerField(),
        db_persist=True,
    )

    _student_field = "id"

    class Meta:
        ordering = ["last_key", "first_key", "id"]
        constraints = [
            models.UniqueConstraint(fields=["lea", "local_number"], name="student_local_number_unique_in_lea"),
            models.CheckConstraint(
                condition=~Q(local_number="") & ~Q(last_name=""), name="student_has_number_and_name"
            ),
        ]
        indexes = [
            models.Index(fields=["school", "grade"], name="student_school_grade"),
            # For the students a file line may mean (candidates.py): same birth date, or same names without accents and
            # the like.
            models.Index(fields=["birth_date"], name="student_birth_date"),
            models.Index(Loose(F("match_last_name")), Loose(F("match_first_name")), name="student_loose_names"),
            # For searches (search.py). School and grade are at the end so that a search within them reads only the
            # index. The key is included, not a search column: with stale statistics (all students removed, then others
            # added) PostgreSQL picks any index on the key to check a foreign key, and reads all of it for each row.
            models.Index(
                fields=["last_key", "first_key"], include=["id", "school", "grade"], name="student_by_last_name"
            ),
            models.Index(
                fields=["first_key", "last_key"], include=["id", "school", "grade"], name="student_by_first_name"
            ),
            models.Index(OpClass(Upper("local_number"), name="text_pattern_ops"), name="student_by_local_number"),
            GinIndex(
                fields=["other_names"],
                condition=Q(other_names__isnull=False),
                fastupdate=False,  # every search reads the entries not yet merged in
                name="student_by_other_names",
            ),
        ]

    def __str__(self) -> str:
        return f"Student {self.local_number}"

    def validate_constraints(self, exclude: Any = None) -> None:
        """A local number is unique in the whole district, even among students the user does not see."""
        with across_schools():
            super().validate_constraints(exclude=exclude)

    @property
    def full_name(self) -> str:
        """Everyday name as lists show it: `Diaz Jr., Eva Luz`."""
        last = f"{self.last_name} {self.suffix}".strip()
        return f"{last}, {self.first_name} {self.middle_name}".strip()

    @property
    def has_legal_name(self) -> bool:
        return bool(self.legal_last_name or self.legal_first_name)


class WithoutSSID(models.Model):
    """Students who have no current SSID, with the columns that lists of them need: found without scanning all students.

    Kept by triggers on students, SSIDs and last days (migration 0024), in the transaction that changes those; nothing else
    writes it.
    """

    student = models.OneToOneField(
        Student, on_delete=models.DO_NOTHING, primary_key=True, related_name="without_ssid", db_constraint=False
    )
    school = models.ForeignKey(
        School, on_delete=models.DO_NOTHING, null=True, related_name="+", db_constraint=False, db_index=False
    )
    grade = models.CharField(max_length=2)
    last_key = models.TextField(db_collation="C")
    first_key = models.TextField(db_collation="C")
    last_day = models.DateField(null=True)

    class Meta:
        default_permissions = ()
        verbose_name = "student without SSID"
        verbose_name_plural = "students without SSID"
        indexes = [
            models.Index(fields=["school", "grade"], name="without_ssid_school_grade"),
            models.Index(
                fields=["last_key", "first_key"], include=["student", "school", "grade"], name="without_ssid_by_name"
            ),
        ]

    def __str__(self) -> str:
        return f"Student {self.student_id} has no SSID"


class LastDay(models.Model):
    """Students whose enrollments have all ended or will end, with the last day: the few that are not simply enrolled.

    Kept by triggers on enrollments and students (migration 0024), in the transaction that changes those; nothing else writes it.
    """

    student = models.OneToOneField(
        Student, on_delete=models.DO_NOTHING, primary_key=True, related_name="last_day", db_constraint=False
    )
    day = models.DateField()
    school = models.ForeignKey(
        School, on_delete=models.DO_NOTHING, null=True, related_name="+", db_constraint=False, db_index=False
    )
    grade = models.CharField(max_length=2, default="", db_default="")

    class Meta:
        default_permissions = ()
        verbose_name = "last day of enrollment"
        verbose_name_plural = "last days of enrollment"

    def __str__(self) -> str:
        return f"Last day of student {self.student_id}"


class Headcount(models.Model):
    """A change in how many students a school and grade has, and in how many of them lack an SSID; the counts are sums
    of these.

    `after`: the change counts from the next day on; blank: always. Kept by triggers (migration 0024) in the transaction
    that changes students, SSIDs or enrollments. Rows are only added, so writers never wait; the reconciler combines
    them (headcounts.py).
    """

    # Without database constraint: a count never keeps a school from being removed by a revert.
    school = models.ForeignKey(School, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False)
    grade = models.CharField(max_length=2)
    after = models.DateField(null=True)
    students = models.IntegerField()
    without_ssid = models.IntegerField()

    class Meta:
        default_permissions = ()
        verbose_name = "change of a headcount"
        verbose_name_plural = "changes of headcounts"

    def __str__(self) -> str:
        return f"Change of the headcount of school {self.school_id}, grade {self.grade}"


class Enrollment(models.Model):
    """A student's stay at a school; `Student.school` and `.grade` follow the open one, or else the last."""

    student = models.ForeignKey(
        Student, on_delete=models.CASCADE, related_name="enrollments", db_index=False, db_constraint=False
    )
    school = models.ForeignKey(School, on_delete=models.PROTECT, related_name="enrollments")
    grade = models.CharField(max_length=2, blank=True)
    start_date = models.DateField(null=True, blank=True)
    exit_date = models.DateField(null=True, blank=True)
    exit_reason = models.CharField(
        max_length=6, blank=True, default="", db_default="", help_text="The state's code, such as T160."
    )

    class Meta:
        ordering = ["student", "-start_date"]
        constraints = [
            models.UniqueConstraint(
                fields=["student", "school", "start_date"], nulls_distinct=False, name="enrollment_unique"
            ),
            models.CheckConstraint(
                condition=Q(exit_date__isnull=True) | Q(start_date__isnull=True) | Q(exit_date__gte=F("start_date")),
                name="enrollment_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return "Enrollment"


class ELRecord(models.Model):
    """A student's English learner program record; the state's own values are next to the local ones."""

    student = models.OneToOneField(
        Student, on_delete=models.CASCADE, primary_key=True, related_name="el", db_constraint=False
    )
    program_status = models.CharField(max_length=10, choices=ProgramStatus.choices)
    identified_date = models.DateField(null=True, blank=True)
    tbd_date = models.DateField("TBD date", null=True, blank=True)
    exit_date = models.DateField(null=True, blank=True)
    state_elas = models.CharField("ELAS at the state", max_length=4, blank=True)
    state_elas_date = models.DateField("ELAS start date at the state", null=True, blank=True)
    state_language = models.CharField("primary language at the state", max_length=3, blank=True)

    class Meta:
        verbose_name = "EL record"
        constraints = [
            models.CheckConstraint(
                condition=Q(program_status__in=[value for value, _label in ProgramStatus.choices]),
                name="el_program_status_known",
            )
        ]

    def __str__(self) -> str:
        return "EL record"


class StateEnrollment(models.Model):
    """The most recent enrollment that the state has for a student, often in another district: stored as the state sent
    it.

    Schools of other districts are not School rows here: they are stored as the state's codes.
    """

    student = models.OneToOneField(
        Student, on_delete=models.CASCADE, primary_key=True, related_name="state_enrollment", db_constraint=False
    )
    lea_code = models.CharField("LEA", max_length=7, blank=True)
    school_code = models.CharField("school", max_length=7, blank=True)
    grade = models.CharField(max_length=2, blank=True)
    status = models.CharField("enrollment status", max_length=2, blank=True)
    start_date = models.DateField(null=True, blank=True)
    exit_date = models.DateField(null=True, blank=True)
    exit_reason = models.CharField(max_length=6, blank=True)

    class Meta:
        verbose_name = "enrollment at the state"
        verbose_name_plural = "enrollments at the state"

    def __str__(self) -> str:
        return "Enrollment as the state knows it"


class Guardian(models.Model):
    """A parent or guardian of a student."""

    student = models.ForeignKey(Student, on_delete=models.CASCADE, related_name="guardians", db_constraint=False)
    last_name = models.CharField(max_length=50)
    first_name = models.CharField(max_length=30)
    relationship = models.CharField(max_length=30, blank=True)

    class Meta:
        ordering = ["student", "last_name", "first_name"]

    def __str__(self) -> str:
        return "Guardian"
