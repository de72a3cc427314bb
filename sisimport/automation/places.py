"""Places that files are picked up from and delivered to: a folder of this machine, or one of an SFTP server.

Both offer the same few steps; names are those of plain files directly in the folder, never paths. Errors are
PlaceErrors worded for users; their text names no student and no password.
"""

import base64
import contextlib
import hashlib
import os
import posixpath
import shutil
import socket
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

import paramiko
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings

from sisimport.automation.models import PlaceAddress
from sisimport.runtime import outbound

SECONDS = 20.0  # timeout for one step of the other side
_BLOCK = 1 << 18


class PlaceError(Exception):
    """The place cannot be used as it is; the text is for the user."""


class HostKeyError(PlaceError):
    """A server with a key other than the pinned one answered. Nothing is sent to it."""


@dataclass(frozen=True, slots=True)
class Found:
    """A plain file of a place; `modified` in seconds since 1970, as reported by the place."""

    name: str
    size: int
    modified: int


class Place(Protocol):
    def files(self) -> list[Found]:
        """Plain files of the folder; no links, no folders, none that begin with a dot."""

    def read(self, name: str, into: IO[bytes], *, most: int) -> None:
        """Copy a file into a stream. Raises PlaceError if it has more than `most` bytes."""

    def move(self, name: str, folder: str, new_name: str) -> None:
        """Move a file into a subfolder, which is made if it does not exist."""

    def write(self, folder: str, name: str, data: bytes) -> None:
        """Write a small file into that folder, whole or not at all."""

    def names_in(self, folder: str) -> set[str]:
        """The names in a subfolder."""

    def put(self, name: str, content: IO[bytes]) -> None:
        """Write a file into the folder itself, replacing one of this name. If interrupted, part of it remains."""

    def size_of(self, name: str) -> int | None:
        """Size of a file in bytes; None if it does not exist."""

    def replace(self, name: str, new_name: str) -> None:
        """Rename a file, replacing the one with the new name."""

    def remove(self, name: str) -> None:
        """Remove a file, if it exists."""


@contextlib.contextmanager
def opened(place: PlaceAddress) -> Iterator[Place]:
    """The place, ready to use. Raises PlaceError."""
    if place.kind == PlaceAddress.Kind.FOLDER:
        yield Folder(Path(place.path))
        return
    with _sftp(place) as server:
        yield server


# ---- a folder ----


class Folder:
    """A folder of this machine."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.is_absolute() or not path.is_dir():
            raise PlaceError("The folder does not exist. Enter its full path on the machine that runs the workers.")

    def files(self) -> list[Found]:
        found = []
        with _worded("read"):
            for entry in os.scandir(self.path):
                if entry.is_file(follow_symlinks=False) and not entry.name.startswith("."):
                    status = entry.stat(follow_symlinks=False)
                    found.append(Found(entry.name, status.st_size, int(status.st_mtime)))
        return sorted(found, key=lambda one: one.name)

    def read(self, name: str, into: IO[bytes], *, most: int) -> None:
        with _worded("read"), os.fdopen(os.open(self.path / name, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
            _copy(file, into, most)

    def move(self, name: str, folder: str, new_name: str) -> None:
        with _worded("moved"):
            (self.path / folder).mkdir(exist_ok=True)
            (self.path / name).rename(self.path / folder / new_name)

    def write(self, folder: str, name: str, data: bytes) -> None:
        with _worded("written to"):
            (self.path / folder).mkdir(exist_ok=True)
            begun = self.path / folder / f".{name}.new"
            begun.write_bytes(data)
            begun.rename(self.path / folder / name)

    def names_in(self, folder: str) -> set[str]:
        with _worded("read"):
            return {one.name for one in (self.path / folder).iterdir()} if (self.path / folder).is_dir() else set()

    def put(self, name: str, content: IO[bytes]) -> None:
        # Readable only by the folder's group; never written through a link that someone put there.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with _worded("written to"), os.fdopen(os.open(self.path / name, flags, 0o640), "wb") as file:
            shutil.copyfileobj(content, file, _BLOCK)
            file.flush()
            os.fsync(file.fileno())

    def size_of(self, name: str) -> int | None:
        with _worded("read"):
            path = self.path / name
            return path.stat().st_size if path.is_file() else None

    def replace(self, name: str, new_name: str) -> None:
        with _worded("written to"):
            (self.path / name).replace(self.path / new_name)

    def remove(self, name: str) -> None:
        with _worded("written to"):
            (self.path / name).unlink(missing_ok=True)


@contextlib.contextmanager
def _worded(done: str) -> Iterator[None]:
    """Puts errors of the file system into words."""
    try:
        yield
    except FileNotFoundError:
        raise PlaceError("A file or folder disappeared while it was being read.") from None
    except OSError as error:
        raise PlaceError(f"The folder cannot be {done}: {error.strerror}.") from error


def _copy(file: IO[bytes], into: IO[bytes], most: int) -> None:
    copied = 0
    while block := file.read(_BLOCK):
        copied += len(block)
        if copied > most:
            raise PlaceError(f"A file is larger than {most:,} bytes.")
        into.write(block)


# ---- SFTP ----


class Server:
    """A folder of an SFTP server."""

    def __init__(self, sftp: paramiko.SFTPClient, path: str) -> None:
        self.sftp, self.path = sftp, path or "."

    def files(self) -> list[Found]:
        found = [
            Found(one.filename, int(one.st_size or 0), int(one.st_mtime or 0))
            for one in self.sftp.listdir_attr(self.path)
            if stat.S_ISREG(one.st_mode or 0) and not one.filename.startswith(".") and "/" not in one.filename
        ]
        return sorted(found, key=lambda one: one.name)

    def read(self, name: str, into: IO[bytes], *, most: int) -> None:
        with self.sftp.open(self._in("", name), "rb") as file:
            file.prefetch()
            _copy(file, into, most)

    def move(self, name: str, folder: str, new_name: str) -> None:
        self._make(folder)
        self.sftp.rename(self._in("", name), self._in(folder, new_name))

    def write(self, folder: str, name: str, data: bytes) -> None:
        self._make(folder)
        begun = self._in(folder, f".{name}.new")
        with self.sftp.open(begun, "wb") as file:
            file.write(data)
        self.sftp.posix_rename(begun, self._in(folder, name))

    def names_in(self, folder: str) -> set[str]:
        try:
            return set(self.sftp.listdir(self._in(folder, "")))
        except FileNotFoundError:
            return set()

    def put(self, name: str, content: IO[bytes]) -> None:
        with self.sftp.open(self._in("", name), "wb") as file:
            file.set_pipelined(True)
            shutil.copyfileobj(content, file, _BLOCK)

    def size_of(self, name: str) -> int | None:
        try:
            return int(self.sftp.stat(self._in("", name)).st_size or 0)
        except FileNotFoundError:
            return None

    def replace(self, name: str, new_name: str) -> None:
        try:
            self.sftp.posix_rename(self._in("", name), self._in("", new_name))
        except OSError as error:
            if error.errno is not None:
                raise
            # A server without that extension renames only to an unused name.
            self.remove(new_name)
            self.sftp.rename(self._in("", name), self._in("", new_name))

    def remove(self, name: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            self.sftp.remove(self._in("", name))

    def _in(self, folder: str, name: str) -> str:
        return posixpath.join(self.path, folder, name)

    def _make(self, folder: str) -> None:
        try:
            self.sftp.stat(self._in(folder, ""))
        except FileNotFoundError:
            self.sftp.mkdir(self._in(folder, ""))


class _Pinned(paramiko.MissingHostKeyPolicy):
    """Accepts only the pinned key, compared by its SHA-256 fingerprint."""

    def __init__(self, fingerprint: str) -> None:
        self.fingerprint = fingerprint

    def missing_host_key(self, _client: paramiko.SSHClient, _hostname: str, key: paramiko.PKey) -> None:
        shown = fingerprint_of(key.asbytes())
        if shown != self.fingerprint:
            raise HostKeyError(
                f"The server shows the key {shown}, but {self.fingerprint} is pinned. Nothing was sent to it. "
                "Ask its administrator whether the key was changed; if so, pin the new one."
            )


def fingerprint_of(key: bytes) -> str:
    """As OpenSSH writes it: SHA256:…"""
    return "SHA256:" + base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")


@contextlib.contextmanager
def _sftp(place: PlaceAddress) -> Iterator[Place]:
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(_Pinned(place.host_key))
    try:
        client.connect(
            place.host,
            place.port,
            username=place.username,
            pkey=paramiko.Ed25519Key.from_private_key_file(str(key_path(place))),
            timeout=SECONDS,
            banner_timeout=SECONDS,
            auth_timeout=SECONDS,
            channel_timeout=SECONDS,
            allow_agent=False,
            look_for_keys=False,
        )
        transport = client.get_transport()
        if transport is not None:
            transport.set_keepalive(15)  # while a file is made
        sftp = client.open_sftp()
        channel = sftp.get_channel()
        if channel is not None:
            channel.settimeout(SECONDS)
        yield Server(sftp, place.path)
    except PlaceError:
        raise
    except paramiko.AuthenticationException as error:
        raise PlaceError(
            "The server does not accept the key. Have the public key of this place added there."
        ) from error
    except outbound.NotListedError as error:
        raise PlaceError(str(error)) from error
    except FileNotFoundError as error:
        raise PlaceError(
            "The folder or one of its files does not exist, or the key of this place is missing on this machine."
        ) from error
    except PermissionError as error:
        raise PlaceError("The server does not allow that in its folder.") from error
    except (TimeoutError, socket.gaierror, ConnectionError, EOFError, paramiko.SSHException, OSError) as error:
        raise PlaceError(
            f"The server could not be reached, or the connection was cut ({type(error).__name__})."
        ) from error
    finally:
        client.close()


# ---- the key of a place ----


def key_path(place: PlaceAddress) -> Path:
    folder: Path = settings.DATA_DIR / "keys"
    return folder / place.key_name


def make_key(place: PlaceAddress) -> str:
    """Make the key that this place signs in with. Returns the public one, a line for `authorized_keys`."""
    key = Ed25519PrivateKey.generate()
    path = key_path(place)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(private)
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return f"{public.decode()} sis-import"
