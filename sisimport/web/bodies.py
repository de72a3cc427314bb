"""How large a request may be, decided before any of its body is read.

    anyone's form                        64 kB
    a form of a signed-in user           1 MB
    a file, from a user who may upload, at a view with @takes_file: what that view takes

The middleware comes before the CSRF check, which reads the form. The product's web server (sisimport.serving) first
checks the announced size with it and only then receives the body; under any other server the body is simply not read.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import resolve, reverse
from django.views.decorators.cache import never_cache

from sisimport.accounts.access import Capability, can
from sisimport.serving.front import ALLOWED, ANNOUNCED, FORM_BYTES
from sisimport.web.language import speak_readers_language

View = TypeVar("View", bound=Callable[..., HttpResponseBase])

FORM_OVERHEAD = 64 * 1024  # the other fields besides the file
_TAKES = "takes_file_bytes"


def takes_file(size: Callable[[], int]) -> Callable[[View], View]:
    """The view (already guarded by @requires) accepts a file of up to `size()` bytes, counting the whole request."""

    def mark(view: View) -> View:
        setattr(view, _TAKES, size)
        return view

    return mark


def takes_files(view: Any) -> bool:
    return hasattr(view, _TAKES)


def allowed_bytes(request: HttpRequest) -> int:
    """How many bytes the body of this request may have. Does not read it."""
    if not request.user.is_authenticated:
        return FORM_BYTES
    view = _view_of(request)
    size: Callable[[], int] | None = getattr(view, _TAKES, None)
    if size is not None and can(request.user, Capability(view.access_rule)):
        return size() + FORM_OVERHEAD
    return settings.DATA_UPLOAD_MAX_MEMORY_SIZE


def _view_of(request: HttpRequest) -> Any:
    try:
        return resolve(request.path_info).func
    except Http404:
        return None


class BodyLimits:
    """Refuses bodies that are too large without reading them, and tells the web server how much it may receive."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if getattr(request, "body_size_checked", False):  # by sisimport.api, which serves programs
            return self.get_response(request)
        announced = request.META.get(ANNOUNCED)
        size = announced if announced is not None else _size(request)
        if size > FORM_BYTES:
            allowed = allowed_bytes(request)
            if size > allowed:
                return too_large(request, allowed)
            if announced is not None:
                return HttpResponse(status=204, headers={ALLOWED: str(allowed)})
        return self.get_response(request)


def _size(request: HttpRequest) -> int:
    value = request.META.get("CONTENT_LENGTH") or "0"
    return int(value) if value.isdecimal() else 0


@never_cache
def too_large(request: HttpRequest, allowed: int) -> HttpResponse:
    """Says why, and what to do: sign in (the session may have ended), or send less."""
    speak_readers_language(request)
    view = _view_of(request)
    wants_sign_in = takes_files(view) and not request.user.is_authenticated
    context = {
        "allowed": allowed,
        "wants_sign_in": wants_sign_in,
        "takes_file": takes_files(view) and allowed > FORM_OVERHEAD + settings.DATA_UPLOAD_MAX_MEMORY_SIZE,
        "allowed_file": allowed - FORM_OVERHEAD,
        "back": reverse("home") if request.path_info == reverse("choose_files") else request.path,
    }
    return render(request, "413.html", context, status=413)
