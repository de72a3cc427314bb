"""Pages for what went wrong. The page for an unexpected error has a reference to the log entry, and no data; the one
for a record that another user is writing keeps the submitted data, so that trying again takes one click."""

import logging
import secrets
import sys
from collections.abc import Callable

from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views import defaults
from psycopg.errors import QueryCanceled

from sisimport.imports.storage import room
from sisimport.imports.storage.files import StoredFileError
from sisimport.runtime import disk, error_reports
from sisimport.web.language import speak_readers_language
from sisimport.web.observing import route_of
from students.locks import waited_in_vain

logger = logging.getLogger(__name__)

RETRY_SECONDS = 5
_NOT_KEPT = ("password", "csrfmiddlewaretoken")  # never written into a page


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Access denied, in the reader's language."""
    speak_readers_language(request)
    return defaults.permission_denied(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    speak_readers_language(request)
    return defaults.page_not_found(request, exception)


class StoredFileMiddleware:
    """Reports a missing or damaged upload on the page or download that needed it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, StoredFileError):
            return None
        logger.warning("a stored file cannot be used (%s)", type(exception).__name__)
        context = {"title": exception.title, "message": str(exception)}
        return render(request, "imports/stored_file.html", context, status=410)


def server_error(request: HttpRequest) -> HttpResponse:
    """Never touches the database, which may be what failed. The log gets the error's type and place, not its text."""
    from sisimport.imports.runs.execution import error_place

    reference = secrets.token_hex(4).upper()
    error = sys.exc_info()[1]
    disk_full = bool(error and disk.says_full(error)) or room.is_full()
    error_reports.report(error, part="page", reference=reference, route=route_of(request), method=request.method)
    logger.error("a page failed, reference %s, %s", reference, error_place(error) if error else "no error at hand")
    return HttpResponse(render_to_string("500.html", {"reference": reference, "disk_full": disk_full}), status=500)


class BusyMiddleware:
    """Answers for any page that had to wait for the database longer than a person should (settings: WEB_LOCK_SECONDS
    and WEB_STATEMENT_SECONDS). By then whatever the page had begun is rolled back."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, DatabaseError):
            return None
        if waited_in_vain(error):
            return busy(request)
        if isinstance(error.__cause__, QueryCanceled):
            logger.warning("a page was ended because a statement took too long")
            return busy(request, slow=True)
        return None


def busy(request: HttpRequest, *, slow: bool = False) -> HttpResponse:
    """Asks to try again in a moment: a form that resubmits everything typed, or a link. Passwords and files are not
    kept."""
    speak_readers_language(request)
    sent = [
        (name, value)
        for name, values in request.POST.lists()
        if not any(word in name for word in _NOT_KEPT)
        for value in values
    ]
    complete = not request.FILES and not any("password" in name for name in request.POST)
    page = render_to_string(
        "503.html",
        {
            "slow": slow,
            "posted": request.method == "POST",
            "sent": sent if complete else [],
            "complete": complete,
            "address": request.get_full_path(),
        },
        request=request,
    )
    return HttpResponse(page, status=503, headers={"Retry-After": str(RETRY_SECONDS), "Cache-Control": "no-store"})
