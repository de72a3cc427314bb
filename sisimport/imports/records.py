"""Some records of a stored file, read again as the run read them: for pages beside a line, and for planning a few lines anew."""

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import IO

from sisimport.imports.detection import Recognition, recognise
from sisimport.imports.lines import WINDOWS
from sisimport.imports.models import ImportRun
from sisimport.imports.reading import FileError, Problem, Reader, Row, read_lines
from sisimport.imports.registry import all_layouts


class LinesReader:
    """Reads chosen lines of a file with the same answers as `Reader` gives for the whole of it, line numbers included.

    Raises FileError as `Reader` does. A record that runs over several lines is not whole here: see `has_open_quote`.
    """

    def __init__(
        self,
        stream: IO[bytes],
        recognition: Recognition,
        fields: Sequence[str],
        *,
        line_index: Sequence[Sequence[int]],
        lines: Iterable[int],
    ) -> None:
        wanted = sorted(set(lines))
        raw = read_lines(stream, line_index, wanted, recognition.encoding)
        if any("\ufffd" in text for text in raw.values()):
            # A file that was ASCII for long turned out to be Windows-1252 further down.
            raw = read_lines(stream, line_index, wanted, WINDOWS)
        self._numbers = sorted(raw)
        self.has_open_quote = any(text.count('"') % 2 for text in raw.values())
        text = "".join(f"{raw[number]}\n" for number in self._numbers)
        known = replace(recognition, header=False, encoding="utf-8", notices=())
        self._reader = Reader(io.BytesIO(text.encode("utf-8")), known, fields)
        self.notices: list[Problem] = []

    @property
    def record_count(self) -> int:
        return self._reader.record_count

    def blocks(self) -> Iterator[list[Row]]:
        if not self._numbers:
            return
        try:
            for block in self._reader.blocks():
                yield [(self._numbers[number - 1], values, problems) for number, values, problems in block]
        except FileError as error:
            if error.code != "FILE-EMPTY":
                raise


def read_records(run: ImportRun, lines: Iterable[int], fields: Sequence[str]) -> dict[int, dict[str, str | None]]:
    """Values of chosen lines by field; lines that cannot be read into columns are left out.

    Fields that the layout does not have are left out; empty when the file is no longer kept.
    """
    known = all_layouts().get(run.layout)
    wanted = list(lines)
    if known is None or run.file is None or not wanted:
        return {}
    layout = known[0]
    names = [name for name in fields if name in layout.fields]
    try:
        with run.file.file.open("rb") as stream:
            recognition = recognise(stream, [layout], expected=[layout])
            if recognition.error is not None:
                return {}
            reader = LinesReader(stream, recognition, names, line_index=run.file.line_index, lines=wanted)
            return {
                number: dict(zip(names, values, strict=True))
                for block in reader.blocks()
                for number, values, _problems in block
                if values
            }
    except (OSError, FileError):
        return {}


def lines_holding(
    stream: IO[bytes], line_index: Sequence[Sequence[int]], texts: Iterable[bytes], *, delimiter: bytes, limit: int
) -> set[int] | None:
    """Numbers of the lines in which one of the texts stands as a whole cell; None when there are more than `limit`.

    Reads the file stretch by stretch and looks closer only where a text occurs at all.
    """
    values = set(texts)
    found: set[int] = set()
    starts = [(int(line), int(offset)) for line, offset in line_index] or [(1, 0)]
    for (first_line, offset), following in zip(starts, [*starts[1:], None], strict=True):
        stream.seek(offset)
        data = stream.read(following[1] - offset) if following else stream.read()
        here = [value for value in values if value in data]
        if here:
            for number, line in enumerate(data.splitlines(), first_line):
                if any(value in line for value in here):
                    cells = {cell.strip(b' \t"\xef\xbb\xbf') for cell in line.split(delimiter)}
                    if not cells.isdisjoint(here):
                        found.add(number)
                        if len(found) > limit:
                            return None
    return found


def chunked(items: Iterable[int], size: int) -> Iterator[list[int]]:
    """Lists of at most `size` items."""
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
