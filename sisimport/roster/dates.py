"""Impossible or unlikely dates in a roster: ages by grade, events before birth, enrollments far in the future.

In every import type the reader refuses births and English learner dates after today.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from operator import or_
from typing import Any, Final

from django.db.models import Case, CharField, DateField, F, Func, IntegerField, Q, Value, When
from django.db.models.functions import Cast
from django.utils import timezone

from sisimport.files.issues import Severity
from sisimport.imports.definition.english_learner import IsEarlier
from sisimport.imports.definition.expressions import Differs
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.definition.rules import Rule
from students.school_years import last_day_of_next

# Ages that no one needs to check, by grade; adults of any age are in grade AD.
USUAL_AGES: Final = {
    "IN": (0, 3),
    "TD": (0, 4),
    "PS": (1, 7),
    "TK": (3, 7),
    "KN": (3, 8),
    **{f"{grade:02}": (grade + 3, max(grade + 8, 13) if grade < 9 else 23) for grade in range(1, 13)},
    "UE": (3, 16),
    "US": (9, 23),
    "AD": (13, 100),
    "": (0, 100),
}
ENROLLMENT_DATES: Final = ("enrollment_start", "enrollment_exit")
EL_DATES: Final = ("el_identified_date", "el_tbd_date", "el_exit_date")
# Unless the record is already like that: the state's start date of a status replaces the Identified Date.
_EXIT_FIRST: Final = Q(IsEarlier(F("el_exit_date"), F("el_identified_date"))) & (
    Q(Differs(F("el_exit_date"), F("student__el__exit_date")))
    | Q(Differs(F("el_identified_date"), F("student__el__identified_date")))
)
# English learner dates that an error is about.
EL_IMPOSSIBLE: Final = reduce(or_, (Q(IsEarlier(F(name), F("birth_date"))) for name in EL_DATES), _EXIT_FIRST)


class _Age(Func):
    """Whole years between a birth date (second) and a day."""

    template = "date_part('year', age(%(expressions)s))::int"
    output_field = IntegerField()


def rules(context: RunContext, rule: Callable[..., Rule]) -> list[Rule]:  # noqa: ARG001
    """`rule` makes one of the roster's rules."""
    today = timezone.localdate()
    last_day = last_day_of_next(today)
    unusual = Q(pk__isnull=True)
    for grade, (youngest, oldest) in USUAL_AGES.items():
        born_after, born_before = _years_ago(today, youngest), _years_ago(today, oldest + 1)
        unusual |= Q(grade=grade) & (Q(birth_date__gt=born_after) | Q(birth_date__lte=born_before))
    return [
        replace(
            rule("roster", "STU-AGE", Severity.WARNING, "birth_date", unusual, expected=_USUAL),
            params={"years": _Age(Cast(Value(today), DateField()), F("birth_date"))},
        ),
        *(
            rule(
                "roster",
                "ELA-BIRTH",
                Severity.ERROR,
                name,
                Q(**{f"{name}__lt": F("birth_date")}),
                part="el",
                expected=F("birth_date"),
            )
            for name in EL_DATES
        ),
        *(
            rule("roster", "ELA-BORN", Severity.WARNING, name, Q(**{name: F("birth_date")}), part="el")
            for name in EL_DATES
        ),
        rule(
            "roster",
            "ELA-EXIT",
            Severity.ERROR,
            "el_exit_date",
            _EXIT_FIRST,
            part="el",
            expected=F("el_identified_date"),
        ),
        *(
            rule(
                "roster",
                "ENR-BIRTH",
                Severity.ERROR,
                name,
                Q(**{f"{name}__lte": F("birth_date")}),
                expected=F("birth_date"),
            )
            for name in ENROLLMENT_DATES
        ),
        *(
            rule("roster", "ENR-FUTURE", Severity.ERROR, name, Q(**{f"{name}__gt": last_day}), expected=f"{last_day}")
            for name in ENROLLMENT_DATES
        ),
    ]


def _years_ago(today: Any, years: int) -> Any:
    return today.replace(year=today.year - years, day=min(today.day, 28))


_USUAL = Case(
    *(
        When(grade=grade, then=Value(f"an age of {youngest} to {oldest}{f' in grade {grade}' if grade else ''}"))
        for grade, (youngest, oldest) in USUAL_AGES.items()
    ),
    default=Value(""),
    output_field=CharField(),
)
