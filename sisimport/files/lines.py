"""Physical lines of a file: bytes in chunks of whole lines, text encodings, and finding a line again by its number.

A line ends with LF, CR LF or CR, nothing else; numbers count from 1 and include header and blank lines.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, Final

from sisimport.files.issues import FileError, Problem, Severity

BOM: Final = b"\xef\xbb\xbf"
UTF8: Final = "utf-8"
UTF8_BOM: Final = "utf-8-sig"
WINDOWS: Final = "cp1252"
MAX_LINE_BYTES: Final = 1 << 20
REREAD_LIMIT: Final = (
    16 * MAX_LINE_BYTES
)  # of files that were read already: the limit of the settings may be above ours

# [first line, byte offset] of stretches of the file, in order: what `read_lines` seeks by.
LineIndex = Sequence[Sequence[int]]

# What Windows-1252 text in a district's file is made of beyond ASCII: letters, typographic quotes and dashes.
_WINDOWS_NAMES = frozenset("ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖØÙÚÛÜÝÞßàáâãäåæçèéêëìíîïðñòóôõöøùúûüýþÿŠŒŽšœžŸ‘’“”´`–—ªº°·\xa0")
_CAPITAL_INSIDE = re.compile("[a-zà-öø-ÿ][À-ÖØ-Þ]")
# Accented Latin letters and typographic quotes as UTF-8 has them; as Windows-1252 they would be odd pairs such as `Ã©`.
_UTF8_LETTERS = re.compile(rb"[\xc3-\xc5][\x80-\xbf]|\xc2[\xa0-\xbf]|\xe2\x80[\x90-\x9f]")
_BEYOND_ASCII = re.compile("[^\x00-\x7f]")


def whole_lines(
    stream: IO[bytes], *, size: int = 1 << 18, start: int = 0, max_line_bytes: int = MAX_LINE_BYTES
) -> Iterator[tuple[int, bytes]]:
    """The file from byte `start` on in chunks that end with a line end (the last perhaps not), with their byte offsets.

    Raises FileError (FILE-LINE-LENGTH, its line counted from `start`) as soon as a line is longer than
    `max_line_bytes`, so that a file that is one endless line is never held in memory.
    """
    stream.seek(start)
    offset, rest = start, b""
    while True:
        data = stream.read(size)
        buffer = rest + data
        # A CR at the very end may be the first half of a CR LF.
        cut = buffer.rfind(b"\n") + 1 or buffer.rfind(b"\r", 0, len(buffer) - 1) + 1 if data else len(buffer)
        chunk, rest = buffer[:cut], buffer[cut:]
        if len(buffer) > max_line_bytes:
            _check_line_length(stream, start, offset, [*chunk.splitlines(), rest], max_line_bytes)
        if chunk:
            yield offset, chunk
            offset += len(chunk)
        if not data:
            return


def _check_line_length(stream: IO[bytes], start: int, offset: int, lines: Sequence[bytes], limit: int) -> None:
    """Raises FileError for the first of these lines, which begin at `offset`, that is too long."""
    at = next((at for at, line in enumerate(lines) if len(line) > limit), None)
    if at is None:
        return
    # The lines before are counted only now: a count of every chunk would cost each file a tenth of its reading time.
    stream.seek(start)
    before = 0
    while start < offset:
        # A line end of two bytes may be cut in half here; its second half is no line of its own.
        data = stream.read(min(1 << 20, offset - start))
        start += len(data)
        if data.endswith(b"\r") and start < offset:
            data += stream.read(1)
            start += 1
        before += len(data.splitlines()) - (not data.endswith((b"\n", b"\r")))
    raise FileError(
        "FILE-LINE-LENGTH",
        found=f"longer than {limit:,} bytes",
        expected="lines of at most a few thousand characters",
        params={"line": before + at + 1},
    )


# What str.splitlines takes for the end of a line beside LF and CR.
_ASCII_LINE_ENDS: Final = "\x0b\x0c\x1c\x1d\x1e"
_OTHER_LINE_ENDS: Final = "\x85\u2028\u2029"


def split_text(text: str) -> list[str]:
    """Text of whole lines as a list of lines without their ends."""
    if not any(end in text for end in (_ASCII_LINE_ENDS if text.isascii() else _ASCII_LINE_ENDS + _OTHER_LINE_ENDS)):
        return text.splitlines()
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    return lines


def refuse_nul(chunk: bytes, first_line: int) -> None:
    """Raises FileError (FILE-NUL) when the chunk holds a zero byte."""
    at = chunk.find(b"\0")
    if at >= 0:
        line, byte = _place(chunk, at, first_line)
        raise FileError("FILE-NUL", found="a zero byte", expected="text only", params={"line": line, "byte": byte})


def _place(chunk: bytes, at: int, first_line: int) -> tuple[int, int]:
    """Line number and byte within the line (from 1) of a byte of the chunk."""
    before = chunk[:at]
    lines = before.splitlines(keepends=True)
    if not lines or lines[-1].endswith((b"\n", b"\r")):
        lines.append(b"")
    return first_line + len(lines) - 1, len(lines[-1]) + 1


def broken_text(chunk: bytes, error: UnicodeDecodeError, first_line: int) -> FileError:
    """The FileError for bytes that are text in no encoding we read."""
    line, byte = _place(chunk, error.start, first_line)
    return FileError(
        "FILE-ENCODING",
        found=f"a broken character in line {line} (byte {byte} of the line is 0x{chunk[error.start]:02X})",
        expected="text in UTF-8",
        params={"line": line, "byte": byte},
    )


def is_plausible_windows(data: bytes) -> bool:
    """Could these bytes, which are no UTF-8, be names written in Windows-1252?

    No when they hold a UTF-8 sequence (then the file is UTF-8 with damage) and when what they decode to is not what
    names are made of: control characters, symbols, capitals after small letters (`JosÃ`).
    """
    if _UTF8_LETTERS.search(data):
        return False
    try:
        text = data.decode(WINDOWS)
    except UnicodeDecodeError:
        return False
    beyond = _BEYOND_ASCII.findall(text)
    odd = sum(character not in _WINDOWS_NAMES for character in beyond) + len(_CAPITAL_INSIDE.findall(text))
    return odd * 10 <= len(beyond)


@dataclass(slots=True)
class Decoder:
    """Decodes chunk after chunk; a file that was ASCII so far may turn out to be Windows-1252."""

    encoding: str
    notices: list[Problem] = field(default_factory=list)
    _seen_utf8: bool = False

    def decode(self, chunk: bytes, first_line: int) -> str:
        """Raises FileError (FILE-ENCODING) naming line and byte."""
        if self.encoding == WINDOWS:
            return self._decode_windows(chunk, first_line)
        try:
            text = chunk.decode("utf-8")
        except UnicodeDecodeError as error:
            if self._seen_utf8 or self.encoding == UTF8_BOM or not is_plausible_windows(chunk):
                raise broken_text(chunk, error, first_line) from None
            self.encoding = WINDOWS
            self.notices.append(windows_notice())
            return chunk.decode(WINDOWS)
        if not self._seen_utf8:
            self._seen_utf8 = not text.isascii()
        return text

    def decode_lines(self, chunk: bytes) -> list[str] | None:
        """The lines of a chunk of UTF-8 that is not ASCII alone; None when `decode` has to see to it."""
        if self.encoding == WINDOWS:
            return None
        try:
            lines = list(map(bytes.decode, chunk.splitlines()))
        except UnicodeDecodeError:
            return None
        self._seen_utf8 = True
        return lines

    def _decode_windows(self, chunk: bytes, first_line: int) -> str:
        mixed = _UTF8_LETTERS.search(chunk)
        if mixed:
            line, byte = _place(chunk, mixed.start(), first_line)
            found = f"text in two encodings: Windows-1252 before, UTF-8 in line {line}"
            facts = {"line": line, "byte": byte}
            raise FileError("FILE-ENCODING", found=found, expected="text in UTF-8", params=facts)
        try:
            return chunk.decode(WINDOWS)
        except UnicodeDecodeError as error:
            raise broken_text(chunk, error, first_line) from None


def windows_notice() -> Problem:
    return Problem("FILE-ENCODING", Severity.NOTICE, found="text in Windows-1252", expected="text in UTF-8")


def iter_lines(stream: IO[bytes], encoding: str) -> Iterator[tuple[int, str]]:
    """All physical lines with their numbers, without line ends. Undecodable bytes show as U+FFFD."""
    number = 0
    for offset, chunk in whole_lines(stream, max_line_bytes=REREAD_LIMIT):
        for line in _drop_bom(chunk, offset).splitlines():
            number += 1
            yield number, _decode_line(line, encoding)


def read_lines(stream: IO[bytes], line_index: LineIndex, wanted: Iterable[int], encoding: str) -> dict[int, str]:
    """The wanted physical lines by number, found by seeking through the index; numbers beyond the file are left out.

    `line_index` is what `Reader.line_index` holds after reading; stretches between its entries are read at most once.
    A line without end, and what comes after it, is left out too.
    """
    index = [(int(line), int(offset)) for line, offset in line_index] or [(1, 0)]
    starts = [line for line, _ in index]
    by_stretch: dict[int, set[int]] = {}
    for number in wanted:
        if number >= 1:
            by_stretch.setdefault(max(bisect_right(starts, number) - 1, 0), set()).add(number)
    found: dict[int, str] = {}
    for stretch, numbers in sorted(by_stretch.items()):
        line, offset = index[stretch]
        if stretch + 1 < len(index):
            stream.seek(offset)
            data = _drop_bom(stream.read(index[stretch + 1][1] - offset), offset)
            lines = data.splitlines()
            found |= {n: _decode_line(lines[n - line], encoding) for n in sorted(numbers) if n - line < len(lines)}
        else:
            for number, text in _read_tail(stream, line, offset, numbers, encoding):
                found[number] = text
    return found


def _read_tail(
    stream: IO[bytes], line: int, offset: int, numbers: set[int], encoding: str
) -> Iterator[tuple[int, str]]:
    """The lines of the last stretch, which may run far beyond the index."""
    missing = len(numbers)
    with suppress(FileError):  # the very line a file was refused for may be a gigabyte long
        for start, chunk in whole_lines(stream, start=offset, max_line_bytes=REREAD_LIMIT):
            lines = _drop_bom(chunk, start).splitlines()
            here = [number for number in numbers if line <= number < line + len(lines)]
            for number in sorted(here):
                yield number, _decode_line(lines[number - line], encoding)
            line += len(lines)
            missing -= len(here)
            if not missing:
                return


def _drop_bom(chunk: bytes, offset: int) -> bytes:
    return chunk[len(BOM) :] if offset == 0 and chunk.startswith(BOM) else chunk


def _decode_line(line: bytes, encoding: str) -> str:
    return line.decode("utf-8" if encoding == UTF8_BOM else encoding, errors="replace")
