"""English learner data of a line: overwrite table, warnings and plausibility hints (section 8 of the SSID rules).

Sources: CALPADS SSID Import (vendor help page, 2022); CALPADS error pages for the numbered hints.
"""

import tomllib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from django.db import models
from django.db.models import Case, CharField, DateField, F, Func, Q, Value, When

from sisimport.imports.base import Choice, Option, PlannedChange, PlannedCreate, PlannedUpdate, Rule
from sisimport.imports.expressions import Differs
from sisimport.imports.issues import Severity
from sisimport.imports.kinds import EL_KIND, STUDENT_KIND
from ssid.issue_codes import HINTS
from students.models import ProgramStatus

EL = "el"
STATUS_OF = {
    "EL": ProgramStatus.EL,
    "IFEP": ProgramStatus.NOT_EL,
    "RFEP": ProgramStatus.EXITED,
    "TBD": ProgramStatus.PENDING,
    "TVD": ProgramStatus.PENDING,
    "EO": ProgramStatus.EO,
}
PENDING_CODES = ("TBD", "TVD")
LEGACY_CODES = ("FEP", "LEP")
NO_ELAS_GRADES = ("IN", "TD", "PS", "AD")
# What may follow what: usual path TBD to EO, IFEP or EL, then EL to RFEP (SELA0255; TBD has its own hint, SELA0281).
FOLLOWS = {
    ProgramStatus.PENDING: ("EO", "IFEP", "EL"),
    ProgramStatus.EL: ("EL", "RFEP"),
    ProgramStatus.EXITED: ("RFEP",),
    ProgramStatus.NOT_EL: ("IFEP",),
    ProgramStatus.EO: ("EO",),
}
RFEP_DATE = Option(
    name="rfep_date",
    label="Date of an RFEP status goes to",
    default="identified",
    choices=(
        Choice(value="identified", label="Identified Date", hint="As the screen has always done."),
        Choice(value="exit", label="Exit Date", hint="The state's date is the day of reclassification."),
    ),
)


@cache
def language_codes() -> dict[str, str]:
    """Two-digit codes and old spellings -> three-letter code of the same language."""
    with (Path(__file__).parent / "layouts" / "codes.toml").open("rb") as stream:
        codes = tomllib.load(stream)
    return {**codes["language_2_to_3"], **codes["language_3_alias"]}


class LanguageCode(Func):
    """A primary language code as its three-letter form, so that 01 and spa are one language."""

    output_field = models.CharField()
    template = "coalesce(%(expressions)s)"

    def __init__(self, code: Any, **extra: Any) -> None:
        super().__init__(code, **extra)

    def as_sql(self, compiler: Any, connection: Any, **_extra: Any) -> tuple[str, tuple[Any, ...]]:  # noqa: ARG002
        import json

        sql, params = compiler.compile(self.source_expressions[0])
        return f"coalesce(%s::jsonb ->> lower({sql}), lower({sql}))", (json.dumps(language_codes()), *params, *params)


def has_code(*codes: str) -> Q:
    return Q(elas__in=codes)


KNOWN = has_code(*STATUS_OF)
IS_TBD = has_code(*PENDING_CODES)
HAS_RECORD = Q(student__el__student_id__isnull=False)
HAS_LANGUAGE = ~Q(language="")

_new_status = Case(
    *(When(elas=code, then=Value(status.value)) for code, status in STATUS_OF.items()), output_field=CharField()
)
_file_date = F("elas_date")
_record_date = Case(
    When(IS_TBD, then=F("student__el__tbd_date")), default=F("student__el__identified_date"), output_field=DateField()
)
_record_last_date = Case(
    When(student__el__program_status=ProgramStatus.PENDING, then=F("student__el__tbd_date")),
    default=F("student__el__identified_date"),
    output_field=DateField(),
)
_status_differs = Q(Differs(F("student__el__program_status"), _new_status))
_language_differs = HAS_LANGUAGE & Q(Differs(LanguageCode(F("language")), LanguageCode(F("student__home_language"))))


def warning_rules() -> list[Rule]:
    """W-ELA-1 to W-ELA-4 and the codes that cannot be imported."""
    notice, warning, error = Severity.NOTICE, Severity.WARNING, Severity.ERROR
    return [
        Rule(
            number="W-ELA-1",
            code="ELA-STATUS",
            severity=warning,
            field="elas",
            part=EL,
            when=KNOWN & HAS_RECORD & _status_differs,
            found=F("elas"),
            expected=F("student__el__program_status"),
        ),
        Rule(
            number="W-ELA-2",
            code="ELA-DATE",
            severity=warning,
            field="elas_date",
            part=EL,
            when=KNOWN
            & HAS_RECORD
            & Q(elas_date__isnull=False)
            & (Q(student__el__tbd_date__isnull=False) | ~IS_TBD)
            & (Q(student__el__identified_date__isnull=False) | IS_TBD)
            & Q(Differs(_file_date, _record_date)),
            found=F("elas_date"),
            expected=_record_date,
        ),
        Rule(
            number="W-ELA-3",
            code="ELA-LANG",
            severity=warning,
            field="language",
            part=EL,
            when=~Q(student__home_language="") & _language_differs,
            found=F("language"),
            expected=F("student__home_language"),
        ),
        Rule(
            number="W-ELA-4",
            code="ELA-MISSING",
            severity=warning,
            field="elas",
            part=EL,
            when=HAS_RECORD & Q(elas="") & Q(elas_date__isnull=True),
            expected=F("student__el__program_status"),
        ),
        Rule(
            number="8-legacy",
            code="ELA-LEGACY",
            severity=warning,
            field="elas",
            part=EL,
            when=has_code(*LEGACY_CODES),
            found=F("elas"),
        ),
        Rule(
            number="8-TVD",
            code="ELA-TVD",
            severity=notice,
            field="elas",
            part=EL,
            when=has_code("TVD"),
            found=F("elas"),
        ),
        Rule(
            number="8-code",
            code="ELA-CODE",
            severity=error,
            field="elas",
            part=EL,
            when=~Q(elas="") & ~KNOWN & ~has_code(*LEGACY_CODES),
            found=F("elas"),
        ),
    ]


def hint_rules() -> list[Rule]:
    """The state's own plausibility checks, as warnings."""

    def hint(number: str, when: Q, field: str = "elas") -> Rule:
        return Rule(
            number=number,
            code="ELA-HINT",
            severity=Severity.WARNING,
            field=field,
            part=EL,
            when=when,
            found=F(field),
            params={
                "rule": Value(number, output_field=CharField()),
                "rule_text": Value(HINTS[number], output_field=CharField()),
            },
        )

    out_of_sequence = Q(pk__isnull=True)
    for status, codes in FOLLOWS.items():
        out_of_sequence |= Q(student__el__program_status=status) & ~has_code(*codes)
    same_status = ~_status_differs
    english = Q(language__in=["eng", "00", "ase", "sgn", "37"])
    return [
        hint("IVR0164", KNOWN & ~has_code("EO") & Q(elas_date__isnull=True), "elas_date"),
        hint("SELA0280", KNOWN & ~has_code("EO") & english, "language"),
        hint(
            "SELA0281",
            IS_TBD & HAS_RECORD & ~Q(student__el__program_status__in=[ProgramStatus.PENDING, ProgramStatus.EO]),
        ),
        hint(
            "SELA0283",
            KNOWN
            & HAS_RECORD
            & same_status
            & Q(elas_date__isnull=False)
            & Q(Differs(_file_date, _record_date))
            & Q(_present(_record_date)),
            "elas_date",
        ),
        hint(
            "SELA0285",
            KNOWN
            & HAS_RECORD
            & _status_differs
            & Q(elas_date__isnull=False)
            & Q(_not_later(_file_date, _record_last_date)),
            "elas_date",
        ),
        hint("SELA0255", KNOWN & ~IS_TBD & HAS_RECORD & out_of_sequence),
        hint("SELA0301", ~Q(elas="") & Q(grade__in=NO_ELAS_GRADES), "grade"),
    ]


class _NotLater(Func):
    template = "(%(expressions)s)"
    arg_joiner = " <= "
    output_field = models.BooleanField()
    conditional = True


class _Present(Func):
    template = "(%(expressions)s IS NOT NULL)"
    output_field = models.BooleanField()
    conditional = True


def _not_later(left: Any, right: Any) -> Func:
    return _NotLater(left, right)


def _present(expression: Any) -> Func:
    return _Present(expression)


def plan(*, rfep_date: str, fill_only: bool = False) -> Sequence[PlannedChange]:
    """EL record created or overwritten by the table of section 8; language replaced."""
    exits = has_code("RFEP") if rfep_date == "exit" else Q(pk__isnull=True)
    dated = Q(elas_date__isnull=False)

    def chosen(applies: Q, old: str) -> Case:
        return Case(When(applies & dated, then=F("elas_date")), default=F(old), output_field=DateField())

    def chosen_new(applies: Q) -> Case:
        return Case(When(applies & dated, then=F("elas_date")), default=None, output_field=DateField())

    identified = ~IS_TBD & ~exits
    may_update = KNOWN & HAS_RECORD
    if fill_only:
        may_update &= Q(student__el__program_status=ProgramStatus.PENDING) & ~has_code("RFEP")
    may_create = KNOWN & ~HAS_RECORD
    if fill_only:
        may_create &= ~has_code("RFEP")
    replace_language = _language_differs
    if fill_only:
        replace_language &= Q(student__home_language="")
    return [
        PlannedCreate(
            kind=EL_KIND,
            part=EL,
            when=may_create,
            object_id=F("student__id"),
            values={
                "program_status": _new_status,
                "identified_date": chosen_new(identified),
                "tbd_date": chosen_new(IS_TBD),
                "exit_date": chosen_new(exits),
            },
        ),
        PlannedUpdate(
            kind=EL_KIND,
            part=EL,
            when=may_update,
            object_id=F("student__id"),
            fields={
                "program_status": (F("student__el__program_status"), _new_status),
                "identified_date": (
                    F("student__el__identified_date"),
                    chosen(identified, "student__el__identified_date"),
                ),
                "tbd_date": (F("student__el__tbd_date"), chosen(IS_TBD, "student__el__tbd_date")),
                "exit_date": (F("student__el__exit_date"), chosen(exits, "student__el__exit_date")),
            },
        ),
        PlannedUpdate(
            kind=STUDENT_KIND,
            part=EL,
            when=replace_language,
            object_id=F("student__id"),
            fields={"home_language": (F("student__home_language"), LanguageCode(F("language")))},
        ),
    ]
