"""The board of the SSID Process and the changed students: lists like every other, for two schools or 181."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from sisimport.accounts.access import Capability, requires
from sisimport.web.lists import Column, List, Listing
from ssid.models import UtahFunction
from ssid.utah.queries import BoardRow, board, changed_students, changes_of, due_dates, request_history
from ssid.utah.views import utah_schools
from students.access import visible_school_ids, visible_students
from students.models import LEA, WATCHED_FIELDS, ChangedRecord
from students.search import named

RECENT = 10
BOARD = List(
    key="utah-board",
    columns=(
        Column(name="school", label="School", order=("name",), css="w-l"),
        *(
            Column(name=function.word, label=str(function.label), order=(f"sent_{function.word}",), then=("name",))
            for function in UtahFunction
        ),
        Column(name="students", label="Students", order=("waiting",), then=("name",), number=False),
    ),
    start="school",
    filters=("needs",),
    file_name="ssid-process",
)
NEEDS = (("due", "something is due"), ("missed", "something was missed"), ("without", "students without SSID"),
         ("changed", "changed students"), ("nothing", "nothing"))  # fmt: skip
BOARD_HEAD = (
    "School", "School code",
    *(f"{function.label}: {what}" for function in UtahFunction for what in ("due", "sent", "state")),
    "Students without SSID", "Changed students",
)  # fmt: skip
CHANGED = List(
    key="utah-changed",
    columns=(
        Column(name="student", label="Student", order=("last_key", "first_key")),
        Column(name="number", label="Local number", order=("local_number",), css="w-m"),
        Column(name="school", label="School", order=("school__name",), then=("last_key", "first_key")),
        Column(name="changed", label="What changed"),
        Column(name="since", label="Since", order=("changed_since",), then=("last_key", "first_key")),
    ),
    start="since",
    filters=("school", "field"),
    per_page=50,
    file_name="changed-students",
)
CHANGED_HEAD = ("Student", "Local number", "School", "What changed", "At the state", "On record", "Since")


@dataclass(slots=True)
class SchoolLine:
    """A school on the board, with its sort keys. Days of the last request as numbers; 0 if there was none."""

    row: BoardRow
    name: str
    waiting: int
    sent_retrieve: int = 0
    sent_new: int = 0
    sent_update: int = 0
    sent_verify: int = 0

    @classmethod
    def of(cls, row: BoardRow) -> "SchoolLine":
        line = cls(row, row.school.name or row.school.code, row.without_ssid + row.changed)
        for cell in row.cells:
            setattr(line, f"sent_{cell.function.word}", cell.sent.toordinal() if cell.sent else 0)
        return line

    def needs(self, wanted: str) -> bool:
        """Whether the school matches the filter."""
        due = [cell.due for cell in self.row.cells if cell.due is not None]
        found = {
            "due": any(not one.overdue for one in due),
            "missed": any(one.overdue for one in due),
            "without": bool(self.row.without_ssid),
            "changed": bool(self.row.changed),
        }
        return not any(found.values()) if wanted == "nothing" else found.get(wanted, True)


@requires(Capability.READ)
@require_http_methods(["GET", "POST"])
def utah_board(request: HttpRequest) -> HttpResponseBase:
    """For each school, what is due, sent, answered and applied."""
    listing = Listing(request, BOARD)
    if answer := listing.answer():
        return answer
    rows = board(utah_schools(request))
    wanted, text = listing.chosen.get("needs", ""), listing.text.casefold()
    lines = [
        line
        for line in map(SchoolLine.of, rows)
        if line.needs(wanted) and (text in line.name.casefold() or text == line.row.school.code)
    ]
    lines = listing.sorted(lines)
    if listing.exports:
        return listing.export(_board_rows(lines), BOARD_HEAD)
    leas = LEA.objects.filter(pk__in={row.school.lea_id for row in rows})
    dates = due_dates([lea.pk for lea in leas])
    return render(
        request,
        "ssid/utah_board.html",
        {
            "listing": listing,
            "page": listing.page(lines),
            "any": bool(rows),
            "needs": NEEDS,
            "due_dates": [
                (lea, sorted(dates[lea.pk], key=lambda entry: (entry.month, entry.day)))
                for lea in leas.order_by("code")
            ],
            "requests": request_history(visible_school_ids(request.user))[:RECENT],
            "changed": sum(row.changed for row in rows),
        },
    )


def _board_rows(lines: Sequence[SchoolLine]) -> Iterator[tuple[Any, ...]]:
    for line in lines:
        cells: list[Any] = []
        for cell in line.row.cells:
            due = f"{'missed' if cell.due.overdue else 'by'} {cell.due.date.isoformat()}" if cell.due else ""
            cells += [due, cell.sent, cell.state_label]
        yield (line.name, line.row.school.code, *cells, line.row.without_ssid, line.row.changed)


@requires(Capability.READ)
@require_http_methods(["GET", "POST"])
def utah_changed(request: HttpRequest) -> HttpResponseBase:
    """Students whose changes the state has not confirmed yet, with what changed from what."""
    listing = Listing(request, CHANGED)
    if answer := listing.answer():
        return answer
    found = listing.order(_changed(request, listing))
    if listing.exports:
        return listing.export(_changed_rows(found), CHANGED_HEAD)
    page = listing.page(found)
    changes = changes_of([student.pk for student in page])
    return render(
        request,
        "ssid/utah_changed.html",
        {
            "listing": listing,
            "page": page,
            "rows": [(student, changes.get(student.pk, [])) for student in page],
            "schools": utah_schools(request),
            "fields": WATCHED_FIELDS.items(),
        },
    )


def _changed(request: HttpRequest, listing: Listing) -> QuerySet[Any]:
    students = visible_students(request.user).select_related("school").filter(named(listing.text))
    school, field = listing.chosen.get("school", ""), listing.chosen.get("field", "")
    if school.isdecimal():
        students = students.filter(school_id=int(school))
    if field in WATCHED_FIELDS:
        of_field = ChangedRecord.objects.filter(student=OuterRef("pk"), cleared_by__isnull=True, field=field)
        students = students.filter(Exists(of_field))
    return changed_students(students)


def _changed_rows(found: QuerySet[Any]) -> Iterator[tuple[Any, ...]]:
    """A row for each field that changed."""
    students = list(found)
    changes = changes_of([student.pk for student in students])
    for student in students:
        for change in changes.get(student.pk, []):
            yield (
                student.full_name,
                student.local_number,
                (student.school.name or student.school.code) if student.school else "",
                change.label,
                change.before,
                change.after,
                timezone.localdate(change.since),
            )
