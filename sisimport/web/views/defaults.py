"""Default values of upload options in a district, for import admins: one form, and who changed what."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from sisimport.accounts.access import Capability, requires, signed_in_user
from sisimport.imports.definition.options import Option
from sisimport.imports.runs.defaults import choosable_options
from sisimport.web.queries.options import option_text
from students.access import visible_school_ids, whole_leas
from students.models import LEA, DistrictSettings, ReportWords

SHOWN_CHANGES = 10
NO = "-"  # for a checkbox: its own value for "no" is blank, which here means that nothing is chosen
_SAID = "Usual options of imports: "  # how entries of the log begin


class DefaultsForm(forms.Form):
    """A field for each option; nothing chosen: default of the import type."""

    report_words = forms.ChoiceField(label="Wording of the results report", choices=ReportWords.choices)

    def __init__(self, *args: Any, state: str, chosen: DistrictSettings, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.options = choosable_options(state)
        self.initial["report_words"] = chosen.report_words
        for option, types in self.options:
            name = _name(option)
            self.fields[name] = _field(option, types)
            if option.name in chosen.import_defaults:
                self.initial[name] = chosen.import_defaults[option.name] or NO

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for option, _types in self.options:
            try:
                option.clean(self._value(option) or option.default)
            except ValueError as error:
                self.add_error(_name(option), str(error))
        return cleaned

    def _value(self, option: Option) -> str | None:
        value = str(self.cleaned_data.get(_name(option)) or "")
        return ("" if value == NO else value) if value else None

    def chosen(self) -> dict[str, str]:
        """Name -> value of the options for which the district has chosen one."""
        values = {option.name: self._value(option) for option, _types in self.options}
        return {name: value for name, value in values.items() if value is not None}


def _name(option: Option) -> str:
    return f"option-{option.name}"


def _field(option: Option, types: list[str]) -> forms.Field:
    types_text = f"For {', '.join(types)}."
    hint = " ".join([types_text, option.hint, *(f"{c.label}: {c.hint}" for c in option.choices if c.hint)]).strip()
    usual = f"The import type's default: {option_text(option, option.default)}"
    if option.choices:
        choices = [("", usual), *((choice.value or NO, choice.label) for choice in option.choices)]
        return forms.ChoiceField(label=option.label, required=False, choices=choices, help_text=hint)
    return forms.CharField(
        label=option.label, required=False, max_length=100, help_text=f"{hint} Blank: {option.default}."
    )


@requires(Capability.SETTINGS)
@require_http_methods(["GET", "POST"])
def import_defaults(request: HttpRequest) -> HttpResponse:
    """Choose a district's values, for users who see all of its schools: they apply to all users' uploads."""
    leas = list(whole_leas(request.user).order_by("code"))
    if not leas and visible_school_ids(request.user) is not None:
        raise Http404
    code = request.GET.get("lea", "")
    lea = next((one for one in leas if not code or str(one.pk) == code), None)
    if lea is None and code:
        raise Http404
    if lea is None:
        messages.info(request, "There is no district on record yet.")
        return redirect("home")
    found = DistrictSettings.objects.filter(lea=lea).first() or DistrictSettings(lea=lea)
    form = DefaultsForm(request.POST if request.method == "POST" else None, state=lea.state, chosen=found)
    if request.method == "POST" and form.is_valid():
        _save(request, found, form)
        return redirect(f"{reverse('import_defaults')}?lea={lea.pk}")
    context = {"lea": lea, "leas": leas, "form": form, "changes": _changes(lea)}
    return render(request, "imports/defaults.html", context, status=422 if form.errors else 200)


def _save(request: HttpRequest, found: DistrictSettings, form: DefaultsForm) -> None:
    """Save what changed, and record it in the log."""
    before, after = dict(found.import_defaults), form.chosen()
    changes = [
        f"{option.label}: {_value_text(option, before)} → {_value_text(option, after)}"
        for option, _types in form.options
        if before.get(option.name) != after.get(option.name)
    ]
    words = str(form.cleaned_data["report_words"])
    if words != found.report_words:
        changes.append(
            f"Wording of the results report: {ReportWords(found.report_words).label} → {ReportWords(words).label}"
        )
    if not changes:
        messages.info(request, "Nothing was changed.")
        return
    found.import_defaults, found.report_words = after, words
    found.save()
    LogEntry.objects.create(
        user=signed_in_user(request),
        content_type=ContentType.objects.get_for_model(DistrictSettings),
        object_id=str(found.pk),
        object_repr=str(found)[:200],
        action_flag=CHANGE,
        change_message=_SAID + "; ".join(changes),
    )
    messages.success(request, "Saved. Uploads now begin with these values; each run can still choose others.")


def _value_text(option: Option, values: dict[str, str]) -> str:
    return option_text(option, values[option.name]) if option.name in values else "default of the import type"


def _changes(lea: LEA) -> list[tuple[LogEntry, list[str]]]:
    entries = LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(DistrictSettings),
        object_id=str(lea.pk),
        change_message__startswith=_SAID,
    ).select_related("user")
    return [(one, one.change_message.removeprefix(_SAID).split("; ")) for one in entries[:SHOWN_CHANGES]]
