"""Opening kept files: exactly as uploaded, or not at all.

missing   this machine has no such file: another may have it, or the folder may come back, so a run waits
removed   its retention period in the settings is over
damaged   a file exists, but its length or content differs from what was kept: it is never presented as the upload
locked    it was encrypted for a key that is not in the settings
"""

import hashlib
import os
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, BinaryIO, cast

from django.core.files import File
from django.db.models.fields.files import FieldFile
from django.template.defaultfilters import filesizeformat
from django.utils import timezone

from sisimport.imports.models import ImportFile
from sisimport.imports.storage.stores import GoneError, StoreAwayError, source_of
from sisimport.runtime.sealed_files import DamagedError, UnknownKeyError

_CHUNK = 1 << 20
_MOST_REMEMBERED = 512

# Files that this process found intact, keyed by everything that changes when they are written to.
_whole: OrderedDict[tuple[str, str, int, int, int], None] = OrderedDict()


class StoredFileError(OSError):
    """A kept file cannot be read in its original form; the text is for the user."""

    title = "The uploaded file cannot be read"


class MissingFileError(StoredFileError):
    """Storage, as seen from this machine, has no such file."""

    title = "The uploaded file is missing"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The stored copy of {name} is not in this machine's upload folder. Ask your administrator to restore"
            "the folder, or upload the file again."
        )


class LockedFileError(MissingFileError):
    """The key of the file is not here; a run treats this like a file that is not here yet."""

    title = "The key of the uploaded file is missing"

    def __init__(self, name: str) -> None:
        StoredFileError.__init__(
            self,
            f"The stored copy of {name} was encrypted for a key that this server does not have. Ask your administrator to "
            "add that key to FILE_KEYS again, or upload the file again.",
        )


class AwayFileError(MissingFileError):
    """The storage does not answer; a run treats this like a file that is not here yet."""

    title = "The storage of uploaded files does not answer"

    def __init__(self, name: str) -> None:
        StoredFileError.__init__(
            self,
            f"{name} cannot be read: the storage of uploaded files does not answer. Wait a moment and try again. If it "
            f"happens again, tell your administrator.",
        )


class RemovedFileError(StoredFileError):
    """The file was removed after its retention period in the settings."""

    title = "The uploaded file was removed"

    def __init__(self, file: ImportFile) -> None:
        day = timezone.localdate(file.removed_at)
        super().__init__(
            f"The stored copy of {file.name} was removed on {day:%m/%d/%Y}: uploads are kept for a limited time. What was "
            "imported from it remains. To see its lines, upload the file again."
        )


class DamagedFileError(StoredFileError):
    """The stored file is not what was uploaded."""

    title = "The stored copy of the file is damaged"

    def __init__(self, name: str, *, size: int, found: int) -> None:
        damage = (
            "its content changed since it was uploaded"
            if size == found
            else f"it has {filesizeformat(found)} of {filesizeformat(size)}"
            if found < size
            else f"it grew from {filesizeformat(size)} to {filesizeformat(found)}"
        )
        super().__init__(
            f"The stored copy of {name} is damaged: {damage}. Nothing was read from it. Upload the file again."
        )


class UnreadableFileError(StoredFileError):
    """A file made by the product is not what was kept."""

    title = "The stored file is damaged"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The stored copy of {name} is damaged: its content changed since it was kept. Nothing was read from it. Ask"
            "your administrator to restore it from a backup."
        )


@contextmanager
def open_file(file: ImportFile, *, rehash: bool = False) -> Iterator[BinaryIO]:
    """The bytes of a kept file, seekable, after its size and SHA-256 were compared with those on record.

    A file that this process found intact is not hashed again while its size, time and inode stay the same; `rehash` hashes it
    anyway, for data that is written into records. Raises MissingFileError, RemovedFileError and DamagedFileError.
    """
    with open_as_it_is(file) as stream:
        _compare(file, stream, rehash=rehash)
        yield stream


@contextmanager
def open_as_it_is(file: ImportFile) -> Iterator[BinaryIO]:
    """Like `open_file` but without the comparison: to recognize a file just chosen by a user. Raises the same errors."""
    if file.removed_at is not None:
        raise RemovedFileError(file)
    try:
        # Only errors of the store itself: other things a reader may miss, such as a program, say nothing about the file.
        with _opened(file.file) as stream:
            yield stream
    except GoneError:
        raise MissingFileError(file.name) from None
    except UnknownKeyError:
        raise LockedFileError(file.name) from None
    except StoreAwayError:
        raise AwayFileError(file.name) from None
    except DamagedError:
        raise DamagedFileError(file.name, size=file.size, found=file.size) from None


def _opened(stored: FieldFile) -> BinaryIO:
    """Raises GoneError if the store has no such file."""
    try:
        return cast(BinaryIO, stored.storage.open(str(stored.name), "rb"))
    except FileNotFoundError as error:
        raise GoneError(str(error)) from None


def open_whole(stored: FieldFile, name: str) -> BinaryIO:
    """A kept file of a model other than ImportFile, opened at its beginning after a full test decryption; the caller closes it.

    `name`: the user's term for it. Raises MissingFileError (which LockedFileError and AwayFileError are) and UnreadableFileError.
    """
    if not stored.name:
        raise MissingFileError(name)
    try:
        stream = cast(BinaryIO, stored.storage.open(str(stored.name), "rb"))
        try:
            while stream.read(_CHUNK):
                pass
            stream.seek(0)
        except BaseException:
            stream.close()
            raise
    except FileNotFoundError:
        raise MissingFileError(name) from None
    except UnknownKeyError:
        raise LockedFileError(name) from None
    except StoreAwayError:
        raise AwayFileError(name) from None
    except DamagedError:
        raise UnreadableFileError(name) from None
    return stream


def is_here(file: ImportFile) -> bool:
    """Whether this machine has the file and its key; says nothing about its content."""
    if file.removed_at is not None:
        return False
    try:
        with file.file.storage.open(str(file.file.name), "rb"):
            return True
    except (FileNotFoundError, UnknownKeyError, StoreAwayError):
        return False
    except DamagedError:  # it is here; reading it reports the damage
        return True


def _compare(file: ImportFile, stream: BinaryIO, *, rehash: bool) -> None:
    found = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    if found != file.size:
        raise DamagedFileError(file.name, size=file.size, found=found)
    mark = _mark(file, stream)
    if mark in _whole and not rehash:
        return
    if hash_of(stream) != file.sha256:
        raise DamagedFileError(file.name, size=file.size, found=found)
    if mark is not None:
        _whole[mark] = None
        while len(_whole) > _MOST_REMEMBERED:
            _whole.popitem(last=False)


def _mark(file: ImportFile, stream: BinaryIO) -> tuple[str, str, int, int, int] | None:
    """None for a storage without local files: those are hashed each time."""
    try:
        seen = os.fstat(source_of(stream).fileno())
    except (OSError, AttributeError):
        return None
    return str(file.file.name), file.sha256, seen.st_ino, seen.st_mtime_ns, seen.st_ctime_ns


def hash_of(stream: IO[bytes]) -> str:
    """SHA-256 of a seekable stream in hexadecimal, which identifies equal files; rewinds the stream."""
    digest = hashlib.sha256()
    stream.seek(0)
    while chunk := stream.read(_CHUNK):
        digest.update(chunk)
    stream.seek(0)
    return digest.hexdigest()


def store(field: FieldFile, name: str, stream: IO[bytes]) -> None:
    """Keep the stream under the name that the field makes from `name`; if it cannot be kept, nothing is left.

    The record is not saved. Raises the storage's errors, OSError for a full disk.
    """
    storage, target = field.storage, field.field.generate_filename(field.instance, name)
    existed = storage.exists(target)
    try:
        saved = storage.save(target, File(stream), max_length=field.field.max_length)
    except BaseException:
        if not existed:
            storage.delete(target)
        raise
    setattr(field.instance, field.field.name, saved)
