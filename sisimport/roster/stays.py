"""Rules about the enrollment of a line: its dates, which one it is about, and a second one beside one that is still open."""

from collections.abc import Callable
from typing import Any, Final

from django.db.models import CharField, F, Q
from django.db.models.functions import Cast

from sisimport.files.issues import Severity
from sisimport.imports.definition.rules import Rule
from sisimport.imports.engine.sql import execute

# The first day of the school year after that in which an enrollment began.
_NEXT_YEAR: Final = "(date_trunc('year', e.start_date + interval '6 months') + interval '6 months')::date"


def find_overlaps() -> None:
    """Which lines would make a second enrollment at a school where the student is enrolled without an exit, and since when.

    One that begins in a later school year is what a new year brings; one that ended before is history; and a line of the file
    may end the first one.
    """
    execute(
        f"""
        UPDATE staged_roster r SET open_since = o.since FROM (
          SELECT r.line, min(e.start_date) AS since
          FROM staged_roster r JOIN students_enrollment e ON e.student_id = r.student_pk AND e.school_id = r.school_pk
            AND e.exit_date IS NULL AND e.start_date <> r.enrollment_start
          WHERE NOT r.is_new AND NOT r.refused AND e.start_date < coalesce(r.enrollment_exit, 'infinity')
            AND r.enrollment_start < {_NEXT_YEAR} GROUP BY r.line
        ) AS o
        WHERE o.line = r.line AND NOT EXISTS (
          SELECT 1 FROM staged_roster c WHERE c.student_pk = r.student_pk AND c.school_pk = r.school_pk
            AND c.enrollment_start = o.since AND c.enrollment_exit IS NOT NULL)
        """
    )


def rules(rule: Callable[..., Rule]) -> list[Rule]:
    """`rule` makes one of the roster's rules."""
    return [
        _ends_before(rule, "enrollment_start"),
        _ends_before(rule, "undated__start_date"),
        rule(
            "roster",
            "ENR-WHICH",
            Severity.WARNING,
            "enrollment_start",
            Q(undated_pk=0) & (~Q(grade="") | Q(enrollment_exit__isnull=False)),
        ),
        rule(
            "roster",
            "ENR-OVERLAP",
            Severity.WARNING,
            "enrollment_start",
            Q(open_since__isnull=False, enrollment__id__isnull=True),
            expected=Cast("open_since", CharField()),
        ),
    ]


def _ends_before(rule: Callable[..., Rule], start: str) -> Rule:
    when: dict[str, Any] = {"enrollment_exit__lt": F(start)}
    return rule("roster", "ENR-DATES", Severity.ERROR, "enrollment_exit", Q(**when), expected=F(start))
