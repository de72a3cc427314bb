"""English learner data of a line: what its values mean, and the overwrite table (section 8 of the SSID rules).

The issues reported about them are in `english_learner`.

Source: CALPADS SSID Import (vendor help page, 2022).
"""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.db import models
from django.db.models import Case, CharField, DateField, F, Func, Q, Value, When
from django.db.models.functions import Lower
from django.db.models.lookups import In

from sisimport.imports.definition.change_kinds import EL_KIND, STUDENT_KIND
from sisimport.imports.definition.english_learner import OLDER_STATUS, RECORD_SINCE, IsEarlier
from sisimport.imports.definition.expressions import Differs
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.definition.options import Choice, Option
from sisimport.imports.definition.rules import PlannedChange, PlannedCreate, PlannedUpdate
from students.models import ProgramStatus

EL = "el"
LANGUAGE = "language"  # nothing is planned for this part: its errors do not block the status of the line
PART_OF_FIELD = {"elas": EL, "elas_date": EL, "language": LANGUAGE}
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
RFEP_DATE = Option(
    name="rfep_date",
    label="Save the date of an RFEP status as",
    default="identified",
    district_default=True,
    choices=(
        Choice(value="identified", label="Identified Date", hint="As the CALPADS screen does."),
        Choice(value="exit", label="Exit Date", hint="The state's date is the day of reclassification."),
    ),
)
EL_OPTIONS = (RFEP_DATE, OLDER_STATUS)


@cache
def language_codes() -> dict[str, str]:
    """Two-digit codes and old spellings, in lower case -> three-letter code of the same language."""
    codes = _code_sets()
    return {code.lower(): to for code, to in (codes["language_2_to_3"] | codes["language_3_alias"]).items()}


@cache
def known_languages() -> frozenset[str]:
    """Every spelling of a primary language that the state uses or used, in lower case."""
    codes = _code_sets()
    listed = {code.lower() for name in ("language_2", "language_3") for code in codes[name]}
    return frozenset(listed | language_codes().keys())


@cache
def _code_sets() -> dict[str, dict[str, str]]:
    with (Path(__file__).parents[1] / "layouts" / "codes.toml").open("rb") as stream:
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

NEW_STATUS = Case(
    *(When(elas=code, then=Value(status.value)) for code, status in STATUS_OF.items()), output_field=CharField()
)
STATE_ELAS = Case(When(elas="TVD", then=Value("TBD")), default=F("elas"), output_field=CharField())
FILE_DATE = F("elas_date")
STATUS_DIFFERS = Q(Differs(F("student__el__program_status"), NEW_STATUS))
# A status that differs from the one on record and began before it (SELA0285).
IS_OLDER = HAS_RECORD & IS_DATED & STATUS_DIFFERS & Q(IsEarlier(FILE_DATE, RECORD_SINCE))
# The plain comparison comes first: it costs a tenth and settles most lines.
LANGUAGE_DIFFERS = (
    Q(Differs(F("language"), F("student__home_language")))
    & KNOWN_LANGUAGE
    & Q(Differs(LanguageCode(F("language")), LanguageCode(F("student__home_language"))))
)


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What was chosen for the English learner data of one file."""

    rfep_date: str = "identified"
    fill_only: bool = False
    keep_newer: bool = False

    @classmethod
    def of(cls, context: RunContext) -> "Choices":
        """The options of a run; an import type without the “fill only” option overwrites."""
        return cls(
            rfep_date=context.option(RFEP_DATE.name),
            keep_newer=context.option(OLDER_STATUS.name) == "keep",
            fill_only=context.option("ela_mode") == "fill",
        )


def may_overwrite(chosen: Choices) -> Q:
    """May the line's status be written to this student's record? Fill only (rule E-6): only to a pending one, and never
    RFEP."""
    may = KNOWN & HAS_RECORD
    if chosen.fill_only:
        may &= Q(student__el__program_status=ProgramStatus.PENDING) & ~has_code("RFEP")
    if chosen.keep_newer:
        may &= ~IS_OLDER
    return may


def _exits(rfep_date: str) -> Q:
    """Lines whose date goes to the Exit Date: those with RFEP, if the option says so."""
    return has_code("RFEP") if rfep_date == "exit" else Q(pk__isnull=True)


def record_date(rfep_date: str) -> Case:
    """The date on record that the file's date is to be compared with: the one that it would overwrite."""
    return Case(
        When(IS_TBD, then=F("student__el__tbd_date")),
        When(_exits(rfep_date), then=F("student__el__exit_date")),
        default=F("student__el__identified_date"),
        output_field=DateField(),
    )


def plan(choices: Choices) -> Sequence[PlannedChange]:
    """EL record created or overwritten by the table of section 8, the state's values stored next to it; language
    replaced.

    The language does not depend on the status: a line with a code of no single meaning (FEP) still brings its language.
    """
    replace_language = LANGUAGE_DIFFERS
    if choices.fill_only:
        replace_language &= Q(student__home_language="")
    return [
        _new_record(choices),
        _changed_record(choices),
        PlannedUpdate(
            kind=STUDENT_KIND,
            part=EL,
            when=replace_language,
            object_id=F("student__id"),
            fields={"home_language": (F("student__home_language"), LanguageCode(F("language")))},
        ),
    ]


def _new_record(choices: Choices) -> PlannedCreate:
    exits = _exits(choices.rfep_date)

    def date_where(applies: Q) -> Case:
        return Case(When(applies & IS_DATED, then=F("elas_date")), default=None, output_field=DateField())

    return PlannedCreate(
        kind=EL_KIND,
        part=EL,
        when=KNOWN & ~HAS_RECORD & ~has_code("RFEP") if choices.fill_only else KNOWN & ~HAS_RECORD,
        object_id=F("student__id"),
        values={
            "program_status": NEW_STATUS,
            "identified_date": date_where(~IS_TBD & ~exits),
            "tbd_date": date_where(IS_TBD),
            "exit_date": date_where(exits),
            "state_elas": STATE_ELAS,
            "state_elas_date": F("elas_date"),
            "state_language": Case(
                When(KNOWN_LANGUAGE, then=LanguageCode(F("language"))), default=Value(""), output_field=CharField()
            ),
        },
    )


def _changed_record(choices: Choices) -> PlannedUpdate:
    exits = _exits(choices.rfep_date)
    may_update = may_overwrite(choices)
    status = F("student__el__program_status")

    def date_where(applies: Q, old: F) -> tuple[F, Case]:
        written = When(may_update & applies & IS_DATED, then=F("elas_date"))
        return old, Case(written, default=old, output_field=DateField())

    return PlannedUpdate(
        kind=EL_KIND,
        part=EL,
        when=HAS_RECORD & (KNOWN | KNOWN_LANGUAGE),
        object_id=F("student__id"),
        fields={
            "program_status": (
                status,
                Case(When(may_update, then=NEW_STATUS), default=status, output_field=CharField()),
            ),
            "identified_date": date_where(~IS_TBD & ~exits, F("student__el__identified_date")),
            "tbd_date": date_where(IS_TBD, F("student__el__tbd_date")),
            "exit_date": date_where(exits, F("student__el__exit_date")),
            **_state_values(record_date(choices.rfep_date)),
        },
    )


def _state_values(date_on_record: Case) -> dict[str, tuple[Any, Any]]:
    """State values of an existing record: noted as soon as the state's value and ours differ or differed.

    A line that matches the record of a student whose state values were never noted stays unchanged: the local values
    then count as the state's, so a first import does not become a change for every student.
    """
    differs = KNOWN & (STATUS_DIFFERS | (IS_DATED & Q(Differs(FILE_DATE, date_on_record))))
    noted = (
        ~Q(student__el__state_elas="")
        | Q(student__el__state_elas_date__isnull=False)
        | ~Q(student__el__state_language="")
    )
    notes = differs | LANGUAGE_DIFFERS | noted

    def value(applies: Q, new: Any, old: str, field: "models.Field[Any, Any]") -> tuple[Any, Any]:
        return F(old), Case(When(notes & applies, then=new), default=F(old), output_field=field)

    return {
        "state_elas": value(KNOWN, STATE_ELAS, "student__el__state_elas", CharField()),
        # The same status without a date brings nothing new about the date.
        "state_elas_date": value(
            KNOWN & (IS_DATED | ~Q(student__el__state_elas=STATE_ELAS)),
            F("elas_date"),
            "student__el__state_elas_date",
            DateField(),
        ),
        "state_language": value(
            KNOWN_LANGUAGE, LanguageCode(F("language")), "student__el__state_language", CharField()
        ),
    }
