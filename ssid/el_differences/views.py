"""The list of students whose English learner record differs from what the state says."""

from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_http_methods, require_POST

from sisimport.accounts.access import Capability, requires
from sisimport.accounts.step_up import ask_for_many
from sisimport.audit.models import AuditEntry
from sisimport.web.exports.writers import csv_rows
from sisimport.web.lists import Column, List, Listing
from ssid.el_differences.queries import difference_rows, state_differences
from students.access import log_view, visible_school_ids, visible_schools

KINDS = (("", "Anything"), ("status", "Status"), ("date", "Date"), ("language", "Language"))
HEAD = (
    "Local number",
    "Last name",
    "First name",
    "School",
    "Grade",
    "Program Status",
    "ELAS at the state",
    "Date on record",
    "Date at the state",
    "Home language",
    "Language at the state",
)


DIFFERENCES = List(
    key="el-differences",
    columns=(
        Column(name="student", label="Student", order=("student__last_name", "student__first_name", "student_id")),
        Column(name="number", label="Local number", order=("student__local_number",), css="w-m"),
        Column(name="school", label="School", order=("student__school__name",), then=("student__last_name",)),
        Column(name="status", label="Program Status", order=("program_status",), then=("student__last_name",)),
        Column(name="date", label="Date", order=("date_here",), then=("student__last_name",), number=False),
        Column(name="language", label="Language", order=("student__home_language",), then=("student__last_name",)),
    ),
    start="student",
    filters=("school", "kind"),
    file_name="el-differences",
)


@requires(Capability.READ)
@require_http_methods(["GET", "POST"])
def differences(request: HttpRequest) -> HttpResponseBase:
    """Our values and the state's side by side, filtered by school and by what differs."""
    listing = Listing(request, DIFFERENCES)
    if answer := listing.answer():
        return answer
    school, kind = listing.chosen.get("school", ""), listing.chosen.get("kind", "")
    wanted = int(school) if school.isdecimal() and len(school) < 10 else None
    found = state_differences(visible_school_ids(request.user), kind=kind)
    if wanted is not None:
        found = found.filter(student__school=wanted)
    found = listing.order(found)
    if listing.exports:
        return listing.export(difference_rows(found), HEAD)
    return render(
        request,
        "ssid/state_differences.html",
        {
            "listing": listing,
            "page": listing.page(found),
            "schools": visible_schools(request.user),
            "school": wanted,
            "kinds": KINDS,
            "kind": kind,
        },
    )


@requires(Capability.EXPORT)
@require_POST
def export(request: HttpRequest) -> HttpResponseBase:
    """The whole list of the user's schools as CSV."""
    rows = ask_for_many(request, difference_rows(state_differences(visible_school_ids(request.user))))
    log_view(user=request.user, kind=AuditEntry.Kind.EXPORT, subject="EL records that differ from the state's")
    response = StreamingHttpResponse(csv_rows(HEAD, rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = content_disposition_header(True, "el-differences.csv") or ""
    return response
