"""Import type Replacement SSIDs: the state merged two SSIDs of one student; the one it retired is kept and stays findable.

Rules X-1 to X-4; sources: CALPADS Replacement SSIDs Extract; CALPADS error pages (SENR0008, SENR0072).

The state checks gender and birth year when it swaps an SSID. The file names neither, so X-4 is checked against our records: a
line leads to up to three students (the one with the retired SSID, the one with the replacement, the one with the last
known local number). If they are not the same student, they must at least share gender and birth year. Even then two
student records never share a number: a person has to merge them first.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.db import models
from django.db.models import CharField, F, FilteredRelation, Func, Q, Value
from django.db.models.functions import Coalesce, ExtractYear, Length, Now, NullIf

from sisimport.files.issues import Severity
from sisimport.imports.definition.change_kinds import REPLACEMENT_KIND, SSID_KIND
from sisimport.imports.definition.expressions import Differs, NextId
from sisimport.imports.definition.import_type import ImportType, RunContext
from sisimport.imports.definition.parts import Screen
from sisimport.imports.definition.rules import DuplicateCheck, PlannedChange, PlannedCreate, PlannedUpdate, Rule
from sisimport.imports.definition.ssid_rules import former_params, other_person, ssid_cause
from sisimport.imports.definition.student_issue_codes import SSID_CAUSES
from sisimport.imports.engine.file_issues import report_on_file
from sisimport.imports.engine.identifiers import near_text
from sisimport.imports.engine.new_ssids import look_at_new_ssids
from sisimport.imports.engine.shifted_ssids import warn_of_missing_ssids
from sisimport.imports.engine.sql import fetch_one
from ssid.imports.replacement_chains import find_chains, find_students
from ssid.imports.ssid_download import TOOL
from ssid.models.staged_replacement import ReplacementRow
from ssid.rules.lines import enrollment_rules
from students.models import SSID, SSIDReplacement
from students.patterns import TEN_DIGITS

ERROR, WARNING, NOTICE = Severity.ERROR, Severity.WARNING, Severity.NOTICE

VALID = Q(retired_ok=True, replacement_ok=True)
KNOWN = Q(recorded__replacement_ssid=F("replacement_ssid"))
HAS_RETIRED = Q(current__ssid=F("retired_ssid"))
HAS_REPLACEMENT = Q(current__ssid=F("replacement_ssid"))
NOBODY_HAD_RETIRED = Q(holder_pk__isnull=True)
OTHER_OWNER = Q(owner_pk__isnull=False) & Q(Differs(F("owner_pk"), F("student__id")))
# A valid replacement that is not on record yet.
IS_NEW = VALID & ~KNOWN & ~Q(retired_ssid=F("replacement_ssid"))
REPLACED_BEFORE = HAS_RETIRED & Q(owner_pk__isnull=False) & ~OTHER_OWNER


class ReplacementImport(ImportType):
    """SSID Replacement File."""

    key = "ssid-replacement"
    screen = Screen(
        label="Replacement SSIDs",
        tool=TOOL,
        order=40,
        description=(
            "Gives students the SSID that the state put in place of a retired one. The retired SSID is kept: the student can"
            " still be found by it, in files and scores too."
        ),
    )
    layouts = ("calpads-replacement-ssid",)
    names_what_it_replaces = True
    layout_folder = Path(__file__).parents[1] / "layouts"
    row_model = ReplacementRow
    fields = ("lea", "school", "local_number", "retired_ssid", "replacement_ssid")
    duplicates = (
        DuplicateCheck(
            name="dup_retired", key=("state", "retired_ssid"), compared=("lea", "local_number", "replacement_ssid")
        ),
    )

    def rows(self, context: RunContext) -> models.QuerySet[Any]:  # noqa: ARG002
        return ReplacementRow.objects.annotate(
            current=FilteredRelation("student__ssids", condition=Q(student__ssids__retired_at__isnull=True))
        )

    def prepare(self, context: RunContext) -> None:  # noqa: ARG002
        """Find the students a line leads to, and what other lines of the file do to the same SSIDs."""
        find_students()
        find_chains()

    def rules(self, context: RunContext) -> Sequence[Rule]:
        return [
            *_file_rules(context),
            *_agreement_rules("numbered", "local_number"),
            *_agreement_rules("owner", "replacement_ssid"),
            *_record_rules(),
            *enrollment_rules(),
        ]

    def plan(self, context: RunContext) -> Sequence[PlannedChange]:
        _warn_of_exchanged_columns(context)
        first = Q(dup_retired=0)
        replaces = first & ((HAS_RETIRED & Q(owner_pk__isnull=True, opens_chain=False)) | Q(ends_chain=True))
        # A number that was never on record is stored as a former one, so that old files and scores find the student by
        # it.
        becomes_former = first & NOBODY_HAD_RETIRED & Q(behind=True)
        return [
            PlannedUpdate(
                kind=SSID_KIND,
                part="record",
                when=replaces,
                object_id=F("current__id"),
                fields={"retired_at": (F("current__retired_at"), Now())},
            ),
            PlannedCreate(
                kind=SSID_KIND,
                part="record",
                when=replaces,
                object_id=NextId(SSID),
                values={"ssid": F("replacement_ssid")},
            ),
            PlannedCreate(
                kind=SSID_KIND,
                part="record",
                when=becomes_former,
                object_id=NextId(SSID),
                values={"ssid": F("retired_ssid"), "retired_at": Now()},
            ),
            PlannedCreate(
                kind=REPLACEMENT_KIND,
                part="record",
                when=first & Q(recorded__id__isnull=True),
                object_id=NextId(SSIDReplacement),
                values={"retired_ssid": F("retired_ssid"), "replacement_ssid": F("replacement_ssid")},
            ),
        ]

    def after_plan(self, context: RunContext) -> None:
        look_at_new_ssids(context, series=True)
        warn_of_missing_ssids(context, field="replacement_ssid")


_FEWEST_EXCHANGED = 5  # lines; fewer may be numbers that the state merged long ago


def _warn_of_exchanged_columns(context: RunContext) -> None:
    """Warn about a file with every replacement on record and no retired number on record: the columns may be exchanged.

    If they are, current numbers would be kept as former ones. Skipped for lines planned again: their whole file was
    checked before.
    """
    if context.lines is not None:
        return
    of, here, before = fetch_one(
        "SELECT count(*), count(owner_pk) FILTER (WHERE holder_pk IS NULL), count(holder_pk) FROM staged_replacement"
        f" WHERE retired_ssid ~ '{TEN_DIGITS}' AND replacement_ssid ~ '{TEN_DIGITS}'"
    )
    if here >= _FEWEST_EXCHANGED and here == of and not before:
        report_on_file(context, "REP-EXCHANGED", field="replacement_ssid", params={"count": f"{of:,}"})


def _file_rules(context: RunContext) -> list[Rule]:
    """X-1: two SSIDs in every line, one replacement for each, and a student on record."""

    def rule(number: str, code: str, severity: Severity, field: str, when: Q, **more: Any) -> Rule:
        return Rule(
            number=number,
            code=code,
            severity=severity,
            field=field,
            when=when,
            found=F(field),
            needs_student=False,
            **more,
        )

    def well_formed(field: str) -> Q:
        return Q(**{field.replace("ssid", "ok"): True}) & ~Q(**{field: F("local_number")})

    def format_rule(field: str) -> Rule:
        valid = well_formed(field)
        params = {"cause_text": ssid_cause(SSID_CAUSES, field=field), "length": Length(field)}
        return rule("X-1", "SSID-FORMAT", ERROR, field, ~valid, expected="ten digits", params=params)

    first_line = {"first_line": F("dup_retired_line")}
    differs = Q(dup_retired=2) & well_formed("retired_ssid")  # equal damaged numbers are one error, not two
    return [
        format_rule("retired_ssid"),
        format_rule("replacement_ssid"),
        rule("X-1", "REP-SAME", ERROR, "replacement_ssid", VALID & Q(retired_ssid=F("replacement_ssid"))),
        rule("D-11", "DUP-SAME", WARNING, "retired_ssid", Q(dup_retired=1), params=first_line),
        rule("D-11", "DUP-DIFFERS", ERROR, "retired_ssid", differs, params=first_line),
        rule(
            "X-1",
            "STU-NOTFOUND",
            ERROR,
            "local_number",
            VALID & ~context.matched & Q(candidates__lt=2),
            params={"near_text": near_text()},
        ),
        rule(
            "D-2",
            "STU-AMBIGUOUS",
            ERROR,
            "local_number",
            ~context.matched & Q(candidates__gte=2),
            params={"candidates": F("candidate_text")},
        ),
    ]


def _gender(path: str) -> Coalesce:
    """The gender that state files are compared with; null if none is recorded."""
    return Coalesce(NullIf(F(f"{path}__legal_gender"), Value("")), NullIf(F(f"{path}__gender"), Value("")))


def _agreement_rules(other: str, field: str) -> list[Rule]:
    """X-4: gender and birth year of the line's student and of the student its other number leads to."""
    two = Q(**{f"{other}__id__isnull": False}) & Q(Differs(F(f"{other}__id"), F("student__id")))
    both = Q(_Known(_gender(other), _gender("student")))
    # The message names the fact, not the values: the other student may be at a school that the reader cannot see.
    checks = (
        ("gender", two & both & Q(Differs(_gender(other), _gender("student")))),
        ("birth year", two & Q(Differs(_year(other), _year("student")))),
    )
    return [
        Rule(
            number="X-4",
            code="REP-OTHER",
            severity=ERROR,
            field=field,
            when=when,
            found=F(field),
            params={"fact": Value(fact, output_field=CharField())},
        )
        for fact, when in checks
    ]


def _year(path: str) -> ExtractYear:
    return ExtractYear(F(f"{path}__birth_date"))


class _Known(Func):
    template = "(num_nulls(%(expressions)s) = 0)"
    output_field = models.BooleanField()
    conditional = True


def _record_rules() -> list[Rule]:
    """May the student's SSID be replaced as the line says, given what is on record?"""
    return [*_number_rules(), *_holder_rules(), *_chain_rules(), *_state_rules()]


def _number_rules() -> list[Rule]:
    """X-4: the local number of the line leads to another student, or to no student."""
    other_number = Q(numbered__id__isnull=False) & Q(Differs(F("numbered__id"), F("student__id")))
    return [
        Rule(
            number="X-4",
            code="REP-NUMBER",
            severity=WARNING,
            field="local_number",
            when=other_number,
            found=F("local_number"),
        ),
        Rule(
            number="X-4",
            code="REP-NUMBER-GONE",
            severity=WARNING,
            field="local_number",
            when=Q(numbered__id__isnull=True) & ~Q(local_number=""),
            found=F("local_number"),
        ),
    ]


def _holder_rules() -> list[Rule]:
    """ID-5: the replacement belongs to another student, or several students would get it."""
    return [
        Rule(
            number="ID-5",
            code="SSID-TAKEN",
            severity=ERROR,
            field="replacement_ssid",
            when=VALID & OTHER_OWNER,
            found=F("replacement_ssid"),
            params=other_person("owner"),
        ),
        Rule(
            number="ID-5",
            code="REP-SHARED",
            severity=ERROR,
            field="replacement_ssid",
            when=VALID & (Q(shared=True) | ((Q(twice=True) | Q(elsewhere=True)) & ~OTHER_OWNER)),
            found=F("replacement_ssid"),
        ),
    ]


def _chain_rules() -> list[Rule]:
    """X-1, X-3, D-9: what other lines of the file and the student's former numbers say about the same SSIDs."""
    has_neither = Q(current__ssid__isnull=False) & ~HAS_RETIRED & ~HAS_REPLACEMENT & Q(behind=False)
    return [
        Rule(
            number="X-1",
            code="REP-CIRCLE",
            severity=ERROR,
            field="replacement_ssid",
            when=Q(circle=True) & ~(IS_NEW & REPLACED_BEFORE),
            found=F("replacement_ssid"),
        ),
        Rule(
            number="X-3",
            code="SSID-FORMER",
            severity=ERROR,
            field="replacement_ssid",
            when=IS_NEW & REPLACED_BEFORE,
            found=F("replacement_ssid"),
            params=former_params(),
        ),
        Rule(
            number="D-9",
            code="REP-CHAIN",
            severity=ERROR,
            field="retired_ssid",
            when=IS_NEW & Q(chained_line__gt=0, behind=False, circle=False) & ~HAS_REPLACEMENT,
            found=F("retired_ssid"),
            params={"first_line": F("chained_line")},
        ),
        Rule(
            number="D-9",
            code="SSID-CONFLICT",
            severity=ERROR,
            field="replacement_ssid",
            when=IS_NEW & has_neither & Q(chained_line=0, circle=False),
            found=F("replacement_ssid"),
            expected=F("current__ssid"),
        ),
    ]


def _state_rules() -> list[Rule]:
    """What was replaced before, and whether the student has an SSID at all."""
    return [
        Rule(
            number="X-1",
            code="REP-DIFFERS",
            severity=ERROR,
            field="replacement_ssid",
            when=VALID & Q(recorded__id__isnull=False) & ~KNOWN,
            found=F("replacement_ssid"),
            expected=F("recorded__replacement_ssid"),
        ),
        Rule(
            number="X-1",
            code="REP-MOVED-ON",
            severity=ERROR,
            field="replacement_ssid",
            when=IS_NEW & Q(moved_on__id__isnull=False, behind=False, circle=False),
            found=F("replacement_ssid"),
            expected=F("moved_on__replacement_ssid"),
        ),
        Rule(
            number="X-3",
            code="REP-NOSSID",
            severity=WARNING,
            field="replacement_ssid",
            when=VALID & Q(current__ssid__isnull=True),
            found=F("replacement_ssid"),
        ),
        Rule(
            number="D-8",
            code="SSID-PRESENT",
            severity=NOTICE,
            field="replacement_ssid",
            when=VALID & HAS_REPLACEMENT,
            found=F("replacement_ssid"),
        ),
    ]
