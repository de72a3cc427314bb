"""The lists of the match desk: lines of a Test, and remembered matches, as lists everywhere are (sisimport.web.lists).

The names of a file are only in the file. A text is searched there, by the page's own bounded search, and the lines are
sorted by what the database has about them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from sisimport.files.issues import codes
from sisimport.imports.models import ImportRun, RememberedMatch
from sisimport.imports.runs.scope import Scope
from sisimport.imports.storage.records import chunked
from sisimport.matching import desk
from sisimport.matching.desk import DeskLine, LineState
from sisimport.web.lists import Column, List, Listing
from sisimport.web.queries.data_lines import lines_with_text
from students.models import School, Student
from students.search import named

_BLOCK = 250
MOST_RANKED = 2_000  # lines compared with all records for one view of a list by likeness
LINES = List(
    key="near-matches",
    columns=(
        Column(name="line", label="Line", order=("line",)),
        Column(name="cause", label="Why it waits", order=("cause",), then=("line",)),
        Column(name="school", label="School of the student", order=("school",), then=("line",)),
        Column(name="likeness", label="Similarity", order=("likeness",), then=("line",), number=True),
    ),
    start="line",
    filters=("state", "cause", "school"),
    per_page=10,
    file_name="near-matches",
)
LINES_HEAD = (
    "Line", "Last name", "First name", "Middle name", "Birth date", "Gender", "Local number", "Why it waits",
    "Most similar student", "Local number on record", "Similarity", "What differs", "Similar students",
)  # fmt: skip
REMEMBERED = List(
    key="remembered-matches",
    columns=(
        Column(name="number", label="Number in the file", order=("local_number",), css="w-m"),
        Column(name="student", label="Student", order=("last_key", "first_key")),
        Column(name="school", label="School", order=("school",), then=("last_key", "first_key")),
        Column(name="accepted", label="Accepted", order=("made_at",), number=False),
        Column(name="reason", label="Reason", order=("reason",)),
        Column(name="forget", label="Take back", hidden=True, css="w-m"),
    ),
    start="-accepted",
    filters=("school",),
    per_page=50,
    file_name="remembered-matches",
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A line of the list before its page is cut: what it can be filtered and sorted by."""

    line: int
    codes: tuple[str, ...]
    school_id: int | None
    cause: str
    school: str
    likeness: float = 0.0


@dataclass(frozen=True, slots=True)
class Chosen:
    """Line numbers, filtered and sorted like the list. `capped`: a text was found on more lines than are searched;
    `unranked`: lines further down that were not compared and so come last in a list by likeness."""

    lines: list[int]
    capped: bool
    unranked: int


def waiting_lines(run: ImportRun, state: LineState, scope: Scope) -> list[Waiting]:
    """All lines of one state with why they wait, in file order."""
    causes = desk.causes(run, desk.line_numbers(run, state, scope))
    names = dict(School.objects.filter(pk__in={school for _codes, school in causes.values()}).values_list("pk", "name"))
    return [
        Waiting(line, found, school, _title(found[0]) if found else "", names.get(school or 0, ""))
        for line, (found, school) in sorted(causes.items())
    ]


def chosen_lines(run: ImportRun, rows: Sequence[Waiting], listing: Listing, state: LineState, scope: Scope) -> Chosen:
    """The lines, filtered and sorted like the list."""
    cause, school = listing.chosen.get("cause", ""), listing.chosen.get("school", "")
    found = [row for row in rows if cause in ("", *row.codes) and school in ("", str(row.school_id))]
    capped = False
    if text := listing.text:
        lines, capped = lines_with_text(run, text)
        wanted = {*lines, int(text)} if text.isdecimal() and len(text) < 10 else set(lines)
        found = [row for row in found if row.line in wanted]
    unranked: list[Waiting] = []
    if listing.sort.removeprefix("-") == "likeness":
        found, unranked = found[:MOST_RANKED], found[MOST_RANKED:]
        alike = desk.likeness(run, [row.line for row in found], state, scope)
        found = [replace(row, likeness=alike.get(row.line, 0.0)) for row in found]
    ordered = [*listing.sorted(found), *unranked]
    return Chosen([row.line for row in ordered], capped, len(unranked))


def choices(rows: Sequence[Waiting]) -> dict[str, list[tuple[str, str]]]:
    """What the list can be filtered by: the causes and schools in it, by name."""
    causes = {code: _title(code) for row in rows for code in row.codes}
    schools = {str(row.school_id): row.school for row in rows if row.school_id}
    return {
        "causes": sorted(causes.items(), key=lambda choice: choice[1]),
        "schools": sorted(schools.items(), key=lambda choice: choice[1]),
    }


def _title(code: str) -> str:
    return codes.get(code).title if code in codes else code


def line_rows(run: ImportRun, lines: Sequence[int], state: LineState, scope: Scope) -> Iterator[tuple[Any, ...]]:
    """Rows of the export: the line next to the most similar student, in words."""
    for block in chunked(list(lines), _BLOCK):
        for entry in desk.desk_lines(run, block, state, scope):
            yield _line_row(entry)


def _line_row(entry: DeskLine) -> tuple[Any, ...]:
    given, best = entry.given, entry.offers[0] if entry.offers else None
    return (
        entry.line,
        given.last_name,
        given.first_name,
        given.middle_name,
        given.birth_date,
        given.gender,
        given.local_number,
        ", ".join(_title(code) for code in entry.codes),
        best.student.full_name if best else "",
        best.student.local_number if best else "",
        best.likeness if best else "",
        "; ".join(best.differences) if best else "",
        len(entry.offers),
    )


# ---- remembered matches ----


def remembered(students: QuerySet[Student], listing: Listing, *, all_schools: bool) -> QuerySet[Any]:
    """Current matches of these students, filtered and sorted like the list. `all_schools`: also of students no longer
    on record."""
    found = RememberedMatch.objects.filter(ended_at__isnull=True).select_related("made_by", "run")
    school = listing.chosen.get("school", "")
    if not all_schools:
        found = found.filter(student_id__in=students.values("pk"))
    if school.isdecimal():
        found = found.filter(student_id__in=students.filter(school_id=int(school)).values("pk"))
    if listing.text:
        found = found.filter(
            Q(student_id__in=students.filter(named(listing.text)).values("pk")) | Q(local_number=listing.text)
        )
    one = Student.objects.filter(pk=OuterRef("student_id"))
    if listing.sort.removeprefix("-") in ("student", "school"):
        found = found.annotate(
            last_key=Subquery(one.values("last_key")),
            first_key=Subquery(one.values("first_key")),
            school=Subquery(one.values("school__name")),
        )
    return listing.order(found)


def remembered_rows(found: QuerySet[Any], students: QuerySet[Student]) -> Iterator[tuple[Any, ...]]:
    matches: list[RememberedMatch] = list(found)
    for at in range(0, len(matches), 1000):
        block = matches[at : at + 1000]
        by_id = students.select_related("school").in_bulk([match.student_id for match in block])
        for match in block:
            student = by_id.get(match.student_id)
            yield (
                desk.number_shown(match),
                student.full_name if student else "no longer on record",
                (student.school.name or student.school.code) if student and student.school else "",
                timezone.localtime(match.made_at).strftime("%Y-%m-%d %H:%M"),
                match.reason,
            )


__all__ = [
    "LINES", "LINES_HEAD", "MOST_RANKED", "REMEMBERED", "Chosen", "choices", "chosen_lines", "line_rows", "remembered",
    "remembered_rows", "waiting_lines",
]  # fmt: skip
