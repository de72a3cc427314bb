"""Texts in which each line is a single quoted cell: a spreadsheet writes them when lines were pasted into one column.

    "0113185,100001,""García, Jr."",Ana"   ->   0113185,100001,"García, Jr.",Ana

The quotation marks around the lines are removed before the file is kept, so that everything after it sees the lines as they were.
"""

import re
import tempfile
from collections.abc import Iterable, Iterator
from typing import IO, Final

from sisimport.files.encodings import BOM
from sisimport.files.issues import Problem, Severity
from sisimport.files.layout_matching import DELIMITERS
from sisimport.files.lines import MAX_LINE_BYTES

WRAPPED: Final = Problem("FILE-WRAPPED", Severity.NOTICE)
_HEAD: Final = 1 << 16
_SEPARATORS: Final = tuple(sign.encode() for sign in DELIMITERS)
_FEWEST: Final = 2  # separators inside the quotation marks, so that a name in quotation marks is not taken for a record
_LINE = re.compile(rb'"((?:[^"]|"")*)"[,;\t ]*\Z')


def without_wrapping(stream: IO[bytes]) -> IO[bytes] | None:
    """The text without the quotation marks around its lines, as a temporary file; None if its lines are not all wrapped.

    Lines stay lines, so their numbers do too.
    """
    stream.seek(0)
    head = stream.read(_HEAD)
    first = next((line for line in head.removeprefix(BOM).splitlines() if line.strip()), b"")
    if not _is_wrapped(first):
        return None
    stream.seek(0)
    target = tempfile.TemporaryFile(prefix="sisimport-")  # noqa: SIM115 (the caller closes it)
    try:
        for line in _bare_lines(iter(lambda: stream.readline(MAX_LINE_BYTES), b"")):
            if line is None:
                target.close()
                return None
            target.write(line)
        target.seek(0)
    except BaseException:
        target.close()
        raise
    return target


def bare_beginning(data: bytes) -> bytes:
    """The beginning of a file, which may end within a line, without the quotation marks around its lines if all are wrapped."""
    lines = data.splitlines(keepends=True)
    last = lines.pop() if len(lines) > 1 and not data.endswith((b"\n", b"\r")) else b""
    if not lines or not _is_wrapped(lines[0].removeprefix(BOM)):
        return data
    bare = list(_bare_lines(lines))
    return data if None in bare else b"".join(line for line in bare if line) + last


def _bare_lines(lines: Iterable[bytes]) -> Iterator[bytes | None]:
    """Each line without the marks around it; None for one that shows that the lines are not wrapped."""
    for line in lines:
        text = line.removeprefix(BOM)
        bare = text.rstrip(b"\r\n")
        match = _LINE.match(bare)
        if match is None and bare.strip(b",;\t ") and any(sign in bare for sign in _SEPARATORS):
            yield None
            return
        yield line[: len(line) - len(text)] + (match[1].replace(b'""', b'"') if match else bare) + text[len(bare) :]


def _is_wrapped(line: bytes) -> bool:
    match = _LINE.match(line.rstrip(b"\r\n"))
    return match is not None and max(map(match[1].count, _SEPARATORS)) >= _FEWEST


def is_wrapped_text(line: str) -> bool:
    """The same of a line as text."""
    return _is_wrapped(line.encode())


def bare_text(lines: Iterable[str]) -> Iterator[str | None]:
    """Each line without the quotation marks around it; None, as the last one, for a line that has none."""
    for line in _bare_lines(line.encode() for line in lines):
        yield line.decode() if line is not None else None
