"""Facts that hardly ever change in a life: birth date and gender. Another one than on record is written, and said with both.

A mistyped day, or the line of a twin, would change in silence by what the state finds a student.
"""

from collections.abc import Callable
from typing import Final

from django.db.models import F, Q

from sisimport.files.issues import Severity
from sisimport.imports.definition.expressions import Differs
from sisimport.imports.definition.rules import Rule
from sisimport.roster import birth_dates, other_people

_CODES: Final = ("gender", "legal_gender")


def rules(rule: Callable[..., Rule]) -> list[Rule]:
    """`rule` makes one of the roster's rules. Lines about somebody else, and exchanged days and months, say so themselves."""
    of_student = Q(student__id__isnull=False) & other_people.NOT_SOMEBODY_ELSE
    born = F("student__birth_date")
    other_day = Q(birth_date__isnull=False) & Q(Differs(F("birth_date"), born)) & ~birth_dates.swapped()
    return [
        rule("D-7", "FACT-CHANGED", Severity.WARNING, "birth_date", of_student & other_day, expected=born),
        *(
            rule(
                "D-7", "FACT-CHANGED", Severity.WARNING, name, of_student & _other(name), expected=F(f"student__{name}")
            )
            for name in _CODES
        ),
    ]


def _other(name: str) -> Q:
    record = F(f"student__{name}")
    return ~Q(**{name: ""}) & ~Q(**{f"student__{name}": ""}) & Q(Differs(F(name), record))
