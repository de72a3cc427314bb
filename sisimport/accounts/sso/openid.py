"""OpenID Connect: allauth's flow (state, PKCE, code), with every check of the ID token that the standard requires.

allauth does not check the nonce, the signature of a token that came with the code, or whether the provider is the configured one.
Checked here: the issuer is exactly that of the settings, in discovery, token and answer (RFC 9207); the nonce is this browser's;
a published key signed; we are audience and authorized party; userinfo is about the same person.
"""

import secrets
from typing import Any

import jwt
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.providers import registry
from allauth.socialaccount.providers.base import ProviderException
from allauth.socialaccount.providers.oauth2.utils import generate_code_challenge
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from allauth.utils import build_absolute_uri
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse

from sisimport.accounts.sso.configuration import Provider, check_address
from sisimport.accounts.sso.identity import Identity

# Signatures with a key that only the provider has. Not HS256: its key is the client secret, which we also have.
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
CLOCKS_DIFFER_SECONDS = 60
DISCOVERY_KEPT_SECONDS = 600
SECOND_FACTOR = "mfa"  # RFC 8176


class OpenIDError(ProviderException):
    """The provider's answer is invalid. The message says what is wrong, without quoting values."""


def discovery(provider: Provider) -> dict[str, Any]:
    """What the provider publishes about itself. Raises OpenIDError, requests.RequestException."""
    kept_as = f"sso-discovery:{provider.issuer}"
    cached: dict[str, Any] | None = cache.get(kept_as)
    if cached is not None:
        return cached
    with get_adapter().get_requests_session() as session:
        answer = session.get(f"{provider.issuer}/.well-known/openid-configuration")
        answer.raise_for_status()
        published: dict[str, Any] = answer.json()
    if str(published.get("issuer", "")).rstrip("/") != provider.issuer:
        raise OpenIDError("discovery names another issuer")
    try:
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            check_address(str(published.get(name, "")), name)
    except ImproperlyConfigured as error:
        raise OpenIDError(f"discovery: {error}") from error
    cache.set(kept_as, published, DISCOVERY_KEPT_SECONDS)
    return published


class Client(OpenIDConnectOAuth2Adapter):
    """The flow with one provider, for one request."""

    nonce = ""  # of the request with which this browser was sent to the provider

    def __init__(self, request: HttpRequest, setup: Provider) -> None:
        super().__init__(request, setup.key)
        self.setup = setup

    @property
    def openid_config(self) -> dict[str, Any]:
        return discovery(self.setup)

    def get_callback_url(self, request: HttpRequest, app: Any) -> str:  # noqa: ARG002
        return build_absolute_uri(request, reverse("sso_callback", args=[self.setup.key]), self.redirect_uri_protocol)

    def complete_login(self, request: HttpRequest, app: Any, token: Any, **kwargs: Any) -> Any:  # noqa: ARG002
        id_token = kwargs["response"].get("id_token")
        if not isinstance(id_token, str):
            raise OpenIDError("the answer has no ID token")
        claims = self.verified(id_token)
        if self.setup.reads_userinfo and (address := self.openid_config.get("userinfo_endpoint")):
            claims = self._userinfo(address, token.token, claims["sub"]) | claims
        identity = identity_of(self.setup, claims, id_token)
        return self.get_provider().sociallogin_from_response(request, identity)

    def verified(self, id_token: str) -> dict[str, Any]:
        """The claims of the token. Raises OpenIDError unless this provider signed it, for us and for this sign-in."""
        try:
            header = jwt.get_unverified_header(id_token)
            claims: dict[str, Any] = jwt.decode(
                id_token,
                key=self._key(header.get("kid")),
                algorithms=ALGORITHMS,
                audience=self.setup.client_id,
                leeway=CLOCKS_DIFFER_SECONDS,
                options={"require": ["exp", "iat", "iss", "aud", "sub"]},
            )
        except jwt.PyJWTError as error:
            raise OpenIDError(f"the ID token is not valid ({type(error).__name__})") from error
        if str(claims["iss"]).rstrip("/") != self.setup.issuer:
            raise OpenIDError("the ID token is from another issuer")
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if claims.get("azp", None if several else self.setup.client_id) != self.setup.client_id:
            raise OpenIDError("the ID token was made for another party")
        if not self.nonce or not secrets.compare_digest(str(claims.get("nonce", "")), self.nonce):
            raise OpenIDError("the ID token was made for another sign-in")
        return claims

    def _key(self, kid: str | None) -> Any:
        with get_adapter().get_requests_session() as session:
            answer = session.get(self.openid_config["jwks_uri"])
            answer.raise_for_status()
            keys = jwt.PyJWKSet.from_dict(answer.json()).keys
        fitting = [key for key in keys if key.key_id == kid] if kid else keys
        if len(fitting) != 1:
            raise OpenIDError("no published key signed the ID token")
        return fitting[0]

    def _userinfo(self, address: str, access_token: str, subject: str) -> dict[str, Any]:
        with get_adapter().get_requests_session() as session:
            answer = session.get(address, headers={"Authorization": f"Bearer {access_token}"})
            answer.raise_for_status()
            claims: dict[str, Any] = answer.json()
        if claims.get("sub") != subject:
            raise OpenIDError("userinfo is about another person")
        return claims


class OpenID(OpenIDConnectProvider):
    """A provider from the settings. allauth creates one for each request."""

    def get_oauth2_adapter(self, request: HttpRequest) -> Client:
        return Client(request, self.app.settings["setup"])

    def redirect(self, request: HttpRequest, process: str, next_url: str | None = None, **kwargs: Any) -> Any:
        nonce = secrets.token_urlsafe(32)
        parameters = {"nonce": nonce} | kwargs.pop("ask", {})
        return super().redirect(request, process, next_url=next_url, auth_params=parameters, nonce=nonce, **kwargs)

    def get_pkce_params(self) -> dict[str, str]:
        params: dict[str, str] = generate_code_challenge()
        return params

    def get_scope(self) -> list[str]:
        return list(self.app.settings["setup"].scopes)

    # What allauth extracts from the answer, here an Identity; only the account's id is kept.

    def extract_uid(self, data: Identity) -> str:
        return data.uid

    def extract_extra_data(self, data: Identity) -> dict[str, Any]:
        return {"issuer": data.issuer}

    def extract_common_fields(self, data: Identity) -> dict[str, Any]:  # noqa: ARG002
        return {}

    def extract_email_addresses(self, data: Identity) -> list[Any]:  # noqa: ARG002
        return []

    def sociallogin_from_response(self, request: HttpRequest, response: Identity) -> Any:
        login = super().sociallogin_from_response(request, response)
        login.identity = response
        return login


registry.register(OpenID)  # allauth finds the class by the type of provider


class Callback(OAuth2CallbackView):
    """The URL to which the provider sends the browser back."""

    adapter: Client

    def _get_state(self, request: HttpRequest, provider: Any) -> tuple[Any, HttpResponseBase | None]:
        state, refused = super()._get_state(request, provider)
        if state is None:
            return state, refused
        self.adapter.nonce = state.get("nonce") or ""
        published = self.adapter.openid_config
        named = request.GET.get("iss")
        if named is None and published.get("authorization_response_iss_parameter_supported"):
            raise OpenIDError("the answer names no issuer")
        if named is not None and named.rstrip("/") != self.adapter.setup.issuer:
            raise OpenIDError("the answer is from another issuer")
        return state, refused


def identity_of(provider: Provider, claims: dict[str, Any], id_token: str = "") -> Identity:
    """The person the verified claims are about. Raises OpenIDError for a person from another hosted domain."""
    from django.conf import settings

    if provider.hosted_domain and str(claims.get("hd", "")).lower() not in provider.domains:
        raise OpenIDError("the account belongs to another hosted domain")
    groups = claims.get(settings.SSO_GROUPS_CLAIM, [])
    methods = claims.get("amr", [])
    return Identity(
        issuer=provider.issuer,
        subject=str(claims["sub"]),
        email=proven_email(provider, claims),
        name=(str(claims.get("given_name", "")), str(claims.get("family_name", ""))),
        groups=frozenset(str(group) for group in (groups if isinstance(groups, list) else [groups])),
        second_factor=provider.trusted_second_factor or (isinstance(methods, list) and SECOND_FACTOR in methods),
        signed_in_at=claims["auth_time"] if isinstance(claims.get("auth_time"), int) else None,
        id_token=id_token,
    )


def proven_email(provider: Provider, claims: dict[str, Any]) -> str:
    """The address that is known to be this person's, in lower case; else blank.

    If the provider says whether it verified the address, that counts. If it does not (Entra), an address in one of our domains in
    the settings is accepted: only our own directory assigns those. If domains are set, no other address is accepted.
    """
    email = next((str(claims[name]).strip().lower() for name in provider.email_claims if claims.get(name)), "")
    ours = email.rpartition("@")[2] in provider.domains
    if provider.domains and not ours:
        return ""
    return email if claims.get("email_verified", ours) in (True, "true") else ""
