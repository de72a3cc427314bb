"""Files that come in an archive: the state hands out a zip with twins of the same records, delimited and fixed-width.

The delimited member is taken, the fixed-width one when it is alone. Nothing else is guessed: several candidates,
archives in archives and locked ones are refused by name. What is unpacked is limited while it is unpacked, whatever
the archive claims.
"""

import tempfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, Final

from sisimport.imports.issues import FileError, Problem, Severity

_DELIMITED: Final = {".csv", ".txt"}
_FIXED_WIDTH: Final = {".dat"}
_ARCHIVES: Final = {".zip", ".7z", ".rar", ".gz", ".tar", ".tgz"}
_PIECE: Final = 1 << 20
_MAX_MEMBERS: Final = 1000
_MAX_RATIO: Final = 400
_LOCKED: Final = 0x1
_EXPECTED: Final = "one text file (.csv, .txt or .dat)"
_DAMAGE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    ValueError,
    RuntimeError,
    NotImplementedError,
    KeyError,
    OverflowError,
)


@dataclass(frozen=True, slots=True)
class Unpacked:
    """The bytes to recognise and read; `member` is the name within the archive (None: it was no archive)."""

    stream: IO[bytes]
    member: str | None = None
    notices: tuple[Problem, ...] = ()


def is_zip(stream: IO[bytes]) -> bool:
    """Is this a zip archive, and not a workbook or document that happens to be one inside?"""
    stream.seek(0)
    if stream.read(4) != b"PK\x03\x04":
        return False
    try:
        with zipfile.ZipFile(stream) as archive:
            names = archive.namelist()[:_MAX_MEMBERS]
    except _DAMAGE:
        return True
    return "[Content_Types].xml" not in names


def unpack(stream: IO[bytes], *, max_bytes: int) -> Unpacked:
    """The text file of a zip archive as a temporary file; any other file as it is.

    Raises FileError: FILE-ZIP for an archive without exactly one candidate, damaged or locked; FILE-SIZE when it
    unpacks to more than `max_bytes`.
    """
    if not is_zip(stream):
        return Unpacked(stream)
    try:
        with zipfile.ZipFile(stream) as archive:
            member = _choose(archive.infolist())
            target = _extract(archive, member, max_bytes)
    except _DAMAGE as error:
        raise FileError("FILE-ZIP", found="damaged data", expected=_EXPECTED) from error
    name = shown_name(member.filename)
    return Unpacked(target, name, (Problem("FILE-MEMBER", Severity.NOTICE, None, name),))


def shown_name(name: str) -> str:
    """A member's name without folders and without characters that cannot be shown."""
    base = PurePosixPath(name.replace("\\", "/")).name
    return "".join(character if character.isprintable() else "?" for character in base)[:80] or "a file without name"


def _choose(members: list[zipfile.ZipInfo]) -> zipfile.ZipInfo:
    if len(members) > _MAX_MEMBERS:
        raise FileError("FILE-ZIP", found=f"{len(members):,} files", expected=_EXPECTED)
    files = [member for member in members if not member.is_dir() and not _is_system_file(member.filename)]
    for endings in (_DELIMITED, _FIXED_WIDTH):
        candidates = [member for member in files if _ending(member) in endings]
        if len(candidates) > 1:
            names = ", ".join(shown_name(member.filename) for member in candidates[:4])
            raise FileError("FILE-ZIP", found=f"{len(candidates)} text files ({names})", expected=_EXPECTED)
        if candidates:
            if candidates[0].flag_bits & _LOCKED:
                raise FileError("FILE-ZIP", found="a file locked with a password", expected=_EXPECTED)
            return candidates[0]
    if any(_ending(member) in _ARCHIVES for member in files):
        raise FileError("FILE-ZIP", found="another archive", expected=_EXPECTED)
    names = ", ".join(shown_name(member.filename) for member in files[:4]) or "nothing"
    raise FileError("FILE-ZIP", found=names, expected=_EXPECTED)


def _ending(member: zipfile.ZipInfo) -> str:
    return PurePosixPath(member.filename).suffix.lower()


def _is_system_file(name: str) -> bool:
    """What Mac computers and file managers leave in archives."""
    parts = PurePosixPath(name).parts
    return "__MACOSX" in parts or (bool(parts) and parts[-1].startswith("."))


def _extract(archive: zipfile.ZipFile, member: zipfile.ZipInfo, max_bytes: int) -> IO[bytes]:
    """Raises FileError (FILE-SIZE) for what is too large, or shrunk so far that no list of students can be in it."""
    most = f"{max_bytes:,} bytes"
    limit = FileError("FILE-SIZE", found=f"more than {most} when unpacked", expected=most)
    if member.file_size > max_bytes or member.file_size > _MAX_RATIO * max(member.compress_size, 1_000):
        raise limit
    target = tempfile.TemporaryFile(prefix="sisimport-")  # noqa: SIM115 (the caller closes it)
    try:
        left = max_bytes
        with archive.open(member) as source:
            while data := source.read(_PIECE):
                left -= len(data)
                if left < 0:
                    raise limit
                target.write(data)
        target.seek(0)
    except BaseException:
        target.close()
        raise
    return target
