"""What is said of English learner data in a file: W-ELA-1 to W-ELA-4, what is not written, the state's own plausibility checks.

Sources: CALPADS SSID Import (vendor help page, 2022); CALPADS error pages for the numbered hints.
"""

from typing import Any

from django.db import models
from django.db.models import Case, CharField, DateField, F, Func, Q, Value, When
from django.db.models.functions import Coalesce
from django.db.models.lookups import In

from sisimport.files.issues import Severity
from sisimport.imports.definition.expressions import Differs
from sisimport.imports.definition.rules import Rule
from ssid.rules.english_learner_plan import (  # fmt: skip
    EL,
    FILE_DATE,
    HAS_RECORD,
    IS_DATED,
    IS_LEGACY,
    IS_TBD,
    KNOWN,
    LANGUAGE,
    LANGUAGE_DIFFERS,
    STATUS_DIFFERS,
    UNKNOWN_LANGUAGE,
    LanguageCode,
    has_code,
    may_overwrite,
    record_date,
)
from ssid.rules.issue_codes import HINTS
from students.models import ProgramStatus

NO_ELAS_GRADES = ("IN", "TD", "PS", "AD")
# What may follow what: usual path TBD to EO, IFEP or EL, then EL to RFEP (SELA0255; TBD has its own hint, SELA0281).
FOLLOWS = {
    ProgramStatus.PENDING: ("EO", "IFEP", "EL"),
    ProgramStatus.EL: ("EL", "RFEP"),
    ProgramStatus.EXITED: ("RFEP",),
    ProgramStatus.NOT_EL: ("IFEP",),
    ProgramStatus.EO: ("EO",),
}
_record_last_date = Case(
    When(student__el__program_status=ProgramStatus.PENDING, then=F("student__el__tbd_date")),
    When(
        student__el__program_status=ProgramStatus.EXITED,
        then=Coalesce(F("student__el__exit_date"), F("student__el__identified_date")),
    ),
    default=F("student__el__identified_date"),
    output_field=DateField(),
)


def warning_rules(*, rfep_date: str = "identified", fill_only: bool = False, strict: bool = False) -> list[Rule]:
    """W-ELA-1 to W-ELA-4 and the codes that cannot be imported. `strict`: TVD is refused instead of read as TBD."""
    on_record = record_date(rfep_date)
    notice, warning, error = Severity.NOTICE, Severity.WARNING, Severity.ERROR
    overwritten, kept = Value("it will be overwritten"), Value("the record is kept")
    free = Q(elas="") | KNOWN | IS_LEGACY  # no error keeps the line's English learner data out
    if strict:
        free = (Q(elas="") | KNOWN) & ~has_code("TVD") & ~_BEFORE_BIRTH & ~(KNOWN & _is_older())

    def effect_where(may: Q) -> Case:
        return Case(When(may & free, then=overwritten), default=kept, output_field=CharField())

    effect = effect_where(may_overwrite(fill_only=fill_only))
    return [
        Rule(
            number="W-ELA-1",
            code="ELA-STATUS",
            severity=warning,
            field="elas",
            part=EL,
            when=KNOWN & HAS_RECORD & STATUS_DIFFERS,
            found=F("elas"),
            expected=F("student__el__program_status"),
            params={"effect": effect},
        ),
        Rule(
            number="W-ELA-2",
            code="ELA-DATE",
            severity=warning,
            field="elas_date",
            part=EL,
            when=KNOWN & HAS_RECORD & IS_DATED & Q(_present(on_record)) & Q(Differs(FILE_DATE, on_record)),
            found=F("elas_date"),
            expected=on_record,
            params={"effect": effect},
        ),
        Rule(
            number="W-ELA-3",
            code="ELA-LANG",
            severity=warning,
            field="language",
            part=EL,
            when=~Q(student__home_language="") & LANGUAGE_DIFFERS,
            found=F("language"),
            expected=F("student__home_language"),
            params={"effect": kept if fill_only else effect_where(Q())},
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
            when=IS_LEGACY,
            found=F("elas"),
        ),
        Rule(
            number="8-TVD",
            code="ELA-MISPRINT" if strict else "ELA-TVD",
            severity=error if strict else notice,
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
            when=~Q(elas="") & ~KNOWN & ~IS_LEGACY,
            found=F("elas"),
        ),
        Rule(
            number="8-language",
            code="ELA-LANG-CODE",
            severity=error,
            field="language",
            part=LANGUAGE,
            when=UNKNOWN_LANGUAGE,
            found=F("language"),
        ),
    ]


def _is_older() -> Q:
    """Another status than the one on record, from before that one began."""
    return HAS_RECORD & STATUS_DIFFERS & IS_DATED & Q(_earlier(FILE_DATE, _record_last_date))


_BEFORE_BIRTH = IS_DATED & Q(elas_date__lt=F("student__birth_date"))


def strict_rules(*, fill_only: bool = False) -> list[Rule]:
    """What the ELA Import and the Request File do not write: a date before birth, a status older than the one on record."""
    older = may_overwrite(fill_only=fill_only) & _is_older()
    return [
        Rule(
            number="8-birth",
            code="ELA-BIRTH",
            severity=Severity.ERROR,
            field="elas_date",
            part=EL,
            when=_BEFORE_BIRTH,
            found=F("elas_date"),
            expected=F("student__birth_date"),
        ),
        Rule(
            number="8-older",
            code="ELA-OLDER",
            severity=Severity.ERROR,
            field="elas_date",
            part=EL,
            when=older,
            found=F("elas_date"),
            expected=_record_last_date,
            params={"status": F("elas"), "record_status": F("student__el__program_status")},
        ),
    ]


def hint_rules(*, rfep_date: str = "identified", strict: bool = False) -> list[Rule]:
    """The state's own plausibility checks, as warnings. `strict`: those that strict_rules makes errors are left out."""
    on_record = record_date(rfep_date)
    out_of_sequence = Q(pk__isnull=True)
    for status, codes in FOLLOWS.items():
        out_of_sequence |= Q(student__el__program_status=status) & ~has_code(*codes)
    english = Q(In(LanguageCode(F("language")), ["eng", "ase", "sgn"]))
    new_status = KNOWN & HAS_RECORD & STATUS_DIFFERS & IS_DATED
    too_early = Q(_not_later(FILE_DATE, _record_last_date))
    if strict:
        too_early = ~Q(Differs(FILE_DATE, _record_last_date))
    return [
        hint("IVR0164", KNOWN & ~has_code("EO") & Q(elas_date__isnull=True), "elas_date"),
        hint("SELA0280", KNOWN & ~has_code("EO") & english, "language"),
        hint(
            "SELA0281",
            IS_TBD & HAS_RECORD & ~Q(student__el__program_status__in=[ProgramStatus.PENDING, ProgramStatus.EO]),
        ),
        hint(
            "SELA0283",
            KNOWN & HAS_RECORD & ~STATUS_DIFFERS & IS_DATED & Q(_present(on_record)) & Q(Differs(FILE_DATE, on_record)),
            "elas_date",
        ),
        hint("SELA0285", new_status & too_early, "elas_date"),
        hint("SELA0255", KNOWN & ~IS_TBD & HAS_RECORD & out_of_sequence),
        hint("SELA0301", ~Q(elas="") & Q(grade__in=NO_ELAS_GRADES), "grade"),
        *([] if strict else [hint("BIRTH", KNOWN & _BEFORE_BIRTH, "elas_date")]),
    ]


def hint(number: str, when: Q, field: str = "elas") -> Rule:
    """One plausibility check of the state."""
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


class _Earlier(Func):
    template = "(%(expressions)s)"
    arg_joiner = " < "
    output_field = models.BooleanField()
    conditional = True


def _earlier(left: Any, right: Any) -> Func:
    return _Earlier(left, right)


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
