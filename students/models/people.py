"""Students, their enrollments, English learner records and guardians."""

from django.db import models
from django.db.models import Case, F, Func, Q, Value, When
from django.db.models.functions import Coalesce, NullIf

from students.models.districts import LEA, School

# Texts of a student that files and forms may write: what they are called, and what is kept as a code.
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


class _Loose(Func):
    """A name without case, accents, hyphens, apostrophes, periods and spaces (migration 0002)."""

    function = "sis_loose"
    output_field = models.TextField()


def _name_field(expression: Case | Coalesce, max_length: int) -> models.GeneratedField:
    return models.GeneratedField(
        expression=expression, output_field=models.CharField(max_length=max_length), db_persist=True
    )


_MATCH_LAST = Coalesce(NullIf(F("legal_last_name"), Value("")), F("last_name"))
_MATCH_FIRST = Coalesce(NullIf(F("legal_first_name"), Value("")), F("first_name"))
_MATCH_MIDDLE = Case(
    When(Q(legal_last_name="") & Q(legal_first_name=""), then=F("middle_name")), default=F("legal_middle_name")
)


class Student(models.Model):
    """A student of one LEA. The local number is the district's own and the match key of every import.

    `match_*` names are the legal ones where a legal name is recorded, else the everyday ones (rule D-3).
    `identity_hash` covers everything an import compares to know a student; a plan made by Test carries it,
    so that Update sees when the student was edited in between.
    """

    lea = models.ForeignKey(LEA, on_delete=models.PROTECT, related_name="students", db_index=False)
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

    class Meta:
        ordering = ["last_name", "first_name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["lea", "local_number"], name="student_local_number_unique_in_lea"),
            models.CheckConstraint(
                condition=~Q(local_number="") & ~Q(last_name=""), name="student_has_number_and_name"
            ),
        ]
        indexes = [
            models.Index(fields=["school", "grade"], name="student_school_grade"),
            # Whom a file line may mean (candidates.py): same birth date, or same names without accents and the like.
            models.Index(fields=["birth_date"], name="student_birth_date"),
            models.Index(_Loose(F("match_last_name")), _Loose(F("match_first_name")), name="student_loose_names"),
        ]

    def __str__(self) -> str:
        return f"Student {self.local_number}"

    @property
    def full_name(self) -> str:
        """Everyday name as lists show it: `Diaz Jr., Eva Luz`."""
        last = f"{self.last_name} {self.suffix}".strip()
        return f"{last}, {self.first_name} {self.middle_name}".strip()

    @property
    def has_legal_name(self) -> bool:
        return bool(self.legal_last_name or self.legal_first_name)


class Enrollment(models.Model):
    """A student's stay at a school; `Student.school` and `.grade` follow the open one, or else the last."""

    student = models.ForeignKey(Student, on_delete=models.CASCADE, related_name="enrollments", db_index=False)
    school = models.ForeignKey(School, on_delete=models.PROTECT, related_name="enrollments")
    grade = models.CharField(max_length=2, blank=True)
    start_date = models.DateField(null=True, blank=True)
    exit_date = models.DateField(null=True, blank=True)

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
        return f"Enrollment {self.pk}"


class ELRecord(models.Model):
    """A student's English learner program record; the state's own values stand beside the local ones."""

    student = models.OneToOneField(Student, on_delete=models.CASCADE, primary_key=True, related_name="el")
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
        return f"EL record of student {self.student_id}"


class Guardian(models.Model):
    """A parent or guardian of a student."""

    student = models.ForeignKey(Student, on_delete=models.CASCADE, related_name="guardians")
    last_name = models.CharField(max_length=50)
    first_name = models.CharField(max_length=30)
    relationship = models.CharField(max_length=30, blank=True)

    class Meta:
        ordering = ["student", "last_name", "first_name"]

    def __str__(self) -> str:
        return f"Guardian {self.pk}"
