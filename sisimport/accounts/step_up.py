"""What asks for the password or a factor once more: roles, large exports, whole SSIDs of a page, reverts of others' runs, tokens,
deliveries, erasing.

    ask(request)                    goes on when somebody proved who they are in the last 15 minutes (STEP_UP_SECONDS)
    ask_if_many(request, count)     the same, for more than 500 students or lines that leave at once, as a file or for print
    ask_for_many(request, rows)     the same, where nobody counted them

Otherwise the page that asks comes between, and what was sent is done after it. Tokens of the REST API are not asked: they have
scopes.
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
    """Who asks for this proves first who they are."""


def proved_recently(request: HttpRequest) -> bool:
    """Was a password, a factor or a sign-in at a provider taken in this session in the last STEP_UP_SECONDS? 0 asks nobody."""
    if not settings.STEP_UP_SECONDS:
        return True
    at = max((record.get("at", 0) for record in get_authentication_records(request, request.user)), default=0)
    return time.time() - at < settings.STEP_UP_SECONDS


def ask(request: HttpRequest) -> None:
    """Raises ProofNeededError unless somebody proved recently who they are."""
    if getattr(request, "api_token", None) is None and not proved_recently(request):
        raise ProofNeededError


def ask_if_many(request: HttpRequest, count: int) -> None:
    """Raises ProofNeededError where more than MANY leave at once, unless somebody proved recently who they are."""
    if count > MANY:
        ask(request)


def ask_for_many(request: HttpRequest, rows: Iterable[Row]) -> Iterator[Row]:
    """The rows, none lost; raises ProofNeededError, before any leaves, when there are more than MANY."""
    rest = iter(rows)
    first = list(islice(rest, MANY + 1))
    if len(first) > MANY:
        ask(request)
    return chain(first, rest)


class StepUpMiddleware:
    """Puts the page that asks between, and goes on afterwards with what was sent."""

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
        messages.warning(request, "This needs a sign-in younger than 15 minutes: sign out and in again.")
        return redirect("account_logout")
    if getattr(request, "htmx", False):
        return HttpResponseClientRedirect(f"{methods[0]['url']}?next={reverse('home')}")
    return suspend_request(request, methods[0]["url"])
