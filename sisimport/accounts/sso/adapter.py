"""Our settings of allauth's single sign-on: providers come only from the settings, and `admitting` decides who is admitted."""

import logging
import time
from typing import Any
from urllib.parse import urlencode

from allauth.account.internal.flows.login import record_authentication
from allauth.account.internal.flows.reauthentication import resume_request
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialApp
from django.conf import settings
from django.contrib.auth.signals import user_login_failed
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse

from sisimport.accounts.sso import admitting
from sisimport.accounts.sso.configuration import OPENID, Provider
from sisimport.accounts.sso.identity import Identity
from sisimport.accounts.sso.openid import OpenIDError

logger = logging.getLogger(__name__)


def find_provider(key: str) -> Provider | None:
    """The provider of the settings with this key."""
    return next((one for one in settings.SSO_PROVIDERS if one.key == key), None)


class SocialAdapter(DefaultSocialAccountAdapter):
    """No sign-up, no linking by people, nothing from the database."""

    def list_apps(self, request: Any, provider: str | None = None, client_id: str | None = None) -> list[SocialApp]:  # noqa: ARG002
        apps = [self._app(one) for one in settings.SSO_PROVIDERS]
        return [
            app
            for app in apps
            if provider in (None, app.provider, app.provider_id) and client_id in (None, app.client_id)
        ]

    def _app(self, setup: Provider) -> SocialApp:
        app = SocialApp(provider=setup.kind, provider_id=setup.key, name=setup.name)
        app.client_id = setup.client_id or setup.key  # allauth finds a SAML provider by it
        app.secret = setup.client_secret
        app.settings = {"setup": setup}
        if setup.kind != OPENID:
            from sisimport.accounts.sso.saml import settings_of

            app.settings |= settings_of(setup)
        return app

    def get_provider(self, request: Any, provider: str, client_id: str | None = None) -> Any:
        found = self.list_apps(request, provider=provider, client_id=client_id)
        if not found:
            raise SocialApp.DoesNotExist
        return found[0].get_provider(request)

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:  # noqa: ARG002
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Attach the account to the sign-in, or end it with the page for people who are not admitted."""
        identity: Identity = sociallogin.identity
        key = sociallogin.account.provider
        try:
            person = admitting.admit(key, identity)
        except admitting.NotAdmittedError as error:
            logger.warning("single sign-on by %s refused: %s", key, error)
            raise ImmediateHttpResponse(not_admitted(request, key)) from error
        sociallogin.user, sociallogin.token = person, None
        if again := (sociallogin.state.get("data") or {}).get("again"):
            raise ImmediateHttpResponse(self._proved_again(request, sociallogin, person, again))
        # Data for the session (AccountAdapter), kept with the flow because it may first ask for a second factor.
        sociallogin.state |= {"second_factor": identity.second_factor, "id_token": identity.id_token}

    def _proved_again(self, request: HttpRequest, sociallogin: Any, person: Any, again: int) -> HttpResponseBase:
        """A signed-in user came back from the provider: continue the action that asked for it, if it is the same person."""
        identity: Identity = sociallogin.identity
        fresh = identity.signed_in_at is None or time.time() - identity.signed_in_at < settings.STEP_UP_SECONDS
        if not (person.pk == again == request.user.pk and fresh):
            logger.warning("single sign-on by %s: another person, or an earlier sign-in", sociallogin.account.provider)
            return failed(request, sociallogin.account.provider)
        record_authentication(
            request, person, "socialaccount", provider=sociallogin.account.provider, reauthenticated=True
        )
        address = sociallogin.get_redirect_url(request) or reverse("home")
        request.GET = QueryDict(urlencode({"next": address}))
        answer: HttpResponseBase | None = resume_request(request)
        return answer or redirect(address)

    def on_authentication_error(self, request: HttpRequest, provider: Any, **details: Any) -> None:
        problem = details.get("exception") or details.get("error") or ""
        # Our own exceptions say what is wrong; those of libraries may contain an address or a response.
        logger.warning("single sign-on by %s failed: %s", provider.sub_id, reason_of(problem))
        raise ImmediateHttpResponse(failed(request, provider.sub_id))


def reason_of(problem: object) -> str:
    """The log text for a failed sign-in: our own words, or the type of the error."""
    return str(problem) if isinstance(problem, OpenIDError | str) else type(problem).__name__


def not_admitted(request: HttpRequest, key: str) -> HttpResponse:
    """The one page for everyone who proved their identity but is not admitted."""
    user_login_failed.send(sender=__name__, credentials={"username": "", "provider": key}, request=request)
    return render(request, "account/not_admitted.html", {"provider": find_provider(key)}, status=403)


def failed(request: HttpRequest, key: str, status: int = 400) -> HttpResponse:
    """The page for a sign-in that was not completed: cancelled, too late, or with an invalid answer from the provider."""
    user_login_failed.send(sender=__name__, credentials={"username": "", "provider": key}, request=request)
    return render(request, "account/sso_failed.html", {"provider": find_provider(key)}, status=status)
