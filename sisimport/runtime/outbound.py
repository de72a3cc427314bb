"""Which hosts the product may call, where the installation names them (CALLED_HOSTS): enforced where Python opens a connection.

    CALLED_HOSTS=hooks.example.org,*.sftp.example.org,10.20.0.0/16

Every program of the product asks here, whatever library it calls with: webhooks, SFTP, object stores, single sign-on, mail, the
broker, the virus scanner, error reports. What the installation's own settings name is always on the list; what people type on
pages is not. This machine itself, and sockets that are files, may always be called. PostgreSQL's own library connects on its own,
to the address in the settings and to nothing else.

Names are compared, not addresses: a name on the list may be called wherever it leads, and an address that no such name led to
only if it is listed itself, alone or in a network.
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
    """The host is not on the list of those that may be called."""

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
        self.found: set[str] = set()  # addresses that names on the list led to

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
    """From here on this process calls these hosts only, and cannot be told otherwise."""
    global _allowed
    first, _allowed = _allowed is None, Allowed(hosts)
    if first:
        socket.getaddrinfo = _known_only(socket.getaddrinfo)
        sys.addaudithook(_ask)


def check(host: str) -> None:
    """Raises NotListedError for a host that may not be called. Where there is no list, all may be."""
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
    """An audit hook: Python tells it of every connection before it is made, and it can't be taken away again."""
    if event in ("socket.connect", "socket.sendto") and isinstance(given[1], tuple):
        check(str(given[1][0]))
