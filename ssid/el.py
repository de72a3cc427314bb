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
from django.db.models.functions import Coalesce, Lower
from django.db.models.lookups import In

from sisimport.imports.base import Choice, Option, PlannedChange, PlannedCreate, PlannedUpdate, Rule
from sisimport.imports.expressions import Differs
from sisimport.imports.issues import Severity
from sisimport.imports.kinds import EL_KIND, STUDENT_KIND
from ssid.issue_codes import HINTS
from students.models import ProgramStatus

EL = "el"
LANGUAGE = "language"  # nothing is planned for this part: its errors leave the status of the line free
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
    """Two-digit codes and old spellings, in lower case -> three-letter code of the same language."""
    codes = _code_sets()
    return {code.lower(): to for code, to in (codes["language_2_to_3"] | codes["language_3_alias"]).items()}


@cache
def known_languages() -> frozenset[str]:
    """Every spelling of a primary language the state has or had, in lower case."""
    codes = _code_sets()
    listed = {code.lower() for name in ("language_2", "language_3") for code in codes[name]}
    return frozenset(listed | language_codes().keys())


@cache
def _code_sets() -> dict[str, dict[str, str]]:
    with (Path(__file__).parent / "layouts" / "codes.toml").open("rb") as stream:
        return tomllib.load(stream)


class LanguageCode(Func):
    """A primary language code as its three-letter form, so that 01 and spa are one language."""

    output_field = models.CharField()
    template = "coalesce(%(expressions)s)"

    def __init__(self, code: Any, **extra: Any) -> None:
        super().__init__(code, **extra)

    def as_sql(self, compiler: Any, connection: Any, **_extra: Any) -> tuple[str, tuple[Any, ...]]:  # type: ignore[override]  # noqa: ARG002
        import json

        sql, params = compiler.compile(self.source_expressions[0])
        return f"coalesce(%s::jsonb ->> lower({sql}), lower({sql}))", (json.dumps(language_codes()), *params, *params)


def has_code(*codes: str) -> Q:
    return Q(elas__in=codes)


KNOWN = has_code(*STATUS_OF)
IS_TBD = has_code(*PENDING_CODES)
HAS_RECORD = Q(student__el__student_id__isnull=False)
IS_LEGACY = has_code(*LEGACY_CODES)
IS_DATED = Q(elas_date__isnull=False)
KNOWN_LANGUAGE = Q(In(Lower(F("language")), sorted(known_languages())))
UNKNOWN_LANGUAGE = ~Q(language="") & ~KNOWN_LANGUAGE

_new_status = Case(
    *(When(elas=code, then=Value(status.value)) for code, status in STATUS_OF.items()), output_field=CharField()
)
STATE_ELAS = Case(When(elas="TVD", then=Value("TBD")), default=F("elas"), output_field=CharField())
_file_date = F("elas_date")
_record_last_date = Case(
    When(student__el__program_status=ProgramStatus.PENDING, then=F("student__el__tbd_date")),
    When(
        student__el__program_status=ProgramStatus.EXITED,
        then=Coalesce(F("student__el__exit_date"), F("student__el__identified_date")),
    ),
    default=F("student__el__identified_date"),
    output_field=DateField(),
)
_status_differs = Q(Differs(F("student__el__program_status"), _new_status))
# The plain comparison comes first: it is a tenth of the work and settles most lines.
_language_differs = (
    Q(Differs(F("language"), F("student__home_language")))
    & KNOWN_LANGUAGE
    & Q(Differs(LanguageCode(F("language")), LanguageCode(F("student__home_language"))))
)


def may_overwrite(*, fill_only: bool) -> Q:
    """May the line's status be written to this student's record? Fill only (rule E-6): to a pending one, and never RFEP."""
    if not fill_only:
        return KNOWN & HAS_RECORD
    return KNOWN & HAS_RECORD & Q(student__el__program_status=ProgramStatus.PENDING) & ~has_code("RFEP")


def _exits(rfep_date: str) -> Q:
    """Lines whose date goes to the Exit Date: those with RFEP, if the option asks for it."""
    return has_code("RFEP") if rfep_date == "exit" else Q(pk__isnull=True)


def _record_date(rfep_date: str) -> Case:
    """The date on record that the file's date is to be compared with: the one that it would overwrite."""
    return Case(
        When(IS_TBD, then=F("student__el__tbd_date")),
        When(_exits(rfep_date), then=F("student__el__exit_date")),
        default=F("student__el__identified_date"),
        output_field=DateField(),
    )


def warning_rules(*, rfep_date: str = "identified", fill_only: bool = False, strict: bool = False) -> list[Rule]:
    """W-ELA-1 to W-ELA-4 and the codes that cannot be imported. `strict`: TVD is refused instead of read as TBD."""
    record_date = _record_date(rfep_date)
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
            when=KNOWN & HAS_RECORD & _status_differs,
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
            when=KNOWN & HAS_RECORD & IS_DATED & Q(_present(record_date)) & Q(Differs(_file_date, record_date)),
            found=F("elas_date"),
            expected=record_date,
            params={"effect": effect},
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
    return HAS_RECORD & _status_differs & IS_DATED & Q(_earlier(_file_date, _record_last_date))


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
    record_date = _record_date(rfep_date)
    out_of_sequence = Q(pk__isnull=True)
    for status, codes in FOLLOWS.items():
        out_of_sequence |= Q(student__el__program_status=status) & ~has_code(*codes)
    english = Q(In(LanguageCode(F("language")), ["eng", "ase", "sgn"]))
    new_status = KNOWN & HAS_RECORD & _status_differs & IS_DATED
    too_early = Q(_not_later(_file_date, _record_last_date))
    if strict:
        too_early = ~Q(Differs(_file_date, _record_last_date))
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
            & ~_status_differs
            & IS_DATED
            & Q(_present(record_date))
            & Q(Differs(_file_date, record_date)),
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


def plan(*, rfep_date: str, fill_only: bool = False, strict: bool = False) -> Sequence[PlannedChange]:
    """EL record created or overwritten by the table of section 8, the state's values beside it; language replaced.

    `strict`: a line with a code of no single meaning (FEP) changes nothing, its language included.
    """
    exits = _exits(rfep_date)
    identified = ~IS_TBD & ~exits
    may_update = may_overwrite(fill_only=fill_only)
    may_create = KNOWN & ~HAS_RECORD
    replace_language = _language_differs
    if fill_only:
        may_create &= ~has_code("RFEP")
        replace_language &= Q(student__home_language="")
    if strict:
        replace_language &= ~IS_LEGACY

    def chosen(applies: Q, old: str) -> Case:
        return Case(
            When(may_update & applies & IS_DATED, then=F("elas_date")), default=F(old), output_field=DateField()
        )

    def chosen_new(applies: Q) -> Case:
        return Case(When(applies & IS_DATED, then=F("elas_date")), default=None, output_field=DateField())

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
                "state_elas": STATE_ELAS,
                "state_elas_date": F("elas_date"),
                "state_language": Case(
                    When(KNOWN_LANGUAGE, then=LanguageCode(F("language"))), default=Value(""), output_field=CharField()
                ),
            },
        ),
        PlannedUpdate(
            kind=EL_KIND,
            part=EL,
            when=HAS_RECORD & (KNOWN | KNOWN_LANGUAGE) & (~IS_LEGACY if strict else Q()),
            object_id=F("student__id"),
            fields={
                "program_status": (
                    F("student__el__program_status"),
                    Case(
                        When(may_update, then=_new_status),
                        default=F("student__el__program_status"),
                        output_field=CharField(),
                    ),
                ),
                "identified_date": (
                    F("student__el__identified_date"),
                    chosen(identified, "student__el__identified_date"),
                ),
                "tbd_date": (F("student__el__tbd_date"), chosen(IS_TBD, "student__el__tbd_date")),
                "exit_date": (F("student__el__exit_date"), chosen(exits, "student__el__exit_date")),
                **_state_values(_record_date(rfep_date)),
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


def _state_values(date_on_record: Case) -> dict[str, tuple[Any, Any]]:
    """State values of a record that is there: noted as soon as the state's word and ours are, or were, two.

    A line that says what is on record, about a student whose state values were never noted, stays unchanged: the local
    values are the state's then, and a first import does not turn into a change for every student.
    """
    differs = KNOWN & (_status_differs | (IS_DATED & Q(Differs(_file_date, date_on_record))))
    noted = (
        ~Q(student__el__state_elas="")
        | Q(student__el__state_elas_date__isnull=False)
        | ~Q(student__el__state_language="")
    )
    notes = differs | _language_differs | noted

    def value(applies: Q, new: Any, old: str, field: "models.Field[Any, Any]") -> tuple[Any, Any]:
        return F(old), Case(When(notes & applies, then=new), default=F(old), output_field=field)

    return {
        "state_elas": value(KNOWN, STATE_ELAS, "student__el__state_elas", CharField()),
        "state_elas_date": value(KNOWN, F("elas_date"), "student__el__state_elas_date", DateField()),
        "state_language": value(
            KNOWN_LANGUAGE, LanguageCode(F("language")), "student__el__state_language", CharField()
        ),
    }
