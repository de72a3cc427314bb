"""Actions that ask for the password or a factor again: roles, large exports, whole SSIDs of a page, reverts of others' runs,
tokens, deliveries, erasing.

    ask(request)                    continues if the user proved their identity in the last 15 minutes (STEP_UP_SECONDS)
    ask_if_many(request, count)     the same, for more than 500 students or lines at once, as a file or for print
    ask_for_many(request, rows)     the same, if they have not been counted

Otherwise a page asks for proof first, and the original request is carried out afterwards. Tokens of the REST API are not asked:
they have scopes.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import Any, TypeVar

from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.internal.flows.reauthentication import suspend_request
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect

Row = TypeVar("Row")

MANY = 500
# Pages of the admin that change who may do what.
_ADMIN = ("auth_user_", "auth_group_", "students_staffaccess_", "mfa_authenticator_")


class ProofNeededError(Exception):
    """The user must first prove their identity."""


def proved_recently(request: HttpRequest) -> bool:
    """Was a password, factor or provider sign-in accepted in this session in the last STEP_UP_SECONDS? Always true if that is
    0."""
    if not settings.STEP_UP_SECONDS:
        return True
    at = max((record.get("at", 0) for record in get_authentication_records(request, request.user)), default=0)
    return time.time() - at < settings.STEP_UP_SECONDS


def ask(request: HttpRequest) -> None:
    """Raises ProofNeededError unless the user recently proved their identity."""
    if getattr(request, "api_token", None) is None and not proved_recently(request):
        raise ProofNeededError


def ask_if_many(request: HttpRequest, count: int) -> None:
    """Raises ProofNeededError for more than MANY at once, unless the user recently proved their identity."""
    if count > MANY:
        ask(request)


def ask_for_many(request: HttpRequest, rows: Iterable[Row]) -> Iterator[Row]:
    """All rows; raises ProofNeededError, before any is sent, if there are more than MANY."""
    rest = iter(rows)
    first = list(islice(rest, MANY + 1))
    if len(first) > MANY:
        ask(request)
    return chain(first, rest)


class StepUpMiddleware:
    """Inserts the page that asks for proof, and afterwards continues with the original request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_view: Any) -> HttpResponseBase | None:
        match = request.resolver_match
        changes_access = match and match.namespaces == ["admin"] and (match.url_name or "").startswith(_ADMIN)
        if changes_access and request.method == "POST" and not proved_recently(request):
            return _between(request)
        return None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        return _between(request) if isinstance(exception, ProofNeededError) else None


def _between(request: HttpRequest) -> HttpResponseBase:
    methods = get_adapter(request).get_reauthentication_methods(request.user)
    if not methods:
        messages.warning(request, "This requires a sign-in within the last 15 minutes: sign out, then sign in again.")
        return redirect("account_logout")
    if getattr(request, "htmx", False):
        return HttpResponseClientRedirect(f"{methods[0]['url']}?next={reverse('home')}")
    return suspend_request(request, methods[0]["url"])
