"""Student search and a student's page. Opening a page and unmasking an SSID are logged (rule ID-6)."""

from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from sisimport.accounts import access
from sisimport.accounts.access import Capability, requires
from sisimport.audit.models import AuditEntry
from sisimport.web import panels
from sisimport.web.lists import Column, List, Listing
from sisimport.web.queries import students as queries
from students.access import User, log_view, visible_school_ids, visible_schools, visible_students
from students.grades import GRADES
from students.models import SSID, ELRecord, StateEnrollment, Student
from students.paging import BoundedPaginator
from students.search import FoundStudents, StudentSearch

EXPORT_BLOCK = 1000
EVENTS = 20
SSID_CHOICES = (
    ("", "With or without"),
    ("missing", "Enrolled, without SSID"),
    ("gone", "No longer enrolled, without SSID"),
    ("present", "With SSID"),
)
STUDENTS = List(
    key="students",
    columns=(
        Column(name="name", label="Name", order=("last_key", "first_key")),
        Column(name="number", label="Local number", order=("local_number",), css="w-m"),
        Column(name="born", label="Born", order=("birth_date",), css="w-m"),
        Column(name="grade", label="Grade", order=("grade",), css="w-s"),
        Column(name="school", label="School", order=("school__name",)),
        Column(name="ssid", label="SSID", css="w-l"),
    ),
    start="name",
    filters=("school", "grade", "ssid"),
    file_name="students-found",
)
HEAD = ("Last name", "First name", "Middle name", "Local number", "Born", "Grade", "School", "SSID (masked)")


@requires(Capability.READ)
@require_http_methods(["GET", "POST"])
def students(request: HttpRequest) -> HttpResponseBase:
    """Search. The typed text may be a name or an SSID: it comes by POST and stays in the session, never in an
    address."""
    listing = Listing(request, STUDENTS)
    if answer := listing.answer():
        return answer
    school = listing.chosen.get("school", "")
    wanted = StudentSearch(
        text=listing.text,
        school=int(school) if school.isdecimal() and len(school) < 10 else None,
        grade=listing.chosen.get("grade", "")[:2],
        ssid=listing.chosen.get("ssid", ""),
    )
    found = FoundStudents(visible_school_ids(request.user), wanted, order=listing.order_by())
    listing.sortable = found.may_sort
    if listing.exports:
        return listing.export(_rows(found), HEAD)
    return render(
        request,
        "students/search.html",
        {
            "listing": listing,
            "page": listing.page(found, BoundedPaginator),
            "wanted": wanted,
            "schools": visible_schools(request.user),
            "grades": GRADES,
            "ssid_choices": SSID_CHOICES,
        },
    )


def _rows(found: FoundStudents) -> Iterator[tuple[Any, ...]]:
    """Rows of the export, in blocks; SSIDs as on the page."""
    for start in range(0, len(found), EXPORT_BLOCK):
        for one in found[start : start + EXPORT_BLOCK]:
            yield (
                one.last_name,
                one.first_name,
                one.middle_name,
                one.local_number,
                one.birth_date,
                one.grade,
                (one.school.name or one.school.code) if one.school else "",
                ", ".join(ssid.masked for ssid in one.ssids.all()),
            )
    if found.is_cut:
        yield (f"Only the first {len(found):,} are here. The page Data out has all students.", *[""] * (len(HEAD) - 1))


def find_student(request: HttpRequest, pk: int) -> Student:
    """The student, if visible to the user; else 404, as if it did not exist."""
    return get_object_or_404(visible_students(request.user).select_related("school", "lea"), pk=pk)


@requires(Capability.READ)
@require_GET
def student(request: HttpRequest, pk: int) -> HttpResponse:
    found = find_student(request, pk)
    log_view(user=request.user, kind=AuditEntry.Kind.PAGE, student=found)
    return render(request, "students/student.html", _student_context(request, found))


@requires(Capability.SHOW_SSID)
@require_POST
def show_ssid(request: HttpRequest, pk: int) -> HttpResponse:
    """The student's page, or the one number for htmx, with the SSIDs unmasked. A logged POST."""
    found = find_student(request, pk)
    log_view(user=request.user, kind=AuditEntry.Kind.SSID, student=found)
    if request.htmx:  # type: ignore[attr-defined]
        current, former = queries.current_and_former(found)
        return render(
            request, "students/_ssids.html", {"student": found, "ssid": current, "former": former, "shown": True}
        )
    return render(request, "students/student.html", _student_context(request, found) | {"shown": True})


def _student_context(request: HttpRequest, found: Student) -> dict[str, Any]:
    current, former = queries.current_and_former(found)
    timeline = queries.Timeline(found, openable=access.visible_runs(request.user))
    events = BoundedPaginator(timeline, EVENTS).get_page(request.GET.get("page"))
    return {
        "student": found,
        "age": queries.age_of(found),
        "ssid": current,
        "former": former,
        "origin_run": _origin_run(request, current),
        "el": ELRecord.objects.filter(student=found).first(),
        "state_enrollment": StateEnrollment.objects.filter(student=found).first(),
        "guardians": list(found.guardians.all()),
        "enrollments": list(found.enrollments.select_related("school").order_by("-start_date")),
        "events": events,
        "cards": panels.cards(panels.STUDENT, request, found),
        "timeline": [(event, _may_undo(request.user, event)) for event in events.object_list],
        "may_edit": access.can(request.user, Capability.EDIT_STUDENTS) and getattr(request.user, "is_staff", False),
    }


def _may_undo(user: User, event: queries.Event) -> bool:
    if event.run is not None:
        return bool(event.lines) and access.may_revert(user, event.run)
    return bool(event.edits) and access.may_undo_edit(user, event.editor)


def _origin_run(request: HttpRequest, ssid: SSID | None) -> int | None:
    """The run an SSID came from, if the user may open it."""
    if ssid is None or ssid.origin_run is None:
        return None
    return access.visible_runs(request.user).filter(pk=ssid.origin_run).values_list("pk", flat=True).first()
