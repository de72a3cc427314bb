"""The record of access: everything, for administrators of all schools; and who saw one student, for administrators of
the school."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_http_methods

from sisimport.accounts.access import Capability, can, requires, sees_whole_record
from sisimport.accounts.matrix import words_of
from sisimport.audit import looking
from sisimport.audit.models import AuditEntry
from sisimport.web.lists import Column, List, Listing
from sisimport.web.moments import moment_text
from sisimport.web.views.students import find_student
from students.access import visible_school_ids
from students.models import Student
from students.paging import BoundedPaginator

MOST_NAMED = 100  # local numbers of one entry in the file
_BLOCK = 500
_COLUMNS = (
    Column(name="when", label="When", order=("pk",)),
    Column(name="who", label="Who"),
    Column(name="what", label="What"),
    Column(name="students", label="Students", number=True),
    Column(name="place", label="Where"),
    Column(name="from", label="From"),
)
RECORD = List(
    key="access-record",
    columns=_COLUMNS,
    start="-when",
    filters=("kind", "since", "until"),
    per_page=50,
    file_name="record-of-access",
)
OF_STUDENT = List(
    key="student-looks",
    columns=tuple(column for column in _COLUMNS if column.name != "students"),
    start="-when",
    filters=("kind", "since", "until"),
    per_page=50,
    file_name="who-saw-this-record",
)
HEAD = (
    *(
        "When",
        "User name",
        "Token",
        "What",
        "Where",
        "About",
        "Students",
        "Lines",
        "Address",
        "Entry",
        "Continues entry",
    ),
    "Local numbers",
)


@requires(Capability.AUDIT)
@require_http_methods(["GET", "POST"])
def access_record(request: HttpRequest) -> HttpResponseBase:
    """All entries, newest first. The search text is a user name, or a student's local number."""
    if not sees_whole_record(request.user):
        raise PermissionDenied
    listing = Listing(request, RECORD)
    if answer := listing.answer():
        return answer
    found = _narrowed(AuditEntry.objects.all(), listing)
    if listing.text:
        ids = list(Student.objects.filter(local_number=listing.text).values_list("pk", flat=True)[:20])
        found = found.filter(Q(who=listing.text) | Q(students__overlap=ids) if ids else Q(who=listing.text))
    return _answer(request, listing, found, "audit/record.html", {})


@requires(Capability.AUDIT)
@require_http_methods(["GET", "POST"])
def student_looks(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Who saw this student's record: pages, lists, lines and files that showed it, and families that may see it."""
    student = find_student(request, pk)
    listing = Listing(request, OF_STUDENT)
    if answer := listing.answer():
        return answer
    found = _narrowed(AuditEntry.objects.filter(students__contains=[student.pk]), listing)
    if listing.text:
        found = found.filter(who=listing.text)
    return _answer(
        request, listing, found, "audit/student.html", {"student": student, "may_erase": _may_erase(request)}
    )


def _may_erase(request: HttpRequest) -> bool:
    """Users who administer settings for all schools."""
    return can(request.user, Capability.SETTINGS) and visible_school_ids(request.user) is None


def _narrowed(entries: QuerySet[AuditEntry], listing: Listing) -> QuerySet[AuditEntry]:
    if (kind := listing.chosen.get("kind", "")) in AuditEntry.Kind.values:
        entries = entries.filter(kind=kind)
    if since := _day(listing.chosen.get("since", "")):
        entries = entries.filter(at__date__gte=since)
    if until := _day(listing.chosen.get("until", "")):
        entries = entries.filter(at__date__lte=until)
    return entries


def _day(text: str) -> Any:
    try:
        return parse_date(text)
    except ValueError:
        return None


def _answer(
    request: HttpRequest, listing: Listing, found: QuerySet[AuditEntry], template: str, more: dict[str, Any]
) -> HttpResponseBase:
    found = found.order_by("pk" if listing.sort == "when" else "-pk")
    if listing.exports:
        return listing.export(_rows(found.iterator(chunk_size=_BLOCK), whose=more.get("student")), HEAD)
    page = listing.page(found.defer("students"), BoundedPaginator)
    for entry in page.object_list:
        entry.where = words_of(entry.place)
    kinds = [{"key": kind.value, "label": kind.label} for kind in AuditEntry.Kind]
    return render(request, template, {"listing": listing, "page": page, "kinds": kinds, **more})


def _rows(entries: Iterable[AuditEntry], *, whose: Student | None) -> Iterator[tuple[Any, ...]]:
    """Rows of the file; for one student's record, the other students of an entry are not named."""
    remaining = iter(entries)
    while block := list(islice(remaining, _BLOCK)):
        named = {} if whose else _numbers({pk for entry in block for pk in entry.students[:MOST_NAMED]})
        for entry in block:
            numbers = [named[pk] for pk in entry.students[:MOST_NAMED] if pk in named]
            if entry.count > MOST_NAMED and not whose:
                numbers.append(f"and {entry.count - MOST_NAMED:,} more")
            yield (
                moment_text(timezone.localtime(entry.at)),
                entry.who,
                entry.token_id,
                entry.get_kind_display(),
                words_of(entry.place),
                entry.subject,
                entry.count,
                entry.lines,
                entry.address,
                entry.pk,
                entry.of,
                whose.local_number if whose else " ".join(numbers),
            )


def _numbers(ids: set[int]) -> dict[int, str]:
    looking.note_all(ids)
    return dict(Student.objects.filter(pk__in=ids).values_list("pk", "local_number"))
