"""Reads of the SSID Process: states of requests, what is outstanding, the board of schools, the changed students."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Case, CharField, Count, Exists, Max, Min, OuterRef, Q, QuerySet, TextChoices, Value, When
from django.utils import timezone

from sisimport.imports.models import ImportRun, RunStatus, Work
from ssid.models import UtahDueDate, UtahFunction, UtahRequest
from students.headcounts import count_without_ssid
from students.models import WATCHED_FIELDS, ChangedRecord, School, StateProfile, Student

# (name, month, day): an LEA's row with the same name replaces it. The day of the test preprint is inferred.
DEFAULT_DUE_DATES = (
    ("Test preprint", 2, 1),
    ("Year end file", 6, 30),
    ("October 1 file", 10, 1),
    ("December 1 file", 12, 1),
)
_REMEMBERED = dt.timedelta(days=400)
_OVERDUE_SHOWN = dt.timedelta(days=60)


class RequestState(TextChoices):
    """The state of a request. It follows from the runs of its answers, so a revert undoes it automatically."""

    OPEN = "open", "Sent, answer outstanding"
    SENT = "sent", "Sent, no answer expected"
    ANSWERED = "answered", "Answered, not applied yet"
    APPLIED = "applied", "Answer applied"
    WITHDRAWN = "withdrawn", "Withdrawn"


def with_state(requests: QuerySet[UtahRequest]) -> QuerySet[Any]:
    """Requests with `state` (a RequestState value)."""
    done = ImportRun.objects.filter(status=RunStatus.COMPLETED)
    updates = done.filter(work=Work.UPDATE, test_run__utah_answer__request=OuterRef("pk"), reverted="")
    tests = done.filter(work=Work.TEST, utah_answer__request=OuterRef("pk"))
    # An answer with nothing to write and no errors needs no Update.
    nothing_to_write = tests.filter(planned_count=0, refused_count=0)
    return requests.annotate(
        state=Case(
            When(withdrawn_at__isnull=False, then=Value(RequestState.WITHDRAWN)),
            When(function=UtahFunction.VERIFY, then=Value(RequestState.SENT)),
            When(Exists(updates) | Exists(nothing_to_write), then=Value(RequestState.APPLIED)),
            When(Exists(tests), then=Value(RequestState.ANSWERED)),
            default=Value(RequestState.OPEN),
            output_field=CharField(),
        )
    )


def outstanding_retrieves(schools: Sequence[School]) -> list[UtahRequest]:
    """Retrieve requests whose answer was not applied yet, for any of the schools; a later applied one covers earlier
    ones."""
    ids = {school.pk for school in schools}
    requests = with_state(UtahRequest.objects.filter(function=UtahFunction.RETRIEVE, schools__in=ids).distinct())
    settled: dict[int, int] = defaultdict(int)
    waiting: list[tuple[UtahRequest, set[int]]] = []
    for request in requests.prefetch_related("schools").order_by("pk"):
        mine = {school.pk for school in request.schools.all()} & ids
        if request.state == RequestState.APPLIED:
            for school in mine:
                settled[school] = request.pk
        elif request.state in (RequestState.OPEN, RequestState.ANSWERED):
            waiting.append((request, mine))
    return [request for request, mine in waiting if any(settled[school] < request.pk for school in mine)]


@dataclass(frozen=True, slots=True)
class Due:
    """A due date that currently applies to a function: upcoming, or passed without the function being run."""

    name: str
    date: dt.date
    overdue: bool

    @property
    def shown(self) -> str:
        """`1 Dec`."""
        return f"{self.date.month}/{self.date.day}"


@dataclass(frozen=True, slots=True)
class Cell:
    """One function of one school on the board: the last request, and what it is due for."""

    function: UtahFunction
    request: Any | None
    sent: dt.date | None
    due: Due | None

    @property
    def state_label(self) -> str:
        return str(RequestState(self.request.state).label) if self.request is not None else ""


@dataclass(slots=True)
class BoardRow:
    """One school on the board."""

    school: School
    without_ssid: int = 0
    changed: int = 0
    cells: list[Cell] = field(default_factory=list)


def due_dates(leas: Iterable[int]) -> dict[int, list[UtahDueDate]]:
    """The due dates of each LEA: the usual ones, and its own."""
    found: dict[int, dict[str, UtahDueDate]] = {
        lea: {name: UtahDueDate(lea_id=lea, name=name, month=month, day=day) for name, month, day in DEFAULT_DUE_DATES}
        for lea in leas
    }
    for entry in UtahDueDate.objects.filter(lea__in=list(found)):
        found[entry.lea_id][entry.name] = entry
    return {lea: list(entries.values()) for lea, entries in found.items()}


def due_for(dates: Iterable[UtahDueDate], *, today: dt.date, last_sent: dt.date | None) -> Due | None:
    """What a function is due for, given the day it was last run: the nearest date whose period has begun, else one just
    missed."""
    coming: list[Due] = []
    missed: list[Due] = []
    for entry in dates:
        for day in _occurrences(entry, today):
            begins = day - dt.timedelta(days=entry.lead_days)
            if begins > today or (last_sent is not None and last_sent >= begins):
                continue
            if day >= today:
                coming.append(Due(entry.name, day, overdue=False))
            elif today - day <= _OVERDUE_SHOWN:
                missed.append(Due(entry.name, day, overdue=True))
    if coming:
        return min(coming, key=lambda due: due.date)
    return max(missed, key=lambda due: due.date, default=None)


def _occurrences(entry: UtahDueDate, today: dt.date) -> list[dt.date]:
    """The date in the years around today; 31 of a shorter month is its last day."""
    days = []
    for year in (today.year - 1, today.year, today.year + 1):
        after = dt.date(year + entry.month // 12, entry.month % 12 + 1, 1)
        last = (after - dt.timedelta(days=1)).day
        days.append(dt.date(year, entry.month, min(entry.day, last)))
    return days


def board(schools: QuerySet[School]) -> list[BoardRow]:
    """For each school of a Utah LEA, what is due, sent, answered and applied; a bounded number of queries."""
    today = timezone.localdate()
    rows = {s.pk: BoardRow(s) for s in schools.filter(lea__state=StateProfile.UTAH).select_related("lea")}
    for pk, missing in count_without_ssid(list(rows)).items():
        rows[pk].without_ssid = missing
    open_changes = ChangedRecord.objects.filter(cleared_by__isnull=True, student__school__in=list(rows))
    for pk, count in open_changes.order_by().values_list("student__school").annotate(n=Count("student", distinct=True)):
        rows[pk].changed = count
    dates = due_dates({row.school.lea_id for row in rows.values()})
    latest = _latest_requests(list(rows))
    for pk, row in rows.items():
        for function in UtahFunction:
            request = latest.get((pk, function.value))
            sent = timezone.localtime(request.created_at).date() if request is not None else None
            due = due_for(dates[row.school.lea_id], today=today, last_sent=sent)
            row.cells.append(Cell(function, request, sent, due))
    return list(rows.values())


def _latest_requests(schools: list[int]) -> dict[tuple[int, str], Any]:
    """The last request of each function for each school, not counting withdrawn ones."""
    recent = UtahRequest.objects.filter(
        schools__in=schools, withdrawn_at__isnull=True, created_at__gte=timezone.now() - _REMEMBERED
    )
    last = recent.order_by().values_list("schools", "function").annotate(last=Max("pk"))
    wanted = {(school, function): pk for school, function, pk in last if school in set(schools)}
    requests = with_state(UtahRequest.objects.filter(pk__in=set(wanted.values()))).in_bulk()
    return {key: requests[pk] for key, pk in wanted.items()}


@dataclass(frozen=True, slots=True)
class Change:
    """What changed in one field of a student since the state last confirmed it."""

    field: str
    label: str
    before: str
    after: str
    since: dt.datetime


def changed_students(students: QuerySet[Student]) -> QuerySet[Any]:
    """Students with open changes, the longest waiting first."""
    open_changes = Q(changed_records__cleared_by__isnull=True, changed_records__isnull=False)
    return (
        students.filter(open_changes)
        .annotate(changed_since=Min("changed_records__since", filter=open_changes))
        .order_by("changed_since", "last_name", "first_name", "pk")
    )


def changes_of(students: Iterable[int]) -> dict[int, list[Change]]:
    """Open changes by student, each field once: from the state's value to the one on record."""
    found: dict[int, dict[str, Change]] = defaultdict(dict)
    rows = ChangedRecord.objects.filter(student__in=list(students), cleared_by__isnull=True).order_by("id")
    for row in rows:
        first = found[row.student_id].get(row.field)
        found[row.student_id][row.field] = Change(
            field=row.field,
            label=WATCHED_FIELDS.get(row.field, row.field),
            before=first.before if first else row.before,
            after=row.after,
            since=first.since if first else row.since,
        )
    return {student: list(changes.values()) for student, changes in found.items()}


def request_history(schools: Iterable[int] | None) -> QuerySet[Any]:
    """Requests, newest first. `schools`: only requests whose schools are all among these; None for all."""
    requests = UtahRequest.objects.select_related("lea", "created_by").prefetch_related("schools")
    if schools is not None:
        others = School.objects.filter(utah_requests=OuterRef("pk")).exclude(pk__in=list(schools))
        requests = requests.filter(~Exists(others))
    return with_state(requests.annotate(school_count=Count("schools"))).order_by("-pk")


__all__ = [
    "BoardRow", "Cell", "Change", "Due", "RequestState", "board", "changed_students", "changes_of", "due_for",
    "outstanding_retrieves", "request_history", "with_state",
]  # fmt: skip
