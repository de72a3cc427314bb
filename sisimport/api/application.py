"""The API itself, and how an operation of it is declared."""

import logging
import secrets
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from django.core.exceptions import SuspiciousOperation
from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.http import Http404, HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from ninja import NinjaAPI, Router, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.security import HttpBearer
from psycopg.errors import QueryCanceled

from sisimport.accounts.access import Capability, can
from sisimport.accounts.scopes import Scope
from sisimport.api.middleware import RETRY_SECONDS
from sisimport.api.models import ApiToken
from sisimport.api.problems import ProblemError
from sisimport.api.schemas import ProblemOut
from sisimport.imports.runs.execution import error_place
from sisimport.imports.storage import room
from sisimport.imports.storage.files import StoredFileError
from sisimport.runtime import disk, error_reports
from students.locks import waited_in_vain

logger = logging.getLogger(__name__)
View = TypeVar("View", bound=Callable[..., Any])

DESCRIPTION = "Everything that the pages of SIS Import do with files, runs and records, for programs with a token."
# Responses that any operation may give besides its own: described once in the document.
ERRORS = (400, 401, 403, 404, 409, 410, 413, 422, 429, 503, 507)


class BearerToken(HttpBearer):
    """What an operation requires of a request: one or all of `scopes` (empty: any token), a capability of the user,
    known parameters."""

    def __init__(
        self, scopes: Collection[Scope], capability: Capability | None, parameters: Collection[str], *, each: bool
    ) -> None:
        super().__init__()
        self.scopes, self.capability, self.parameters, self.each = scopes, capability, parameters, each

    def __call__(self, request: HttpRequest) -> ApiToken | None:
        token: ApiToken | None = getattr(request, "api_token", None)  # found by the middleware
        if token is None:
            return None
        lacking = set(self.scopes) - set(token.scopes)
        if lacking and (self.each or len(lacking) == len(set(self.scopes))):
            which = "each of" if self.each else "one of"
            raise ProblemError("SCOPE", f"This needs {which} the scopes {', '.join(self.scopes)}.")
        if self.capability is not None and not can(request.user, self.capability):
            raise ProblemError("ROLE")
        if unknown := sorted(set(request.GET) - set(self.parameters)):
            names = ", ".join(self.parameters) or "none"
            raise ProblemError(
                "INVALID", errors=[(name, f"There is no such parameter here: {names}.") for name in unknown]
            )
        return token

    def authenticate(self, request: HttpRequest, token: str) -> Any:
        raise NotImplementedError  # the middleware does


router = Router()
api = NinjaAPI(
    title="SIS Import",
    version="1",
    description=DESCRIPTION,
    urls_namespace="api",
    openapi_url=None,
    docs_url=None,
)


def operation(
    method: str,
    path: str,
    *,
    name: str,
    summary: str,
    response: Any,
    scopes: Collection[Scope] = (),
    capability: Capability | None = None,
    filters: type[Schema] | None = None,
    tag: str,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    each_scope: bool = False,
    files: Collection[str] = (),
) -> Callable[[View], View]:
    """Declare an operation: what it requires, and the schema of its answer.

    `filters`: the schema of its parameters. `headers`: names of further headers that it reads, with their purpose.
    `each_scope`: all of `scopes` are required. `files`: it returns a file of one of these media types, not JSON.
    """
    parameters = list(filters.model_fields) if filters else []
    return router.api_operation(
        [method],
        path,
        auth=BearerToken(scopes, capability, parameters, each=each_scope),
        response={status: response, **dict.fromkeys(ERRORS, ProblemOut)},
        operation_id=name,
        url_name=name,
        summary=summary,
        tags=[tag],
        openapi_extra={
            "x-scopes": [str(scope) for scope in scopes],
            "x-each-scope": each_scope,
            "x-files": list(files),
            "parameters": [
                {"in": "header", "name": header, "required": False, "description": text, "schema": {"type": "string"}}
                for header, text in (headers or {}).items()
            ],
        },
    )


# ---- errors ----


@api.exception_handler(ProblemError)
def _problem(_request: HttpRequest, error: ProblemError) -> HttpResponse:
    return error.response()


@api.exception_handler(ValidationError)
def _invalid(_request: HttpRequest, error: ValidationError) -> HttpResponse:
    errors = [(".".join(str(part) for part in entry["loc"][1:]) or "body", entry["msg"]) for entry in error.errors]
    return ProblemError("INVALID", errors=errors).response()


@api.exception_handler(AuthenticationError)
def _no_token(_request: HttpRequest, _error: AuthenticationError) -> HttpResponse:
    return ProblemError("TOKEN-MISSING").response()


@api.exception_handler(Http404)
def _not_found(_request: HttpRequest, _error: Http404) -> HttpResponse:
    return ProblemError("NOT-FOUND").response()


@api.exception_handler(HttpError)
def _unreadable(_request: HttpRequest, error: HttpError) -> HttpResponse:
    return ProblemError("BAD-REQUEST", str(error)).response()


@api.exception_handler(StoredFileError)
def _file_gone(_request: HttpRequest, error: StoredFileError) -> HttpResponse:
    return ProblemError("FILE-GONE", str(error)).response()


@api.exception_handler(Exception)
def _failed(request: HttpRequest, error: Exception) -> HttpResponse:
    """Answers for client errors, for things a client has to wait for and, last, for our own errors, with a log
    reference."""
    if isinstance(error, SuspiciousOperation | MultiPartParserError):
        return ProblemError("BAD-REQUEST").response()
    if isinstance(error, OSError | DatabaseError) and disk.says_full(error):
        return ProblemError("NO-ROOM", room.full_sentence()).response()
    if isinstance(error, DatabaseError) and (waited_in_vain(error) or isinstance(error.__cause__, QueryCanceled)):
        return ProblemError("BUSY", headers={"Retry-After": str(RETRY_SECONDS)}).response()
    if isinstance(error, OperationalError | InterfaceError) and not connection.is_usable():
        return ProblemError("UNAVAILABLE", headers={"Retry-After": str(RETRY_SECONDS)}).response()
    reference = secrets.token_hex(4).upper()
    error_reports.report(error, part="api", reference=reference, operation=_operation_of(request))
    logger.error("a request of the API failed, reference %s, %s", reference, error_place(error))
    return ProblemError("ERROR", f"Reference {reference}: it finds the entry in the log.").response()


def _operation_of(request: HttpRequest) -> str:
    """The method and the pattern of the address."""
    match = request.resolver_match
    return f"{request.method} {match.route if match is not None else ''}"
