"""The page Exports: students, SSIDs and scores of the own schools as a file. Each download is logged before it leaves."""

import tempfile

from django.http import FileResponse, HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from sisimport.accounts.access import Capability, requires
from sisimport.reporting.exports import Export, ExportRefusedError, workbook_of
from sisimport.reporting.forms import XLSX, ExportForm
from sisimport.reporting.views import SCORES, SSIDS, STUDENTS, VERSION
from sisimport.web.exports.writers import csv_rows
from students.access import log_view, visible_school_ids, visible_schools
from students.models import StudentView

_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@requires(Capability.EXPORT)
@require_http_methods(["GET", "POST"])
def exports(request: HttpRequest) -> HttpResponseBase:
    """The form, with what each column means; by POST the file."""
    form = ExportForm(request.POST or None, schools=visible_schools(request.user))
    if request.method == "POST" and form.is_valid():
        export = form.export(visible_school_ids(request.user))
        log_view(user=request.user, kind=StudentView.Kind.EXPORT, subject=_subject(export))
        try:
            return _sent(export, form.cleaned_data["file_type"])
        except ExportRefusedError as error:
            form.add_error(None, str(error))
    views = [("Scores", SCORES), ("Students", STUDENTS), ("SSIDs", SSIDS)]
    return render(request, "reporting/exports.html", {"form": form, "views": views, "version": VERSION})


def _sent(export: Export, file_type: str) -> FileResponse:
    """Made whole before it leaves: what goes wrong is a page that says so, not a file cut short."""
    if file_type == XLSX:
        made = workbook_of(export.what, export.columns, export.rows())
    else:
        made = tempfile.TemporaryFile()  # noqa: SIM115 - the response closes it
        made.writelines(csv_rows(export.columns, export.rows()))
        made.seek(0)
    name = f"{export.what}-{timezone.localdate():%Y-%m-%d}.{file_type}"
    return FileResponse(made, as_attachment=True, filename=name, content_type=_TYPES[file_type])


def _subject(export: Export) -> str:
    """What was taken out, in words for the log: never a student's data."""
    schools = "all schools" if export.schools is None else f"{len(export.schools)} schools"
    since = f", changed since {export.changed_since:%Y-%m-%d}" if export.changed_since else ""
    return f"{export.what} {export.school_year or 'of all years'} of {schools}{since}"
