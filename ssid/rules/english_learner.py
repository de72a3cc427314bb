"""Issues reported about English learner data in a file: W-ELA-1 to W-ELA-4, values that are not written, and the
state's own plausibility checks.

Sources: CALPADS SSID Import (vendor help page, 2022); CALPADS error pages for the numbered hints.
"""

from typing import Any

from django.db import models
from django.db.models import Case, CharField, Exists, F, Func, OuterRef, Q, Value, When
from django.db.models.lookups import In

from sisimport.files.issues import Severity
from sisimport.imports.definition.english_learner import KEPT, OVERWRITTEN, RECORD_SINCE
from sisimport.imports.definition.expressions import Differs
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.definition.rules import Rule
from sisimport.imports.models import ImportIssue
from ssid.rules.english_learner_plan import (  # fmt: skip
    EL,
    FILE_DATE,
    HAS_RECORD,
    IS_DATED,
    IS_LEGACY,
    IS_OLDER,
    IS_TBD,
    KNOWN,
    LANGUAGE,
    LANGUAGE_DIFFERS,
    STATUS_DIFFERS,
    UNKNOWN_LANGUAGE,
    Choices,
    LanguageCode,
    has_code,
    may_overwrite,
    record_date,
)
from ssid.rules.issue_codes import HINTS
from students.models import ProgramStatus

NO_ELAS_GRADES = ("IN", "TD", "PS", "AD")
ENGLISH_CODES = frozenset({"ase", "eng", "sgn"})  # and the sign languages
# Which status may follow which: usually TBD to EO, IFEP or EL, then EL to RFEP (SELA0255; TBD has its own hint,
# SELA0281).
FOLLOWS = {
    ProgramStatus.PENDING: ("EO", "IFEP", "EL"),
    ProgramStatus.EL: ("EL", "RFEP"),
    ProgramStatus.EXITED: ("RFEP",),
    ProgramStatus.NOT_EL: ("IFEP",),
    ProgramStatus.EO: ("EO",),
}
BEFORE_BIRTH = KNOWN & IS_DATED & Q(elas_date__lt=F("student__birth_date"))
# Errors that keep out the whole line, its language included.
_KEPT_OUT = (~Q(elas="") & ~KNOWN & ~IS_LEGACY) | BEFORE_BIRTH


def rules(context: RunContext) -> list[Rule]:
    """All issues about the English learner data of a line, the same in every import type that brings such data."""
    chosen = Choices.of(context)
    unread = ImportIssue.objects.filter(run_id=context.run.pk, part=EL, severity=int(Severity.ERROR))
    # Named in the rules only if there are any: a run's number in the SQL makes every statement a new one to the
    # database.
    of_line = Q(Exists(unread.filter(line=OuterRef("line")))) if unread.exists() else None
    return [*warning_rules(chosen, of_line), *hint_rules(chosen)]


def warning_rules(chosen: Choices, unread: Q | None) -> list[Rule]:
    """W-ELA-1 to W-ELA-4, a status older than the one on record, and what cannot be imported.

    `unread`: lines in which the reader refused an English learner value, so that no value of that part is written.
    """
    return [*_difference_rules(chosen, unread), *_code_rules(), _older_rule(chosen, unread), _language_rule()]


_RECORD_IS_KEPT = Value("the record is kept")


def _effect(may: Q, unread: Q | None, *, overwritten: str = "it is overwritten", kept: Value = _RECORD_IS_KEPT) -> Case:
    """What the message says will happen to the record where it `may` be overwritten, and elsewhere."""
    written = When(may & ~_KEPT_OUT, then=Value(overwritten))
    cases = [written] if unread is None else [When(unread, then=kept), written]
    return Case(*cases, default=kept, output_field=CharField())


def _difference_rules(chosen: Choices, unread: Q | None) -> list[Rule]:
    """W-ELA-1 to W-ELA-5: the record differs from the file, or the file does not say what began on a day."""
    on_record = record_date(chosen.rfep_date)
    warning = Severity.WARNING
    effect = _effect(may_overwrite(chosen), unread)
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
            params={"effect": _RECORD_IS_KEPT if chosen.fill_only else _effect(Q(pk__isnull=False), unread)},
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
            number="W-ELA-5",
            code="ELA-DATE-ALONE",
            severity=warning,
            field="elas_date",
            part=EL,
            when=Q(elas="") & Q(elas_date__isnull=False),
            found=F("elas_date"),
        ),
    ]


def _code_rules() -> list[Rule]:
    """Codes that cannot be imported, and a date before the student was born."""
    notice, warning, error = Severity.NOTICE, Severity.WARNING, Severity.ERROR
    return [
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
            when=~Q(elas="") & ~KNOWN & ~IS_LEGACY,
            found=F("elas"),
        ),
        Rule(
            number="8-birth",
            code="ELA-BIRTH",
            severity=error,
            field="elas_date",
            part=EL,
            when=BEFORE_BIRTH,
            found=F("elas_date"),
            expected=F("student__birth_date"),
        ),
        Rule(
            number="8-birth",
            code="ELA-BORN",
            severity=Severity.WARNING,
            field="elas_date",
            part=EL,
            when=KNOWN & Q(elas_date=F("student__birth_date")),
            found=F("elas_date"),
        ),
    ]


def _older_rule(chosen: Choices, unread: Q | None) -> Rule:
    """The file's status began before the one on record."""
    return Rule(
        number="8-older",
        code="ELA-OLDER",
        severity=Severity.WARNING,
        field="elas_date",
        part=EL,
        when=KNOWN & IS_OLDER & ~BEFORE_BIRTH,
        found=F("elas_date"),
        expected=RECORD_SINCE,
        params={
            "status": F("elas"),
            "record_status": F("student__el__program_status"),
            "effect_text": _effect(may_overwrite(chosen), unread, overwritten=OVERWRITTEN, kept=Value(KEPT)),
        },
    )


def _language_rule() -> Rule:
    return Rule(
        number="8-language",
        code="ELA-LANG-CODE",
        severity=Severity.ERROR,
        field="language",
        part=LANGUAGE,
        when=UNKNOWN_LANGUAGE,
        found=F("language"),
    )


def hint_rules(chosen: Choices) -> list[Rule]:
    """The state's own plausibility checks, as warnings."""
    on_record = record_date(chosen.rfep_date)
    out_of_sequence = Q(pk__isnull=True)
    for status, codes in FOLLOWS.items():
        out_of_sequence |= Q(student__el__program_status=status) & ~has_code(*codes)
    english = Q(In(LanguageCode(F("language")), sorted(ENGLISH_CODES)))
    same_day = KNOWN & HAS_RECORD & IS_DATED & ~Q(Differs(FILE_DATE, RECORD_SINCE)) & STATUS_DIFFERS
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
        hint("SELA0285", same_day, "elas_date"),
        hint("SELA0255", KNOWN & ~IS_TBD & HAS_RECORD & out_of_sequence),
        hint("SELA0301", ~Q(elas="") & Q(grade__in=NO_ELAS_GRADES), "grade"),
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


class _Present(Func):
    template = "(%(expressions)s IS NOT NULL)"
    output_field = models.BooleanField()
    conditional = True


def _present(expression: Any) -> Func:
    return _Present(expression)
