"""Erasing a student on a page: first a count of what would be erased, then the number typed again. A worker does it."""

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from sisimport.accounts.access import Capability, requires
from sisimport.accounts.step_up import ask
from sisimport.erasing import asking
from sisimport.erasing.guard import ErasingError
from sisimport.erasing.models import Erasure
from sisimport.erasing.report import kinds_of
from sisimport.web.lists import Column, List, Listing
from sisimport.web.moments import moment_text
from sisimport.web.views.students import find_student
from students.access import visible_school_ids

ERASURES = List(
    key="erasures",
    columns=(
        Column(name="student", label="Student", order=("student_id",)),
        Column(name="state", label="State", order=("state",)),
        Column(name="reason", label="Reason", order=("reason",)),
        Column(name="asked", label="Asked for", order=("asked_at",)),
        Column(name="by", label="By", order=("asked_by__username",)),
        Column(name="ended", label="Ended", order=("ended_at",)),
        Column(name="message", label="Message"),
    ),
    start="-asked",
    filters=("state",),
    file_name="erased-students",
)


class EraseForm(forms.Form):
    """The reason stays on record; the number is typed to prevent erasing by mistake."""

    reason = forms.CharField(
        max_length=120,
        help_text="Why, such as the number of the request. It stays on record: no name, no number of the student.",
    )
    number = forms.CharField(label="Local number", max_length=16, help_text="Of the student, typed once more.")


@requires(Capability.SETTINGS)
@require_http_methods(["GET", "HEAD", "POST"])
def erase(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Count what would be erased about a student, then erase."""
    student = find_student(request, pk)
    if visible_school_ids(request.user) is not None:
        raise PermissionDenied
    erasing = request.method == "POST" and "count" not in request.POST
    form = EraseForm(request.POST if erasing else None)
    if request.method == "POST":
        ask(request)
    if request.method == "POST" and not erasing:
        asking.count(student, user=request.user)
        return redirect("erase_student", pk)
    if erasing and form.is_valid():
        try:
            sent = form.cleaned_data
            asking.ask(student, reason=sent["reason"], typed=sent["number"], user=request.user)
            return redirect("erasures")
        except ErasingError as error:
            form.add_error(None, str(error))
    context = {"student": student, "form": form, **counted_context(asking.counted(student))}
    return render(request, "erasing/erase.html", context, status=422 if form.errors else 200)


def counted_context(last: Erasure | None) -> dict[str, Any]:
    """A count or an erasure, for the templates."""
    done = last is not None and last.state == Erasure.State.DONE
    return {
        "last": last,
        "kinds": list(kinds_of(last.result)) if last is not None and done else [],
        "by_hand": last.result["elsewhere"] if last is not None and done else [],
    }


@requires(Capability.SETTINGS)
@require_http_methods(["GET", "HEAD", "POST"])
def erasures(request: HttpRequest) -> HttpResponseBase:
    """Requested erasures and their results."""
    if visible_school_ids(request.user) is not None:
        raise PermissionDenied
    listing = Listing(request, ERASURES)
    if answer := listing.answer():
        return answer
    found = Erasure.objects.filter(dry_run=False).select_related("asked_by")
    if listing.chosen.get("state") in Erasure.State.values:
        found = found.filter(state=listing.chosen["state"])
    if text := listing.text:
        number = Q(student_id=int(text)) if text.isdecimal() and len(text) < 10 else Q()
        found = found.filter(number | Q(reason__icontains=text))
    found = listing.order(found)
    if listing.exports:
        return listing.export(map(_row, found))
    page = listing.page(found)
    shown = [(one, counted_context(one)) for one in page.object_list]
    context = {"listing": listing, "page": page, "erasures": shown, "states": Erasure.State.choices}
    return render(request, "erasing/erasures.html", context)


def _row(one: Erasure) -> tuple[Any, ...]:
    by = one.asked_by.get_username() if one.asked_by else ""
    ended = moment_text(one.ended_at) if one.ended_at else ""
    return one.student_id or "", one.get_state_display(), one.reason, moment_text(one.asked_at), by, ended, one.message
