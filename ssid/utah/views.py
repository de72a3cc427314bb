"""Pages of the SSID Process: making a request, one request, all of them. The board and the changed students: board_views.py."""

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from sisimport.accounts.access import Capability, requires
from sisimport.accounts.step_up import ask_if_many
from sisimport.audit.models import AuditEntry
from sisimport.imports.storage.files import AwayFileError, LockedFileError, MissingFileError, open_whole
from sisimport.web.lists import Column, List, Listing
from ssid.models import UtahFunction, UtahRequest
from ssid.utah import request_lists
from ssid.utah.forms import RequestForm, WithdrawForm
from ssid.utah.functions import FUNCTIONS, HELP_DESK
from ssid.utah.queries import RequestState, request_history
from ssid.utah.services import RequestRefusedError, create_request, scope_of, why_held, withdraw_request
from students.access import log_views, visible_school_ids, visible_schools, visible_students
from students.models import School, StateProfile

REQUESTS = List(
    key="utah-requests",
    columns=(
        Column(name="request", label="Request", order=("pk",)),
        Column(name="made", label="Made", order=("created_at",)),
        Column(name="by", label="By", order=("created_by__last_name", "created_by__username")),
        Column(name="students", label="Students", order=("record_count",), number=True),
        Column(name="schools", label="Schools", order=("school_count",), number=True),
        Column(name="state", label="State", order=("state",)),
    ),
    start="-request",
    filters=("function", "state"),
    file_name="utah-requests",
)


def utah_schools(request: HttpRequest) -> QuerySet[School]:
    """Schools of Utah LEAs that the user may see."""
    return visible_schools(request.user).filter(lea__state=StateProfile.UTAH).select_related("lea")


def _request_or_404(request: HttpRequest, pk: int) -> UtahRequest:
    """A request whose schools are all the user's; otherwise 404."""
    found: UtahRequest = get_object_or_404(request_history(visible_school_ids(request.user)), pk=pk)
    return found


@requires(Capability.READ)
@require_http_methods(["GET", "POST"])
def utah_requests(request: HttpRequest) -> HttpResponseBase:
    """All requests, newest first, of one function or in one state."""
    listing = Listing(request, REQUESTS)
    if answer := listing.answer():
        return answer
    found = request_history(visible_school_ids(request.user))
    function, state = listing.chosen.get("function"), listing.chosen.get("state")
    if function in UtahFunction.values:
        found = found.filter(function=function)
    if state in RequestState.values:
        found = found.filter(state=state)
    found = listing.order(found)
    if listing.exports:
        return listing.export(_request_rows(found))
    context = {
        "listing": listing,
        "page": listing.page(found),
        "functions": UtahFunction.choices,
        "states": RequestState.choices,
    }
    return render(request, "ssid/utah_requests.html", context)


def _request_rows(found: QuerySet[Any]) -> Iterator[tuple[Any, ...]]:
    for made in found:
        by = made.created_by.get_full_name() or str(made.created_by) if made.created_by else ""
        yield (
            str(made),
            timezone.localtime(made.created_at).strftime("%Y-%m-%d %H:%M"),
            by,
            made.record_count,
            made.school_count,
            str(RequestState(made.state).label),
        )


@requires(Capability.UPLOAD)
@require_http_methods(["GET", "POST"])
def utah_create(request: HttpRequest) -> HttpResponse:
    """Choose schools and function, see how many students a request contains, create it."""
    schools = utah_schools(request).order_by("lea__code", "name", "code")
    if request.method == "GET":
        initial = {"schools": request.GET.getlist("school"), "function": request.GET.get("function", "R")}
        return render(
            request,
            "ssid/utah_create.html",
            {"form": RequestForm(initial=initial, schools=schools), "none": not schools, **_ABOUT},
        )
    form = RequestForm(request.POST, schools=schools)
    context: dict[str, Any] = {"form": form, **_ABOUT}
    if form.is_valid():
        chosen = {name: form.cleaned_data[name] for name in ("function", "schools", "effective_date")}
        if request.POST.get("do") == "create":
            try:
                made = create_request(
                    **chosen,
                    user=request.user,  # type: ignore[arg-type]
                    override_reason=form.cleaned_data["override_reason"],
                )
            except RequestRefusedError as refused:
                form.add_error("override_reason" if refused.held else None, str(refused))
            else:
                return redirect(f"{reverse('utah_request', args=[made.pk])}?created=1")
        context |= _scope(form)
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "ssid/_utah_scope.html", context)
    return render(request, "ssid/utah_create.html", context)


_ABOUT: dict[str, Any] = {"function_table": FUNCTIONS, "help_desk": HELP_DESK}


def _scope(form: RequestForm) -> dict[str, Any]:
    """What the chosen request would contain, and whether it is held."""
    schools: list[School] = form.cleaned_data["schools"]
    function: UtahFunction = form.cleaned_data["function"]
    return {
        "scope": scope_of(
            lea=schools[0].lea,
            function=function,
            schools=schools,
            effective_date=form.cleaned_data["effective_date"],
        ),
        "held": why_held(function=function, schools=schools),
    }


@requires(Capability.READ)
@require_http_methods(["GET", "POST"])
def utah_request(request: HttpRequest, pk: int) -> HttpResponseBase:
    """One request: who made it, when, which students and values; its answers."""
    made = _request_or_404(request, pk)
    listing = Listing(request, request_lists.list_of(made), about=made.pk)
    if answer := listing.answer():
        return answer
    sent = made.students.filter(student__in=visible_students(request.user)).select_related("school")
    found = request_lists.chosen_students(sent, listing)
    with_ssid = request_lists.names_ssids(made)
    if listing.exports:
        return listing.export(request_lists.rows(found, with_ssid=with_ssid))
    response = render(
        request,
        "ssid/utah_request.html",
        {
            "made": made,
            "listing": listing,
            "page": listing.page(found),
            "with_ssid": with_ssid,
            "schools": request_lists.schools_of(sent),
            "answers": made.answers.select_related("test_run__file").order_by("-pk"),
            "created": request.GET.get("created") == "1",
            "may_withdraw": made.state in (RequestState.OPEN, RequestState.ANSWERED, RequestState.SENT),  # type: ignore[attr-defined]
            "form": WithdrawForm(),
        },
    )
    if request.GET.get("created") == "1":  # the download starts automatically
        response["Refresh"] = f"0; url={reverse('utah_request_file', args=[made.pk])}"
    return response


@requires(Capability.EXPORT)
@require_GET
def utah_request_file(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The request file, as it was made."""
    made = _request_or_404(request, pk)
    ask_if_many(request, made.record_count)
    sent = made.students.values_list("student_id", flat=True)
    subject = f"{made}, {made.record_count} students"
    log_views(user=request.user, kind=AuditEntry.Kind.EXPORT, students=sent, subject=subject)
    try:
        stream = open_whole(made.file, made.file_name)
    except (LockedFileError, AwayFileError):  # the middleware reports it
        raise
    except MissingFileError:
        raise Http404("The file is no longer kept.") from None
    return FileResponse(stream, as_attachment=True, filename=made.file_name, content_type="text/csv; charset=utf-8")


@requires(Capability.UPLOAD)
@require_POST
def utah_withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Say that no answer will come."""
    from django.contrib import messages

    made = _request_or_404(request, pk)
    form = WithdrawForm(request.POST)
    try:
        reason = form.cleaned_data["reason"] if form.is_valid() else ""
        withdraw_request(request=made, user=request.user, reason=reason)  # type: ignore[arg-type]
    except RequestRefusedError as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, f"{made} is withdrawn: nothing is waiting for its answer anymore.")
    return redirect("utah_request", pk=made.pk)
