"""What a roster line changes: student, enrollment, SSID, English learner record."""

from typing import Any

from django.db import models
from django.db.models import Case, CharField, DateField, Exists, F, OuterRef, Q, When

from sisimport.imports.definition.change_kinds import EL_KIND, ENROLLMENT_KIND, SSID_KIND, STUDENT_KIND
from sisimport.imports.definition.english_learner import OLDER_STATUS
from sisimport.imports.definition.expressions import NextId
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.definition.rules import PlannedChange, PlannedCreate, PlannedUpdate
from sisimport.roster.conditions import FILE_STATUS, HAS_RECORD, HAS_SSID, IS_LEGACY, IS_OLDER, TEXT_FIELDS
from sisimport.roster.models import RosterRow
from students.models import SSID, Enrollment


class Plan:
    """The changes of a run, given its option and the columns in its file."""

    def __init__(self, context: RunContext) -> None:
        present = set(context.recognition.positions) if context.recognition is not None else set()
        self.keeps_newer = context.option(OLDER_STATUS.name) == "keep"
        self.clears = present if context.option("blank") == "clear" else set()
        self.first = Q(dup_number=0)

    def new(self, name: str, old: str, *, value: str = "") -> Case | F:
        """The value of a column of the file, or the one on record if the file's is blank."""
        if name in self.clears:
            return F(value or name)
        column = value or name
        if isinstance(RosterRow._meta.get_field(name), models.DateField):
            return Case(When(**{f"{column}__isnull": True}, then=F(old)), default=F(column), output_field=DateField())
        return Case(When(**{column: ""}, then=F(old)), default=F(column), output_field=CharField())

    def steps(self) -> list[PlannedChange]:
        return [*self.student(), *self.enrollment(), *self.ssid(), *self.el()]

    def student(self) -> list[PlannedChange]:
        on_record = Q(student__id__isnull=False)
        fields: dict[str, tuple[Any, Any]] = {
            name: (F(f"student__{name}"), self.new(name, f"student__{name}")) for name in TEXT_FIELDS
        }
        fields["birth_date"] = (F("student__birth_date"), F("birth_date"))
        # A student who is currently enrolled stays at that school: a line on a stay that ended is history.
        stays = Q(home_exit__isnull=False) & Exists(
            Enrollment.objects.filter(
                student=OuterRef("student__id"), school=OuterRef("student__school_id"), exit_date__isnull=True
            ).exclude(school=OuterRef("home_school_pk"))
        )
        fields["grade"] = (
            F("student__grade"),
            Case(
                When(stays, then=F("student__grade")),
                default=self.new("grade", "student__grade", value="home_grade"),
                output_field=CharField(),
            ),
        )
        fields["school_id"] = (
            F("student__school_id"),
            Case(
                When(stays, then=F("student__school_id")),
                default=F("home_school_pk"),
                output_field=models.BigIntegerField(),
            ),
        )
        return [
            PlannedCreate(
                kind=STUDENT_KIND,
                part="record",
                when=self.first & ~on_record,
                object_id=F("student_pk"),
                student_id=F("student_pk"),
                values={
                    "lea_id": F("lea_id"),
                    "school_id": F("home_school_pk"),
                    "local_number": F("local_number"),
                    "birth_date": F("birth_date"),
                    "grade": F("home_grade"),
                    **{name: F(name) for name in TEXT_FIELDS},
                },
            ),
            PlannedUpdate(
                kind=STUDENT_KIND, part="record", when=self.first & on_record, object_id=F("student__id"), fields=fields
            ),
        ]

    def enrollment(self) -> list[PlannedChange]:
        once = Q(dup_line=0) & Q(school_pk__isnull=False)
        undated = Exists(Enrollment.objects.filter(student_id=OuterRef("student_pk"), school_id=OuterRef("school_pk")))
        missing = Q(enrollment__id__isnull=True) & (Q(enrollment_start__isnull=False) | ~Q(undated))
        return [
            PlannedCreate(
                kind=ENROLLMENT_KIND,
                part="record",
                when=once & missing,
                object_id=NextId(Enrollment),
                student_id=F("student_pk"),
                values={
                    "school_id": F("school_pk"),
                    "grade": F("grade"),
                    "start_date": F("enrollment_start"),
                    "exit_date": F("enrollment_exit"),
                    "exit_reason": F("enrollment_exit_reason"),
                },
            ),
            *(self._stay(once, relation) for relation in ("enrollment", "undated")),
        ]

    def _stay(self, once: Q, relation: str) -> PlannedUpdate:
        """What a line says about the stay that it names by its start date, or about the only one it can mean."""
        names = {"grade": "grade", "exit_date": "enrollment_exit", "exit_reason": "enrollment_exit_reason"}
        return PlannedUpdate(
            kind=ENROLLMENT_KIND,
            part="record",
            when=once & Q(**{f"{relation}__id__isnull": False}),
            object_id=F(f"{relation}__id"),
            fields={
                field: (F(f"{relation}__{field}"), self.new(name, f"{relation}__{field}"))
                for field, name in names.items()
            },
        )

    def ssid(self) -> list[PlannedChange]:
        return [
            PlannedCreate(
                kind=SSID_KIND,
                part="ssid",
                when=self.first & HAS_SSID & Q(current__ssid__isnull=True) & Q(holder__student_id__isnull=True),
                object_id=NextId(SSID),
                student_id=F("student_pk"),
                values={"ssid": F("ssid"), "state": F("state"), "origin": "roster", "verified": False},
            )
        ]

    def el(self) -> list[PlannedChange]:
        status_on_record = F("student__el__program_status")
        dates = ("identified_date", "tbd_date", "exit_date")
        return [
            PlannedCreate(
                kind=EL_KIND,
                part="el",
                when=self.first & ~Q(el_status="") & ~IS_LEGACY & ~HAS_RECORD,
                object_id=F("student_pk"),
                student_id=F("student_pk"),
                values={"program_status": FILE_STATUS, **{name: F(f"el_{name}") for name in dates}},
            ),
            PlannedUpdate(
                kind=EL_KIND,
                part="el",
                when=self.first & HAS_RECORD & ~IS_LEGACY & (~IS_OLDER if self.keeps_newer else Q()),
                object_id=F("student__id"),
                fields={
                    "program_status": (
                        status_on_record,
                        Case(When(el_status="", then=status_on_record), default=FILE_STATUS, output_field=CharField()),
                    ),
                    **{
                        name: (F(f"student__el__{name}"), self.new(f"el_{name}", f"student__el__{name}"))
                        for name in dates
                    },
                },
            ),
        ]
