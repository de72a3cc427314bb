"""Data lines of a run's file for pages: cut into cells so that the delimiter shows, and searched."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sisimport.files.encodings import UTF8, codec_of
from sisimport.files.issues import FileError
from sisimport.files.lines import REREAD_LIMIT, whole_lines
from sisimport.files.quoting import split_line
from sisimport.imports.models import ImportRun
from sisimport.imports.runs.report import data_lines
from sisimport.imports.storage.files import open_file

MOST_HITS = 5000
_SEARCHABLE = 256 << 20  # bytes; a longer file is searched by the values of its issues only
_SEARCH_CHUNK = 1 << 16  # fits the processor's cache: four times larger is half as quick
_LONGEST_SHOWN = 6000  # characters of one line


@dataclass(frozen=True, slots=True)
class Cell:
    """One column of a data line; `marked`: an issue is about it."""

    text: str
    marked: bool


@dataclass(frozen=True, slots=True)
class DataLine:
    """A data line as it came: its cells and what stands between them."""

    cells: tuple[Cell, ...]
    delimiter: str


def positions_of(run: ImportRun) -> dict[str, int]:
    """Field -> index of its cell in the lines of this run's file."""
    return {str(field): int(at) for field, at in (run.facts.get("positions") or {}).items()}


def shown_lines(run: ImportRun, marked: Iterable[tuple[int, str]]) -> dict[int, DataLine]:
    """The data lines to show by number. `marked`: (line, field) of each issue."""
    at = positions_of(run)
    fields: dict[int, set[int]] = {}
    for line, field in marked:
        fields.setdefault(line, set()).update({at[field]} if field in at else ())
    delimiter = str(run.facts.get("delimiter") or "")
    raw = data_lines(run, fields)
    return {line: _cut(text, delimiter, fields[line]) for line, text in raw.items()}


def _cut(text: str, delimiter: str, marked: set[int]) -> DataLine:
    text = text[:_LONGEST_SHOWN]
    if not delimiter:
        return DataLine((Cell(text, marked=False),), "")
    cells = split_line(text, delimiter)
    return DataLine(tuple(Cell(cell, marked=n in marked) for n, cell in enumerate(cells)), _visible(delimiter))


def _visible(delimiter: str) -> str:
    return "⇥" if delimiter == "\t" else delimiter


def lines_with_text(run: ImportRun, text: str) -> tuple[list[int], bool]:
    """Numbers of the lines that hold a text, in any case; and whether there were more than are returned, or too much to read."""
    if run.file is None or not text:
        return [], False
    if run.file.size > _SEARCHABLE:
        return [], True
    encoding = str(run.facts.get("encoding") or UTF8)
    # Bytes know lower case of plain letters only: accented ones are looked for small, capital and as names have them.
    spellings = {text.lower(), text.upper(), text.title()} if not text.isascii() else {text}
    needles = {spelling.encode(codec_of(encoding), errors="ignore").lower() for spelling in spellings} - {b""}
    if not needles:
        return [], False
    found: list[int] = []
    try:
        with open_file(run.file) as stream:
            first = 1
            for _offset, chunk in whole_lines(
                stream, size=_SEARCH_CHUNK, max_line_bytes=REREAD_LIMIT, encoding=encoding
            ):
                text_of = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in chunk else chunk
                lowered = text_of.lower()
                here = {number for needle in needles for number in _hits(lowered, needle)}
                found += [first + number for number in sorted(here)]
                if len(found) > MOST_HITS:
                    return found[:MOST_HITS], True
                first += text_of.count(b"\n")
    except (OSError, FileError):
        return found, True
    return found, False


def _hits(text: bytes, needle: bytes) -> Iterator[int]:
    """Numbers (from 0) of the lines that hold the needle: from find to find, however many lines lie between."""
    line, counted, at = 0, 0, text.find(needle)
    while at >= 0:
        line += text.count(b"\n", counted, at)
        yield line
        counted = text.find(b"\n", at)
        at = text.find(needle, counted) if counted >= 0 else -1
