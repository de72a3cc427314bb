"""Facts that hardly ever change: birth date, gender, dates of an English learner. A value that differs from the record
is written and reported with both values.

Otherwise a mistyped date, or a twin's line, would silently change what the state finds a student by.
"""

from collections.abc import Callable
from typing import Final

from django.db.models import F, Q

from sisimport.files.issues import Severity
from sisimport.imports.definition.expressions import Differs
from sisimport.imports.definition.rules import Rule
from sisimport.roster import birth_dates, dates, other_people
from sisimport.roster.conditions import IS_LEGACY, IS_OLDER
from students.models import ProgramStatus

_CODES: Final = ("gender", "legal_gender")
_FIRST_STATUS: Final = "^(EO|English Only|IFEP|Not EL|Not LEP|TBD|TVD|Pending)$"
_LATER: Final = (ProgramStatus.EL, ProgramStatus.EXITED)


def rules(rule: Callable[..., Rule]) -> list[Rule]:
    """`rule` makes one of the roster's rules. Lines about another student, and exchanged days and months, have their
    own rules."""
    of_student = Q(student__id__isnull=False) & other_people.NOT_SOMEBODY_ELSE
    born = F("student__birth_date")
    other_day = Q(birth_date__isnull=False) & Q(Differs(F("birth_date"), born)) & ~birth_dates.swapped()
    return [
        rule("roster", "FACT-CHANGED", Severity.WARNING, "birth_date", of_student & other_day, expected=born),
        *(
            rule(
                "roster",
                "FACT-CHANGED",
                Severity.WARNING,
                name,
                of_student & _other(name),
                expected=F(f"student__{name}"),
            )
            for name in _CODES
        ),
        *_english_learner(rule),
    ]


def _english_learner(rule: Callable[..., Rule]) -> list[Rule]:
    """Dates that differ from the record, and a status that an English learner never returns to. Older ones have their
    own rule."""
    not_said = ~IS_OLDER & ~IS_LEGACY & ~dates.EL_IMPOSSIBLE
    back = Q(el_status__iregex=_FIRST_STATUS, student__el__program_status__in=_LATER)
    on_record = {name: f"student__el__{name.removeprefix('el_')}" for name in dates.EL_DATES}
    changed = [(name, record, _other_day(name, record)) for name, record in on_record.items()]
    changed.append(("el_status", "student__el__program_status", back))
    return [
        rule("roster", "EL-CHANGED", Severity.WARNING, name, not_said & when, part="el", expected=F(record))
        for name, record, when in changed
    ]


def _other_day(name: str, record: str) -> Q:
    return Q(**{f"{name}__isnull": False, f"{record}__isnull": False}) & Q(Differs(F(name), F(record)))


def _other(name: str) -> Q:
    record = F(f"student__{name}")
    return ~Q(**{name: ""}) & ~Q(**{f"student__{name}": ""}) & Q(Differs(F(name), record))
