"""Storage of kept files: each is encrypted on its way in and decrypted on its way out (sisimport.runtime.sealed_files).

Callers see the original files. Backups and key rotation work on the stored bytes, through the `raw_…` methods.
"""

import contextlib
import os
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import IO, Any, Protocol, cast

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.files import File
from django.core.files.storage import FileSystemStorage, storages

from sisimport.runtime import file_keys, sealed_files
from sisimport.runtime.sealed_files import HEADER, MasterKey


class StoreAwayError(OSError):
    """The object store does not answer, or refuses us."""


class GoneError(FileNotFoundError):
    """The store has no such file, or no longer has it. Not raised for other files that are missing while one is read."""


class Resealed(StrEnum):
    """What key rotation did with a file."""

    CURRENT = "current"
    REWRAPPED = "rewrapped"
    ENCRYPTED = "encrypted"
    UNKNOWN = "unknown_key"
    DAMAGED = "damaged"
    MISSING = "missing"


def master_keys() -> list[MasterKey]:
    """Keys from the settings, else those kept in the data directory, newest first. Raises ImproperlyConfigured."""
    try:
        if settings.FILE_KEYS:
            return file_keys.parsed(settings.FILE_KEYS)
        if settings.PRODUCTION:
            raise file_keys.FileKeyError(f"{file_keys.NO_KEY} {file_keys.HOW}")
        return file_keys.kept_keys(settings.DATA_DIR)
    except file_keys.FileKeyError as error:
        raise ImproperlyConfigured(str(error)) from None


class Store(Protocol):
    """What backups and key rotation need from a storage, beyond Django's interface."""

    def exists(self, name: str) -> bool: ...

    def delete(self, name: str) -> None: ...

    def raw_open(self, name: str) -> IO[bytes]:
        """The file as stored. Raises FileNotFoundError."""

    def raw_save(self, name: str, stream: IO[bytes]) -> None:
        """Store a file that is already encrypted. Raises FileExistsError."""

    def reseal(self, name: str, masters: Sequence[MasterKey]) -> Resealed:
        """Make sure that only the newest key opens the file; its content is not rewritten unless it was plain."""


def uploads_store() -> Store:
    """The storage of uploads, as used by backups and key rotation."""
    return cast(Store, storages["default"])


class FolderStore(FileSystemStorage):
    """A folder of encrypted files."""

    def _open(self, name: str, mode: str = "rb") -> File:
        if mode != "rb":
            raise ValueError("kept files are written once, by save")
        source = Path(self.path(name)).open("rb")  # noqa: SIM115 (closed with the returned file)
        try:
            return File(sealed_files.opened(source, stored_name(name), master_keys()), name)
        except BaseException:
            source.close()
            raise

    def _save(self, name: str, content: File) -> str:
        newest = master_keys()[0]
        while True:
            try:
                descriptor = self._create(name)
                break
            except FileExistsError:
                name = self.get_available_name(name)
        with os.fdopen(descriptor, "wb") as out:
            for piece in sealed_files.sealed(content.chunks(), stored_name(name), newest):
                out.write(piece)
        return stored_name(name)

    def size(self, name: str) -> int:
        with self.open(name) as stream:
            return stream.seek(0, os.SEEK_END)

    def raw_open(self, name: str) -> IO[bytes]:
        return Path(self.path(name)).open("rb")

    def raw_save(self, name: str, stream: IO[bytes]) -> None:
        path = Path(self.path(name))
        with _begun(path) as (begun, out):
            for block in blocks_of(stream):
                out.write(block)
            out.flush()
            path.hardlink_to(begun)

    def reseal(self, name: str, masters: Sequence[MasterKey]) -> Resealed:
        return reseal_file(Path(self.path(name)), stored_name(name), masters)

    def _create(self, name: str) -> int:
        path = Path(self.path(name))
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)


def stored_name(name: str) -> str:
    """The name that a file is bound to."""
    return str(name).replace("\\", "/")


def reseal_file(path: Path, name: str, masters: Sequence[MasterKey]) -> Resealed:
    """Make sure that only the newest key opens a file of a folder. Readers notice nothing; a kill does no harm."""
    try:
        with path.open("r+b") as file:
            head = file.read(HEADER)
            if not sealed_files.is_sealed(head):
                file.seek(0)
                _encrypt(file, path, name, masters[0])
                return Resealed.ENCRYPTED
            steps = sealed_files.rewrapped(head, name, masters)
            for step in steps:
                file.seek(0)
                file.write(step)
                file.flush()
                os.fsync(file.fileno())
            return Resealed.REWRAPPED if steps else Resealed.CURRENT
    except FileNotFoundError:
        return Resealed.MISSING
    except sealed_files.UnknownKeyError:
        return Resealed.UNKNOWN
    except sealed_files.DamagedError:
        return Resealed.DAMAGED


def _encrypt(plain: IO[bytes], path: Path, name: str, newest: MasterKey) -> None:
    with _begun(path) as (begun, out):
        for piece in sealed_files.sealed(blocks_of(plain), name, newest):
            out.write(piece)
        out.flush()
        os.fsync(out.fileno())
        begun.replace(path)


@contextlib.contextmanager
def _begun(path: Path) -> Iterator[tuple[Path, IO[bytes]]]:
    """A file next to `path` that is removed unless it takes its place, so that no one ever sees half a file."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    begun = path.with_name(f"{path.name}.{os.urandom(4).hex()}.new")
    try:
        with os.fdopen(os.open(begun, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as out:
            yield begun, out
    finally:
        with contextlib.suppress(FileNotFoundError):
            begun.unlink()


def blocks_of(stream: IO[bytes]) -> Iterator[bytes]:
    """The rest of a stream, chunk by chunk."""
    while block := stream.read(sealed_files.CHUNK):
        yield block


def source_of(stream: Any) -> Any:
    """The operating system's file behind an opened one."""
    return sealed_files.source_of(cast(IO[bytes], stream.file if isinstance(stream, File) else stream))


def mail_name(file_name: str) -> str:
    """The name that a kept mail is bound to; mails are outside the storage, in `mail` in the data directory."""
    return f"mail/{file_name}"
