"""Automatic entries in the record of access: every answer that shows students, every sign-in and every refused sign-in.

The entry is written when the answer is ready and before its first byte is sent; an answer that cannot be recorded is not sent. A
streamed download is recorded before it begins, and its students every few thousand, as they are sent.
"""

from collections.abc import Callable, Iterator
from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.http import FileResponse, HttpRequest, HttpResponseBase, StreamingHttpResponse

from sisimport.accounts.addresses import client_address
from sisimport.audit import looking
from sisimport.audit.looking import Looked
from sisimport.audit.models import AuditEntry
from sisimport.audit.writing import Doer, write, write_looked

Kind = AuditEntry.Kind
STREAMED_BLOCK = 5_000  # students in a streamed download between two entries
# Answers with these statuses show none of the data read for them.
_SHOW_NOTHING = frozenset({400, 401, 403, 404, 405})
# Changes to these tables are recorded by triggers (migration 0002 of sisimport.audit), which need to know who makes them.
_WATCHED = (
    '"auth_user', '"auth_group', '"students_staffaccess', '"api_apitoken"', '"mfa_authenticator"', '"students_familymember"',
)  # fmt: skip
_CHANGES = ("INSERT", "UPDATE", "DELETE")


class AuditMiddleware:
    """Gathers the students that a request shows, and records them."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        looked = Looked()
        with looking.gathering(looked), connection.execute_wrapper(_NamesWho(request)):
            response = self.get_response(request)
        if not looked or response.status_code in _SHOW_NOTHING or (_leads_on(response) and not _says(request)):
            return response
        doer = doer_of(request)
        number = write_looked(looked, doer)
        if isinstance(response, StreamingHttpResponse) and not isinstance(response, FileResponse):
            looked.clear()
            response.streaming_content = _recorded(response.streaming_content, looked, doer, number)
        return response


def _leads_on(response: HttpResponseBase) -> bool:
    return 300 <= response.status_code < 400


def _says(request: HttpRequest) -> bool:
    """Whether the next page will show a message about this request, which may name the student."""
    return bool(getattr(getattr(request, "_messages", None), "added_new", False))


def doer_of(request: HttpRequest) -> Doer:
    match, token = request.resolver_match, getattr(request, "api_token", None)
    return Doer(
        user=getattr(request, "user", None),
        token=token.pk if token else None,
        place=match.view_name if match else "",
        address=client_address(request),
    )


def _recorded(chunks: Any, looked: Looked, doer: Doer, of: int) -> Iterator[Any]:
    """The chunks of a download; the students in them are recorded before they are sent, one block at a time."""
    remaining = iter(chunks)

    def next_chunk() -> Any:
        with looking.gathering(looked):
            return next(remaining, None)

    def write_rest() -> None:
        if looked:
            write(Kind.MORE, doer, students=looked.students, numbers=looked.numbers, lines=looked.lines, of=of)
            looked.clear()

    try:
        chunk = next_chunk()
        while chunk is not None:
            following = next_chunk()
            if following is None or len(looked.students) >= STREAMED_BLOCK:
                write_rest()
            yield chunk
            chunk = following
    finally:
        write_rest()


class _NamesWho:
    """Tells the triggers who changes access, in the transaction of the change; other statements are unchanged."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request

    def __call__(self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if not (isinstance(sql, str) and sql.startswith(_CHANGES) and any(name in sql[:80] for name in _WATCHED)):
            return execute(sql, params, many, context)
        user = getattr(self.request, "user", None)
        who = str(user.pk) if user is not None and user.is_authenticated else ""
        with transaction.atomic(using=context["connection"].alias), context["connection"].cursor() as cursor:
            cursor.execute("SELECT set_config('sisimport.actor', %s, true)", [who])  # until the transaction ends
            return execute(sql, params, many, context)


# ---- sign-ins ----


def signed_in(request: HttpRequest, user: Any, **_more: Any) -> None:
    write(Kind.SIGN_IN, Doer(user, place=_place(request), address=_address(request)))


def signed_out(request: HttpRequest, user: Any, **_more: Any) -> None:
    if user is not None:
        write(Kind.SIGN_OUT, Doer(user, place=_place(request), address=_address(request)))


def refused(request: HttpRequest | None, credentials: dict[str, Any], **_more: Any) -> None:
    """A wrong password or an unknown name. The typed name is stored only if it is an account's name."""
    refuse(request, credentials.get("username") or credentials.get("email") or "", "wrong name or password")


def second_factor_refused(request: HttpRequest, user: Any, **_more: Any) -> None:
    write(Kind.REFUSED, Doer(user, place=_place(request), address=_address(request)), subject="wrong second factor")


def refuse(request: HttpRequest | None, name: str, why: str) -> None:
    """Record a refused sign-in."""
    users = get_user_model()._default_manager
    user = users.filter(username=name).first() or (users.filter(email__iexact=name).first() if name else None)
    doer = Doer(user, place=_place(request), address=_address(request))
    write(Kind.REFUSED, doer, subject=why if user else f"{why}: nobody's name")


def _place(request: HttpRequest | None) -> str:
    match = request.resolver_match if request is not None else None
    return match.view_name if match else ""


def _address(request: HttpRequest | None) -> str:
    return client_address(request) if request is not None else ""
