"""Updates of enrollment and exits for the state: SENR records with the SSID, of stays that began or ended since a day.

Source: CALPADS File Specifications, Student Enrollment (35 positions, 2024-25): an exit is the record of the stay with
its exit date and reason. An exit that needs a value not stored here (the completion status of E230) is left out.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any

from django.db.models import Case, CharField, F, OuterRef, Q, Subquery, When
from django.utils import timezone

from sisimport.files.issues import Severity
from sisimport.runtime.row_scope import across_schools
from ssid.requests.senr_file import READ, Draft, Entry, Gap, RequestRefusedError, entry_of, gaps_of
from students.exit_reasons import EXIT_REASONS
from students.models import SSID, Enrollment, School
from students.school_years import school_year_of

_SSID, _EXIT_DATE, _EXIT_REASON = 8, 25, 26  # positions
_NEEDS_COMPLETION = "E230"
_OF_STUDENT = tuple(
    name for name in READ if name not in {"id", "school_id", "school_code", "reported_gender", "enrolled_grade"}
)


@across_schools()  # a student who left one of these schools may be at another one now
def enrollment_draft(schools: Sequence[School], *, since: dt.date, today: dt.date | None = None) -> Draft:
    """Stays at these schools that began or ended from `since` to today, of students with an SSID: one record for each;
    those that lack something are left out and listed.

    Raises RequestRefusedError: no school, schools of several districts, a day in the future.
    """
    today = today or timezone.localdate()
    if not schools:
        raise RequestRefusedError("Choose at least one school.")
    if len({school.lea_id for school in schools}) > 1:
        raise RequestRefusedError("A file is made for the schools of one district; make one for each.")
    if since > today:
        raise RequestRefusedError(f"{since} is in the future: enter the day since which enrollments changed.")
    made = Draft(lea=schools[0].lea, schools=sorted(schools, key=lambda school: school.code), school_year="")
    for stay in _stays(made.schools, since, today):
        gaps = [*gaps_of(stay, today), *_exit_gaps(stay)]
        made.gaps += gaps
        if any(gap.severity is Severity.ERROR for gap in gaps):
            made.incomplete += 1
        else:
            made.entries.append(_entry(stay, made))
    return made


def exits_of(made: Draft) -> int:
    """How many of the records are exits."""
    return sum(1 for entry in made.entries if entry.values[_EXIT_DATE - 1])


def _stays(schools: Sequence[School], since: dt.date, today: dt.date) -> Iterator[dict[str, Any]]:
    """Each stay with its student, in the form that `gaps_of` and `entry_of` read; a future exit does not count as an
    exit."""
    current = SSID.objects.filter(student=OuterRef("student"), retired_at__isnull=True).values("ssid")[:1]
    began, ended = Q(start_date__range=(since, today)), Q(exit_date__range=(since, today))
    found = (
        Enrollment.objects.filter(began | ended, school__in=[school.pk for school in schools])
        .annotate(
            current_ssid=Subquery(current),
            reported_gender=Case(
                When(~Q(student__legal_gender=""), then=F("student__legal_gender")),
                default=F("student__gender"),
                output_field=CharField(),
            ),
        )
        .filter(current_ssid__isnull=False)
        .order_by("school__code", "student__local_number", "start_date")
    )
    own = (
        "exit_date",
        "exit_reason",
        "start_date",
        "grade",
        "current_ssid",
        "reported_gender",
        "student_id",
        "school_id",
    )
    read = [f"student__{name}" for name in _OF_STUDENT if name not in {"start_date", "exit_date"}]
    for row in found.values(*own, "school__code", *read).iterator(chunk_size=4000):
        stay = {name.removeprefix("student__"): value for name, value in row.items() if name.startswith("student__")}
        left = row["exit_date"] is not None and row["exit_date"] <= today
        yield stay | {
            "id": row["student_id"],
            "school_id": row["school_id"],
            "school_code": row["school__code"],
            "reported_gender": row["reported_gender"],
            "enrolled_grade": row["grade"],
            "start_date": row["start_date"],
            "exit_date": row["exit_date"] if left else None,
            "exit_reason": row["exit_reason"].upper() if left else "",
            "current_ssid": row["current_ssid"],
        }


def _exit_gaps(stay: dict[str, Any]) -> Iterator[Gap]:
    if stay["exit_date"] is None:
        return
    problem = ""
    if not stay["exit_reason"]:
        problem = "The exit reason is missing."
    elif stay["exit_reason"] not in EXIT_REASONS:
        problem = "The exit reason is not one the state knows."
    elif stay["exit_reason"] == _NEEDS_COMPLETION:
        problem = (
            "The exit is for a completer (E230), whose completion status is not kept here; report it where it is kept."
        )
    if problem:
        yield Gap(stay["local_number"], stay["id"], stay["school_code"], "exit_reason", Severity.ERROR, problem)


def _entry(stay: dict[str, Any], made: Draft) -> Entry:
    """The 35 columns of one stay; the school year is that of its exit, else that of its start."""
    entry = entry_of(stay, made.lea, school_year_of(stay["exit_date"] or stay["start_date"]))
    values = list(entry.values)
    values[_SSID - 1] = stay["current_ssid"]
    if stay["exit_date"] is not None:
        values[_EXIT_DATE - 1] = stay["exit_date"].strftime("%Y%m%d")
        values[_EXIT_REASON - 1] = stay["exit_reason"]
    return Entry(entry.student_id, entry.school_id, entry.identity_hash, entry.birth_date, tuple(values))
