"""Selected records of a stored file, reread as the run read them: for pages that show a line, and for replanning a few lines."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import IO

from sisimport.files.detection import Recognition, recognise
from sisimport.files.encodings import MAC, UTF8, WINDOWS, judge
from sisimport.files.lines import as_text_bytes
from sisimport.files.quoting import MAX_SPAN, span_of, stands_alone
from sisimport.files.reader import Block, FileError, Problem, Reader, iter_lines, read_lines
from sisimport.files.together import Together
from sisimport.imports.definition.registry import find_layout
from sisimport.imports.models import ImportRun
from sisimport.imports.storage.files import open_file


class LinesReader:
    """Reads the records that start on chosen lines, with the results that `Reader` gives for the whole file.

    Line numbers are those of the file, the line with the column names is not a record, and a record that spans several lines is
    read whole. Raises FileError as `Reader` does.
    """

    def __init__(
        self,
        stream: IO[bytes],
        recognition: Recognition,
        fields: Sequence[str],
        *,
        line_index: Sequence[Sequence[int]],
        lines: Iterable[int],
        together: Sequence[Together] = (),
    ) -> None:
        head = header_line(stream, recognition)
        self._recognition = replace(recognition, header=False, encoding=UTF8, lines_above=0, notices=())
        self._fields, self._together = fields, together
        self._groups = _records(stream, recognition, line_index, [number for number in set(lines) if number > head])
        self.record_count = 0
        self.notices: list[Problem] = []

    def blocks(self) -> Iterator[Block]:
        for group in self._groups:
            numbers = list(group)
            text = "".join(f"{line}\n" for line in group.values())
            reader = Reader(io.BytesIO(text.encode("utf-8")), self._recognition, self._fields, together=self._together)
            try:
                for block in reader.blocks():
                    yield block.renumbered(numbers)
            except FileError as error:
                if error.code != "FILE-EMPTY":
                    raise
            self.record_count += reader.record_count


def header_line(stream: IO[bytes], recognition: Recognition) -> int:
    """Number of the line with the column names; of the last line above the records when there is none, often 0."""
    above = recognition.lines_above
    if not recognition.header:
        return above
    stream.seek(0)
    lines = iter_lines(stream, recognition.encoding)
    blank = f" \t{recognition.delimiter}"
    return next((number for number, text in lines if number > above and text.strip(blank)), above)


def _records(
    stream: IO[bytes], recognition: Recognition, line_index: Sequence[Sequence[int]], wanted: Sequence[int]
) -> list[dict[int, str]]:
    """Physical lines by number: all records of one line together, every record of several lines by itself."""
    encoding = recognition.encoding
    raw = read_lines(stream, line_index, wanted, encoding)
    if any("\ufffd" in text for text in raw.values()):
        # A file that began as ASCII turned out to have another encoding further down.
        as_bytes = "\n".join(read_lines(stream, line_index, wanted, "latin-1").values()).encode("latin-1")
        encoding = judge(as_bytes) or WINDOWS
        raw = read_lines(stream, line_index, wanted, encoding)
    if recognition.fixed_width:
        return [raw] if raw else []
    long = long_records(
        stream, line_index, raw, encoding=encoding, delimiter=recognition.delimiter, columns=recognition.column_count
    )
    short = {number: raw[number] for number in sorted(raw) if number not in long}
    return [*([short] if short else []), *long.values()]


def long_records(
    stream: IO[bytes],
    line_index: Sequence[Sequence[int]],
    raw: Mapping[int, str],
    *,
    encoding: str,
    delimiter: str,
    columns: int,
) -> dict[int, dict[int, str]]:
    """Those records starting on the lines `raw` that leave a quotation mark open, each with all of its lines."""
    open_lines = [number for number, text in raw.items() if not stands_alone(text, delimiter)]
    if not open_lines:
        return {}
    following = {number + step for number in open_lines for step in range(1, MAX_SPAN)}
    near = {**read_lines(stream, line_index, following, encoding), **raw}
    found = {}
    for number in open_lines:
        lines = [near[at] for at in range(number, number + MAX_SPAN) if at in near]
        line_count = span_of(lines, delimiter=delimiter, columns=columns)
        found[number] = dict(enumerate(lines[:line_count], number))
    return found


def read_records(run: ImportRun, lines: Iterable[int], fields: Iterable[str]) -> dict[int, dict[str, str | None]]:
    """Values of chosen lines by field; lines that cannot be split into columns are left out.

    Fields that the layout does not have are left out. Raises StoredFileError when the file is missing or changed.
    """
    entry = find_layout(run.layout)
    wanted = list(lines)
    if entry is None or run.file is None or not wanted:
        return {}
    layout = entry[0]
    names = [name for name in fields if name in layout.fields]
    try:
        with open_file(run.file) as stream:
            recognition = recognise(stream, [layout], expected=[layout])
            if recognition.error is not None:
                return {}
            recognition = entry[1].as_chosen(as_the_run_read_it(recognition, run), run.options)
            if "day_first" in run.facts:
                recognition = replace(recognition, day_first=frozenset(run.facts["day_first"]))
            reader = LinesReader(stream, recognition, names, line_index=run.file.line_index, lines=wanted)
            return {
                number: dict(zip(names, values, strict=True))
                for block in reader.blocks()
                for number, values, _problems in block
                if values
            }
    except FileError:
        return {}


def as_the_run_read_it(recognition: Recognition, run: ImportRun) -> Recognition:
    """The recognition with the encoding that the run found, which examined the whole file and the names on record."""
    encoding = run.facts.get("encoding")
    return replace(recognition, encoding=encoding) if encoding in {WINDOWS, MAC} else recognition


def lines_holding(
    stream: IO[bytes],
    line_index: Sequence[Sequence[int]],
    texts: Iterable[bytes],
    *,
    delimiter: bytes,
    limit: int,
    encoding: str = UTF8,
) -> set[int] | None:
    """Numbers of the lines in which one of the texts is a whole cell; None if there are more than `limit`."""
    found: set[int] = set()
    for number in _holding(stream, line_index, texts, delimiter=delimiter, encoding=encoding):
        found.add(number)
        if len(found) > limit:
            return None
    return found


def lines_with(run: ImportRun, texts: Iterable[bytes], *, first: int, limit: int) -> Iterator[int]:
    """Numbers, in order, of at most `limit` lines of a delimited file from line `first` on in which one of the texts is a whole
    cell."""
    if run.file is None:
        return
    index = [(int(line), int(offset)) for line, offset in run.file.line_index]
    index = [place for at, place in enumerate(index) if at + 1 == len(index) or index[at + 1][0] > first]
    delimiter, encoding = str(run.facts["delimiter"]).encode(), str(run.facts.get("encoding") or UTF8)
    with open_file(run.file) as stream:
        held = _holding(stream, index, texts, delimiter=delimiter, encoding=encoding)
        yield from islice((number for number in held if number >= first), limit)


def _holding(
    stream: IO[bytes], line_index: Sequence[Sequence[int]], texts: Iterable[bytes], *, delimiter: bytes, encoding: str
) -> Iterator[int]:
    """Reads the file block by block and looks more closely only where one of the texts occurs."""
    values = set(texts)
    starts = [(int(line), int(offset)) for line, offset in line_index] or [(1, 0)]
    for (first_line, offset), following in zip(starts, [*starts[1:], None], strict=True):
        stream.seek(offset)
        data = as_text_bytes(stream.read(following[1] - offset) if following else stream.read(), encoding)
        here = [value for value in values if value in data]
        if here:
            for number, line in enumerate(data.splitlines(), first_line):
                if any(value in line for value in here):
                    cells = {cell.strip(b' \t"\xef\xbb\xbf') for cell in line.split(delimiter)}
                    if not cells.isdisjoint(here):
                        yield number


def cells_of(run: ImportRun, field: str) -> Iterator[tuple[int, bytes | None]]:
    """Every line of a delimited file by number, with the bytes of its cell of this field; None if the line does not show which
    that is. Nothing if the file has no such column."""
    at = (run.facts.get("positions") or {}).get(field)
    if at is None or run.file is None:
        return
    at, columns = int(at), int(run.facts.get("columns") or 0)
    delimiter, encoding = str(run.facts["delimiter"]).encode(), str(run.facts.get("encoding") or UTF8)
    starts = [(int(line), int(offset)) for line, offset in run.file.line_index] or [(1, 0)]
    with open_file(run.file) as stream:
        for (first, offset), following in zip(starts, [*starts[1:], None], strict=True):
            stream.seek(offset)
            data = stream.read(following[1] - offset) if following else stream.read()
            for number, line in enumerate(as_text_bytes(data, encoding).splitlines(), first):
                cells = line.split(delimiter)
                if len(cells) != columns and b'"' in line:  # a quoted value may hold the delimiter
                    quoted = next(csv.reader([line.decode("latin-1")], delimiter=delimiter.decode("latin-1")), [])
                    cells = [cell.encode("latin-1") for cell in quoted]
                yield number, cells[at] if len(cells) == columns else None


def chunked(items: Iterable[int], size: int) -> Iterator[list[int]]:
    """Lists of at most `size` items."""
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
