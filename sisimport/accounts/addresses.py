"""The client's address of a request, also behind proxies, and the site's own address outside requests."""

import ipaddress

from django.conf import settings
from django.http import HttpRequest

UNKNOWN = "unknown"
IPV6_PREFIX = 64  # the network of one household or school


def site_address() -> str:
    """Scheme and host of this site, for links in mails and messages sent outside requests: the first of
    CSRF_TRUSTED_ORIGINS."""
    trusted = [*settings.CSRF_TRUSTED_ORIGINS, "http://127.0.0.1:8000"]
    return str(trusted[0]).rstrip("/")


def client_address(request: HttpRequest) -> str:
    """The address of the client as the outermost trusted proxy saw it (TRUSTED_PROXY_COUNT), regardless of what the client
    claims.

    When X-Forwarded-For has fewer entries than there should be proxies, the address of the connection is used. For IPv6, the
    64-bit network: a client has all addresses of one.
    """
    forwarded = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()]
    trusted: int = settings.TRUSTED_PROXY_COUNT
    text = forwarded[-trusted] if 0 < trusted <= len(forwarded) else request.META.get("REMOTE_ADDR", "")
    return _network(text) or _network(request.META.get("REMOTE_ADDR", "")) or UNKNOWN


def _network(text: str) -> str:
    """The address in its usual form, without a port; empty if it is invalid."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.IPv6Network((address, IPV6_PREFIX), strict=False).network_address)
    return str(address)
