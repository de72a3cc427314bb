"""Rules on which student a line is about: names, birth date and gender against the record (rules D-1 to D-5, D-13)."""

from django.db import models
from django.db.models import Case, CharField, F, Func, Q, Value, When
from django.db.models.functions import Lower

from sisimport.files.issues import Severity
from sisimport.imports.definition.expressions import Differs
from sisimport.imports.definition.import_type import RunContext
from sisimport.imports.definition.names import is_far, loosely
from sisimport.imports.definition.rules import Rule
from sisimport.imports.engine.identifiers import near_text
from students.models.people import Loose

ERROR, WARNING, NOTICE = Severity.ERROR, Severity.WARNING, Severity.NOTICE


class _Rearranged(Func):
    """A date as text with day and month in the given order."""

    function = "to_char"
    output_field = models.TextField()


def find_student_rules(context: RunContext) -> list[Rule]:
    """D-1 and D-2: the local number must lead to one student whom this run may touch."""
    return [
        Rule(
            number="D-1",
            code="STU-NOTFOUND",
            severity=ERROR,
            field="local_number",
            when=~context.matched & Q(candidates__lt=2),
            found=F("local_number"),
            params={"near_text": near_text()},
            needs_student=False,
        ),
        Rule(
            number="D-2",
            code="STU-AMBIGUOUS",
            severity=ERROR,
            field="local_number",
            when=Q(candidates__gte=2),
            found=F("local_number"),
            params={"candidates": F("candidate_text")},
            needs_student=False,
        ),
    ]


def name_rules(field: str, record: str, *, severity: Severity = ERROR) -> list[Rule]:
    """D-3 and D-13 for one name: differing, or differing only by case, accents, punctuation, spaces, suffix or middle name."""
    differs = Q(Differs(F(field), F(record)))
    middle = "student__match_middle_name" if field == "first_name" else ""
    far = is_far(field, record, middle=middle)
    return [
        Rule(
            number="D-3",
            code="DEMO-MISMATCH",
            severity=severity,
            field=field,
            when=differs & far,
            found=F(field),
            expected=F(record),
            forgivable=True,
        ),
        Rule(
            number="D-13",
            code="DEMO-NEAR",
            severity=severity,
            field=field,
            when=differs & ~far,
            found=F(field),
            expected=F(record),
            params={"difference": _difference(field, record)},
            forgivable=True,
        ),
    ]


def _difference(field: str, record: str) -> Case:
    return Case(
        When(Q(Differs(loosely(F(field)), loosely(F(record)))), then=Value("middle name")),
        When(Q(Differs(Loose(F(field)), Loose(F(record)))), then=Value("suffix")),
        When(~Q(Differs(Lower(F(field)), Lower(F(record)))), then=Value("case")),
        default=Value("accents, hyphen, apostrophe, period or spaces"),
        output_field=CharField(),
    )


def birth_date_rule(*, severity: Severity = ERROR, number: str = "D-4") -> Rule:
    swapped = ~Q(
        Differs(
            _Rearranged(F("birth_date"), Value("YYYYDDMM")), _Rearranged(F("student__birth_date"), Value("YYYYMMDD"))
        )
    )
    return Rule(
        number=number,
        code="DEMO-MISMATCH",
        severity=severity,
        field="birth_date",
        when=Q(birth_date__isnull=False) & Q(Differs(F("birth_date"), F("student__birth_date"))),
        found=F("birth_date"),
        expected=F("student__birth_date"),
        forgivable=True,
        params={
            "hint_text": Case(
                When(swapped, then=Value(" Day and month may be swapped.")), default=Value(""), output_field=CharField()
            )
        },
    )


def gender_rule(*, severity: Severity = ERROR, number: str = "D-5") -> Rule:
    """Compared with the legal gender if one is recorded. X in the file fits a student who is X with legal gender M or
    F."""
    recorded = Case(
        When(~Q(student__legal_gender=""), then=F("student__legal_gender")),
        default=F("student__gender"),
        output_field=CharField(),
    )
    both_x = Q(gender="X") & Q(student__gender="X") & ~Q(student__legal_gender="")
    return Rule(
        number=number,
        code="DEMO-MISMATCH",
        severity=severity,
        field="gender",
        when=~Q(gender="") & Q(Differs(F("gender"), recorded)) & ~both_x,
        found=F("gender"),
        expected=recorded,
        forgivable=True,
    )
