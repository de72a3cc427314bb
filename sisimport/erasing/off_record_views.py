"""The page for erasing a person without a record, who is only in old files, journals and lists. Counted first; a worker
does it."""

from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from sisimport.accounts.access import Capability, requires
from sisimport.accounts.step_up import ask
from sisimport.erasing import asking
from sisimport.erasing.guard import ErasingError
from sisimport.erasing.views import counted_context
from students.access import visible_school_ids
from students.models import LEA
from students.models.identifiers import mask_ssid


class WhoForm(forms.Form):
    """How old files may name the person. A number is required; names find lines without one."""

    number = forms.CharField(label="Local number", max_length=16, required=False)
    ssid = forms.RegexField(
        r"^[0-9]{7,10}$", label="SSID", required=False, error_messages={"invalid": "Ten digits; seven or more in Utah."}
    )
    last_name = forms.CharField(max_length=60, required=False, help_text="Both names also find lines without a number.")
    first_name = forms.CharField(max_length=60, required=False)
    birth_date = forms.DateField(
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text="Separates these lines from those of others with the same names.",
    )
    lea = forms.ChoiceField(label="District", choices=())

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        districts = [(lea.code, lea.name) for lea in LEA.objects.order_by("name")]
        if len(districts) > 1:
            self.fields["lea"].choices = [("", "Choose"), *districts]  # type: ignore[attr-defined]
        else:
            del self.fields["lea"]

    def said(self) -> dict[str, str]:
        return {name: str(value).strip() for name, value in self.cleaned_data.items() if value}


class EraseForm(forms.Form):
    reason = forms.CharField(
        max_length=120, help_text="Why, such as the number of the request. It stays on record: no name, no number."
    )
    typed = forms.CharField(label="Number", max_length=16, help_text="The local number or the SSID, typed once more.")


@requires(Capability.SETTINGS)
@require_http_methods(["GET", "HEAD", "POST"])
def erase_off_record(request: HttpRequest) -> HttpResponseBase:
    """Enter the person, count what would be erased, then erase."""
    if visible_school_ids(request.user) is not None:
        raise PermissionDenied
    if request.method != "POST":
        return _page(request, WhoForm(), EraseForm())
    ask(request)
    if "forget" in request.POST:
        asking.forget_off_record(request.user)
        return redirect("erase_off_record")
    if "count" in request.POST:
        return _count(request)
    form = EraseForm(request.POST)
    if form.is_valid():
        try:
            asking.ask_off_record(**form.cleaned_data, user=request.user)
            return redirect("erasures")
        except ErasingError as error:
            form.add_error(None, str(error))
    return _page(request, WhoForm(), form)


def _count(request: HttpRequest) -> HttpResponseBase:
    last = asking.counted_off_record(request.user)
    form = WhoForm(request.POST)
    if last is not None and "again" in request.POST:
        asking.count_off_record(last.said, user=request.user)
        return redirect("erase_off_record")
    if form.is_valid():
        try:
            asking.count_off_record(form.said(), user=request.user)
            return redirect("erase_off_record")
        except ErasingError as error:
            form.add_error(None, str(error))
    return _page(request, form, EraseForm())


def _page(request: HttpRequest, who: WhoForm, form: EraseForm) -> HttpResponseBase:
    last = asking.counted_off_record(request.user)
    counted = counted_context(last)
    places = sorted(last.result.get("places", {}).items()) if last is not None else []
    context = {"who": who, "form": form, "said": _shown(last.said if last else {}), "places": places, **counted}
    return render(request, "erasing/off_record.html", context, status=422 if who.errors or form.errors else 200)


def _shown(values: dict[str, str]) -> list[tuple[str, str]]:
    """The entered values, by label; the SSID masked."""
    fields = WhoForm.base_fields
    return [
        (str(fields[name].label or name.replace("_", " ").capitalize()), mask_ssid(value) if name == "ssid" else value)
        for name, value in ((name, values[name]) for name in fields if name in values)
    ]
