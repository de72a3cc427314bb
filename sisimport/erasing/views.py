"""Erasing a student on a page: first what would go, then the number typed once more. A worker does it."""

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from sisimport.accounts.access import Capability, requires
from sisimport.accounts.step_up import ask
from sisimport.erasing import asking
from sisimport.erasing.guard import ErasingError
from sisimport.erasing.models import Erasure
from sisimport.erasing.report import kinds_of
from sisimport.web.views.students import find_student
from students.access import visible_school_ids

_SHOWN = 50


class EraseForm(forms.Form):
    """The reason stays on record; the number is typed so that nobody erases by a slip."""

    reason = forms.CharField(
        max_length=120,
        help_text="Why, such as the number of the request. It stays on record: no name, no number of the student.",
    )
    number = forms.CharField(label="Local number", max_length=16, help_text="Of the student, typed once more.")


@requires(Capability.SETTINGS)
@require_http_methods(["GET", "HEAD", "POST"])
def erase(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Count what would go of a student, then erase."""
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
    context = {"student": student, "form": form, **_counted(asking.counted(student))}
    return render(request, "erasing/erase.html", context, status=422 if form.errors else 200)


def _counted(last: Erasure | None) -> dict[str, Any]:
    done = last is not None and last.state == Erasure.State.DONE
    return {
        "last": last,
        "kinds": list(kinds_of(last.result)) if last is not None and done else [],
        "by_hand": last.result["elsewhere"] if last is not None and done else [],
    }


@requires(Capability.SETTINGS)
@require_safe
def erasures(request: HttpRequest) -> HttpResponseBase:
    """Erasures that were asked for, and what became of them."""
    if visible_school_ids(request.user) is not None:
        raise PermissionDenied
    found = list(Erasure.objects.filter(dry_run=False).select_related("asked_by")[:_SHOWN])
    shown = [(one, _counted(one)) for one in found]
    return render(request, "erasing/erasures.html", {"erasures": shown})
