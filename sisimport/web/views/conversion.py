"""Conversion of a workbook that a run refused: a worker makes it text, people look at that, then test it."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from sisimport.accounts import access
from sisimport.accounts.access import Capability, requires, signed_in_user
from sisimport.imports.definition.registry import UnknownImportTypeError
from sisimport.imports.models import Work
from sisimport.imports.runs import conversion_requests, services, uploads
from sisimport.web.views.runs import find_run


@requires(Capability.TEST)
@require_POST
def convert(request: HttpRequest, pk: int) -> HttpResponse:
    """Start the conversion of the workbook of a refused run, or find the one that was started."""
    run = find_run(request, pk)
    if not access.may_convert(request.user, run):
        raise Http404
    try:
        conversion = conversion_requests.start_conversion(run=run, user=signed_in_user(request))
    except uploads.RunRefusedError as error:
        messages.error(request, str(error))
        return redirect("run", run.pk)
    return redirect("run", conversion.pk)


@requires(Capability.TEST)
@require_POST
def start_converted(request: HttpRequest, pk: int) -> HttpResponse:
    """Test the text that a workbook became, with the options of the run that refused it."""
    conversion = find_run(request, pk)
    if conversion.made_file is None or not access.may_convert(request.user, conversion):
        raise Http404
    try:
        started = services.start_run(
            file=conversion.made_file,
            import_type=conversion.import_type,
            work=Work.TEST,
            options=conversion.options,
            user=signed_in_user(request),
            schools=access.visible_school_ids(request.user),
        )
    except (uploads.RunRefusedError, UnknownImportTypeError) as error:
        messages.error(request, str(error))
        return redirect("run", conversion.pk)
    return redirect("run", started.pk)
