"""The questions of the page English learners. Each is one condition shared by counts and lists: a number is the length
of its list.

el, rfep, ifep, eo, tbd      by program status
tbd-over                     to be determined for more than 30 days
elpac                        ELPAC overall 4, or Alternate ELPAC 3, and still EL: criterion 1 of reclassification
years-0, -4, -6, -unknown    EL, by full years since identified
rfep-2025, rfep-0            reclassified in a school year (by its spring); 0: the day is not known
"""

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from django.db.models import Case, DateField, Exists, F, IntegerField, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce, ExtractMonth, ExtractYear
from django.utils import timezone

from assessments.models import Assessment, ResultCount, Score
from students.models import ELRecord, LastDay, ProgramStatus
from students.school_years import year_label

STATUSES = {
    "el": (ProgramStatus.EL, "English learners (EL)"),
    "rfep": (ProgramStatus.EXITED, "Reclassified (RFEP)"),
    "ifep": (ProgramStatus.NOT_EL, "Initially fluent (IFEP)"),
    "eo": (ProgramStatus.EO, "English only (EO)"),
    "tbd": (ProgramStatus.PENDING, "To be determined (TBD)"),
}
LONGEST_TBD = 30  # days in which the state expects the status of a new student
LONG_TERM = 6  # years after which an English learner counts as long-term
BANDS = {"years-0": (0, 4), "years-4": (4, LONG_TERM), "years-6": (LONG_TERM, None)}  # full years: from, below
BAND_NAMES = {
    "years-0": "Less than 4 years",
    "years-4": "4 and 5 years",
    "years-6": "6 years or more: long-term",
    "years-unknown": "Day not known",
}
MET = {"ELPACS": "4", "ELPACSA": "3"}  # the level of each test that meets criterion 1
RFEP_YEAR = "rfep-"
_STATES_DAY = "state_elas_date"


def _or_states(field: str, elas: str) -> Coalesce:
    """The day on record, or else the state's if the state has the same status."""
    return Coalesce(F(field), Case(When(state_elas=elas, then=F(_STATES_DAY))), output_field=DateField())


TBD_SINCE = _or_states("tbd_date", "TBD")
IDENTIFIED = _or_states("identified_date", "EL")
RECLASSIFIED = _or_states("exit_date", "RFEP")
SPRING = Coalesce(
    ExtractYear(RECLASSIFIED) + Case(When(Q(exit_month__gte=7), then=Value(1)), default=Value(0)),
    Value(0),
    output_field=IntegerField(),
)


def years_before(day: dt.date, years: int) -> dt.date:
    """The same day some years earlier; February 28 for a leap day."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)


@dataclass(frozen=True)
class Asking:
    """Which records are counted: those of these schools (None: all), as of `today`, with the ELPAC of one school year
    (0: none)."""

    schools: frozenset[int] | None
    elpac_year: int = 0
    today: dt.date | None = None

    @cached_property
    def day(self) -> dt.date:
        return self.today or timezone.localdate()

    def within(self, schools: Collection[int]) -> "Asking":
        """The same for fewer schools: only schools that this one includes."""
        return replace(self, schools=frozenset(schools) if self.schools is None else self.schools & frozenset(schools))

    def on_record(self) -> QuerySet[ELRecord]:
        """Records of students of these schools, including those who have left."""
        records = ELRecord.objects.filter(student__school__isnull=False)
        return records if self.schools is None else records.filter(student__school__in=sorted(self.schools))

    def enrolled(self) -> QuerySet[ELRecord]:
        """Records of students enrolled today (as defined in students.missing)."""
        return self.on_record().exclude(Exists(LastDay.objects.filter(student=OuterRef("pk"), day__lt=self.day)))

    def reclassified(self) -> QuerySet[Any]:
        """Reclassified students, with the `spring` of the school year; including those who have left since."""
        exited = self.on_record().filter(program_status=ProgramStatus.EXITED)
        return exited.annotate(day=RECLASSIFIED, exit_month=ExtractMonth(RECLASSIFIED)).annotate(spring=SPRING)

    def may_exit(self) -> QuerySet[ELRecord]:
        """English learners whose ELPAC score of the year meets criterion 1."""
        learners = self.enrolled().filter(program_status=ProgramStatus.EL)
        return learners.filter(Exists(met_scores(self.elpac_year).filter(student=OuterRef("student_id"))))

    @property
    def tbd_is_over(self) -> Q:
        return Q(program_status=ProgramStatus.PENDING, tbd_since__lt=self.day - dt.timedelta(days=LONGEST_TBD))

    def band(self, name: str) -> Q:
        """English learners by the years since they were identified."""
        learner = Q(program_status=ProgramStatus.EL)
        if name not in BANDS:
            return learner & Q(identified__isnull=True)
        first, end = BANDS[name]
        condition = learner & Q(identified__isnull=False)
        condition &= Q(identified__lte=years_before(self.day, first)) if first else Q()
        return condition & (Q(identified__gt=years_before(self.day, end)) if end else Q())

    def students(self, what: str) -> QuerySet[Any] | None:
        """The records behind a number, with the relevant `day`. None: there is no such number."""
        if what == "elpac":
            return self.may_exit().annotate(day=IDENTIFIED) if self.elpac_year else None
        if what.startswith(RFEP_YEAR) and what.removeprefix(RFEP_YEAR).isdecimal():
            return self.reclassified().filter(Q(spring=int(what.removeprefix(RFEP_YEAR)[:4])))
        rows = self.enrolled()
        if what in STATUSES:
            day = {"tbd": TBD_SINCE, "rfep": RECLASSIFIED}.get(
                what, IDENTIFIED if what == "el" else F("identified_date")
            )
            return rows.filter(program_status=STATUSES[what][0]).annotate(day=day)
        if what == "tbd-over":
            return rows.annotate(tbd_since=TBD_SINCE, day=TBD_SINCE).filter(self.tbd_is_over)
        if what in BAND_NAMES:
            return rows.annotate(identified=IDENTIFIED, day=IDENTIFIED).filter(self.band(what))
        return None


def title_of(what: str, elpac_year: int) -> str:
    """What a number counts, in words."""
    if what in STATUSES:
        return STATUSES[what][1]
    if what in BAND_NAMES:
        return f"English learners, years since identified: {BAND_NAMES[what][0].lower()}{BAND_NAMES[what][1:]}"
    if what == "tbd-over":
        return f"In TBD for more than {LONGEST_TBD} days"
    if what == "elpac":
        return f"ELPAC {year_label(elpac_year)} overall 4 (Alternate 3), still EL"
    spring = int(what.removeprefix(RFEP_YEAR))
    return f"Reclassified (RFEP) in {year_label(spring)}" if spring else "Reclassified (RFEP), day not known"


# ---- ELPAC ----


def elpac_setups() -> dict[int, str]:
    """Set-ups of the Summative ELPAC and its alternate, with their codes."""
    return dict(Assessment.objects.filter(state_code__in=MET, parent__isnull=True).values_list("pk", "state_code"))


def elpac_years() -> list[int]:
    """School years with scores, newest first."""
    counted = ResultCount.objects.filter(assessment_id__in=elpac_setups(), student_group="all", tested__gt=0)
    return sorted(counted.values_list("school_year", flat=True).distinct(), reverse=True)


def met_scores(year: int) -> QuerySet[Score]:
    """Scores of a year's ELPAC that meet criterion 1."""
    setups = elpac_setups()
    levels = Q()
    for pk, code in setups.items():
        levels |= Q(assessment=pk, result=MET[code])
    scores = Score.objects.filter(levels, assessment__in=list(setups), school_year=year)
    # The index of whole tests' scores covers all but those from before 1.1, which do not say who was tested.
    older = ResultCount.objects.filter(assessment_id__in=setups, school_year=year, student_group="all", lea="")
    return scores if older.exists() else scores.exclude(as_tested="")
