"""The page Data out: files of the user's schools, each logged before it is sent."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from sisimport.accounts.access import Capability, requires
from sisimport.accounts.step_up import ask_if_many
from sisimport.reporting.exports import ExportRefusedError
from sisimport.reporting.forms import ChangesForm, DataForm, EdFiForm, OneRosterForm, TableForm
from sisimport.reporting.views import SCORES, SSIDS, STUDENTS, VERSION
from sisimport.reporting.writing import MANY, Written, download
from students.access import visible_schools


@dataclass(frozen=True, slots=True)
class Offer:
    """One form of the page. `key`: what it submits as `kind`. `about`: one or two sentences under its title."""

    key: str
    title: str
    about: str
    form: type[DataForm]


OFFERS: Sequence[Offer] = (
    Offer(
        "tables",
        "Students, SSIDs, scores",
        "One table, in documented columns, for a spreadsheet or a program.",
        TableForm,
    ),
    Offer(
        "changes",
        "New since last time",
        "The rows that a run, or the runs and people of a period, wrote, as they are now: a zip with a CSV of each view. "
        "Removed rows are listed.",
        ChangesForm,
    ),
    Offer(
        "oneroster",
        "OneRoster 1.2 results",
        "A zip of CSV files: line items, results, score scales and what they refer to.",
        OneRosterForm,
    ),
    Offer(
        "edfi",
        "Ed-Fi student assessments",
        "A file of JSON lines, one StudentAssessment each, to be posted to an Ed-Fi API.",
        EdFiForm,
    ),
)


def _ask_for(request: HttpRequest) -> Callable[[Written], None]:
    """For files of many students, asks the user to confirm their identity again."""

    def before(written: Written) -> None:
        ask_if_many(request, written.students)

    return before


@requires(Capability.EXPORT)
@require_http_methods(["GET", "POST"])
def exports(request: HttpRequest) -> HttpResponseBase:
    """A form for each kind of file, with the meaning of each column; by POST, the file."""
    sent = request.POST.get("kind", OFFERS[0].key) if request.method == "POST" else None
    shown: list[tuple[Offer, DataForm]] = []
    for offer in OFFERS:
        data = request.POST if sent == offer.key else None
        form = offer.form(data, user=request.user, schools=visible_schools(request.user), auto_id=f"{offer.key}_%s")
        shown.append((offer, form))
        if data is None or not form.is_valid():
            continue
        try:
            return download(form.source(), form.file_ending, user=request.user, way="page", before=_ask_for(request))
        except ExportRefusedError as error:
            form.add_error(None, str(error))
    views = [("Scores", SCORES), ("Students", STUDENTS), ("SSIDs", SSIDS)]
    context: dict[str, Any] = {"offers": shown, "views": views, "version": VERSION, "many": MANY}
    return render(request, "reporting/exports.html", context)
