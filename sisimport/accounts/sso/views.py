"""Views of single sign-on: going to the provider and coming back."""

import logging
from typing import Any
from urllib.parse import urlencode

from allauth.account.utils import get_next_redirect_url
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.providers.base import AuthProcess, ProviderException
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from requests import RequestException

from sisimport.accounts.access import public, signed_in
from sisimport.accounts.sso.adapter import failed, find_provider, reason_of
from sisimport.accounts.sso.configuration import OPENID, SAML, Provider
from sisimport.accounts.sso.openid import Callback, Client, discovery

logger = logging.getLogger(__name__)

# ValueError: invalid JSON.
_FAILURES = (ProviderException, OAuth2Error, RequestException, PermissionDenied, ValueError)


def _provider(key: str, kind: str | None = None) -> Provider:
    setup = find_provider(key)
    if setup is None or kind not in (None, setup.kind):
        raise Http404
    return setup


def _named_host(request: HttpRequest) -> None:
    """python3-saml reads the host from this header, which a client may omit; Django has already checked the host."""
    request.META["HTTP_HOST"] = request.get_host()


def leave(request: HttpRequest, address: str, provider: Provider, *, signed_out: bool = False) -> HttpResponse:
    """A page that continues to the provider automatically.

    Not a redirect: the browser would apply our form-action, which allows no other host, to it and to the provider's redirects.
    """
    return render(
        request, "account/sso_leave.html", {"address": address, "provider": provider, "signed_out": signed_out}
    )


@public
@never_cache
@require_POST
def start(request: HttpRequest, key: str) -> HttpResponseBase:
    """The button: store the state of this sign-in (state, nonce, PKCE verifier) and send the user to the provider."""
    setup = _provider(key)
    _named_host(request)
    try:
        answer = (
            get_adapter(request)
            .get_provider(request, key)
            .redirect(request, AuthProcess.LOGIN, next_url=get_next_redirect_url(request))
        )
    except ImmediateHttpResponse as error:
        return error.response
    except _FAILURES as error:
        logger.warning("single sign-on by %s: the provider does not answer (%s)", key, reason_of(error))
        return failed(request, key, status=503)
    return leave(request, answer.url, setup) if isinstance(answer, HttpResponseRedirect) else answer


@signed_in
@require_http_methods(["GET", "POST"])
def again(request: HttpRequest, key: str) -> HttpResponseBase:
    """Prove one's identity at the provider again, before an action that requires it."""
    setup = _provider(key)
    next_url = get_next_redirect_url(request)
    if request.method == "GET":
        return render(request, "account/sso_again.html", {"provider": setup, "next": next_url or ""})
    _named_host(request)
    try:
        answer = (
            get_adapter(request)
            .get_provider(request, key)
            .redirect(
                request,
                AuthProcess.LOGIN,
                next_url=next_url,
                data={"again": request.user.pk},
                ask={"prompt": "login", "max_age": "0"},
            )
        )
    except _FAILURES as error:
        logger.warning("single sign-on by %s: the provider does not answer (%s)", key, reason_of(error))
        return failed(request, key, status=503)
    return leave(request, answer.url, setup) if isinstance(answer, HttpResponseRedirect) else answer


@public
@never_cache
@require_GET
def callback(request: HttpRequest, key: str) -> HttpResponseBase:
    """Back from an OpenID Connect provider."""
    client = Client(request, _provider(key, OPENID))
    try:
        answer: HttpResponseBase = Callback.adapter_view(client)(request)
    except _FAILURES as error:
        logger.warning("single sign-on by %s failed: %s", key, reason_of(error))
        return failed(request, key)
    return answer


@public
@never_cache
@csrf_exempt
@require_POST
def acs(request: HttpRequest, organization_slug: str) -> HttpResponseBase:
    """Back from a SAML provider, whose page posts across sites, without our session: the next view processes it."""
    from allauth.socialaccount.providers.saml import views as saml

    _provider(organization_slug, SAML)
    _named_host(request)
    answer: HttpResponseBase = saml.acs(request, organization_slug=organization_slug)
    return answer


@public
@never_cache
@require_GET
def finish_acs(request: HttpRequest, organization_slug: str) -> HttpResponseBase:
    """The answer of a SAML provider, in the session that asked for it."""
    from sisimport.accounts.sso.saml import finish

    _provider(organization_slug, SAML)
    try:
        answer = finish(request, organization_slug)
    except _FAILURES as error:
        logger.warning("single sign-on by %s failed: %s", organization_slug, reason_of(error))
        return failed(request, organization_slug)
    return answer


@public
@require_GET
def metadata(request: HttpRequest, organization_slug: str) -> HttpResponseBase:
    """Our metadata for a SAML provider."""
    from sisimport.accounts.sso.saml import own_metadata

    return HttpResponse(own_metadata(request, _provider(organization_slug, SAML)), content_type="application/xml")


@public
@require_GET
def signed_out(request: HttpRequest, organization_slug: str) -> HttpResponseBase:  # noqa: ARG001
    """Where a SAML provider would send people after signing out there; not offered, so it redirects to the sign-in page."""
    return redirect("account_login")


def end_address(request: HttpRequest) -> tuple[Provider, str] | None:
    """Where the provider of this session signs people out, if it does (RP-initiated logout); must be called before the session
    ends."""
    kept: dict[str, Any] = request.session.get("sso") or {}
    setup = find_provider(kept.get("provider", ""))
    if setup is None or setup.kind != OPENID:
        return None
    try:
        address = discovery(setup).get("end_session_endpoint")
    except _FAILURES as error:
        logger.warning("signing out at %s failed: %s", setup.key, reason_of(error))
        return None
    if not address:
        return None
    parameters = {
        "client_id": setup.client_id,
        "post_logout_redirect_uri": request.build_absolute_uri(reverse("account_login")),
    }
    if kept.get("id_token"):
        parameters["id_token_hint"] = kept["id_token"]
    return setup, f"{address}{'&' if '?' in address else '?'}{urlencode(parameters)}"
