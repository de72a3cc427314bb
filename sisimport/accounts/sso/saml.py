"""SAML 2: allauth's flow over python3-saml, strict. Assertions must be signed, answer one of our requests, and be used only once.

Imported only if a SAML provider is set up: its libraries parse XML in C.
"""

from pathlib import Path
from typing import Any

from allauth.socialaccount.providers import registry
from allauth.socialaccount.providers.base import ProviderException
from allauth.socialaccount.providers.saml.provider import SAMLProvider
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

from sisimport.accounts.sso.configuration import Provider, check_address
from sisimport.accounts.sso.identity import Identity

TRANSIENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
EMAIL_NAME = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
# Providers' names for the same attributes: plain words for Google and Okta, numbers for Shibboleth, URLs for Microsoft.
_EMAIL = (
    "email",
    "mail",
    "urn:oid:0.9.2342.19200300.100.1.3",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
)
_FIRST = (
    "first_name",
    "givenName",
    "urn:oid:2.5.4.42",
    "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname",
)
_LAST = ("last_name", "sn", "urn:oid:2.5.4.4", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname")
_GROUPS = (
    "urn:oid:1.3.6.1.4.1.5923.1.5.1.1",
    "http://schemas.xmlsoap.org/claims/Group",
    "http://schemas.microsoft.com/ws/2008/06/identity/claims/groups",
)
_METHODS = "http://schemas.microsoft.com/claims/authnmethodsreferences"
# Values that show that a second factor was used.
_SECOND_FACTOR = frozenset({"https://refeds.org/profile/mfa", "http://schemas.microsoft.com/claims/multipleauthn"})


def settings_of(setup: Provider) -> dict[str, Any]:
    """The provider's settings for allauth and python3-saml."""
    address = setup.metadata
    if "://" not in address:
        address = Path(address).resolve().as_uri()
    elif not address.startswith("file:"):
        check_address(address, "SSO_SAML_METADATA")
    return {
        "idp": {"entity_id": setup.entity_id, "metadata_url": address},
        "advanced": {
            "strict": True,
            "want_assertion_signed": True,
            "want_name_id": True,
            "reject_deprecated_algorithm": True,
            "reject_idp_initiated_sso": True,  # only sign-ins started here are accepted
            "allow_single_label_domains": True,
        },
    }


def own_metadata(request: HttpRequest, setup: Provider) -> bytes | str:
    """Our metadata for the provider: who we are and where its answers go. Without single logout, which is not offered."""
    from allauth.socialaccount.providers.saml.utils import build_saml_config
    from onelogin.saml2.settings import OneLogin_Saml2_Settings

    config = build_saml_config(request, settings_of(setup), setup.key)
    config["sp"].pop("singleLogoutService")
    text: bytes | str = OneLogin_Saml2_Settings(settings=config, sp_validation_only=True).get_sp_metadata()
    return text


def identity_of(provider: Provider, auth: Any) -> Identity:
    """The person the verified assertion is about. Raises ProviderException for a name that changes each time."""
    attributes: dict[str, list[str]] = auth.get_attributes() or {}
    subject, form = str(auth.get_nameid() or ""), auth.get_nameid_format()
    if not subject or form == TRANSIENT:
        raise ProviderException("the assertion has no lasting name")
    email = _first(attributes, _EMAIL) or (subject if form == EMAIL_NAME else "")
    email = email.strip().lower()
    methods = {*(auth.get_last_authn_contexts() or []), *attributes.get(_METHODS, [])}
    groups = {group for name in (settings.SSO_GROUPS_CLAIM, *_GROUPS) for group in attributes.get(name, [])}
    return Identity(
        issuer=provider.entity_id,
        subject=subject,
        # The provider is trusted only for the district's own domains.
        email=email if email.rpartition("@")[2] in provider.domains else "",
        name=(_first(attributes, _FIRST), _first(attributes, _LAST)),
        groups=frozenset(groups),
        second_factor=provider.trusted_second_factor or bool(methods & _SECOND_FACTOR),
    )


def _first(attributes: dict[str, list[str]], names: tuple[str, ...]) -> str:
    return next((str(attributes[name][0]) for name in names if attributes.get(name)), "")


def finish(request: HttpRequest, key: str) -> HttpResponseBase:
    """Process the answer that this browser brought. Raises ProviderException for an invalid one."""
    from allauth.socialaccount.providers.saml import views

    try:
        answer: HttpResponseBase = views.finish_acs(request, organization_slug=key)
    except Exception as error:
        raise ProviderException(type(error).__name__) from error
    return answer


class Saml(SAMLProvider):
    """The provider from the settings. What allauth extracts from the answer is an Identity; nothing else is kept."""

    def redirect(self, request: HttpRequest, process: str, next_url: str | None = None, **kwargs: Any) -> Any:
        kwargs.pop("ask", None)
        try:
            return super().redirect(request, process, next_url=next_url, **kwargs)
        except Exception as error:
            raise ProviderException(type(error).__name__) from error

    def sociallogin_from_response(self, request: HttpRequest, response: Any) -> Any:
        identity = identity_of(self.app.settings["setup"], response)
        login = super().sociallogin_from_response(request, identity)
        login.identity = identity
        return login

    def extract_uid(self, data: Identity) -> str:
        return data.uid

    def extract_extra_data(self, data: Identity) -> dict[str, Any]:
        return {"issuer": data.issuer}

    def extract_common_fields(self, data: Identity) -> dict[str, Any]:  # noqa: ARG002
        return {}


registry.register(Saml)  # allauth finds the class by the type of provider
