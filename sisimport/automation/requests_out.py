"""The request of a webhook: signed, only to a public address over https; only the status of the answer is kept.

    POST url
    SIS-Import-Delivery: 17                      the same for every try of one delivery
    SIS-Import-Signature: t=1764345600,v1=HEX    HMAC-SHA256 of "t.body" under the webhook's secret

The host's addresses are looked up once, each must be public, and the connection goes to exactly one of them, so a name
that resolves differently a moment later (rebinding) has no effect. Redirects are not followed.
"""

import hashlib
import hmac
import http.client
import ipaddress
import json
import socket
import ssl
import time
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from sisimport.automation.models import Delivery
from sisimport.runtime import outbound

SECONDS = 10.0  # timeout for each step of the request
MOST_ANSWER = 65_536  # bytes of an answer that are read and discarded


class NotTakenError(Exception):
    """The other side did not accept it; the text is a status or the kind of error, without an address."""


class AddressError(ValueError):
    """An address that a webhook must not have; the text is for the user."""


def signature(secret: str, body: bytes, at: int) -> str:
    """The signature for the header; the receiver computes the same from the body."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def check_url(url: str) -> None:
    """Raises AddressError unless a webhook may have this address; its host is looked up only when it is used."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        raise AddressError("The port is not a number from 1 to 65535.") from None
    if parts.scheme != "https" and not _is_allowed(parts.hostname or ""):
        raise AddressError("Enter an address that begins with https://.")
    if not parts.hostname or port == 0 or parts.username or parts.password or parts.fragment:
        raise AddressError("Enter https://host/path, without a user name, a password or a #.")
    try:
        outbound.check(parts.hostname)
    except outbound.NotListedError as error:
        raise AddressError(f"{error} Ask the person who runs the server to add it.") from None
    try:
        address = ipaddress.ip_address(parts.hostname)
    except ValueError:
        return
    if not address.is_global and not _is_allowed(parts.hostname):
        raise AddressError("This address is not a public one.")


def _is_allowed(host: str) -> bool:
    """Whether it is a host of the internal network that the installation trusts (WEBHOOK_ALLOWED_HOSTS)."""
    return host.lower() in {allowed.lower() for allowed in settings.WEBHOOK_ALLOWED_HOSTS}


def send(delivery: Delivery) -> str:
    """Send one; returns the answer's status. Raises NotTakenError for any status but 2xx, and for any other error."""
    hook = delivery.webhook
    assert hook is not None  # noqa: S101 - a database constraint says so
    body = json.dumps(delivery.payload).encode()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "SIS-Import-Webhook/1",
        "SIS-Import-Event": delivery.subject,
        "SIS-Import-Delivery": str(delivery.pk),
        "SIS-Import-Signature": signature(hook.secret, body, int(time.time())),
    }
    status = post(hook.url, body, headers)
    if not 200 <= status < 300:
        raise NotTakenError(f"status {status}")
    return f"status {status}"


def post(url: str, body: bytes, headers: dict[str, str]) -> int:
    """POST to this address and return the status. Raises NotTakenError."""
    try:
        check_url(url)
    except AddressError as error:
        raise NotTakenError("address not allowed") from error
    parts = urlsplit(url)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection = _connection(parts)
    try:
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        answer.read(MOST_ANSWER)
        return answer.status
    except (OSError, http.client.HTTPException) as error:
        raise NotTakenError(type(error).__name__) from error
    finally:
        connection.close()


def _connection(parts: Any) -> http.client.HTTPConnection:
    host = parts.hostname
    if parts.scheme == "https":
        secure = _SecureConnection(host, parts.port or 443, timeout=SECONDS, context=ssl.create_default_context())
        secure.place = public_address(host, parts.port or 443)
        return secure
    plain = _PlainConnection(host, parts.port or 80, timeout=SECONDS)
    plain.place = public_address(host, parts.port or 80)
    return plain


def public_address(host: str, port: int) -> str:
    """One address of the host, looked up now. Raises NotTakenError if there is none, or any of them is not public."""
    try:
        found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    except OSError as error:
        raise NotTakenError("host not found") from error
    addresses = [ipaddress.ip_address(one.partition("%")[0]) for one in sorted(found)]
    inner = [one for one in addresses if not (one.ipv4_mapped or one if one.version == 6 else one).is_global]
    if not addresses or (inner and not _is_allowed(host)):
        raise NotTakenError("address not public")
    return str(min(addresses, key=lambda one: one.version))


class _PlainConnection(http.client.HTTPConnection):
    """Connects to the address that was checked, whatever its name resolves to now."""

    place = ""

    def connect(self) -> None:
        self.sock = socket.create_connection((self.place, self.port), self.timeout)


class _SecureConnection(http.client.HTTPSConnection):
    """Like _PlainConnection, over TLS; the certificate must match the name."""

    place = ""

    def connect(self) -> None:
        plain = socket.create_connection((self.place, self.port), self.timeout)
        context: ssl.SSLContext = self._context  # type: ignore[attr-defined]
        self.sock = context.wrap_socket(plain, server_hostname=self.host)
