"""A look at the beginning of a file: its column names, and the kinds of values in the first records. No value is
stored."""

import hashlib
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from io import SEEK_END, BytesIO
from tempfile import TemporaryFile
from typing import IO, Any

from sisimport.files.archives import glimpse, is_zip
from sisimport.files.dates import parse_date
from sisimport.files.detection import MOST_COLUMNS, recognise
from sisimport.files.encodings import wide_encoding
from sisimport.files.headings import heading_lines
from sisimport.files.issues import FileError
from sisimport.files.layout_matching import DELIMITERS
from sisimport.files.layouts import normalise_header
from sisimport.files.lines import split_text, without_dos_ends
from sisimport.files.quoting import split_line
from sisimport.files.workbooks import convert, is_workbook
from students.patterns import TEN_DIGITS

SAMPLE_BYTES = 1 << 20
WORKBOOK_BYTES = 2 << 20
RECORDS = 200
_LONGEST_NAME = 250  # the state's own names have up to 150
_SSID = re.compile(TEN_DIGITS)
_NUMBER = re.compile(r"[0-9]{1,4}(\.[0-9]{1,2})?\Z")
_PERCENT = re.compile(r"(\*|N/A|100(\.0{1,4})?|[0-9]{1,2}(\.[0-9]{1,4})?)\Z")
_SCORE = re.compile(r"[0-9]{1,4}\Z")
_MOST_LEVELS = 12  # different values of a column that may hold levels
_YEAR = re.compile(r"20[0-9]{2}\Z")


class NotAHeaderError(ValueError):
    """The file does not begin with column names; the text is for the user."""


@dataclass(slots=True)
class ColumnFacts:
    """How many of the first records have a value in a column, and how many of these a field could use.

    `years`: dates by school year (its spring), and cells that hold only a year. `marks`: how many cells have each value, by a
    hash of it (`mark`), in a column with few different ones. `scores`: for each type of record, whole numbers, and how many of
    them are in the score ranges of its test.
    """

    filled: int = 0
    dates: int = 0
    numbers: int = 0
    ssids: int = 0
    levels: int = 0
    record_types: int = 0
    percents: int = 0
    grades: int = 0
    marks: dict[str, int] | None = None
    scores: dict[str, list[int]] | None = None
    years: dict[str, int] | None = None

    @classmethod
    def read(cls, stored: dict[str, Any]) -> "ColumnFacts":
        return cls(**{one.name: stored[one.name] for one in fields(cls) if one.name in stored})


@dataclass(frozen=True, slots=True)
class Look:
    """The result: the names of the columns in file order, facts about each, the delimiter, the number of records
    checked."""

    header: tuple[str, ...]
    facts: tuple[ColumnFacts, ...]
    delimiter: str
    records: int

    def stored(self) -> dict[str, Any]:
        counts = [asdict(one) for one in self.facts] if self.records else []
        return {"header": list(self.header), "facts": counts, "delimiter": self.delimiter, "records": self.records}

    @classmethod
    def read(cls, stored: dict[str, Any]) -> "Look":
        header = tuple(stored["header"])
        counts = tuple(ColumnFacts.read(one) for one in stored["facts"]) or tuple(ColumnFacts() for _ in header)
        return cls(header, counts, stored["delimiter"], stored["records"])


def look_at(
    stream: IO[bytes],
    *,
    levels: Collection[str],
    record_types: Collection[str],
    grades: Collection[str],
    type_columns: Collection[str],
    ranges: Mapping[str, tuple[int, int]],
    max_bytes: int,
) -> Look:
    """Look at a file or a zip of it. `type_columns`: names that the column of record types may have, normalized. `ranges`: lowest
    and highest scale score by record type. Raises NotAHeaderError or FileError."""
    lines = [line for line in _first_lines(stream, max_bytes) if line.strip()]
    lines = lines[heading_lines(lines, list(DELIMITERS)) :]
    if not lines:
        raise NotAHeaderError("The file is empty. It needs at least the line of column names.")
    delimiter = max(DELIMITERS, key=lines[0].count)
    names = [cell.strip().strip("\ufeff").strip('"').strip() for cell in split_line(lines[0], delimiter)]
    while names and not names[-1]:
        names.pop()
    _check(names, delimiter, lines[0])
    known_levels, known_types = {one.upper() for one in levels}, set(record_types)
    counts = [ColumnFacts() for _ in names]
    records = lines[1 : RECORDS + 1]
    table = [[cell.strip() for cell in split_line(line, delimiter)] for line in records]
    for cells in table:
        for one, cell in zip(counts, cells, strict=False):
            _note(one, cell, known_levels, known_types)
    _note_columns(counts, table, [normalise_header(name) in type_columns for name in names], set(grades), ranges)
    return Look(tuple(names), tuple(counts), delimiter, len(records))


def _first_lines(stream: IO[bytes], max_bytes: int) -> list[str]:
    stream.seek(0)
    if is_workbook(stream):
        data = _of_workbook(stream)
    elif is_zip(stream):
        seen = glimpse(stream, whole=True, most=SAMPLE_BYTES, max_bytes=max_bytes)
        data = seen.data if seen else b""
    else:
        stream.seek(0)
        data = stream.read(SAMPLE_BYTES)
    refused = recognise(BytesIO(data), [])  # reports a file that is not text
    if refused.error is not None and refused.error.code not in {"FILE-UNKNOWN", "FILE-EMPTY"}:
        raise refused.error
    wide = wide_encoding(data)
    encoding = wide or ("utf-8-sig" if refused.encoding.startswith("utf") else "cp1252")
    text = data.decode(encoding, "ignore").lstrip("\ufeff")
    lines = without_dos_ends(split_text(text))
    return lines[:-1] if len(data) == SAMPLE_BYTES and len(lines) > 1 else lines


def _of_workbook(stream: IO[bytes]) -> bytes:
    """The beginning of a small workbook as text. Raises FileError for a large one, too slow for a page, or a damaged
    one; NotAHeaderError if the machine cannot read it now."""
    size = stream.seek(0, SEEK_END)
    if size > WORKBOOK_BYTES:
        expected = f"at most {WORKBOOK_BYTES:,} bytes here: the line of column names is enough"
        raise FileError("FILE-WORKBOOK", found=f"{size:,} bytes", expected=expected)
    with TemporaryFile() as text:
        try:
            convert(stream, text)
        except OSError:  # not the workbook's fault: no disk space, or the machine is too busy
            raise NotAHeaderError(
                "The workbook cannot be read right now. Try again, or upload its first line as text."
            ) from None
        text.seek(0)
        return text.read(SAMPLE_BYTES)


def _check(names: Sequence[str], delimiter: str, line: str) -> None:
    """Raises NotAHeaderError for a first line that cannot hold column names."""
    if delimiter not in line or len(names) < 3:
        raise NotAHeaderError("The first line has no column names with separators between them.")
    if len(names) > MOST_COLUMNS:
        raise NotAHeaderError(f"The first line has {len(names):,} columns; at most {MOST_COLUMNS:,} can be read.")
    if any(len(name) > _LONGEST_NAME for name in names):
        raise NotAHeaderError(f"A column name is longer than {_LONGEST_NAME} characters.")
    data = sum(bool(_SSID.fullmatch(name) or parse_date(name) or name.isdigit()) for name in names)
    if data:
        raise NotAHeaderError(
            "The first line is a record, not column names. Use the file with its header line, as the state provides it."
        )
    seen: set[str] = set()
    for name in names:
        plain = normalise_header(name)
        if plain in seen and plain not in {"", "blank"}:
            raise NotAHeaderError(f"The column {name} appears twice in the header line. Remove one of the two.")
        seen.add(plain)


def _note(counts: ColumnFacts, cell: str, levels: set[str], record_types: set[str]) -> None:
    if not cell:
        return
    counts.filled += 1
    counts.numbers += bool(_NUMBER.match(cell)) or cell == "NS"
    counts.ssids += bool(_SSID.fullmatch(cell))
    counts.levels += cell.upper() in levels
    counts.record_types += cell in record_types
    counts.percents += bool(_PERCENT.match(cell))
    date = parse_date(cell)
    counts.dates += date is not None
    year = int(date.iso[:4]) + (date.iso[5:7] >= "07") if date else int(cell) if _YEAR.match(cell) else None
    if year is not None:
        counts.years = counts.years or {}
        counts.years[str(year)] = counts.years.get(str(year), 0) + 1


def mark(value: str) -> str:
    """A hash of a value, by which it can be compared with names of levels."""
    return hashlib.sha256(value.strip().upper().encode()).hexdigest()[:12]


def _note_columns(
    counts: list[ColumnFacts],
    table: list[list[str]],
    types: Sequence[bool],
    grades: Collection[str],
    ranges: Mapping[str, tuple[int, int]],
) -> None:
    """What needs all values of a column, or the type of each record."""
    of_type = next((place for place, is_type in enumerate(types) if is_type), None)
    for place, one in enumerate(counts):
        held = [cells for cells in table if len(cells) > place and cells[place]]
        values = Counter(cells[place] for cells in held)
        one.grades = sum(count for value, count in values.items() if value in grades)
        if 0 < len(values) <= _MOST_LEVELS:
            one.marks = {mark(value): count for value, count in sorted(values.items())}
        if of_type is not None:
            one.scores = _scores(((cells[of_type], cells[place]) for cells in held if len(cells) > of_type), ranges)


def _scores(pairs: Iterable[tuple[str, str]], ranges: Mapping[str, tuple[int, int]]) -> dict[str, list[int]] | None:
    """`pairs`: type of a record, and its cell."""
    found: dict[str, list[int]] = {}
    for kind, cell in pairs:
        if kind in ranges and _SCORE.match(cell):
            low, high = ranges[kind]
            counted = found.setdefault(kind, [0, 0])
            counted[0] += 1
            counted[1] += low <= int(cell) <= high
    return found or None


__all__ = ["ColumnFacts", "FileError", "Look", "NotAHeaderError", "look_at", "mark"]
