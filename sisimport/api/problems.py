"""Errors as problem details (RFC 9457): what went wrong, for programs by `code`, for people by `detail`, field by field."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.http import HttpResponse

CONTENT_TYPE = "application/problem+json"
HELP = "/api/v1/docs#problem-"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem: its HTTP status, its title, and what to do about it."""

    code: str
    status: int
    title: str
    help: str


KINDS: dict[str, Kind] = {
    kind.code: kind
    for kind in (
        Kind("BAD-REQUEST", 400, "The request cannot be read", "Check the format of the body and its headers."),
        Kind(
            "TLS",
            403,
            "The API answers over https only",
            "Send the request to the https address. A token sent without encryption could be read by others: have it revoked.",
        ),
        Kind(
            "TOKEN-MISSING",
            401,
            "No token",
            "Send the header Authorization: Bearer TOKEN. An import admin makes tokens.",
        ),
        Kind(
            "TOKEN-INVALID",
            401,
            "The token is not valid",
            "It is unknown, expired or revoked, or its user may no longer sign in. Ask an import admin for another.",
        ),
        Kind("SCOPE", 403, "The token lacks a scope", "Ask an import admin for a token with a scope named here."),
        Kind(
            "ROLE", 403, "The token's user may not do this", "A token gives no more than its user's role and schools."
        ),
        Kind("NOT-FOUND", 404, "Not found", "It does not exist, or belongs to a school the token is not for."),
        Kind("METHOD", 405, "The address does not accept this method", "See the header Allow."),
        Kind("AMBIGUOUS", 409, "More than one matches", "Say which one with the parameter named here."),
        Kind("REFUSED", 409, "Not possible right now", "The detail says why; check the run first."),
        Kind("IDEMPOTENCY", 409, "The key was used for another request", "Use a new Idempotency-Key for each request."),
        Kind("FILE-GONE", 410, "The stored file cannot be read", "Tell your administrator; send the file again."),
        Kind("TOO-LARGE", 413, "The body is too large", "The setting IMPORT_MAX_BYTES limits files."),
        Kind("INVALID", 422, "A value cannot be used", "Each entry of errors names a field and what it accepts."),
        Kind("FILE", 422, "The file cannot be used", "The code is an issue code: see GET /api/v1/issue-codes."),
        Kind("RATE", 429, "Too many requests", "Wait for the seconds in Retry-After, then continue."),
        Kind(
            "ERROR",
            500,
            "The request failed because of an error on our side",
            "Tell your administrator the reference in the detail.",
        ),
        Kind("BUSY", 503, "Someone else is writing the same records", "Try again after the seconds in Retry-After."),
        Kind("UNAVAILABLE", 503, "The database does not answer", "Try again after the seconds in Retry-After."),
        Kind("NO-ROOM", 507, "There is no space on the disk", "Nothing was kept. Your administrator has to make room."),
    )
}
_BY_STATUS = {400: "BAD-REQUEST", 401: "TOKEN-INVALID", 403: "ROLE", 404: "NOT-FOUND", 405: "METHOD", 413: "TOO-LARGE"}


class ProblemError(Exception):
    """Ends a request with a problem. `errors`: pairs of field and message. `code`: overrides the kind's own."""

    def __init__(
        self,
        kind: str,
        detail: str = "",
        *,
        errors: Iterable[tuple[str, str]] = (),
        code: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(kind)
        self.kind, self.detail, self.errors = KINDS[kind], detail, list(errors)
        self.code, self.headers = code or kind, dict(headers or {})

    def response(self) -> HttpResponse:
        kind = self.kind
        body = {
            "type": HELP + kind.code.lower(),
            "title": kind.title,
            "status": kind.status,
            "detail": self.detail or kind.help,
            "code": self.code,
            "errors": [{"field": field, "message": message} for field, message in self.errors],
        }
        headers = {"Cache-Control": "no-store", **self.headers}
        if kind.status == 401:
            headers["WWW-Authenticate"] = "Bearer" if kind.code == "TOKEN-MISSING" else 'Bearer error="invalid_token"'
        response = HttpResponse(json.dumps(body), status=kind.status, content_type=CONTENT_TYPE, headers=headers)
        # Django would log the address of each, and a student's address contains the local number.
        response._has_been_logged = True  # type: ignore[attr-defined]
        return response


def problem_of(status: int, *, headers: Mapping[str, str]) -> HttpResponse:
    """The problem for an error answer made by a package or Django: by its status only."""
    kind = _BY_STATUS.get(status, "ERROR" if status >= 500 else "BAD-REQUEST")
    return ProblemError(kind, headers=headers).response()
