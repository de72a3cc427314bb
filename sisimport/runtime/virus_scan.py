"""Asks a virus scanner about a file before anything reads it: clamd's own protocol (INSTREAM), over its socket or TCP."""

import socket
import struct
from dataclasses import dataclass
from typing import IO

SECONDS = 60.0  # for each step, not for the whole file
_BLOCK = 1 << 18
_MOST_ANSWER = 4096
# What clamd "finds" in a file that it did not scan completely, if its AlertExceedsMax is on.
_BEYOND_ITS_LIMITS = "Heuristics.Limits.Exceeded"


class NotScannedError(Exception):
    """It is unknown whether the file is clean; the text says why, for the log."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`found`: the scanner's name for the virus; empty: clean."""

    found: str = ""


def scan(stream: IO[bytes], address: str) -> Verdict:
    """What clamd at this address (`unix:/path` or `tcp://host:port`) says about the whole stream, which is rewound afterwards.
    Raises NotScannedError."""
    stream.seek(0)
    try:
        with _connection(address) as connection:
            answer = _ask(connection, stream)
    except (OSError, ValueError) as error:
        raise NotScannedError(f"the virus scanner cannot be reached ({type(error).__name__})") from error
    finally:
        stream.seek(0)
    if answer.endswith(" FOUND"):
        found = answer.removesuffix(" FOUND").partition(": ")[2] or "unnamed"
        if found.startswith(_BEYOND_ITS_LIMITS):
            raise NotScannedError(
                f"the virus scanner gave up ({found}): raise its MaxFileSize, MaxScanSize and MaxScanTime"
            )
        return Verdict(found)
    if answer.endswith(": OK"):
        return Verdict()
    if "size limit exceeded" in answer:
        raise NotScannedError("the virus scanner does not accept files of this size: raise its StreamMaxLength")
    raise NotScannedError("the virus scanner gave no verdict")


def _connection(address: str) -> socket.socket:
    scheme, _colon, rest = address.partition(":")
    if scheme == "unix" and rest:
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        made.settimeout(SECONDS)
        try:
            made.connect(rest)
        except OSError:
            made.close()
            raise
        return made
    host, _colon, port = rest.removeprefix("//").rpartition(":")
    if scheme != "tcp" or not host:
        raise ValueError("no address of a scanner")
    return socket.create_connection((host.strip("[]"), int(port)), SECONDS)


def _ask(connection: socket.socket, stream: IO[bytes]) -> str:
    try:
        connection.sendall(b"zINSTREAM\0")
        while block := stream.read(_BLOCK):
            connection.sendall(struct.pack("!I", len(block)) + block)
        connection.sendall(struct.pack("!I", 0))
    except (BrokenPipeError, ConnectionResetError):
        pass  # it answers and hangs up immediately if a file is too large
    answer = b""
    while b"\0" not in answer and len(answer) < _MOST_ANSWER and (more := connection.recv(_MOST_ANSWER)):
        answer += more
    return answer.partition(b"\0")[0].decode("utf-8", "replace").strip()
