"""History of runs."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from sisimport.accounts import access
from sisimport.accounts.access import Capability, requires
from sisimport.imports.models import ImportRun
from sisimport.imports.runs import queueing
from sisimport.web import states
from sisimport.web.filters import RunFilter
from sisimport.web.lists import Column, List, Listing
from sisimport.web.moments import moment_text
from sisimport.web.queries import disks
from sisimport.web.templatetags.ui import works_shown

RUNS = List(
    key="runs",
    columns=(
        Column(name="run", label="Run", order=("pk",), number=True, css="w-s"),
        Column(name="file", label="File", order=("file__name",), css="w-l"),
        Column(name="records", label="Records", order=("record_count",), number=True),
        Column(name="imported", label="Imported", order=("import_count",), number=True),
        Column(name="errors", label="Errors", order=("error_count",), number=True),
        Column(name="by", label="By", order=("created_by__username",)),
        Column(name="when", label="When", order=("created_at",)),
        Column(name="state", label="State", order=("status", "work")),
    ),
    start="-run",
    filters=("import_type", "work", "status", "mine", "since"),
    file_name="runs",
)
HEAD = ("Run", "File", "Work", "Import type", "Records", "Imported", "Errors", "Warnings", "By", "When", "State")


@requires(Capability.READ)
@require_http_methods(["GET", "POST"])
def runs(request: HttpRequest) -> HttpResponseBase:
    """Runs the user may open, newest first."""
    listing = Listing(request, RUNS)
    if answer := listing.answer():
        return answer
    visible = access.visible_runs(request.user).select_related("file", "created_by")
    wanted = RunFilter(request.GET, queryset=states.with_applications(visible), request=request)
    found: QuerySet[ImportRun] = wanted.qs
    if listing.text:
        found = found.filter(file__name__icontains=listing.text)
    found = listing.order(found)
    if listing.exports:
        return listing.export(_rows(found.iterator(chunk_size=500)), HEAD)
    page = listing.page(found)
    queueing.set_places(page.object_list)
    return render(
        request,
        "imports/runs.html",
        {"listing": listing, "filter": wanted, "page": page, "disks": disks.shown_to(request.user)},
    )


def _rows(runs: Iterable[ImportRun]) -> Iterator[tuple[Any, ...]]:
    for run in runs:
        yield (
            run.pk,
            run.file.name if run.file else "",
            run.get_work_display(),
            works_shown(run),
            run.record_count,
            states.still_imported(run),
            run.error_count,
            run.warning_count,
            run.created_by.get_username() if run.created_by else "command",
            moment_text(run.created_at),
            states.state_of(run).label,
        )
