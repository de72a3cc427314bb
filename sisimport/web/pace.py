"""How often per minute one person may upload and export, over all machines: further requests are refused for a while.

Counted in the shared cache, by person and kind, in windows of a minute. An upload is refused before its body is read.
An export is refused right away if the request says that it is one or the address has answered with one before,
otherwise before its answer is sent. Programs have their own limit, for each token (sisimport.api.tokens).
"""

import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import connection, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import resolve
from django.views.decorators.cache import never_cache

from sisimport.serving.front import ANNOUNCED
from sisimport.web.bodies import takes_files
from sisimport.web.language import speak_readers_language

SECONDS = 60
_LOCK = 0x5349_0013  # a class of our advisory locks
UPLOADS, EXPORTS = "uploads", "exports"


def most(kind: str) -> int:
    """The limit per minute; 0: no limit."""
    allowed: dict[str, int] = {UPLOADS: settings.UPLOADS_PER_MINUTE, EXPORTS: settings.EXPORTS_PER_MINUTE}
    return allowed[kind]


def count(user: Any, kind: str, *, adding: int = 1) -> bool:
    """Whether this person may do one more of this kind now; if so, it is counted. adding=0 only checks."""
    if not most(kind):
        return True
    key = f"pace:{kind}:{user.pk}:{int(time.time()) // SECONDS}"
    with transaction.atomic():
        if adding:  # one at a time, so that no request misses what another is about to add
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_LOCK, key])
        done = int(cache.get(key, 0))
        if done >= most(kind):
            return False
        if adding:
            cache.set(key, done + adding, SECONDS * 2)
    return True


class PaceLimits:
    """Comes before anything that reads a body."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self.files_only: set[tuple[str, str]] = set()  # addresses and methods that answered with files, in this process

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if getattr(request, "body_size_checked", False) or not request.user.is_authenticated:
            return self.get_response(request)  # a program, or not signed in
        if _sends_file(request) and not count(request.user, UPLOADS, adding=ANNOUNCED not in request.META):
            return too_often(request, UPLOADS)
        answer = self.get_response(request)
        if answer.status_code == 200 and answer.headers.get("Content-Disposition", "").startswith("attachment"):
            match = request.resolver_match
            if match is not None and not ("export" in request.POST or "export" in request.GET):
                self.files_only.add((match.view_name, str(request.method)))
            if not count(request.user, EXPORTS):
                answer.close()
                return too_often(request, EXPORTS)
        return answer

    def process_view(self, request: HttpRequest, *_view: Any) -> HttpResponseBase | None:
        """Refuses here, so that nothing is read for an export that would not be sent."""
        match = request.resolver_match
        if match is None or not request.user.is_authenticated or getattr(request, "body_size_checked", False):
            return None
        of_list = "export" in request.POST or "export" in request.GET
        if not of_list and (match.view_name, str(request.method)) not in self.files_only:
            return None
        return None if count(request.user, EXPORTS, adding=0) else too_often(request, EXPORTS)


def _sends_file(request: HttpRequest) -> bool:
    if request.method != "POST" or request.content_type != "multipart/form-data":
        return False
    try:
        return takes_files(resolve(request.path_info).func)
    except Http404:
        return False


@never_cache
def too_often(request: HttpRequest, kind: str) -> HttpResponse:
    """Says what the limit is, and when to try again."""
    speak_readers_language(request)
    wait = SECONDS - int(time.time()) % SECONDS
    context = {"kind": kind, "most": most(kind), "wait": wait}
    answer = render(request, "too_often.html", context, status=429)
    answer.headers["Retry-After"] = str(wait)
    return answer
