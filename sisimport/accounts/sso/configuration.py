"""The providers of single sign-on: read from the environment, once, by the settings. Independent of all Django apps."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

OPENID, SAML = "openid_connect", "saml"
SUPERUSER = "superuser"
ALL_SCHOOLS = "all"
_GOOGLE_ISSUER = "https://accounts.google.com"
_MICROSOFT = "https://login.microsoftonline.com"
# Microsoft tenants that accept any directory.
_ANYBODYS_TENANTS = frozenset({"common", "organizations", "consumers"})
_OWN_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class Provider:
    """One button of the sign-in page. `key` is in addresses; `domains`: mail domains that are the district's own."""

    key: str
    kind: str
    name: str
    domains: frozenset[str] = frozenset()
    issuer: str = ""
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    reads_userinfo: bool = False
    hosted_domain: bool = False  # the claim `hd` must name one of `domains`
    email_claims: tuple[str, ...] = ("email",)
    metadata: str = ""  # SAML: a file, or an https address
    entity_id: str = ""  # SAML: the provider's
    trusted_second_factor: bool = False  # it asks for one at each sign-in, even if it does not say so


@dataclass(frozen=True)
class GroupAccess:
    """What a group of the directory gives: roles (`superuser` only if named) and codes of schools."""

    roles: frozenset[str] = frozenset()
    schools: frozenset[str] = frozenset()
    all_schools: bool = False


def read_providers(env: Any) -> tuple[Provider, ...]:
    """The providers in the environment, in the order of their buttons.

    Raises ImproperlyConfigured, in terms of the settings, for one that would admit people from outside the district.
    """
    trusted = frozenset(env.list("SSO_TRUSTED_SECOND_FACTOR", default=[]))
    named = (_google(env), _microsoft(env), _openid(env), _saml(env))
    found = [replace(provider, trusted_second_factor=provider.key in trusted) for provider in named if provider]
    if unknown := sorted(trusted - {provider.key for provider in found}):
        raise ImproperlyConfigured(f"SSO_TRUSTED_SECOND_FACTOR names {', '.join(unknown)}, which is not set up.")
    for provider in found:
        _check(provider)
    return tuple(found)


def _google(env: Any) -> Provider | None:
    client = env.str("SSO_GOOGLE_CLIENT_ID", default="")
    if not client:
        return None
    return Provider(
        key="google",
        kind=OPENID,
        name=env.str("SSO_GOOGLE_NAME", default="Google"),
        issuer=_GOOGLE_ISSUER,
        client_id=client,
        client_secret=env.str("SSO_GOOGLE_CLIENT_SECRET", default=""),
        domains=_domains(env.list("SSO_GOOGLE_DOMAINS", default=[])),
        hosted_domain=True,
    )


def _microsoft(env: Any) -> Provider | None:
    client = env.str("SSO_MICROSOFT_CLIENT_ID", default="")
    if not client:
        return None
    return Provider(
        key="microsoft",
        kind=OPENID,
        name=env.str("SSO_MICROSOFT_NAME", default="Microsoft"),
        issuer=_microsoft_issuer(env.str("SSO_MICROSOFT_TENANT", default="")),
        client_id=client,
        client_secret=env.str("SSO_MICROSOFT_CLIENT_SECRET", default=""),
        domains=_domains(env.list("SSO_MICROSOFT_DOMAINS", default=[])),
        # Not `email`: in Entra, any directory may put any address there. The sign-in name is verified.
        email_claims=("preferred_username",),
    )


def _openid(env: Any) -> Provider | None:
    client = env.str("SSO_OIDC_CLIENT_ID", default="")
    if not client:
        return None
    return Provider(
        key="oidc",
        kind=OPENID,
        name=env.str("SSO_OIDC_NAME", default="your district"),
        issuer=env.str("SSO_OIDC_ISSUER", default="").rstrip("/"),
        client_id=client,
        client_secret=env.str("SSO_OIDC_CLIENT_SECRET", default=""),
        domains=_domains(env.list("SSO_OIDC_DOMAINS", default=[])),
        scopes=tuple(env.list("SSO_OIDC_SCOPES", default=["openid", "profile", "email"])),
        reads_userinfo=True,
    )


def _saml(env: Any) -> Provider | None:
    metadata = env.str("SSO_SAML_METADATA", default="")
    if not metadata:
        return None
    return Provider(
        key="saml",
        kind=SAML,
        name=env.str("SSO_SAML_NAME", default="your district"),
        domains=_domains(env.list("SSO_SAML_DOMAINS", default=[])),
        metadata=metadata,
        entity_id=env.str("SSO_SAML_ENTITY_ID", default=""),
    )


def read_groups(given: Mapping[str, Any]) -> dict[str, GroupAccess]:
    """What groups of the directory give (SSO_GROUPS). Raises ImproperlyConfigured for invalid values."""
    read = {}
    for group, gives in given.items():
        if not isinstance(gives, dict) or not gives.keys() <= {"roles", "schools"}:
            raise ImproperlyConfigured(
                f'SSO_GROUPS: write {{"{group}": {{"roles": [...], "schools": [...] or "all"}}}}.'
            )
        schools = gives.get("schools", [])
        if schools != ALL_SCHOOLS and not _are_texts(schools):
            raise ImproperlyConfigured(f'SSO_GROUPS: the schools of "{group}" are a list of codes in quotes, or "all".')
        roles = gives.get("roles", [])
        if not _are_texts(roles):
            raise ImproperlyConfigured(f'SSO_GROUPS: the roles of "{group}" are a list of names in quotes.')
        everywhere = schools == ALL_SCHOOLS
        read[group] = GroupAccess(frozenset(roles), frozenset() if everywhere else frozenset(schools), everywhere)
    return read


def _are_texts(values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(value, str) for value in values)


def _domains(names: Collection[str]) -> frozenset[str]:
    return frozenset(name.strip().lower().lstrip("@") for name in names if name.strip())


def _microsoft_issuer(tenant: str) -> str:
    if not tenant or tenant.lower() in _ANYBODYS_TENANTS:
        raise ImproperlyConfigured(
            "SSO_MICROSOFT_TENANT must be the id of your own tenant: any other admits people from other directories."
        )
    return f"{_MICROSOFT}/{tenant}/v2.0"


def _check(provider: Provider) -> None:
    """A provider at which anyone can have an account must be limited to our own domains."""
    setting = f"SSO_{provider.key.upper()}"
    if not provider.domains and (provider.key != "oidc"):
        raise ImproperlyConfigured(f"{setting}_DOMAINS must name the mail domains of your district.")
    if provider.kind == SAML and not provider.entity_id:
        raise ImproperlyConfigured("SSO_SAML_ENTITY_ID must be the entity id of your provider.")
    if provider.kind == OPENID:
        if not provider.client_secret:
            raise ImproperlyConfigured(f"{setting}_CLIENT_SECRET is missing.")
        check_address(provider.issuer, f"{setting}_ISSUER")


def check_address(address: str, what: str) -> str:
    """The address, if it is https (or on this machine). Raises ImproperlyConfigured."""
    parts = urlsplit(address)
    if not parts.hostname or not (
        parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _OWN_MACHINE)
    ):
        raise ImproperlyConfigured(f"{what} must be an https address.")
    return address
