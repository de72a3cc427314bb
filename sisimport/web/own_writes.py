"""Users find what they wrote in their next report, even if reports are read from a replica."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from sisimport.imports.storage.replica import note_write

_ONLY_READ = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


class OwnWritesMiddleware:
    """Notes when a signed-in user submitted something. Installed only if there is a replica."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        user = getattr(request, "user", None)
        if request.method not in _ONLY_READ and user is not None and user.is_authenticated:
            note_write(user)
        return response
