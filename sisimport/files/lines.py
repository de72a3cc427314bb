"""Physical lines of a file: bytes in chunks of whole lines, and finding a line again by its number.

A line ends only with LF, CR LF or CR; numbers count from 1 and include header and blank lines.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import IO, Final

from sisimport.files.encodings import UTF8, UTF16, codec_of, from_utf16, place_of, without_bom
from sisimport.files.issues import FileError

MAX_LINE_BYTES: Final = 1 << 20
REREAD_LIMIT: Final = (
    16 * MAX_LINE_BYTES
)  # for files that were already read: the limit in the settings may be above ours

DOS_END: Final = "\x1a"  # Ctrl-Z

# [first line, byte offset] of sections of the file, in order, which `read_lines` uses to seek.
LineIndex = Sequence[Sequence[int]]


def whole_lines(
    stream: IO[bytes],
    *,
    size: int = 1 << 18,
    start: int = 0,
    max_line_bytes: int = MAX_LINE_BYTES,
    encoding: str = UTF8,
) -> Iterator[tuple[int, bytes]]:
    """The file from byte `start` on, in chunks that end with a line end (except perhaps the last), with their byte offsets.

    For a file in UTF-16 the chunks are UTF-8; the offsets are those of the file.
    Raises FileError (FILE-LINE-LENGTH, its line counted from `start`) as soon as a line is longer than
    `max_line_bytes`, so that a file that is one endless line is never held in memory.
    """
    stream.seek(start)
    if encoding in UTF16:
        yield from _whole_utf16_lines(stream, size, start, max_line_bytes, encoding)
        return
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


def _whole_utf16_lines(
    stream: IO[bytes], size: int, start: int, max_line_bytes: int, encoding: str
) -> Iterator[tuple[int, bytes]]:
    """Like `whole_lines`. Raises FileError (FILE-ENCODING) for incomplete characters and lone surrogates."""
    offset, rest = start, b""
    while True:
        data = stream.read(size)
        buffer = rest + data
        cut = _after_last_line(buffer, encoding) if data else len(buffer)
        chunk, rest = buffer[:cut], buffer[cut:]
        try:
            text = from_utf16(chunk, encoding)
        except UnicodeDecodeError as error:
            line = 1 + _lines_before(stream, offset + error.start, encoding)
            found = f"a broken character of UTF-16 in line {line}"
            raise FileError("FILE-ENCODING", found=found, expected="text in UTF-8", params={"line": line}) from None
        if len(buffer) > max_line_bytes:
            limit = f"longer than {max_line_bytes:,} bytes"
            lines = text.splitlines()
            at = next((at for at, line in enumerate(lines) if len(line) > max_line_bytes), None)
            if at is not None or len(rest) > 2 * max_line_bytes:
                line = 1 + _lines_before(stream, offset, encoding) + (len(lines) if at is None else at)
                expected = "lines of at most a few thousand characters"
                raise FileError("FILE-LINE-LENGTH", found=limit, expected=expected, params={"line": line})
        if chunk:
            yield offset, text
            offset += len(chunk)
        if not data:
            return


def _after_last_line(buffer: bytes, encoding: str) -> int:
    """Offset after the last line end in UTF-16: after LF, or after a CR that is not at the very end."""
    for end, before in (("\n", len(buffer)), ("\r", len(buffer) - 2)):
        sign = end.encode(encoding)
        at = buffer.rfind(sign, 0, before)
        while at >= 0 and at % 2:
            at = buffer.rfind(sign, 0, at + 1)
        if at >= 0:
            return at + 2
    return 0


def _lines_before(stream: IO[bytes], offset: int, encoding: str) -> int:
    """How many lines of UTF-16 end before this byte."""
    stream.seek(0)
    text = stream.read(offset).decode(encoding, errors="replace")
    return len(text.replace("\r\n", "\n").replace("\r", "\n").split("\n")) - 1


def _check_line_length(stream: IO[bytes], start: int, offset: int, lines: Sequence[bytes], limit: int) -> None:
    """Raises FileError for the first of these lines, which begin at `offset`, that is too long."""
    at = next((at for at, line in enumerate(lines) if len(line) > limit), None)
    if at is None:
        return
    # The preceding lines are counted only now: counting in every chunk would add a tenth to the reading time of each file.
    stream.seek(start)
    before = 0
    while start < offset:
        # A two-byte line end may be split here; its second half is not a line of its own.
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


# Characters that str.splitlines treats as line ends besides LF and CR.
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


def without_dos_ends(lines: list[str]) -> list[str]:
    """The lines without the character with which DOS programs end a file; a line of nothing else becomes blank."""
    return [line.rstrip(DOS_END) if line.endswith(DOS_END) else line for line in lines]


def refuse_nul(chunk: bytes, first_line: int) -> None:
    """Raises FileError (FILE-NUL) when the chunk holds a zero byte."""
    at = chunk.find(b"\0")
    if at >= 0:
        line, byte = place_of(chunk, at, first_line)
        raise FileError("FILE-NUL", found="a zero byte", expected="text only", params={"line": line, "byte": byte})


def iter_lines(stream: IO[bytes], encoding: str) -> Iterator[tuple[int, str]]:
    """All physical lines with their numbers, without line ends. Undecodable bytes show as U+FFFD."""
    number = 0
    for offset, chunk in whole_lines(stream, max_line_bytes=REREAD_LIMIT, encoding=encoding):
        for line in _drop_bom(chunk, offset).splitlines():
            number += 1
            yield number, _decode_line(line, encoding)


def read_lines(stream: IO[bytes], line_index: LineIndex, wanted: Iterable[int], encoding: str) -> dict[int, str]:
    """The wanted physical lines by number, found by seeking through the index; numbers beyond the file are left out.

    `line_index` is `Reader.line_index` after reading; the sections between its entries are read at most once.
    An overlong line and those after it are also left out.
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
            data = _drop_bom(as_text_bytes(stream.read(index[stretch + 1][1] - offset), encoding), offset)
            lines = data.splitlines()
            found |= {n: _decode_line(lines[n - line], encoding) for n in sorted(numbers) if n - line < len(lines)}
        else:
            for number, text in _read_tail(stream, line, offset, numbers, encoding):
                found[number] = text
    return found


def _read_tail(
    stream: IO[bytes], line: int, offset: int, numbers: set[int], encoding: str
) -> Iterator[tuple[int, str]]:
    """The lines of the last section, which may extend far beyond the index."""
    missing = len(numbers)
    with suppress(FileError):  # the line for which a file was refused may be a gigabyte long
        for start, chunk in whole_lines(stream, start=offset, max_line_bytes=REREAD_LIMIT, encoding=encoding):
            lines = _drop_bom(chunk, start).splitlines()
            here = [number for number in numbers if line <= number < line + len(lines)]
            for number in sorted(here):
                yield number, _decode_line(lines[number - line], encoding)
            line += len(lines)
            missing -= len(here)
            if not missing:
                return


def _drop_bom(chunk: bytes, offset: int) -> bytes:
    return without_bom(chunk) if offset == 0 else chunk


def _decode_line(line: bytes, encoding: str) -> str:
    return line.decode(codec_of(encoding), errors="replace")


def as_text_bytes(data: bytes, encoding: str) -> bytes:
    """A section of whole lines as `whole_lines` returns it, with undecodable UTF-16 characters as U+FFFD."""
    return data.decode(encoding, errors="replace").encode() if encoding in UTF16 else data
