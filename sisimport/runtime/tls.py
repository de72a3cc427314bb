"""TLS to PostgreSQL and Redis: what the settings require, and which connections cross a network without it."""

import ssl
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

_THIS_MACHINE = {"", "localhost", "127.0.0.1", "::1"}
_VERIFIED = {"verify-ca", "verify-full"}


def database_options(ca: str) -> dict[str, str]:
    """Options of libpq that demand a certificate of this CA (a file, or `system`) in the server's own name."""
    return {"sslmode": "verify-full", "sslrootcert": ca} if ca else {}


def redis_options(url: str, ca: str) -> dict[str, Any] | None:
    """Options of Celery for a `rediss://` address: certificate and name are compared. None: no TLS, or the address specifies
    it."""
    if urlsplit(url).scheme != "rediss" or "ssl_cert_reqs" in parse_qs(urlsplit(url).query):
        return None
    options: dict[str, Any] = {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_check_hostname": True}
    return options | ({"ssl_ca_certs": ca} if ca else {})


def unprotected(databases: Iterable[Mapping[str, Any]], redis_url: str) -> dict[str, str]:
    """Connections to other machines that anyone in between could read or impersonate: what is wrong, by PostgreSQL or Redis."""
    found: dict[str, str] = {}
    for database in databases:
        hosts = {host for host in str(database.get("HOST") or "").split(",") if not host.startswith("/")}
        mode = database.get("OPTIONS", {}).get("sslmode", "")
        if hosts <= _THIS_MACHINE or mode in _VERIFIED:
            continue
        found["PostgreSQL"] = (
            "Student data goes to PostgreSQL encrypted, but nothing verifies that it is your server."
            if mode == "require"
            else "Student data and a password go to PostgreSQL over the network without TLS."
        )
    address = urlsplit(redis_url)
    if redis_url and (address.hostname or "") not in _THIS_MACHINE and address.scheme not in {"unix", "socket"}:
        reqs = parse_qs(address.query).get("ssl_cert_reqs", ["required"])[0].lower().removeprefix("cert_")
        if address.scheme != "rediss":
            found["Redis"] = "Its password and the numbers of runs go to Redis over the network without TLS."
        elif reqs != "required":
            found["Redis"] = "The connection to Redis is encrypted, but nothing verifies that it is your server."
    return found
