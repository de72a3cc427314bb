"""Rules about lines: repeated lines (D-11), an LEA or school that is not the student's (D-12)."""

from dataclasses import replace

from django.db.models import Exists, F, OuterRef, Q

from sisimport.files.issues import Severity
from sisimport.imports.definition.expressions import Differs
from sisimport.imports.definition.rules import Rule
from ssid.rules.ssids import OWN_NUMBER, SSID_PART, VALID_SSID
from students.models import LEA, Enrollment

ERROR, WARNING, NOTICE = Severity.ERROR, Severity.WARNING, Severity.NOTICE


def duplicate_rules() -> list[Rule]:
    """D-11: the same local number or SSID twice; equal lines are a warning, differing ones an error."""

    def pair(name: str, field: str, part: str) -> list[Rule]:
        return [
            Rule(
                number="D-11",
                code="DUP-SAME",
                severity=WARNING,
                field=field,
                when=Q(**{name: 1}),
                found=F(field),
                params={"first_line": F(f"{name}_line")},
                needs_student=False,
            ),
            Rule(
                number="D-11",
                code="DUP-DIFFERS",
                severity=ERROR,
                field=field,
                part=part,
                when=Q(**{name: 2}),
                found=F(field),
                params={"first_line": F(f"{name}_line")},
                needs_student=False,
            ),
        ]

    by_number = pair("dup_number", "local_number", "record")
    by_ssid = pair("dup_ssid", "ssid", SSID_PART)[1]
    # A spreadsheet gives many lines the same damaged number: only a valid SSID can be reported as belonging to two
    # students.
    return [*by_number, replace(by_ssid, when=by_ssid.when & VALID_SSID & ~OWN_NUMBER)]


def enrollment_rules() -> list[Rule]:
    """D-12: LEA or school unknown, or the student is not enrolled there."""
    known_leas = list(LEA.objects.values_list("code", flat=True))
    enrolled = Exists(Enrollment.objects.filter(student=OuterRef("student__id"), school=OuterRef("known_school__id")))
    return [
        Rule(
            number="D-12",
            code="ENR-LEA",
            severity=WARNING,
            field="lea",
            when=~Q(lea__in=known_leas) & ~Q(lea=""),
            found=F("lea"),
            needs_student=False,
        ),
        Rule(
            number="D-12",
            code="ENR-SCHOOL",
            severity=WARNING,
            field="school",
            when=Q(known_school__id__isnull=True) & Q(lea__in=known_leas) & ~Q(school=""),
            found=F("school"),
            needs_student=False,
        ),
        Rule(
            number="D-12",
            code="ENR-OTHER",
            severity=WARNING,
            field="school",
            when=Q(known_school__id__isnull=False)
            & Q(Differs(F("student__school_id"), F("known_school__id")))
            & ~Q(enrolled),
            found=F("school"),
        ),
    ]
