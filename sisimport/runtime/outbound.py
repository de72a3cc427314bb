"""Which hosts the product may call, if the installation lists them (CALLED_HOSTS): enforced where Python opens a connection.

    CALLED_HOSTS=hooks.example.org,*.sftp.example.org,10.20.0.0/16

Applies to every program of the product and any library it uses: webhooks, SFTP, object stores, single sign-on, mail, the broker,
the virus scanner, error reports. Hosts in the installation's own settings are always on the list; hosts typed on pages are not.
This machine itself and Unix sockets may always be called. PostgreSQL's own library connects by itself, only to the address in the
settings.

Names are compared, not addresses: a name on the list may be called at any address it resolves to; an address that no such name
resolved to only if it is listed itself, alone or in a network.
"""

import ipaddress
import re
import socket
import sys
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any

_HOST = re.compile(r"[a-z0-9+]+://(?:[^\s/@\"']*@)?(\[[0-9a-f:.]+\]|[^\s:/?#\"',]+)", re.IGNORECASE)
_allowed: "Allowed | None" = None


class NotListedError(OSError):
    """The host is not on the list of allowed hosts."""

    def __init__(self, host: str) -> None:
        super().__init__(f"{host} is not on the list of hosts that may be called (CALLED_HOSTS).")


class Allowed:
    """A list of hosts: names, patterns of names with *, addresses, networks."""

    def __init__(self, hosts: Iterable[str]) -> None:
        self.names: list[str] = []
        self.networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
        for host in filter(None, map(_plain, hosts)):
            try:
                self.networks.append(ipaddress.ip_network(host, strict=False))
            except ValueError:
                self.names.append(host)
        self.found: set[str] = set()  # addresses to which names on the list resolved

    def allows(self, host: str) -> bool:
        host = _plain(host)
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return host in ("", "localhost") or any(fnmatchcase(host, name) for name in self.names)
        address = getattr(address, "ipv4_mapped", None) or address
        return address.is_loopback or str(address) in self.found or any(address in one for one in self.networks)

    def note(self, addresses: Iterable[str]) -> None:
        self.found |= {str(ipaddress.ip_address(_plain(one))) for one in addresses}


def _plain(host: str) -> str:
    return host.strip().strip("[]").rstrip(".").partition("%")[0].lower()


def hosts_in(*texts: str) -> list[str]:
    """Hosts of all addresses in these settings."""
    return [found for text in texts for found in _HOST.findall(text)]


def limit(hosts: Iterable[str]) -> None:
    """From here on this process can call only these hosts, irrevocably."""
    global _allowed
    first, _allowed = _allowed is None, Allowed(hosts)
    if first:
        socket.getaddrinfo = _known_only(socket.getaddrinfo)
        sys.addaudithook(_ask)


def check(host: str) -> None:
    """Raises NotListedError for a host that may not be called. Without a list, all hosts are allowed."""
    if _allowed is not None and not _allowed.allows(host):
        raise NotListedError(host)


def _known_only(look_up: Any) -> Any:
    """getaddrinfo that remembers which addresses names on the list have."""

    def getaddrinfo(host: Any, port: Any, *more: Any, **named: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else str(host or "")
        passive = bool(named.get("flags", more[3] if len(more) > 3 else 0) & socket.AI_PASSIVE)
        if not passive:
            check(name)
        found = look_up(host, port, *more, **named)
        if _allowed is not None and not passive:
            _allowed.note(entry[4][0] for entry in found if entry[0] in (socket.AF_INET, socket.AF_INET6))
        return found

    return getaddrinfo


def _ask(event: str, given: tuple[Any, ...]) -> None:
    """An audit hook: Python calls it before every connection, and it cannot be removed."""
    if event in ("socket.connect", "socket.sendto") and isinstance(given[1], tuple):
        check(str(given[1][0]))
