"""Receiving a file: extracted from its archive, stored under a name of our own with its hash and size."""

import errno
import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import PurePath
from typing import IO, Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.files import File
from django.template.defaultfilters import filesizeformat

from sisimport.files.archives import Unpacked, unpack
from sisimport.files.issues import FileError, Problem, render
from sisimport.imports.models import ImportFile
from sisimport.imports.storage import room
from sisimport.imports.storage.files import hash_of, store
from sisimport.imports.storage.stores import StoreAwayError
from sisimport.runtime import virus_scan

logger = logging.getLogger(__name__)


class RunRefusedError(Exception):
    """A run that cannot be started; its text is for the user."""


class NotKeptError(RunRefusedError, StoreAwayError):
    """The storage does not answer. A page refuses with this reason; a run waits for the storage."""


class NoRoomError(RunRefusedError, OSError):
    """There is no room to keep a file. A page refuses with this reason; a run waits for room."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.errno = errno.ENOSPC


def scan(stream: IO[bytes]) -> None:
    """Have the virus scanner of the settings, if there is one, check an upload before any of it is read.

    Raises FileError if it finds something or, unless the settings say otherwise, if it gives no verdict.
    """
    if not settings.CLAMD_ADDRESS:
        return
    try:
        found = virus_scan.scan(stream, settings.CLAMD_ADDRESS).found
    except virus_scan.NotScannedError as error:
        logger.error("an upload was not scanned: %s", error)
        if settings.CLAMD_REQUIRED:
            raise FileError("FILE-UNSCANNED") from None
        return
    if found:
        logger.warning("the virus scanner refused an upload: %s", found)
        raise FileError("FILE-VIRUS", found=found)


@contextmanager
def unpacked(stream: IO[bytes]) -> Iterator[Unpacked]:
    """The text file in an archive, or the file itself: the part of an upload that is recognized, hashed and kept.

    The unpacked text is a temporary file, removed with the context. Raises FileError for an archive that cannot be used, and for
    findings of the virus scanner.
    """
    scan(stream)
    inner = unpack(stream, max_bytes=settings.IMPORT_MAX_BYTES)
    try:
        yield inner
    finally:
        inner.close()


def keep_file(
    *,
    stream: IO[bytes],
    name: str,
    user: User | None,
    member: str = "",
    notices: Sequence[Problem] = (),
    place: str = "",
) -> ImportFile:
    """Store an uploaded file under a name of our own, with its hash and size.

    `name` is reduced to its last part and 255 characters; it is only for display. `member`: the name of the stream in the archive
    `name` from which it was extracted (see `unpacked`), with `notices` found there. `place`: where to store it, if not under a
    random name.
    Raises RunRefusedError for a file over the limit of the settings or without room on the disk, before anything is stored.
    If a file cannot be recorded, it is not stored either.
    """
    size = stream.seek(0, os.SEEK_END)
    if size > settings.IMPORT_MAX_BYTES:
        found, limit = filesizeformat(size), filesizeformat(settings.IMPORT_MAX_BYTES)
        found = f"larger than {limit}" if found == limit else found
        raise RunRefusedError(render("FILE-SIZE", found=found, expected=limit))
    if lack := room.lack_for_upload(size):
        raise NoRoomError(lack)
    kept = ImportFile(name=shown_name(name), member=member, sha256=hash_of(stream), size=size, uploaded_by=user)
    kept.notices = [_as_json(notice) for notice in notices]
    try:
        if place:
            kept.file.name = kept.file.storage.save(place, File(stream))
        else:
            store(kept.file, "", stream)
    except StoreAwayError:
        logger.warning("the storage of uploaded files does not answer: a file was not kept")
        raise NotKeptError(
            "The file could not be kept: the storage of uploaded files does not answer. Try again in a moment; if it "
            "happens again, tell your administrator."
        ) from None
    try:
        kept.save()
    except BaseException:
        kept.file.delete(save=False)
        raise
    return kept


def _as_json(notice: Problem) -> dict[str, Any]:
    return {
        "code": notice.code,
        "severity": int(notice.severity),
        "found": notice.found,
        "expected": notice.expected,
        "params": dict(notice.params),
    }


def shown_name(name: str) -> str:
    """The last part of a path without control characters, never empty."""
    last = PurePath(name.replace("\\", "/")).name
    cleaned = "".join(c for c in last if c.isprintable())[-255:].strip()
    return cleaned or "file"
