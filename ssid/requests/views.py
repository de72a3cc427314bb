"""Pages for requests for SSIDs: choose schools, see what is missing, make the request, track what is still out."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, QueryDict, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from sisimport.accounts.access import Capability, can, requires
from sisimport.accounts.step_up import ask_if_many
from sisimport.audit import looking
from sisimport.audit.models import AuditEntry
from sisimport.runtime.row_scope import across_schools
from sisimport.web.lists import Column, List, Listing
from sisimport.web.moments import moment_text
from ssid.models import SENRLine, SENRRequest
from ssid.requests import request_lists
from ssid.requests.senr_file import Draft, RequestRefusedError, draft
from ssid.requests.services import (
    STATES,
    causes_of,
    file_name,
    keep_request,
    lines_of,
    request_text,
    requests_with_counts,
)
from students.access import log_views, visible_school_ids, visible_schools
from students.headcounts import count_without_ssid

PER_PAGE = 25
DELIMITERS = (
    ("^", "Caret (^)", "As the state's match tool accepts it."),
    (",", "Comma (csv)", "Opens in a spreadsheet, too."),
)


SCHOOLS = List(
    key="request-schools",
    columns=(
        Column(name="mark", label="Ask for", css="w-s", hidden=True),
        Column(name="school", label="School", order=("shown", "code")),
        Column(name="missing", label="Without SSID", order=("missing",), then=("shown",), number=True, css="w-m"),
    ),
    start="-missing",
)
REQUESTS = List(
    key="requests",
    columns=(
        Column(name="request", label="Request", order=("pk",), number=True),
        Column(name="made", label="Made", order=("created_at",)),
        Column(name="year", label="School year", order=("school_year",), then=("pk",)),
        Column(name="sent", label="Students", order=("sent",), then=("pk",), number=True, css="w-m"),
        Column(name="answered", label="Answered", order=("answered",), then=("pk",), number=True, css="w-m"),
        Column(name="out", label="Still out", order=("out",), then=("pk",), number=True, css="w-m"),
    ),
    start="-request",
    per_page=20,
    sort_name="made",
    page_name="made_page",
    file_name="ssid-requests",
)
HEAD = ("Request", "Made", "By", "School year", "Students", "Answered", "Still out")


@requires(Capability.READ)
@require_http_methods(["GET", "POST"])
def index(request: HttpRequest) -> HttpResponseBase:
    """Schools with students without SSID, most first, and the requests made so far."""
    schools, made = Listing(request, SCHOOLS), Listing(request, REQUESTS)
    typed = "text" in request.POST or "clear" in request.POST
    if answer := schools.answer() if typed else made.answer():
        return answer
    requests = made.sorted(requests_with_counts(visible_school_ids(request.user)))
    if made.exports:
        return made.export(map(_row, requests), HEAD)
    missing = _schools_missing(request)
    text = schools.text.casefold()
    found = schools.sorted(s for s in missing if text in f"{s.shown} {s.code}".casefold())
    page = schools.page(found)
    marked = _ids(request.GET)
    on_page = {school.pk for school in page}
    return render(
        request,
        "ssid/senr.html",
        {
            "schools": schools,
            "school_page": page,
            "all_schools": len(missing),
            "missing": sum(school.missing for school in missing),
            # With a short list, all schools are included unless the user removes some.
            "all_marked": page.paginator.num_pages == 1 and "marked" not in request.GET,
            "marked": marked,
            "marked_elsewhere": sorted({school.pk for school in missing} & marked - on_page),
            "delimiters": DELIMITERS,
            "delimiter": _delimiter(request.GET),
            "made": made,
            "page": made.page(requests),
        },
    )


def _row(made: SENRRequest) -> tuple[Any, ...]:
    by = made.created_by.get_username() if made.created_by else "command"
    counts: Any = made
    return made.pk, moment_text(made.created_at), by, made.school_year, counts.sent, counts.answered, counts.out


def _schools_missing(request: HttpRequest) -> list[Any]:
    """The user's schools in California that have students without SSID, with how many (`missing`) and their names."""
    counts = count_without_ssid(visible_school_ids(request.user))
    schools = list(visible_schools(request.user).filter(pk__in=counts, lea__state="CA").select_related("lea"))
    for school in schools:
        school.missing = counts[school.pk]  # type: ignore[attr-defined]
        school.shown = school.name or school.code  # type: ignore[attr-defined]
    return schools


@requires(Capability.UPLOAD)
@require_GET
def check(request: HttpRequest) -> HttpResponse:
    """The check list: which students would be in the request, and what the others' records lack. Nothing is written."""
    try:
        made = _draft(request, request.GET)
    except RequestRefusedError as error:
        messages.error(request, str(error))
        return redirect("senr_requests")
    page = Paginator(made.gaps, PER_PAGE).get_page(request.GET.get("page"))
    shown = {gap.student_id for gap in page}
    looking.note_all(shown)
    return render(
        request,
        "ssid/senr_check.html",
        {
            "made": made,
            "page": page,
            "own": shown,
            "delimiter": _delimiter(request.GET),
            "causes": causes_of(made),
            "schools": {school.code: school.name for school in made.schools},
        },
    )


@requires(Capability.UPLOAD)
@require_POST
def make(request: HttpRequest) -> HttpResponse:
    """Make the request from the current records, and store it."""
    try:
        made = _draft(request, request.POST)
        kept = keep_request(made, user=request.user, delimiter=_delimiter(request.POST))  # type: ignore[arg-type]
    except RequestRefusedError as error:
        messages.error(request, str(error))
        return redirect("senr_requests")
    messages.success(request, f"Request {kept.pk} asks for {len(made.entries):,} students. Download its file below.")
    return redirect("senr_request", kept.pk)


@requires(Capability.READ)
@require_http_methods(["GET", "POST"])
@across_schools()  # a student requested by one of the reader's schools may be at another one now
def detail(request: HttpRequest, pk: int) -> HttpResponseBase:
    """One request, line by line: still out, answered, given an SSID, or requested again."""
    kept, lines = _find(request, pk)
    listing = Listing(request, request_lists.STUDENTS, about=kept.pk)
    if answer := listing.answer():
        return answer
    found = request_lists.chosen_lines(lines, listing)
    if listing.exports:
        return listing.export(request_lists.rows(found), request_lists.HEAD)
    whole = kept.sent == kept.all_lines  # type: ignore[attr-defined]
    return render(
        request,
        "ssid/senr_request.html",
        {
            "kept": kept,
            "listing": listing,
            "page": listing.page(found),
            "states": STATES.items(),
            "schools": request_lists.schools_of(lines),
            "may_download": whole and can(request.user, Capability.EXPORT),
        },
    )


@requires(Capability.EXPORT)
@require_POST
def download(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The request file as it was made. Only for users who see all its schools: a file cannot be sent in part."""
    kept, lines = _find(request, pk)
    if kept.sent != kept.all_lines:  # type: ignore[attr-defined]
        raise Http404
    ask_if_many(request, kept.sent)  # type: ignore[attr-defined]
    name = file_name(kept)
    log_views(
        user=request.user,
        kind=AuditEntry.Kind.EXPORT,
        students=lines.order_by().values_list("student", flat=True),
        subject=f"SENR request {kept.pk}",
    )
    kind = "text/csv" if kept.delimiter == SENRRequest.Delimiter.COMMA else "text/plain"
    response = StreamingHttpResponse(request_text(kept), content_type=f"{kind}; charset=utf-8")
    response["Content-Disposition"] = content_disposition_header(True, name) or ""
    return response


def _draft(request: HttpRequest, given: QueryDict) -> Draft:
    """The draft for the given schools, or for all with missing SSIDs; only those of the user. Raises
    RequestRefusedError."""
    if given.get("all"):
        return draft(_schools_missing(request))
    return draft(list(visible_schools(request.user).filter(pk__in=_ids(given)).select_related("lea")))


def _ids(given: QueryDict) -> set[int]:
    return {int(value) for value in given.getlist("school") if value.isdecimal() and len(value) < 10}


def _delimiter(given: QueryDict) -> str:
    return "," if given.get("delimiter") == "," else "^"


@across_schools()  # how many lines there are, of all schools
def _find(request: HttpRequest, pk: int) -> tuple[SENRRequest, QuerySet[Any]]:
    """A request with its lines of the user's schools; 404 if there are none."""
    schools = visible_school_ids(request.user)
    mine = SENRLine.objects.all() if schools is None else SENRLine.objects.filter(school__in=list(schools))
    # One query for both "does not exist" and "not yours": the answer takes the same time.
    kept = get_object_or_404(
        SENRRequest.objects.select_related("lea", "created_by")
        .annotate(all_lines=Count("lines"))
        .filter(Exists(mine.filter(request=OuterRef("pk")))),
        pk=pk,
    )
    lines = lines_of(kept, schools)
    counts = lines.order_by().aggregate(sent=Count("pk"), out=Count("pk", filter=Q(state="out")))
    kept.sent, kept.out = counts["sent"], counts["out"]  # type: ignore[attr-defined]
    return kept, lines
