"""The list of students whose English learner record differs from what the state says."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET, require_POST

from sisimport.accounts.access import Capability, requires
from sisimport.web.exports.writers import csv_rows
from ssid.el_differences.queries import difference_rows, state_differences
from students.access import log_view, visible_school_ids, visible_schools
from students.models import StudentView

PER_PAGE = 25
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


@requires(Capability.READ)
@require_GET
def differences(request: HttpRequest) -> HttpResponse:
    """Ours and the state's side by side; filtered by school and by what differs."""
    school = request.GET.get("school", "")
    wanted = int(school) if school.isdecimal() and len(school) < 10 else None
    kind = request.GET.get("kind", "")
    found = state_differences(visible_school_ids(request.user), kind=kind)
    if wanted is not None:
        found = found.filter(student__school=wanted)
    return render(
        request,
        "ssid/state_differences.html",
        {
            "page": Paginator(found, PER_PAGE).get_page(request.GET.get("page")),
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
    log_view(user=request.user, kind=StudentView.Kind.EXPORT, subject="EL records that differ from the state's")
    rows = difference_rows(state_differences(visible_school_ids(request.user)))
    response = StreamingHttpResponse(csv_rows(HEAD, rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = content_disposition_header(True, "el-differences.csv") or ""
    return response
