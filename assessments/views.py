"""Conversion of a workbook that was refused as an import: look at what it becomes, then test that."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from assessments.navigation import is_score_run
from sisimport.imports.access import Capability, requires, signed_in_user
from sisimport.imports.issues import FileError
from sisimport.imports.models import ImportFile, ImportRun, Work
from sisimport.imports.registry import get_tool, get_type
from sisimport.imports.services import RunRefusedError, convert_workbook, start_run
from sisimport.imports.views.runs import find_run


def _score_run(request: HttpRequest, pk: int) -> ImportRun:
    run = find_run(request, pk)
    if run.file is None or not is_score_run(run):
        raise Http404
    return run


@requires(Capability.TEST)
@require_POST
def convert(request: HttpRequest, pk: int) -> HttpResponse:
    """Convert the workbook of a refused run and show what it became."""
    run = _score_run(request, pk)
    assert run.file is not None  # noqa: S101 - or it would be 404
    try:
        file, converted = convert_workbook(file=run.file, user=signed_in_user(request))
    except FileError as error:
        messages.error(request, f"{error} {error.fix}")
        return redirect("run", run.pk)
    tool = get_tool(get_type(run.import_type).tool)
    return render(
        request, "assessments/converted.html", {"run": run, "file": file, "converted": converted, "tool": tool}
    )


@requires(Capability.TEST)
@require_POST
def start_converted(request: HttpRequest, pk: int) -> HttpResponse:
    """Test the text that the workbook became, with the options of the refused run."""
    run = _score_run(request, pk)
    user = signed_in_user(request)
    wanted = request.POST.get("file", "")
    file = get_object_or_404(
        ImportFile, pk=int(wanted) if wanted.isdigit() else 0, converted_from=run.file, uploaded_by=user
    )
    try:
        started = start_run(
            file=file, import_type=run.import_type, work=Work.TEST, options=run.options, user=user, schools=run.schools
        )
    except RunRefusedError as error:
        messages.error(request, str(error))
        return redirect("run", run.pk)
    return redirect("run", started.pk)
