"""Conversion of a workbook that a run refused: a worker converts it to text, users review that, then test it."""

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from sisimport.accounts import access
from sisimport.accounts.access import Capability, requires, signed_in_user
from sisimport.imports.runs import conversion_requests
from sisimport.web.views.runs import find_run, open_started, test_of


@requires(Capability.TEST)
@require_POST
def convert(request: HttpRequest, pk: int) -> HttpResponse:
    """Start the conversion of the workbook of a refused run, or find the one that was started."""
    run = find_run(request, pk)
    if not access.may_convert(request.user, run):
        raise Http404
    return open_started(
        request, run, lambda: conversion_requests.start_conversion(run=run, user=signed_in_user(request))
    )


@requires(Capability.TEST)
@require_POST
def start_converted(request: HttpRequest, pk: int) -> HttpResponse:
    """Test the text that a workbook became, with the options of the run that refused it."""
    conversion = find_run(request, pk)
    text = conversion.made_file
    if text is None or not access.may_convert(request.user, conversion):
        raise Http404
    return open_started(request, conversion, lambda: test_of(request, conversion, text))
