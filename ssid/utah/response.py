"""Import type Utah response file: SSIDs that Retrieve and New returned, and changes that Update confirmed.

    file -> the one request it answers -> each line against the student and what was sent -> SSIDs written, flags cleared

Rules U-3 to U-8; sources: SSID Process (vendor help page of a Utah student system); SSID Request Import (vendor help page, Utah).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.db import models
from django.db.models import Case, CharField, Exists, F, FilteredRelation, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Cast
from django.utils import timezone

from sisimport.files.issues import Severity
from sisimport.imports.definition.change_kinds import SSID_KIND
from sisimport.imports.definition.expressions import Differs, NextId
from sisimport.imports.definition.import_type import ImportType, RunContext
from sisimport.imports.definition.names import loosely
from sisimport.imports.definition.options import checkbox
from sisimport.imports.definition.parts import Screen
from sisimport.imports.definition.rules import DuplicateCheck, PlannedChange, PlannedCreate, Rule
from sisimport.imports.definition.ssid_rules import FORMER, cause_params, former_params, held_by_other, other_person
from sisimport.imports.engine.new_ssids import look_at_new_ssids
from sisimport.imports.engine.sql import execute
from ssid.models import UtahAnswer, UtahFunction, UtahRequest, UtahResponseRow
from ssid.rules.change_kinds import CHANGED_KIND
from ssid.rules.identity import find_student_rules
from ssid.utah.response_matching import find_request, written_years
from students.models import SSID, ChangedRecord, Enrollment, StateProfile
from students.profiles import PROFILES

TOOL = "ssid-process"
ERROR, WARNING, NOTICE = Severity.ERROR, Severity.WARNING, Severity.NOTICE

MATCH_LEGAL = checkbox(
    "match_legal",
    "Compare legal names",
    hint="Compares last and first name with the legal name where a student has one, otherwise with the everyday name.",
    district_default=True,
)
_ASKS_SSID = (UtahFunction.RETRIEVE, UtahFunction.NEW)
_PROFILE = PROFILES[StateProfile.UTAH]
_HAS_SSID = ~Q(ssid="")
# Zeros alone are what programs write for no number.
_VALID = Q(ssid__regex=_PROFILE.ssid_pattern) & ~Q(ssid__regex="^0+$") & ~Q(ssid=F("local_number"))
_SENT = Q(sent__line__isnull=False)


def statuses(context: RunContext, meaning: str) -> list[str]:
    """The layout's status words with this meaning: found, unknown, updated, refused."""
    assert context.layout is not None  # noqa: S101 - set by staging
    return [word for word, means in context.layout.code_sets.get("utah_status", {}).items() if means == meaning]


def _answered(context: RunContext) -> int:
    """The request that `prepare` found."""
    return int(str(context.report_facts["utah_request"]))


def _has_status(context: RunContext, meaning: str) -> Q:
    return Q(status__in=statuses(context, meaning))


def line_rules() -> list[Rule]:
    """One line per student and per SSID; if there are two of either, none is used."""
    return [
        Rule(
            number="U-8",
            code="UTAH-TWICE",
            severity=ERROR,
            field=field,
            when=Q(**{f"{check}__gt": 0}) & counts,
            found=F(field),
            params={"first_line": F(f"{check}_line")},
            needs_student=False,
        )
        # Numbers that a spreadsheet damaged in the same way are not duplicates: they are not SSIDs.
        for check, field, counts in (("dup_number", "local_number", ~Q(local_number="")), ("dup_ssid", "ssid", _VALID))
    ]


def name_rules(*, legal: bool) -> list[Rule]:
    """U-8: last and first name must be the student's everyday ones, or with the option the legal ones."""
    rules = []
    for name in ("last_name", "first_name"):
        record = f"student__match_{name}" if legal else f"student__{name}"
        differs = Q(Differs(F(name), F(record)))
        far = Q(Differs(loosely(F(name)), loosely(F(record))))
        is_legal = ~Q(Differs(F(name), F(f"student__match_{name}")))
        as_sent = _SENT & ~Q(Differs(F(name), F(f"sent__{name}")))
        hint = Case(
            When(is_legal, then=Value(" It is the student's legal name: mark “Compare legal names” and test again.")),
            When(as_sent, then=Value(" The record was changed after the request was made.")),
            default=Value(""),
            output_field=CharField(),
        )
        common: dict[str, Any] = {
            "number": "U-8", "severity": ERROR, "field": name, "found": F(name), "expected": F(record),
        }  # fmt: skip
        rules.append(Rule(code="DEMO-MISMATCH", when=differs & far, params={"hint_text": hint}, **common))
        rules.append(
            Rule(
                code="DEMO-NEAR",
                when=differs & ~far,
                params={"difference": Value("case, accents, punctuation, spaces or suffix", CharField())},
                **common,
            )
        )
    return rules


def request_rules(request: UtahRequest) -> list[Rule]:
    """The line must be of a student in the request, for the same school, and the student must not have left since."""
    today = timezone.localdate()
    stays = Enrollment.objects.filter(student=OuterRef("student__id")).filter(
        Q(exit_date__isnull=True) | Q(exit_date__gte=today)
    )
    ever = Enrollment.objects.filter(student=OuterRef("student__id"))
    without_zeros = LTrimZeros(F("school"))
    return [
        Rule(
            number="U-2",
            code="UTAH-NOT-SENT",
            severity=ERROR,
            field="local_number",
            when=~_SENT,
            found=F("local_number"),
            expected=str(request.pk),
        ),
        Rule(
            number="U-2",
            code="UTAH-SCHOOL",
            severity=ERROR,
            field="school",
            when=_SENT & ~Q(school="") & Q(Differs(without_zeros, LTrimZeros(F("sent__school__code")))),
            found=F("school"),
            expected=F("sent__school__code"),
        ),
        Rule(
            number="U-9",
            code="UTAH-LEFT",
            severity=ERROR,
            field="local_number",
            when=Q(sent__was_enrolled=True) & ~Exists(stays) & Exists(ever),
            found=F("local_number"),
        ),
    ]


def echo_rules(request: UtahRequest, *, severity: Severity) -> list[Rule]:
    """Values that the state echoes should be the ones that were sent; a value it leaves out is ignored."""

    def rule(field: str, given: Q) -> Rule:
        return Rule(
            number="U-4",
            code="UTAH-ECHO",
            severity=severity,
            field=field,
            when=_SENT & given & Q(Differs(F(field), F(f"sent__{field}"))),
            found=F(field),
            expected=F(f"sent__{field}"),
        )

    numbered = Rule(number="U-4", code="UTAH-ECHO", severity=WARNING, field="file_line", when=_OTHER_LINE, found=F("file_line"),
                    expected=F("sent__line"))  # fmt: skip
    texts = [rule(field, ~Q(**{field: ""})) for field in ("middle_name", "suffix", "gender", "ethnicity")]
    return [rule("birth_date", Q(birth_date__isnull=False)), *texts, numbered, *_of_another_request(request, severity)]


def _of_another_request(request: UtahRequest, severity: Severity) -> list[Rule]:
    """The school year or district is not that of the request."""
    year = request.school_year or 0
    lea = F("student__lea__code")
    common: dict[str, Any] = {"number": "U-4", "code": "UTAH-ECHO"}
    other_year = _SENT & ~Q(school_year__in=["", *written_years(year)])
    other_lea = _SENT & ~Q(lea="") & Q(Differs(LTrimZeros(F("lea")), LTrimZeros(lea)))
    return [
        Rule(
            severity=severity,
            field="school_year",
            when=other_year,
            found=F("school_year"),
            expected=f"{year}",
            **common,
        ),
        Rule(severity=WARNING, field="lea", when=other_lea, found=F("lea"), expected=lea, **common),
    ]


def refused_rule(when: Q) -> Rule:
    answer = Case(When(~Q(message=""), then=F("message")), default=F("status"), output_field=CharField())
    return Rule(number="U-3", code="UTAH-REFUSED", severity=ERROR, field="status", when=when, found=answer)


def message_rule(refused: Q) -> Rule:
    """The state's message about a line that it did process."""
    return Rule(number="U-3", code="UTAH-MESSAGE", severity=NOTICE, field="message", when=~Q(message="") & ~refused,
                found=F("message"))  # fmt: skip


def ssid_rules(context: RunContext, function: UtahFunction) -> list[Rule]:
    """May this SSID be given to this student? (Rules ID-3 to ID-5 and ID-8.)"""
    valid = _HAS_SSID & _VALID
    by_other = held_by_other()
    other = Q(current__ssid__isnull=False) & Q(Differs(F("current__ssid"), F("ssid")))
    refused, unknown, found = (_has_status(context, meaning) for meaning in ("refused", "unknown", "found"))
    nothing = Q(ssid="") & ~refused
    asks = function == UtahFunction.RETRIEVE

    def rule(number: str, code: str, when: Q, *, severity: Severity = ERROR, **values: Any) -> Rule:
        values.setdefault("found", F("ssid"))
        return Rule(number=number, code=code, severity=severity, field="ssid", when=when, **values)

    rules = [
        refused_rule(refused),
        message_rule(refused),
        # New: No Match says that a number was issued, so a blank one is missing.
        rule("U-3", "UTAH-NOSSID", nothing & found if asks else nothing),
        # For swapped columns: the state's numbers may be as short as our own.
        rule("U-2", "UTAH-LINE", valid & _OTHER_LINE & Q(ssid=_SENT_LINE)),
        rule("ID-8", "SSID-FORMAT", _HAS_SSID & ~_VALID, expected=_PROFILE.ssid_words, params=cause_params()),
        rule("ID-5", "SSID-TAKEN", valid & by_other, params=other_person()),
        rule("D-9", "SSID-CONFLICT", valid & other & ~by_other & ~FORMER, expected=F("current__ssid")),
        rule("D-9", "SSID-FORMER", valid & FORMER & ~by_other, params=former_params()),
        rule("D-8", "SSID-PRESENT", Q(current__ssid=F("ssid")), severity=NOTICE),
    ]
    if asks:
        rules.append(rule("U-3", "UTAH-CONTRADICTS", unknown & _HAS_SSID, found=F("status")))
        rules.append(rule("U-1", "UTAH-NOMATCH", nothing & ~found, severity=NOTICE))
    return rules


def update_rules(context: RunContext, request: UtahRequest) -> list[Rule]:
    """U-4: an Update confirms a line if the state says so and the student has not changed since."""
    refused = _has_status(context, "refused") | _has_status(context, "unknown")
    updated = _has_status(context, "updated")
    flagged = Exists(ChangedRecord.objects.filter(student=OuterRef("student__id"), cleared_by__isnull=True))
    return [
        refused_rule(refused),
        message_rule(refused),
        Rule(
            number="U-4",
            code="UTAH-OTHER-SSID",
            severity=ERROR,
            field="ssid",
            when=_HAS_SSID & Q(Differs(F("ssid"), F("current__ssid"))),
            found=F("ssid"),
            expected=F("current__ssid"),
            params={
                "former_text": Case(
                    When(FORMER & ~held_by_other(), then=Value(" It is a former number of this student.")),
                    default=Value(""),
                    output_field=CharField(),
                )
            },
        ),
        *echo_rules(request, severity=ERROR),
        Rule(
            number="U-4",
            code="UTAH-UNCONFIRMED",
            severity=WARNING,
            field="status",
            when=_SENT & ~refused & ~updated,
            found=F("status"),
        ),
        Rule(
            number="U-4",
            code="UTAH-CHANGED-AGAIN",
            severity=WARNING,
            field="local_number",
            when=_SENT & updated & Q(Exists(_newer_changes())),
            found=Subquery(_newer_changes().order_by("-id").values("field")[:1]),
        ),
        Rule(
            number="U-4",
            code="UTAH-NOFLAG",
            severity=NOTICE,
            field="local_number",
            when=_SENT & updated & ~Q(flagged),
            found=F("local_number"),
        ),
    ]


def _newer_changes() -> models.QuerySet[ChangedRecord]:
    return ChangedRecord.objects.filter(
        student=OuterRef("student__id"), cleared_by__isnull=True, id__gt=Coalesced(OuterRef("sent__changed_through"))
    )


class Coalesced(models.Func):
    """The number, or 0 if there is none."""

    template = "coalesce(%(expressions)s, 0)"
    output_field = models.BigIntegerField()


class LTrimZeros(models.Func):
    """A code without its leading zeros, which spreadsheets remove."""

    template = "ltrim(%(expressions)s, '0')"
    output_field = models.TextField()


_SENT_LINE = Cast(F("sent__line"), models.TextField())
_OTHER_LINE = _SENT & ~Q(file_line="") & Q(Differs(LTrimZeros(F("file_line")), _SENT_LINE))


class UtahResponse(ImportType):
    """Process Response File from the SSID system."""

    key = "utah-response"
    screen = Screen(
        label="SSID Process - Response File",
        tool=TOOL,
        order=10,
        description=(
            "Test shows the response error report and changes nothing. Update then writes the SSIDs of a Retrieve or New "
            "response, or clears the changed mark of the students whose Update the state confirmed."
        ),
        file_hint=".csv or .xlsx, named RESP_… by the state",
    )
    layouts = ("utah-ssid-response",)
    layout_folder = Path(__file__).parents[1] / "layouts"
    converts_workbooks = True
    converts_workbooks_by_default = True
    row_model = UtahResponseRow
    fields = (
        "file_line",
        "ssid",
        "school_year",
        "last_name",
        "first_name",
        "middle_name",
        "suffix",
        "birth_date",
        "gender",
        "ethnicity",
        "lea",
        "school",
        "local_number",
        "request_type",
        "status",
        "message",
    )
    duplicates = (
        # Lines always differ from each other, so both lines of a pair are marked, not only the repeats.
        DuplicateCheck(name="dup_number", key=("lea_id", "local_number"), compared=("line",)),
        DuplicateCheck(name="dup_ssid", key=("ssid",), compared=("line",)),
    )
    options = (MATCH_LEGAL,)

    def prepare(self, context: RunContext) -> None:
        """Find the request that the file answers; raises FileError if there is none."""
        request = find_request(context)
        context.report_facts["utah_request"] = request.pk
        context.report_facts["utah_function"] = request.function
        context.school_codes |= set(request.schools.values_list("code", flat=True))

    def rows(self, context: RunContext) -> models.QuerySet[Any]:
        return UtahResponseRow.objects.annotate(
            current=FilteredRelation("student__ssids", condition=Q(student__ssids__retired_at__isnull=True)),
            sent=FilteredRelation("student__utah_sent", condition=Q(student__utah_sent__request_id=_answered(context))),
        )

    def rules(self, context: RunContext) -> Sequence[Rule]:
        return self._rules_for(context, UtahRequest.objects.get(pk=_answered(context)))

    def reference_rules(self, context: RunContext) -> Sequence[Rule]:
        context.report_facts["utah_request"] = 0
        return [rule for f in UtahFunction for rule in self._rules_for(context, UtahRequest(pk=0, function=f))]

    def _rules_for(self, context: RunContext, request: UtahRequest) -> Sequence[Rule]:
        function = UtahFunction(request.function)
        rules = [
            *find_student_rules(context),
            *line_rules(),
            *name_rules(legal=context.option("match_legal") == "1"),
            *request_rules(request),
        ]
        if function in _ASKS_SSID:
            return [*rules, *ssid_rules(context, function), *echo_rules(request, severity=WARNING)]
        return [*rules, *update_rules(context, request)]

    def plan(self, context: RunContext) -> Sequence[PlannedChange]:
        return self.reference_plan(context) if context.report_facts["utah_function"] in _ASKS_SSID else []

    def reference_plan(self, context: RunContext) -> Sequence[PlannedChange]:  # noqa: ARG002
        free = Q(current__ssid__isnull=True) & Q(holder__student_id__isnull=True)
        return [
            PlannedCreate(
                kind=SSID_KIND,
                part="record",
                when=_HAS_SSID & _VALID & free,
                object_id=NextId(SSID),
                values={"ssid": F("ssid"), "state": F("state")},
            )
        ]

    def after_plan(self, context: RunContext) -> None:
        """Update: plan to clear the changes that were sent. All functions: record that the request is answered."""
        look_at_new_ssids(context, series=False)
        if context.report_facts["utah_function"] == UtahFunction.UPDATE:
            plan_clearing(context)
        if covers(context):
            UtahAnswer.objects.create(request_id=_answered(context), test_run=context.run)


def covers(context: RunContext) -> bool:
    """May the run change all schools of the request? Otherwise it answers only a part, and the request stays
    outstanding."""
    if context.run.schools is None:
        return True
    schools = UtahRequest.schools.through.objects.filter(utahrequest=_answered(context))
    return not schools.exclude(school__in=context.run.schools).exists()


def plan_clearing(context: RunContext) -> None:
    """One change per open ChangedRecord that the request covered; those of one student are applied all or none."""
    execute(
        """
        INSERT INTO imports_importchange (run_id, line, seq, part, kind, object_id, student_id, guard, before, after)
        SELECT %(run)s, r.line, row_number() OVER (PARTITION BY r.line ORDER BY c.id) - 1, 'record', %(kind)s, c.id, s.id,
          s.identity_hash, '{"cleared_by": null}', jsonb_build_object('cleared_by', %(request)s::bigint)
        FROM staged_utah_response r
        JOIN students_student s ON s.lea_id = r.lea_id AND s.local_number = r.local_number
        JOIN ssid_utahrequeststudent q ON q.student_id = s.id AND q.request_id = %(request)s
        JOIN students_changedrecord c ON c.student_id = s.id AND c.cleared_by IS NULL AND c.id <= q.changed_through
        WHERE NOT r.refused AND r.status = ANY(%(updated)s) AND NOT EXISTS (
          SELECT 1 FROM imports_importissue i WHERE i.run_id = %(run)s AND i.line = r.line
            AND (i.severity = %(error)s OR i.code = 'UTAH-CHANGED-AGAIN'))
        ORDER BY s.id, r.line
        """,
        {  # type: ignore[arg-type]
            "run": context.run.pk,
            "kind": CHANGED_KIND.key,
            "request": _answered(context),
            "updated": statuses(context, "updated"),
            "error": int(ERROR),
        },
    )
