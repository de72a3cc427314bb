"""What else the state reports about the chosen candidate: guardians and the most recent enrollment. Imported if asked
for.

Source: CALPADS SSID Import (vendor help page, 2022), Basic Workflow for SSID Requests: "additional demographic criteria to import
into the SIS". Nothing replaces what people entered: a guardian is added unless there is one of that name, and the enrollment is
kept as what the state says, since its school is often one of another district.
"""

from typing import Any, Final

from django.db.models import Case, CharField, Exists, F, OuterRef, Q, When
from django.db.models.functions import Left
from django.utils import timezone

from sisimport.files.issues import Severity
from sisimport.imports.definition.change_kinds import GUARDIAN_KIND, STATE_ENROLLMENT_KIND
from sisimport.imports.definition.expressions import Differs, NextId
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.definition.options import checkbox
from sisimport.imports.definition.rules import PlannedChange, PlannedCreate, PlannedUpdate, Rule
from students.models import Guardian
from students.models.people import Loose
from students.school_years import last_day_of_next

GUARDIANS = checkbox(
    "guardians",
    "Import guardians of the chosen candidate",
    hint="Adds the guardians that the student does not have yet; none is changed or removed.",
    district_default=True,
)
LAST_ENROLLMENT = checkbox(
    "last_enrollment",
    "Import the most recent enrollment of the chosen candidate",
    hint="Kept as the state's data beside the enrollments of your schools: school, grade, dates and exit reason.",
    district_default=True,
)
GUARDIAN, ENROLLMENT = "guardian", "stay"  # parts of a line; eight characters at most
_NAMES: Final = ("first_name", "last_name")
GUARDIAN_FIELDS: Final = tuple(f"guardian{n}_{name}" for n in (1, 2) for name in _NAMES)
ENROLLMENT_FIELDS: Final = (
    "result_lea",
    "result_school",
    "result_enrollment_status",
    "result_enrollment_start",
    "result_enrollment_exit",
    "result_exit_reason",
)
PART_OF_FIELD: Final = dict.fromkeys(GUARDIAN_FIELDS, GUARDIAN) | dict.fromkeys(ENROLLMENT_FIELDS, ENROLLMENT)
# A name that lost a letter in transfer is not imported as a guardian.
_DAMAGED: Final = "[?�]|&#?[A-Za-z0-9]+;"
_TEXTS: Final = {  # of the state's enrollment: our field -> field of the file, length
    "lea_code": ("result_lea", 7),
    "school_code": ("result_school", 7),
    "grade": ("grade", 2),
    "status": ("result_enrollment_status", 2),
    "exit_reason": ("result_exit_reason", 6),
}
_DATES: Final = {"start_date": "result_enrollment_start", "exit_date": "result_enrollment_exit"}


def unread(context: RunContext) -> set[str]:
    """Fields that a run with these options does not need."""
    left_out: set[str] = set()
    if not context.option(GUARDIANS.name):
        left_out |= set(GUARDIAN_FIELDS)
    if not context.option(LAST_ENROLLMENT.name):
        left_out |= set(ENROLLMENT_FIELDS)
    return left_out


def rules(context: RunContext) -> list[Rule]:
    """R-14: an error in a guardian or an enrollment keeps out only that guardian or enrollment."""
    found: list[Rule] = []
    if context.option(GUARDIANS.name):
        found += [_guardian_rule(n) for n in (1, 2)]
    if context.option(LAST_ENROLLMENT.name):
        found += _enrollment_rules()
    return found


def _guardian_rule(n: int) -> Rule:
    first, last = f"guardian{n}_first_name", f"guardian{n}_last_name"
    half = (Q(**{first: ""}) & ~Q(**{last: ""})) | (~Q(**{first: ""}) & Q(**{last: ""}))
    damaged = Q(**{f"{first}__regex": _DAMAGED}) | Q(**{f"{last}__regex": _DAMAGED})
    field = Case(When(**{last: ""}, then=F(first)), default=F(last), output_field=CharField())
    return Rule(
        number="R-14", code="CAND-GUARDIAN", severity=Severity.ERROR, field=last, part=GUARDIAN, when=half | damaged, found=field
    )  # fmt: skip


def _enrollment_rules() -> list[Rule]:
    last_day = last_day_of_next(timezone.localdate())

    def rule(code: str, field: str, when: Q, expected: Any) -> Rule:
        return Rule(
            number="R-14", code=code, severity=Severity.ERROR, field=field, part=ENROLLMENT, when=when, found=F(field),
            expected=expected,
        )  # fmt: skip

    start, end = _DATES.values()
    return [
        *(rule("ENR-BIRTH", name, Q(**{f"{name}__lte": F("student__birth_date")}), F("student__birth_date"))
          for name in (start, end)),
        *(rule("ENR-FUTURE", name, Q(**{f"{name}__gt": last_day}), f"{last_day}") for name in (start, end)),
        rule("ENR-DATES", end, Q(**{f"{end}__lt": F(start)}), F(start)),
    ]  # fmt: skip


def plan(context: RunContext) -> list[PlannedChange]:
    steps: list[PlannedChange] = []
    if context.option(GUARDIANS.name):
        steps += [_guardian(1, Q()), _guardian(2, ~_same_guardian())]
    if context.option(LAST_ENROLLMENT.name):
        steps += _enrollment()
    return steps


def _same_guardian() -> Q:
    return Q(*(~Q(Differs(Loose(F(f"guardian1_{name}")), Loose(F(f"guardian2_{name}")))) for name in _NAMES))


def _guardian(n: int, where: Q) -> PlannedCreate:
    first, last = f"guardian{n}_first_name", f"guardian{n}_last_name"
    # Compared loosely: the state writes names in capitals, without accents.
    same_guardian = Guardian.objects.alias(loose_first=Loose("first_name"), loose_last=Loose("last_name")).filter(
        student=OuterRef("student__id"), loose_first=Loose(OuterRef(first)), loose_last=Loose(OuterRef(last))
    )
    named = ~Q(**{first: ""}) & ~Q(**{last: ""})
    return PlannedCreate(
        kind=GUARDIAN_KIND,
        part=GUARDIAN,
        when=named & where & ~Q(Exists(same_guardian)),
        object_id=NextId(Guardian),
        values={"first_name": Left(F(first), 30), "last_name": Left(F(last), 50)},
    )


def _enrollment() -> list[PlannedChange]:
    reported = ~Q(result_school="") | Q(result_enrollment_start__isnull=False) | Q(result_enrollment_exit__isnull=False)
    on_record = Q(student__state_enrollment__student_id__isnull=False)
    texts = {name: Left(F(field), length) for name, (field, length) in _TEXTS.items()}
    values: dict[str, Any] = {**texts, **{name: F(field) for name, field in _DATES.items()}}

    return [
        PlannedCreate(
            kind=STATE_ENROLLMENT_KIND,
            part=ENROLLMENT,
            when=reported & ~on_record,
            object_id=F("student__id"),
            values=values,
        ),
        PlannedUpdate(
            kind=STATE_ENROLLMENT_KIND,
            part=ENROLLMENT,
            when=reported & on_record,
            object_id=F("student__id"),
            fields={name: (F(f"student__state_enrollment__{name}"), new) for name, new in values.items()},
        ),
    ]
