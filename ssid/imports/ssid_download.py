"""Import type SSID Download File: the state's SSID and EL data of students already enrolled.

Rules D-1 to D-13; sources: CALPADS SSID Import (vendor help page, 2022) and CALPADS extract documentation.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from django.db import models
from django.db.models import Case, CharField, Exists, F, FilteredRelation, OuterRef, Q, Value, When
from django.db.models.functions import Length, Now

from sisimport.files.issues import Severity
from sisimport.imports.definition.change_kinds import SSID_KIND
from sisimport.imports.definition.expressions import Differs, NextId
from sisimport.imports.definition.import_type import ImportType, RunContext
from sisimport.imports.definition.options import checkbox
from sisimport.imports.definition.rules import DuplicateCheck, PlannedChange, PlannedCreate, PlannedUpdate, Rule
from sisimport.imports.definition.student_issue_codes import SSID_CAUSES
from ssid import el, el_rules
from ssid.identity import birth_date_rule, find_student_rules, gender_rule, name_rules
from ssid.models import SSIDDownloadRow
from students.models import LEA, SSID, Enrollment, SSIDReplacement

TOOL = "calpads-ssid"
SSID_PART = "ssid"
ERROR, WARNING, NOTICE = Severity.ERROR, Severity.WARNING, Severity.NOTICE

REPLACE_RETIRED = checkbox(
    "replace_retired",
    "Replace retired SSIDs",
    hint="A student whose current SSID the state has merged into the one in the file gets the new one; the old one is kept.",
)

VALID_SSID = Q(ssid_ok=True)  # a column of row models: see ssid.models.staged.ten_digits
OWN_NUMBER = Q(ssid=F("local_number"))


def ssid_cause(words: Mapping[str, str] | None = None, *, field: str = "ssid") -> Case:
    """Why a value is no SSID, as far as can be told (rules ID-3 and ID-4): a key of SSID_CAUSES, or its words."""

    def said(cause: str) -> Value:
        return Value(words[cause] if words else cause)

    return Case(
        When(**{field: ""}, then=said("blank")),
        When(**{field: F("local_number")}, then=said("local")),
        When(**{f"{field}__iregex": r"^[0-9](\.[0-9]*)?E\+?[0-9]+$"}, then=said("spreadsheet")),
        When(**{f"{field}__regex": r"^[0-9]{1,9}$"}, then=said("short")),
        When(**{f"{field}__regex": r"^[0-9]{11,}$"}, then=said("long")),
        default=said("characters"),
        output_field=CharField(),
    )


def ssid_rules(context: RunContext) -> list[Rule]:
    """D-6 to D-10: may this SSID be given to this student?"""
    valid = VALID_SSID & ~OWN_NUMBER
    has_other = Q(current__ssid__isnull=False) & Q(Differs(F("current__ssid"), F("ssid")))
    held = Q(holder__student_id__isnull=False)
    held_by_other = held & Q(Differs(F("holder__student_id"), F("student__id")))
    merged = Exists(
        SSIDReplacement.objects.filter(
            state=OuterRef("state"), retired_ssid=OuterRef("current__ssid"), replacement_ssid=OuterRef("ssid")
        )
    )
    replaceable = valid & has_other & ~held_by_other & Q(merged)
    rules = [
        Rule(
            number="D-6",
            code="SSID-FORMAT",
            severity=ERROR,
            field="ssid",
            part=SSID_PART,
            when=~VALID_SSID | OWN_NUMBER,
            found=F("ssid"),
            expected="ten digits",
            params={"cause": ssid_cause(), "cause_text": ssid_cause(SSID_CAUSES), "length": Length("ssid")},
        ),
        Rule(
            number="D-7",
            code="SSID-TAKEN",
            severity=ERROR,
            field="ssid",
            part=SSID_PART,
            when=valid & held_by_other,
            found=F("ssid"),
            params={"other": F("holder__student__local_number"), "other_school": F("holder__student__school_id")},
        ),
        Rule(
            number="D-8",
            code="SSID-PRESENT",
            severity=NOTICE,
            field="ssid",
            part=SSID_PART,
            when=Q(current__ssid=F("ssid")),
            found=F("ssid"),
        ),
        Rule(
            number="D-9",
            code="SSID-CONFLICT",
            severity=ERROR,
            field="ssid",
            part=SSID_PART,
            when=valid & has_other & ~held_by_other & ~Q(merged),
            found=F("ssid"),
            expected=F("current__ssid"),
        ),
    ]
    rules.append(
        Rule(
            number="D-9",
            code="SSID-FORMER",
            severity=ERROR,
            field="ssid",
            part=SSID_PART,
            when=valid & held & ~held_by_other & Q(current__ssid__isnull=True),
            found=F("ssid"),
        )
    )
    confirmed = context.option("replace_retired") == "1"
    rules.append(
        Rule(
            number="D-10",
            code="SSID-REPLACED" if confirmed else "SSID-RETIRED",
            severity=WARNING if confirmed else ERROR,
            field="ssid",
            part=SSID_PART,
            when=replaceable,
            found=F("ssid"),
            expected=F("current__ssid"),
        )
    )
    return rules


def ssid_plan(context: RunContext) -> list[PlannedChange]:
    """Give the SSID to a student without one; with the option, retire a merged one first."""
    changes: list[PlannedChange] = []
    when = Q(current__ssid__isnull=True)
    if context.option("replace_retired") == "1":
        other = Q(current__ssid__isnull=False) & Q(Differs(F("current__ssid"), F("ssid")))
        changes.append(
            PlannedUpdate(
                kind=SSID_KIND,
                part=SSID_PART,
                when=other,
                object_id=F("current__id"),
                fields={"retired_at": (F("current__retired_at"), Now())},
            )
        )
        when |= other
    # A former number of this very student is not made current again by an import.
    not_held = Q(holder__student_id__isnull=True)
    changes.append(
        PlannedCreate(
            kind=SSID_KIND,
            part=SSID_PART,
            when=when & not_held,
            object_id=NextId(SSID),
            values={"ssid": F("ssid")},
        )
    )
    return changes


def duplicate_rules() -> list[Rule]:
    """D-11: the same local number or SSID twice; equal lines are a warning, differing ones an error."""

    def pair(name: str, field: str, part: str) -> list[Rule]:
        return [
            Rule(
                number="D-11",
                code="DUP-SAME",
                severity=WARNING,
                field=field,
                when=Q(**{name: 1}),
                found=F(field),
                params={"first_line": F(f"{name}_line")},
                needs_student=False,
            ),
            Rule(
                number="D-11",
                code="DUP-DIFFERS",
                severity=ERROR,
                field=field,
                part=part,
                when=Q(**{name: 2}),
                found=F(field),
                params={"first_line": F(f"{name}_line")},
                needs_student=False,
            ),
        ]

    by_number = pair("dup_number", "local_number", "record")
    by_ssid = pair("dup_ssid", "ssid", SSID_PART)
    return [*by_number, by_ssid[1]]


def enrollment_rules() -> list[Rule]:
    """D-12: LEA or school unknown, or the student is not enrolled there."""
    known_leas = list(LEA.objects.values_list("code", flat=True))
    enrolled = Exists(Enrollment.objects.filter(student=OuterRef("student__id"), school=OuterRef("known_school__id")))
    return [
        Rule(
            number="D-12",
            code="ENR-LEA",
            severity=WARNING,
            field="lea",
            when=~Q(lea__in=known_leas),
            found=F("lea"),
            needs_student=False,
        ),
        Rule(
            number="D-12",
            code="ENR-SCHOOL",
            severity=WARNING,
            field="school",
            when=Q(known_school__id__isnull=True) & Q(lea__in=known_leas) & ~Q(school=""),
            found=F("school"),
            needs_student=False,
        ),
        Rule(
            number="D-12",
            code="ENR-OTHER",
            severity=WARNING,
            field="school",
            when=Q(known_school__id__isnull=False)
            & Q(Differs(F("student__school_id"), F("known_school__id")))
            & ~Q(enrolled),
            found=F("school"),
        ),
    ]


class SSIDDownload(ImportType):
    """SSID Import - SSID Download File."""

    key = "ssid-download"
    label = "SSID Import - SSID Download File"
    tool = TOOL
    order = 10
    description = (
        "Gives students the SSID of the state's download file and brings their English learner status, date and home "
        "language up to date. Local number, names, birth date and gender must equal the student record."
    )
    layouts = ("calpads-ssid-download",)
    layout_folder = Path(__file__).parent / "layouts"
    row_model = SSIDDownloadRow
    fields = (
        "lea",
        "school",
        "ssid",
        "local_number",
        "last_name",
        "first_name",
        "middle_name",
        "gender",
        "birth_date",
        "grade",
        "elas",
        "elas_date",
        "language",
    )
    part_of_field = {"ssid": SSID_PART, "elas": el.EL, "elas_date": el.EL, "language": el.LANGUAGE}
    duplicates = (
        DuplicateCheck(
            name="dup_number",
            key=("lea_id", "local_number"),
            # A student enrolled at two schools comes twice: school and grade are not compared.
            compared=(
                "ssid",
                "last_name",
                "first_name",
                "middle_name",
                "gender",
                "birth_date",
                "elas",
                "elas_date",
                "language",
            ),
        ),
        DuplicateCheck(name="dup_ssid", key=("ssid",), compared=("lea_id", "local_number")),
    )
    options = (REPLACE_RETIRED, el.RFEP_DATE)
    lists_absent = True
    marks_idle_rows = True
    remembers_matches = True
    related_fields = ("local_number", "ssid")

    def rows(self, context: RunContext) -> models.QuerySet[Any]:  # noqa: ARG002
        return SSIDDownloadRow.objects.annotate(
            current=FilteredRelation("student__ssids", condition=Q(student__ssids__retired_at__isnull=True))
        )

    def rules(self, context: RunContext) -> Sequence[Rule]:
        return [
            *find_student_rules(context),
            *name_rules("last_name", "student__match_last_name"),
            *name_rules("first_name", "student__match_first_name"),
            *name_rules("middle_name", "student__match_middle_name"),
            birth_date_rule(),
            gender_rule(),
            *duplicate_rules(),
            *enrollment_rules(),
            *ssid_rules(context),
            *el_rules.warning_rules(rfep_date=context.option("rfep_date")),
            *el_rules.hint_rules(rfep_date=context.option("rfep_date")),
        ]

    def plan(self, context: RunContext) -> Sequence[PlannedChange]:
        # A repeat of a line that is planned already has nothing left to do.
        first = Q(dup_number__in=[0])
        steps = [*ssid_plan(context), *el.plan(rfep_date=context.option("rfep_date"))]
        return [_only(step, first) for step in steps]


def _only(step: PlannedChange, condition: Q) -> PlannedChange:
    from dataclasses import replace

    own = step.when if isinstance(step.when, Q) else Q(step.when)
    return replace(step, when=own & condition)
