"""The beginning of a file, by which it is recognized."""

from dataclasses import dataclass
from typing import IO, Final

from sisimport.files.encodings import BOM
from sisimport.files.lines import MAX_LINE_BYTES

_SAMPLE_BYTES: Final = MAX_LINE_BYTES


@dataclass(frozen=True, slots=True)
class Sample:
    """The first bytes after `lines_before` blank lines. `complete`: these are the whole file."""

    data: bytes
    lines_before: int
    complete: bool
    at_start: bool


def take_sample(stream: IO[bytes]) -> Sample:
    stream.seek(0)
    data = stream.read(_SAMPLE_BYTES)
    lines_before, at_start = 0, True
    while len(data) == _SAMPLE_BYTES and not data.removeprefix(BOM).strip():
        lines_before += len(data.splitlines())
        at_start = False
        data = stream.read(_SAMPLE_BYTES)
    return Sample(data, lines_before, complete=not stream.read(1), at_start=at_start)
