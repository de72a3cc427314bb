"""Lines of stored text files: finding those that name a person, and blanking them.

A line is blanked character by character: delimiters stay, so the line keeps its number, columns and length, and so does
every line after it.
"""

import datetime as dt
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO

from sisimport.erasing.people import SHORT, Mentions
from sisimport.files.encodings import UTF8, wide_encoding
from sisimport.files.issues import FileError
from sisimport.files.lines import whole_lines

_BINARY = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"Obj\x01", b"PAR1")  # workbooks, archives, tables: not lines of text
_CONTENT = re.compile(rb"[^,\t|;^~\"\r\n]")
_CONTENT_WIDE = re.compile(r"[^,\t|;^~\"\r\n]")
_CELLS = re.compile(r"[,\t|;^~]")
_MOST = 64 << 20  # bytes from one line end to the next; a file with longer lines is not a text file
_ENCODINGS = ("utf-8", "cp1252", "mac_roman")
_DATES = ("%Y%m%d", "%m/%d/%Y", "%Y-%m-%d", "%m-%d-%Y", "%m%d%Y")


@dataclass(slots=True)
class Found:
    """lines: numbers of those that name the person; whole: the file cannot be cleaned line by line and must be
    removed."""

    lines: set[int] = field(default_factory=set)
    whole: bool = False


class LineSearch:
    """Recognizes lines that are about a person. Works on bytes as Latin-1 text, so that one search covers all
    encodings."""

    def __init__(self, mentions: Mentions) -> None:
        person = mentions.person
        self._numbers = {number for number in person.numbers if len(number) >= SHORT}
        self._short = person.numbers - self._numbers
        long, short = ({n for n in person.state_numbers if (len(n) >= 10) is wanted} for wanted in (True, False))
        self._state = re.compile("|".join([*long, *(rf"(?<!\d){number}(?!\d)" for number in short)]) or r"(?!)")
        last, first = _spelled(person.last), _spelled(person.first)
        self._last, self._first = _words(last), _words(first)
        self._alone = {name.lower() for name in _spelled(person.alone & person.last)}
        self._namesake = person.namesake
        self._dates = list(_written(person.birth_date)) if person.birth_date else []
        self._between = re.compile(
            r"(?<![0-9A-Za-z])(?:" + ("|".join(map(re.escape, self._numbers)) or r"(?!)") + r")(?![0-9A-Za-z])"
        )
        worth_a_look = [*person.state_numbers, *person.numbers, *last]
        self._any = re.compile("|".join(map(re.escape, worth_a_look)) or r"(?!)", re.IGNORECASE)

    def may_be_in(self, text: str) -> bool:
        """A quick check: False is certain."""
        return self._any.search(text) is not None

    def is_in(self, line: str) -> bool:
        if self._state.search(line):
            return True
        cells = {cell.strip(' "').lower() for cell in _CELLS.split(line)}
        numbers = {number.lower() for number in self._numbers}
        if not cells.isdisjoint(numbers) or (len(cells) < 2 and self._between.search(line)):
            return True
        named = self._last.search(line)
        if named and not cells.isdisjoint(number.lower() for number in self._short):
            return True
        if named and self._first.search(line):
            return not self._namesake or any(date in line for date in self._dates)
        return not cells.isdisjoint(self._alone)


def naming(mentions: Mentions) -> Callable[[str | bytes], bool]:
    """A function that tells whether a text, or the bytes of a text file, name the person."""

    def names(held: str | bytes) -> bool:
        return mentions.in_text(held) if isinstance(held, str) else bool(find(io.BytesIO(held), mentions).lines)

    return names


def find(stream: IO[bytes], mentions: Mentions) -> Found:
    """Search the whole stream."""
    found, search = Found(), LineSearch(mentions)
    try:
        for number, line in _lines(stream):
            if line is not None and search.may_be_in(line) and search.is_in(line):
                found.lines.add(number)
                found.whole = found.whole or bool(line.count('"') % 2)
    except FileError:
        found.whole = True
    return found


def is_text(stream: IO[bytes]) -> bool:
    """Whether it is a text file, not a workbook or archive; leaves the stream at its beginning."""
    stream.seek(0)
    head = stream.read(8)
    stream.seek(0)
    return is_text_bytes(head)


def is_text_bytes(data: bytes) -> bool:
    return not data.startswith(_BINARY)


def blanked(stream: IO[bytes], into: IO[bytes], lines: set[int]) -> None:
    """Copy the stream with these lines blanked; its length stays the same to the byte."""
    encoding = _encoding(stream)
    unit = 1 if encoding == UTF8 else 2
    number = 1
    stream.seek(0)
    for chunk in _chunks(stream, encoding):
        text = chunk if unit == 1 else chunk.decode(encoding, errors="surrogatepass").encode("utf-8", "surrogatepass")
        for line in text.splitlines(keepends=True):
            out = _blank(line, encoding) if number in lines else line if unit == 1 else _wide(line, encoding)
            into.write(out)
            number += 1


def _blank(line: bytes, encoding: str) -> bytes:
    if encoding == UTF8:
        return _CONTENT.sub(b" ", line)
    text = line.decode("utf-8", "surrogatepass")
    return _CONTENT_WIDE.sub(lambda one: " " * (len(one[0].encode(encoding, "surrogatepass")) // 2), text).encode(
        encoding
    )


def _wide(line: bytes, encoding: str) -> bytes:
    return line.decode("utf-8", "surrogatepass").encode(encoding, "surrogatepass")


def _encoding(stream: IO[bytes]) -> str:
    """UTF-16 in either byte order, else single-byte text (which covers UTF-8 for this purpose). Raises FileError."""
    stream.seek(0)
    return wide_encoding(stream.read(4096)) or UTF8


def _lines(stream: IO[bytes]) -> Iterator[tuple[int, str | None]]:
    """Number and text of each line."""
    number = 1
    for _offset, chunk in whole_lines(stream, max_line_bytes=_MOST, encoding=_encoding(stream)):
        for line in chunk.splitlines():
            yield number, line.decode("latin-1")
            number += 1


def _chunks(stream: IO[bytes], encoding: str) -> Iterator[bytes]:
    """Chunks of the file that end with a line end, unchanged."""
    if encoding != UTF8:
        yield stream.read()
        return
    for _offset, chunk in whole_lines(stream, max_line_bytes=_MOST):
        yield chunk


def _written(date: dt.date) -> Iterator[str]:
    yield from (f"{date:{form}}" for form in _DATES)
    yield f"{date.month}/{date.day}/{date.year}"


def _spelled(names: set[str]) -> set[str]:
    """The names in each encoding, read as Latin-1."""
    found = set()
    for name in names:
        for form in (name, name.upper(), name.lower(), name.title()):
            for encoding in _ENCODINGS:
                found.add(form.encode(encoding, errors="replace").decode("latin-1"))
    return found


def _words(names: set[str]) -> re.Pattern[str]:
    listed = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    return re.compile(rf"(?<![A-Za-z])(?:{listed})(?![A-Za-z])" if listed else r"(?!)", re.IGNORECASE)
