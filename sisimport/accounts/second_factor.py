"""The second factor: when it is requested, and who must have one."""

from collections.abc import Callable
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.stages import AuthenticateStage
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect

from sisimport.accounts.access import PUBLIC, TOKEN, capabilities, rule_of

FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
# Pages open before the second factor is set up: its set-up, one's own sign-in, and signing out.
_OPEN = ("mfa_", "account_", "sso_", "saml_")


class AskForFactor(AuthenticateStage):
    """Follows the password, or single sign-on at a provider that did not ask for a second factor itself."""

    def _should_handle(self, request: HttpRequest) -> bool:
        return not self._provider_asked() and super()._should_handle(request)

    def _provider_asked(self) -> bool:
        details: dict[str, Any] = self.login.signal_kwargs or {}
        login = details.get("sociallogin")
        return login is not None and bool(login.state.get("second_factor"))


def lacks_factor(request: HttpRequest) -> bool:
    """Must this person have a second factor that is neither set up nor was requested by the provider that signed them in?

    Required for every user with a role or access to the admin (SECOND_FACTOR_REQUIRED).
    """
    user: Any = request.user
    if not settings.SECOND_FACTOR_REQUIRED or not user.is_authenticated:
        return False
    if not (user.is_staff or user.is_superuser or capabilities(user)):
        return False  # families
    if (request.session.get("sso") or {}).get("second_factor"):
        return False
    return not Authenticator.objects.filter(user_id=user.pk, type__in=FACTORS).exists()


class SecondFactorMiddleware:
    """Redirects every page to the set-up of the second factor until there is one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, _args: Any, _kwargs: Any) -> HttpResponseBase | None:
        match = request.resolver_match
        name, namespaces = (match.url_name or "", match.namespaces) if match else ("", [])
        rule = rule_of(view, url_name=name, namespaces=namespaces)
        if rule in (PUBLIC, TOKEN) or (not namespaces and name.startswith(_OPEN)) or not lacks_factor(request):
            return None
        address = reverse("mfa_index")
        if getattr(request, "htmx", False):
            return HttpResponseClientRedirect(address)
        messages.warning(request, "Your district requires a second factor: set one up here, then continue.")
        return redirect(address)
