"""Page of updates of enrollment and exits: choose schools and a day, see what is left out and why, download the
file."""

import datetime as dt
from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET, require_POST

from sisimport.accounts.access import Capability, requires
from sisimport.accounts.step_up import ask_if_many
from sisimport.audit import looking
from sisimport.audit.models import AuditEntry
from ssid.requests.enrollment_file import enrollment_draft, exits_of
from ssid.requests.senr_file import Draft, RequestRefusedError
from ssid.requests.services import causes_of, line_text
from students.access import log_views, visible_schools, visible_students
from students.models import School

PER_PAGE = 25
_AT_FIRST = dt.timedelta(days=30)
_FILE = "enrollment-changes-since-{since:%Y-%m-%d}.{ending}"


class ChangesForm(forms.Form):
    """Whose enrollments, since when, and how the file is written."""

    school = forms.ModelMultipleChoiceField(
        queryset=School.objects.none(), label="Schools", widget=forms.CheckboxSelectMultiple
    )
    since = forms.DateField(
        label="Changes since",
        help_text="Enrollments that began or ended on this day or later, up to today.",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    delimiter = forms.ChoiceField(
        label="File format", choices=[("^", "Caret (^)"), (",", "Comma (csv)")], required=False
    )

    def __init__(self, data: QueryDict | None, *, schools: QuerySet[School]) -> None:
        super().__init__(data)
        field = self.fields["school"]
        assert isinstance(field, forms.ModelMultipleChoiceField)  # noqa: S101 - declared above
        field.queryset = schools
        self.initial["since"] = timezone.localdate() - _AT_FIRST
        self.made: Draft | None = None

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        if values.get("school") and values.get("since"):
            try:
                self.made = enrollment_draft(list(values["school"]), since=values["since"])
            except RequestRefusedError as error:
                raise forms.ValidationError(str(error)) from error
        return values


def _form(request: HttpRequest, data: QueryDict | None) -> ChangesForm:
    schools = visible_schools(request.user).filter(lea__state="CA").select_related("lea").order_by("name", "code")
    return ChangesForm(data, schools=schools)


@requires(Capability.EXPORT)
@require_GET
def changes(request: HttpRequest) -> HttpResponse:
    """What a file would contain since a day, and which stays lack something. Nothing is stored."""
    return _page(request, _form(request, request.GET if "since" in request.GET else None))


def _page(request: HttpRequest, form: ChangesForm) -> HttpResponse:
    made = form.made if form.is_bound and form.is_valid() else None
    page = Paginator(made.gaps if made else [], PER_PAGE).get_page(request.GET.get("page"))
    shown = [gap.student_id for gap in page]
    looking.note_all(shown)
    return render(
        request,
        "ssid/senr_changes.html",
        {
            "form": form,
            "made": made,
            "page": page,
            "exits": exits_of(made) if made else 0,
            "causes": causes_of(made) if made else [],
            # A student who left may be at another school now whose pages this reader may not open.
            "own": set(visible_students(request.user).filter(pk__in=shown).values_list("pk", flat=True)),
            "schools": {school.code: school.name for school in made.schools} if made else {},
        },
    )


@requires(Capability.EXPORT)
@require_POST
def changes_file(request: HttpRequest) -> HttpResponseBase:
    """The file, from the current records; the page again if there is nothing to send."""
    form = _form(request, request.POST)
    if not form.is_valid() or form.made is None or not form.made.entries:
        return _page(request, form)
    entries, delimiter = form.made.entries, form.cleaned_data["delimiter"] or "^"
    ask_if_many(request, len(entries))
    name = _FILE.format(since=form.cleaned_data["since"], ending="csv" if delimiter == "," else "txt")
    log_views(
        user=request.user,
        kind=AuditEntry.Kind.EXPORT,
        students={entry.student_id for entry in entries},
        subject=f"SENR enrollment changes, {len(entries)} records",
    )
    kind = "text/csv" if delimiter == "," else "text/plain"
    response = StreamingHttpResponse(
        (line_text(entry.values, delimiter) for entry in entries), content_type=f"{kind}; charset=utf-8"
    )
    response["Content-Disposition"] = content_disposition_header(True, name) or ""
    return response
