"""The students of one request for SSIDs, as lists everywhere are (sisimport.web.lists)."""

from collections.abc import Iterator
from typing import Any

from django.db.models import Q, QuerySet

from sisimport.runtime.row_scope import across_schools
from sisimport.web.lists import Column, List, Listing
from ssid.requests.services import STATES
from students.models import School

STUDENTS = List(
    key="request-students",
    columns=(
        Column(name="line", label="Line", order=("line",), number=True, css="w-s"),
        Column(name="student", label="Student", order=("student__last_key", "student__first_key")),
        Column(name="number", label="Local number", order=("local_number",), css="w-m"),
        Column(name="school", label="School", order=("school__name", "school__code"), then=("line",)),
        Column(name="state", label="State", order=("state",), then=("line",), css="w-l"),
    ),
    start="line",
    filters=("state", "school"),
    file_name="ssid-request-students",
)
HEAD = ("Line", "Local number", "Last name", "First name", "Middle name", "Birth date", "School", "State")


def chosen_lines(lines: QuerySet[Any], listing: Listing) -> QuerySet[Any]:
    """Lines of a request, filtered and sorted like the list. Names are those on record, as on the page."""
    state, school = listing.chosen.get("state"), listing.chosen.get("school", "")
    if state in STATES:
        lines = lines.filter(state=state)
    if school.isdecimal():
        lines = lines.filter(school_id=int(school))
    for word in listing.text.split():
        begins = Q(student__last_name__istartswith=word) | Q(student__first_name__istartswith=word)
        lines = lines.filter(begins | Q(local_number__iexact=word))
    return listing.order(lines)


def schools_of(lines: QuerySet[Any]) -> list[tuple[str, str]]:
    """What the list can be filtered by: the schools of its students, by name."""
    found = School.objects.filter(pk__in=lines.order_by().values("school_id")).order_by("name", "code")
    return [(str(school.pk), school.name or school.code) for school in found]


def rows(lines: QuerySet[Any]) -> Iterator[tuple[Any, ...]]:
    """Rows of the export: the students that the page shows."""
    with across_schools():  # a student requested by one of the reader's schools may be at another one now
        found = list(lines)
    for line in found:
        student = line.student
        yield (
            line.line,
            line.local_number,
            student.last_name,
            student.first_name,
            student.middle_name,
            student.birth_date,
            line.school.name or line.school.code,
            STATES[line.state],
        )


__all__ = ["HEAD", "STUDENTS", "chosen_lines", "rows", "schools_of"]
