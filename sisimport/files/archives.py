"""Files that come in an archive: the state distributes a zip with the same records twice, delimited and fixed-width.

The delimited member is used, or the fixed-width one if it is alone; a readme, letter or document next to it is ignored, as is the
file of names (entities) next to the state's results. Nothing else is guessed: several candidates, archives or workbooks inside
archives, and locked archives are refused by name. The unpacked size is limited during unpacking, regardless of the size the
archive states.
"""

import re
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import IO, Final

from sisimport.files import oneroster
from sisimport.files.issues import FileError, Problem, Severity
from sisimport.files.members import EXPECTED, MAX_MEMBERS, check_size, is_system_file, shown_name, too_large
from sisimport.files.wrapped import WRAPPED, without_wrapping

_DELIMITED: Final = {".csv", ".txt", ".tsv", ".tab", ".text"}
_FIXED_WIDTH: Final = {".dat"}
_ARCHIVES: Final = {".zip", ".7z", ".rar", ".gz", ".tar", ".tgz"}
_WORKBOOKS: Final = {".xlsx", ".xls", ".xlsm", ".xlsb", ".ods"}
_ZIP: Final = b"PK\x03\x04"
_PACKED_STARTS: Final = (_ZIP, b"PK\x05\x06", b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!")
_PIECE: Final = 1 << 20
_LONGEST_LIST: Final = 4 << 20  # bytes of an archive's list of files
_HEAD: Final = 1 << 16
_LOCKED: Final = 0x1
_NAMED: Final = 4  # files to name if there are many
# Files meant for people: a name with such a word, or text that is not a table.
_README: Final = re.compile(
    r"(?:^|[^a-z])(?:read[ _-]?me|license|licence|notice|instructions|release[ _-]?notes|cover[ _-]?letter)",
    re.IGNORECASE,
)
# The names of counties, districts and schools, which the state packs with its results.
_ENTITIES: Final = re.compile(r"entit(?:y|ies)", re.IGNORECASE)
_LOOK: Final = 1 << 14
_LOOK_LINES: Final = 50
_SEPARATORS: Final = (b"^", b",", b"\t", b"|", b";")
_FEWEST_SEPARATORS: Final = 2
_NARROWEST_RECORD: Final = 60
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
    """The bytes to recognise and read; `member` is the name within the archive (blank: no archive), `notices` the findings about
    the archive. `temporary`: the stream is a file of our own."""

    stream: IO[bytes]
    member: str = ""
    notices: tuple[Problem, ...] = ()
    temporary: bool = False

    def close(self) -> None:
        """Close the temporary file; a stream passed in by the caller stays open."""
        if self.temporary:
            self.stream.close()


@dataclass(frozen=True, slots=True)
class Glimpse:
    """The beginning of an archive's text file; `size` is that of the whole text file, None if not known."""

    data: bytes
    member: str
    size: int | None


def is_zip(stream: IO[bytes]) -> bool:
    """Is this a zip archive, complete or only its beginning, and not a workbook or document in zip format?"""
    stream.seek(0)
    head = stream.read(_HEAD)
    if not head.startswith(_ZIP):
        return False
    try:
        with _opened(stream) as archive:
            return "[Content_Types].xml" not in archive.NameToInfo
    except (*_DAMAGE, FileError):
        return b"[Content_Types].xml" not in head and b"xl/" not in head


@contextmanager
def _opened(stream: IO[bytes]) -> Iterator[zipfile.ZipFile]:
    with zipfile.ZipFile(_Sparing(stream)) as archive:
        yield archive


class _Sparing:
    """A stream that returns at most a few megabytes at a time, so that a list of millions of files is not read into memory."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.seek, self.tell = stream.seek, stream.tell

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if size > _LONGEST_LIST:
            raise FileError("FILE-ZIP", found="a list of more files than can be searched", expected=EXPECTED)
        return self._stream.read(size)


def unpack(stream: IO[bytes], *, max_bytes: int) -> Unpacked:
    """The text file of a zip archive as a temporary file; any other file unchanged. OneRoster tables are joined into one text.
    Lines that are each one quoted cell lose the quotation marks around them (wrapped.py).

    Raises FileError: FILE-ZIP for an archive without exactly one candidate, damaged or locked; FILE-SIZE when it
    unpacks to more than `max_bytes`.
    """
    if not is_zip(stream):
        return _bare(Unpacked(stream))
    with _damage_reported(), _opened(stream) as archive:
        roster = oneroster.find_contents(archive, max_bytes=max_bytes)
        if roster is not None:
            return _joined(archive, roster, max_bytes)
        member = _choose(archive)
        check_size(member, max_bytes)
        target = _extract(archive, member, max_bytes)
        notices = _left_out(archive, member)
    return _bare(Unpacked(target, shown_name(member.filename), notices, temporary=True))


def _bare(inner: Unpacked) -> Unpacked:
    """The same file without the quotation marks around its lines, if each line is one quoted cell."""
    text = without_wrapping(inner.stream)
    if text is None:
        inner.stream.seek(0)
        return inner
    inner.close()
    return replace(inner, stream=text, notices=(*inner.notices, WRAPPED), temporary=True)


def glimpse(stream: IO[bytes], *, whole: bool, most: int, max_bytes: int) -> Glimpse | None:
    """At most `most` bytes of the text file of a zip archive; `stream` holds all of the archive or (not `whole`) its beginning.

    None: the beginning does not reach a text file. Raises FileError as `unpack` does.
    """
    if not whole:
        stream.seek(0)
        return _first_text(stream.read(), most)
    with _damage_reported(), _opened(stream) as archive:
        roster = oneroster.find_contents(archive, max_bytes=max_bytes)
        if roster is not None:
            with _joined(archive, roster, max_bytes).stream as text:
                size = text.seek(0, 2)
                text.seek(0)
                return Glimpse(text.read(most), oneroster.MEMBER, size)
        member = _choose(archive)
        check_size(member, max_bytes)
        with archive.open(member) as source:
            data = source.read(most)
    _refuse_packed(data, member.filename)
    return Glimpse(data, shown_name(member.filename), member.file_size)


def _joined(archive: zipfile.ZipFile, roster: oneroster.Contents, max_bytes: int) -> Unpacked:
    """The students of a OneRoster archive as one text."""
    target = tempfile.TemporaryFile(prefix="sisimport-")  # noqa: SIM115 (the caller closes it)
    try:
        notices = oneroster.join(archive, roster, target, max_bytes=max_bytes)
        target.seek(0)
    except BaseException:
        target.close()
        raise
    return Unpacked(target, oneroster.MEMBER, tuple(notices), temporary=True)


@contextmanager
def _damage_reported() -> Iterator[None]:
    try:
        yield
    except NotImplementedError as error:
        raise FileError("FILE-ZIP", found="data packed in an uncommon way", expected=EXPECTED) from error
    except _DAMAGE as error:
        raise FileError("FILE-ZIP", found="damaged data", expected=EXPECTED) from error


def _left_out(archive: zipfile.ZipFile, chosen: zipfile.ZipInfo) -> tuple[Problem, ...]:
    """Notices on the files of the archive that were not read, except those that operating systems leave there."""
    others = [
        shown_name(member.filename)
        for member in archive.infolist()
        if member is not chosen and not member.is_dir() and not is_system_file(member.filename)
    ]
    if not others:
        return ()
    more = len(others) - _NAMED
    names = ", ".join(others[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")
    return (Problem("FILE-MEMBERS-LEFT", Severity.NOTICE, None, names),)


def _choose(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    members = archive.infolist()
    if len(members) > MAX_MEMBERS:
        raise FileError("FILE-ZIP", found=f"{len(members):,} files", expected=EXPECTED)
    files = [member for member in members if not member.is_dir() and not is_system_file(member.filename)]
    for endings in (_DELIMITED, _FIXED_WIDTH):
        candidates = [member for member in files if _ending(member) in endings]
        if len(candidates) > 1:
            candidates = _without_company(archive, candidates)
        if len(candidates) > 1:
            names = ", ".join(shown_name(member.filename) for member in candidates[:_NAMED])
            raise FileError("FILE-ZIP", found=f"{len(candidates)} text files ({names})", expected=EXPECTED)
        if len(candidates) == 1 and _README.search(shown_name(candidates[0].filename)) and _holds_more(files, endings):
            continue  # a readme next to a fixed-width file or a workbook is not the file that was sent
        if candidates:
            if candidates[0].flag_bits & _LOCKED:
                raise FileError("FILE-ZIP", found="a file locked with a password", expected=EXPECTED)
            return candidates[0]
    for endings, what in ((_WORKBOOKS, "an Excel workbook"), (_ARCHIVES, "another archive")):
        inner = next((member for member in files if _ending(member) in endings), None)
        if inner is not None:
            raise FileError("FILE-ZIP", found=f"{what} ({shown_name(inner.filename)})", expected=EXPECTED)
    names = ", ".join(shown_name(member.filename) for member in files[:_NAMED]) or "nothing"
    raise FileError("FILE-ZIP", found=names, expected=EXPECTED)


def _holds_more(files: list[zipfile.ZipInfo], endings: set[str]) -> bool:
    """Are there files of another kind that may hold the records?"""
    return any(_ending(member) in (_FIXED_WIDTH | _WORKBOOKS | _ARCHIVES) - endings for member in files)


def _without_company(archive: zipfile.ZipFile, candidates: list[zipfile.ZipInfo]) -> list[zipfile.ZipInfo]:
    """Candidates without readmes and, of two, without the names next to the results. All candidates if none is left."""
    left = [member for member in candidates if not _is_read_by_people(archive, member)] or candidates
    if len(left) == 2:
        left = [member for member in left if not _ENTITIES.search(shown_name(member.filename))] or left
    return left


def _is_read_by_people(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bool:
    """A readme or letter next to the data: named like one, or text whose lines have no separators."""
    if _README.search(shown_name(member.filename)):
        return True
    if member.flag_bits & _LOCKED:
        return False
    with archive.open(member) as source:
        return _is_prose(source.read(_LOOK))


def _is_prose(head: bytes) -> bool:
    """Do hardly any of the first lines have two column separators, or the same width as records without separators have?"""
    text = head.replace(b"\0", b"")  # also for UTF-16
    lines = [line for line in text.splitlines()[:_LOOK_LINES] if line.strip()]
    if not lines:
        return True
    separated = sum(any(line.count(sign) >= _FEWEST_SEPARATORS for sign in _SEPARATORS) for line in lines)
    of_one_width = len({len(line) for line in lines}) == 1 and len(lines[0]) >= _NARROWEST_RECORD
    sentences = sum(line.rstrip().endswith((b".", b":", b"!", b"?")) for line in lines)
    return not of_one_width and (separated * 2 <= len(lines) or (sentences * 2 >= len(lines) and b"^" not in text))


def _ending(member: zipfile.ZipInfo) -> str:
    return PurePosixPath(member.filename.replace("\\", "/")).suffix.lower()


def _refuse_packed(head: bytes, name: str) -> None:
    """Raises FileError for an archive or workbook under the name of a text file."""
    if head.startswith(_PACKED_STARTS):
        raise FileError("FILE-ZIP", found=f"another archive ({shown_name(name)})", expected=EXPECTED)


def _extract(archive: zipfile.ZipFile, member: zipfile.ZipInfo, max_bytes: int) -> IO[bytes]:
    """Raises FileError (FILE-SIZE) when the member holds more than it claims."""
    target = tempfile.TemporaryFile(prefix="sisimport-")  # noqa: SIM115 (the caller closes it)
    try:
        left = max_bytes
        with archive.open(member) as source:
            while data := source.read(_PIECE):
                if left == max_bytes:
                    _refuse_packed(data, member.filename)
                left -= len(data)
                if left < 0:
                    raise too_large(max_bytes)
                target.write(data)
        target.seek(0)
    except BaseException:
        target.close()
        raise
    return target


# -- the beginning of an archive, without its list of files ---------------------------------------------------------------

_LOCAL: Final = struct.Struct(
    "<4s5H3I2H"
)  # signature, 2 unused, flags, method …, CRC, both sizes, lengths of name and extra
_SIZES_FOLLOW: Final = 0x8
_UTF8_NAME: Final = 0x800
_DEFLATED: Final = 8


def _first_text(data: bytes, most: int) -> Glimpse | None:
    """The first text file that the beginning of an archive holds, as far as it goes. Raises FileError for a locked one."""
    at = 0
    while len(data) >= at + _LOCAL.size:
        start, _need, flags, method, _time, _day, _crc, packed, size, name_length, extra = _LOCAL.unpack_from(data, at)
        body = at + _LOCAL.size + name_length + extra
        if start != _ZIP or body > len(data):
            return None
        name = data[at + _LOCAL.size : at + _LOCAL.size + name_length].decode(
            "utf-8" if flags & _UTF8_NAME else "cp437", "replace"
        )
        size_stated = not flags & _SIZES_FOLLOW and 0xFFFFFFFF not in (packed, size)
        if oneroster.is_table(name):
            return None  # the students are in several files, and this is only part of one
        if _ENTITIES.search(shown_name(name)):
            return None  # results may follow, and would then be the file that was sent
        ending = PurePosixPath(name).suffix.lower()
        if ending in _DELIMITED | _FIXED_WIDTH and not is_system_file(name) and not _README.search(shown_name(name)):
            if flags & _LOCKED:
                raise FileError("FILE-ZIP", found="a file locked with a password", expected=EXPECTED)
            return _glimpse_of(data[body:], method, most, name, size if size_stated else None)
        if not size_stated:
            return None
        at = body + packed
    return None


def _glimpse_of(packed: bytes, method: int, most: int, name: str, size: int | None) -> Glimpse | None:
    if method == _DEFLATED:
        try:
            text = zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, most)
        except zlib.error as error:
            raise FileError("FILE-ZIP", found="damaged data", expected=EXPECTED) from error
    elif method == 0 and size is not None:
        text = packed[: min(size, most)]
    else:
        return None
    _refuse_packed(text, name)
    return Glimpse(text, shown_name(name), size)
