"""Around every API request: its token, its size before any of its body is read, and problems for all errors."""

import logging
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import resolve
from django.utils.cache import add_never_cache_headers

from sisimport.accounts.addresses import client_address
from sisimport.accounts.scopes import Scope
from sisimport.api import tokens
from sisimport.api.problems import CONTENT_TYPE, ProblemError, problem_of
from sisimport.imports.runs.execution import error_place
from sisimport.serving.front import ALLOWED, ANNOUNCED, FORM_BYTES

ROOT = "/api/"
PUBLIC = frozenset({"/api/v1/openapi.json", "/api/v1/docs"})
UPLOADS = {
    "api:start_import": (Scope.IMPORTS_TEST, Scope.IMPORTS_WRITE)
}  # addresses that accept files, and the scopes for them
FORM_OVERHEAD = 64 * 1024
RETRY_SECONDS = 5

logger = logging.getLogger(__name__)


class ApiMiddleware:
    """Comes before everything that reads a body. Sets `request.api_token` and `request.user`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.path_info.startswith(ROOT):
            return self.get_response(request)
        try:
            answer = _before(request) or self.get_response(request)
        except ProblemError as problem:
            answer = problem.response()
            # Refused before the request is logged; its address may name a student.
            logger.warning(
                "refused a call of the API: event=request_finished code=%s ip=%s",
                answer.status_code,
                client_address(request),
            )
        except SuspiciousOperation:
            answer = ProblemError("BAD-REQUEST").response()
        except DatabaseError as error:
            logger.error("the token of a request could not be looked up, %s", error_place(error))
            answer = ProblemError("UNAVAILABLE", headers={"Retry-After": str(RETRY_SECONDS)}).response()
        return _finished(answer)


def _before(request: HttpRequest) -> HttpResponse | None:
    """An immediate answer to a request that only asks whether it may send a body; else None."""
    announced = request.META.get(ANNOUNCED)
    length = request.META.get("CONTENT_LENGTH") or "0"
    size = announced if announced is not None else int(length) if length.isdecimal() else 0
    if settings.SECURE_SSL_REDIRECT and not request.is_secure():
        # No redirect, unlike pages: a program that follows one would keep sending its token unencrypted, unnoticed.
        raise ProblemError("TLS")
    if "\x00" in request.path_info:
        raise ProblemError("NOT-FOUND")
    if any("\x00" in value for values in request.GET.lists() for value in values[1]):
        raise ProblemError("BAD-REQUEST", "A parameter contains a character that is not allowed (NUL).")
    secret = _bearer(request)
    if request.path_info not in PUBLIC or secret:
        if not secret:
            raise ProblemError("TOO-LARGE" if size > FORM_BYTES else "TOKEN-MISSING")
        # The question about the size does not count as a request.
        weight = 0 if announced is not None else 1
        token = tokens.use(secret, address=client_address(request), weight=weight)
        request.api_token, request.user = token, token.user  # type: ignore[attr-defined]
    if size > FORM_BYTES:
        allowed = _allowed_bytes(request)
        if size > allowed:
            raise ProblemError("TOO-LARGE", f"{size:,} bytes were announced; {allowed:,} are allowed here.")
        if announced is not None:
            return HttpResponse(status=204, headers={ALLOWED: str(allowed)})
    request.body_size_checked = True  # type: ignore[attr-defined]
    return None


def _bearer(request: HttpRequest) -> str:
    scheme, _blank, secret = request.headers.get("Authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else ""


def _allowed_bytes(request: HttpRequest) -> int:
    """How large the body of this request may be. Files only with a scope for them: otherwise the body is not even
    received."""
    token = getattr(request, "api_token", None)
    try:
        scopes = UPLOADS.get(resolve(request.path_info).view_name)
    except Http404:
        scopes = None
    if token is None or scopes is None or request.method != "POST":
        return FORM_BYTES
    if not set(scopes) & set(token.scopes):
        raise ProblemError("SCOPE", f"This needs one of the scopes {', '.join(scopes)}.")
    return int(settings.IMPORT_MAX_BYTES) + FORM_OVERHEAD


def _finished(answer: HttpResponseBase) -> HttpResponseBase:
    """Turns error answers of packages or Django into problems too; no cache may store any answer."""
    if answer.status_code >= 400 and not answer.headers.get("Content-Type", "").startswith(CONTENT_TYPE):
        kept = {name: answer.headers[name] for name in ("Allow", "Retry-After") if name in answer.headers}
        answer = problem_of(answer.status_code, headers=kept)
    if not answer.has_header("Cache-Control"):
        add_never_cache_headers(answer)
    return answer
