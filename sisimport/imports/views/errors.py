"""Pages for what went wrong. The one for an unexpected error has a reference that finds the log entry, and no data."""

import logging
import secrets
import sys

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views import defaults

from sisimport.imports.language import speak_readers_language

logger = logging.getLogger(__name__)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """In the language of the reader, whose page it is not."""
    speak_readers_language(request)
    return defaults.permission_denied(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    speak_readers_language(request)
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - the page must not depend on anything of it
    """Never touches the database: it may be what failed. The log gets the error's type and place, not its text."""
    from sisimport.imports.execution import error_place

    reference = secrets.token_hex(4).upper()
    error = sys.exc_info()[1]
    logger.error("a page failed, reference %s, %s", reference, error_place(error) if error else "no error at hand")
    return HttpResponse(render_to_string("500.html", {"reference": reference}), status=500)
