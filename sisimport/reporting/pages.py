"""The page Data out: files of the own schools, each on record before it leaves."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import FileResponse, HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from sisimport.accounts.access import Capability, requires
from sisimport.reporting.exports import ExportRefusedError
from sisimport.reporting.forms import DataForm, TableForm
from sisimport.reporting.views import SCORES, SSIDS, STUDENTS, VERSION
from sisimport.reporting.writing import CSV, JSONL, MANY, PARQUET, VERSION_HEADER, XLSX, ZIP, Source, on_record
from students.access import visible_schools

_TYPES = {
    CSV: "text/csv; charset=utf-8",
    XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    PARQUET: "application/vnd.apache.parquet",
    ZIP: "application/zip",
    JSONL: "application/jsonl",
}


@dataclass(frozen=True, slots=True)
class Offer:
    """One form of the page. `key`: what it sends as `kind`. `about`: one or two sentences under its title."""

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
)


@requires(Capability.EXPORT)
@require_http_methods(["GET", "POST"])
def exports(request: HttpRequest) -> HttpResponseBase:
    """A form for each kind of file, with what each column means; by POST the file."""
    sent = request.POST.get("kind", OFFERS[0].key) if request.method == "POST" else None
    shown: list[tuple[Offer, DataForm]] = []
    for offer in OFFERS:
        data = request.POST if sent == offer.key else None
        form = offer.form(data, user=request.user, schools=visible_schools(request.user), auto_id=f"{offer.key}_%s")
        shown.append((offer, form))
        if data is None or not form.is_valid():
            continue
        try:
            return _sent(request, form.source(), form.ending)
        except ExportRefusedError as error:
            form.add_error(None, str(error))
    views = [("Scores", SCORES), ("Students", STUDENTS), ("SSIDs", SSIDS)]
    context: dict[str, Any] = {"offers": shown, "views": views, "version": VERSION, "many": MANY}
    return render(request, "reporting/exports.html", context)


def _sent(request: HttpRequest, source: Source, ending: str) -> FileResponse:
    """Made whole before it leaves: what goes wrong is a page that says so, not a file cut short."""
    made = tempfile.TemporaryFile()  # noqa: SIM115 - the response closes it
    try:
        written = source.write(made, ending)
    except BaseException:
        made.close()
        raise
    made.seek(0)
    on_record(source, written, user=request.user, way="page")
    name = f"{source.name}-{timezone.localdate():%Y-%m-%d}{ending}"
    response = FileResponse(made, as_attachment=True, filename=name, content_type=_TYPES[ending])
    response[VERSION_HEADER] = str(VERSION)
    return response
