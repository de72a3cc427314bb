"""Import type `students`: the district's roster creates and updates students, enrollments, SSIDs and EL records.

A blank value says nothing: what is on record stays, unless the option `blank` asks to clear it.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.db import models
from django.db.models import Case, CharField, DateField, Exists, F, FilteredRelation, OuterRef, Q, Value, When
from django.db.models.functions import Coalesce

from sisimport.files.issues import Severity
from sisimport.imports.definition.change_kinds import EL_KIND, ENROLLMENT_KIND, SSID_KIND, STUDENT_KIND
from sisimport.imports.definition.english_learner import (
    KEPT,
    OLDER_STATUS,
    OLDER_STATUS_REMEDY,
    OVERWRITTEN,
    RECORD_SINCE,
    IsEarlier,
)
from sisimport.imports.definition.expressions import Differs, NextId
from sisimport.imports.definition.import_type import ImportType, RunContext
from sisimport.imports.definition.options import Choice, Option
from sisimport.imports.definition.parts import Matching, Screen
from sisimport.imports.definition.rules import DuplicateCheck, PlannedChange, PlannedCreate, PlannedUpdate, Rule
from sisimport.imports.definition.ssid_rules import HELD, held_by_other, other_person
from sisimport.imports.engine import identifiers
from sisimport.roster import dates, staging
from sisimport.roster.models import RosterRow
from students.models import SSID, Enrollment, ProgramStatus, Student
from students.models.people import CODE_FIELDS, NAME_FIELDS
from students.patterns import well_formed
from students.profiles import PROFILES

TOOL = "roster"
DISTRICT_PART = "district"
ERROR, WARNING, NOTICE = Severity.ERROR, Severity.WARNING, Severity.NOTICE

TEXT_FIELDS = (*NAME_FIELDS, *CODE_FIELDS)
EXTRA_FIELDS = ("enrollment_exit_reason",)  # read only where the file has them
EL_FIELDS = ("el_status", "el_identified_date", "el_tbd_date", "el_exit_date")
# Program Status as stored, and the state's codes for it.
EL_STATUS = {
    **{value.lower(): value for value, _label in ProgramStatus.choices},
    "ifep": "Not EL",
    "rfep": "Exited EL",
    "tbd": "Pending",
    "tvd": "Pending",
    "lep": "EL",
    "not lep": "Not EL",
    "exited lep": "Exited EL",
}
BLANK = Option(
    name="blank",
    label="A blank value",
    default="keep",
    choices=(
        Choice(value="keep", label="Keeps what is on record"),
        Choice(value="clear", label="Clear the field", hint="Only for columns that the file has."),
    ),
)

NEW_STUDENTS = Option(
    name="new_students",
    label="Students with the name and birth date of another student on record",
    default="no",
    choices=(
        Choice(value="no", label="Wait until somebody says who they are"),
        Choice(value="yes", label="Are new students", hint="For all lines of this file."),
    ),
)

HAS_SSID = ~Q(ssid="")
HAS_RECORD = Q(student__el__student_id__isnull=False)
VALID_SSID = well_formed()
SSID_WORDS = Case(
    *(When(state=state, then=Value(profile.ssid_words)) for state, profile in PROFILES.items()),
    output_field=CharField(),
)
OWN_NUMBER = Q(ssid=F("local_number"), state="CA")
_el_status = Case(
    *(When(el_status__iexact=code, then=Value(status)) for code, status in EL_STATUS.items()),
    default=Value(""),
    output_field=CharField(),
)
# Another status than the one on record, from before that one began.
_status_since = Case(
    When(el_status__in=["Pending", "TBD", "TVD"], then=F("el_tbd_date")),
    When(
        el_status__in=["Exited EL", "RFEP", "Exited LEP"],
        then=Coalesce(F("el_exit_date"), F("el_identified_date")),
    ),
    default=F("el_identified_date"),
    output_field=DateField(),
)
_IS_OLDER = (
    ~Q(el_status="")
    & HAS_RECORD
    & Q(IsEarlier(_status_since, RECORD_SINCE))
    & Q(Differs(F("student__el__program_status"), _el_status))
)


class Roster(ImportType):
    """Students (CSV)."""

    key = "students"
    screen = Screen(
        label="Students (CSV)",
        tool=TOOL,
        order=10,
        description=(
            "Creates and updates students, their enrollments, SSIDs and English learner records "
            "from the district's own list."
        ),
        file_hint=".csv or .xlsx with a header line",
    )
    layouts = ("students",)
    layout_folder = Path(__file__).parent / "layouts"
    converts_workbooks = True
    workbooks_unasked = True
    row_model = RosterRow
    fields = (
        "lea",
        "school",
        "local_number",
        "ssid",
        *TEXT_FIELDS,
        "birth_date",
        "grade",
        "enrollment_start",
        "enrollment_exit",
        *EXTRA_FIELDS,
        *EL_FIELDS,
    )
    part_of_field = {"ssid": "ssid"} | dict.fromkeys(EL_FIELDS, "el")
    duplicates = (
        DuplicateCheck(
            name="dup_number",
            key=("lea", "local_number"),
            compared=("ssid", *TEXT_FIELDS, "birth_date", *EL_FIELDS),
        ),
        DuplicateCheck(
            name="dup_line",
            key=("lea", "local_number", "school", "enrollment_start"),
            compared=("grade", "enrollment_exit", *EXTRA_FIELDS),
        ),
        DuplicateCheck(name="dup_ssid", key=("state", "ssid"), compared=("lea", "local_number")),
    )
    options = (BLANK, NEW_STUDENTS, OLDER_STATUS)
    remedies = OLDER_STATUS_REMEDY
    may_create_students = True
    matching = Matching(
        remembers_matches=True,
        near_codes=(),
        near_warnings=("STU-ALIKE", "NUMBER-NEAR"),
    )

    def rows(self, context: RunContext) -> models.QuerySet[Any]:  # noqa: ARG002
        return RosterRow.objects.annotate(
            current=FilteredRelation("student__ssids", condition=Q(student__ssids__retired_at__isnull=True))
        )

    def fields_to_read(self, context: RunContext) -> Sequence[str]:
        present = context.recognition.positions if context.recognition is not None else {}
        return [name for name in self.fields if name not in EXTRA_FIELDS or name in present]

    def prepare(self, context: RunContext) -> None:
        staging.allocate(context)
        if Student.objects.filter(lea_id__in=context.lea_ids).exists():
            staging.find_alike(context)
            staging.find_undated()

    def rules(self, context: RunContext) -> Sequence[Rule]:
        valid = HAS_SSID & VALID_SSID & ~OWN_NUMBER
        held = held_by_other("student_pk")
        other = Q(current__ssid__isnull=False) & Q(Differs(F("current__ssid"), F("ssid")))
        has_dates = Q(el_identified_date__isnull=False) | Q(el_tbd_date__isnull=False) | Q(el_exit_date__isnull=False)
        alike, said_new = ~Q(alike=""), staging.said_to_be_new(context)
        rules = [
            _rule("roster", "DUP-SAME", WARNING, "local_number", Q(dup_line=1), first=F("dup_line_line")),
            _rule("roster", "DUP-DIFFERS", ERROR, "local_number", Q(dup_number=2), first=F("dup_number_line")),
            _rule("roster", "DUP-DIFFERS", ERROR, "school", Q(dup_line=2) & ~Q(dup_number=2), first=F("dup_line_line")),
            _rule(
                "ID-1",
                "SSID-FORMAT",
                ERROR,
                "ssid",
                HAS_SSID & ~(VALID_SSID & ~OWN_NUMBER),
                part="ssid",
                expected=SSID_WORDS,
            ),
            _rule("D-7", "SSID-TAKEN", ERROR, "ssid", valid & held, part="ssid"),
            _rule(
                "D-9", "SSID-CONFLICT", ERROR, "ssid", valid & other & ~held, part="ssid", expected=F("current__ssid")
            ),
            _rule(
                "D-9",
                "SSID-FORMER",
                ERROR,
                "ssid",
                valid & HELD & ~held & Q(current__ssid__isnull=True),
                part="ssid",
            ),
            _rule("ID-5", "DUP-DIFFERS", ERROR, "ssid", valid & Q(dup_ssid=2), part="ssid", first=F("dup_ssid_line")),
            # A second record of a student is hard to get rid of: somebody has to say that these are two people.
            _rule("D-13", "STU-ALIKE", ERROR, "local_number", alike & ~said_new, expected=F("alike")),
            _rule("D-13", "STU-ALIKE", WARNING, "local_number", alike & said_new, expected=F("alike")),
            *_number_rules(said_new),
            _rule("roster", "EL-NO-STATUS", WARNING, "el_status", has_dates & Q(el_status="") & ~HAS_RECORD, part="el"),
            _rule("roster", "ELA-TVD", NOTICE, "el_status", Q(el_status__iexact="TVD"), part="el"),
            _older_rule(keeps=context.option(OLDER_STATUS.name) == "keep"),
            _rule("roster", "NEW-LEA", NOTICE, "lea", Q(line__in=staging.first_lines("lea_id", "students_lea"))),
            _rule(
                "roster",
                "NEW-SCHOOL",
                NOTICE,
                "school",
                Q(line__in=staging.first_lines("school_pk", "students_school")),
            ),
            _rule(
                "roster",
                "ENR-DATES",
                ERROR,
                "enrollment_exit",
                Q(enrollment_exit__lt=F("enrollment_start")),
                expected=F("enrollment_start"),
            ),
            _rule(
                "roster",
                "ENR-DATES",
                ERROR,
                "enrollment_exit",
                Q(enrollment_exit__lt=F("undated__start_date")),
                expected=F("undated__start_date"),
            ),
            _rule(
                "roster",
                "ENR-WHICH",
                WARNING,
                "enrollment_start",
                Q(undated_pk=0) & (~Q(grade="") | Q(enrollment_exit__isnull=False)),
            ),
        ]
        rules += dates.rules(context, _rule)
        if context.run.schools is not None:
            mine = list(context.run.schools)
            elsewhere = ~Q(school_pk__in=mine) | (Q(student__id__isnull=False) & ~Q(student__school_id__in=mine))
            rules.insert(0, _rule("roster", "STU-SCOPE", ERROR, "local_number", elsewhere))
        return rules

    def plan(self, context: RunContext) -> Sequence[PlannedChange]:
        staging.choose_lines(context.run.pk)
        return _Plan(context).steps()

    def after_plan(self, context: RunContext) -> None:
        staging.create_places(context.run.pk, part=DISTRICT_PART)


class _Plan:
    """The changes of a run, given its option and the columns that stand in its file."""

    def __init__(self, context: RunContext) -> None:
        present = set(context.recognition.positions) if context.recognition is not None else set()
        self.keeps_newer = context.option(OLDER_STATUS.name) == "keep"
        self.clears = present if context.option("blank") == "clear" else set()
        self.first = Q(dup_number=0)

    def new(self, name: str, old: str, *, value: str = "") -> Case | F:
        """The value of a column of the file, or what is on record where it says nothing."""
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
        # Somebody who is enrolled where they are stays there: a line on a stay that ended is history.
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
        """What a line says of the stay that it names by its start date, or of the only one it can be about."""
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
                when=self.first & ~Q(el_status="") & ~HAS_RECORD,
                object_id=F("student_pk"),
                student_id=F("student_pk"),
                values={"program_status": _el_status, **{name: F(f"el_{name}") for name in dates}},
            ),
            PlannedUpdate(
                kind=EL_KIND,
                part="el",
                when=self.first & HAS_RECORD & (~_IS_OLDER if self.keeps_newer else Q()),
                object_id=F("student__id"),
                fields={
                    "program_status": (
                        status_on_record,
                        Case(When(el_status="", then=status_on_record), default=_el_status, output_field=CharField()),
                    ),
                    **{
                        name: (F(f"student__el__{name}"), self.new(f"el_{name}", f"student__el__{name}"))
                        for name in dates
                    },
                },
            ),
        ]


def _older_rule(*, keeps: bool) -> Rule:
    """A status from before the one on record began: written all the same, unless the option says never."""
    said = _rule("roster", "ELA-OLDER", WARNING, "el_status", _IS_OLDER, part="el", expected=RECORD_SINCE)
    text = Value(KEPT if keeps else OVERWRITTEN, output_field=CharField())
    params: dict[str, Any] = {
        "status": F("el_status"),
        "record_status": F("student__el__program_status"),
        "effect_text": text,
    }
    return replace(said, found=_status_since, params=params)


def _number_rules(said_new: Q) -> list[Rule]:
    """New students whose number is that of a student on record but for marks or zeros in front."""
    new = Q(is_new=True)
    marks, zeros = Q(candidates=identifiers.NEAR_MARKS), Q(candidates=identifiers.NEAR_ZEROS) & Q(alike="")

    def near(severity: Severity, when: Q, difference: str) -> Rule:
        rule = _rule("ID-9", "NUMBER-NEAR", severity, "local_number", new & when, expected=F("candidate_text"))
        return replace(rule, params={"difference": Value(difference, output_field=CharField())})

    return [
        # A mark is never part of a number, whoever the student is.
        near(ERROR, marks, "the same number without the marks, with another name or birth date"),
        near(ERROR, zeros & ~said_new, "the same number but for zeros in front"),
        near(WARNING, zeros & said_new, "the same number but for zeros in front"),
        _rule("ID-9", "NUMBER-LOST", ERROR, "local_number", new & identifiers.ROUNDED & ~marks),
    ]


def _rule(
    number: str,
    code: str,
    severity: Severity,
    field: str,
    when: Q,
    *,
    part: str = "record",
    expected: Any = None,
    first: Any = None,
) -> Rule:
    params: dict[str, Any] = {} if first is None else {"first_line": first}
    if code == "SSID-FORMAT":
        params = {"cause_text": Value("", output_field=CharField())}
    if code == "SSID-TAKEN":
        params = other_person()
    return Rule(
        number=number,
        code=code,
        severity=severity,
        field=field,
        part=part,
        when=when,
        found=F(field),
        expected=expected,
        params=params,
        needs_student=False,
    )
