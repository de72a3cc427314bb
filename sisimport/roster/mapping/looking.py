"""A look at a student export of another system: its column names, first values, and all different values of some columns.

The file is read by the engine's own reader, through a layout that holds only the names of its header line.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from typing import IO, Final

from sisimport.files.dates import parse_date
from sisimport.files.detection import Recognition, recognise
from sisimport.files.encodings import UTF16, codec_of, from_utf16
from sisimport.files.issues import FileError
from sisimport.files.layout_matching import DELIMITERS
from sisimport.files.layouts import Column, Header, Layout, normalise_header
from sisimport.files.lines import split_text, without_dos_ends
from sisimport.files.quoting import split_line
from sisimport.files.reader import Reader
from sisimport.roster.mapping.content import MOST_COLUMNS, MappingError
from sisimport.roster.mapping.suggesting import known_field

SAMPLE_BYTES: Final = 1 << 20
SAMPLE_RECORDS: Final = 200
HEADER_LINES: Final = 12  # how many of the first lines are searched for the column names
FEWEST_COLUMNS: Final = 3
MOST_RECORDS: Final = 300_000  # to search for different values
NUMBERS_LOOKED_UP: Final = 10  # of one value
MOST_DIFFERENT: Final = 120  # values of one column; with more it is not a code
MOST_SCHOOLS: Final = 1500


@dataclass(frozen=True, slots=True)
class Look:
    """`header`: the column names in order, `twice`: those that appear more than once. `records`: the first ones, as in
    the file. `line`: which of the nonblank lines (from 1) holds the names, among `lines_looked_at`."""

    header: tuple[str, ...]
    twice: tuple[str, ...]
    delimiter: str
    records: tuple[tuple[str, ...], ...]
    line: int
    lines_looked_at: int

    def values(self, place: int) -> list[str]:
        """The values of a column (from 0) in the first records, without blank ones."""
        return [text for record in self.records if (text := record[place].strip())]


def look_at(stream: IO[bytes], *, line: int = 0) -> Look:
    """Look at a stored file. `line`: where a user says that the column names are.

    Raises MappingError if there are none, FileError if the file is not text.
    """
    lines = _first_lines(stream)
    if not lines:
        raise MappingError("The file is empty. Export it with its line of column names and at least one student.")
    at = _header_line(lines, line)
    delimiter = max(DELIMITERS, key=lines[at].count)
    names = [cell.strip().strip("\ufeff").strip('"').strip() for cell in split_line(lines[at], delimiter)]
    while names and not names[-1]:
        names.pop()
    _check(names, at)
    plain = [normalise_header(name) for name in names]
    twice = tuple(
        dict.fromkeys(n for n, p in zip(names, plain, strict=True) if p and p != "blank" and plain.count(p) > 1)
    )
    beginning = min(len(lines), HEADER_LINES)
    found = Look(tuple(names), twice, delimiter, (), at + 1, beginning)
    records = tuple(islice(_records(stream, found, range(len(names))), SAMPLE_RECORDS))
    return Look(found.header, twice, delimiter, records, at + 1, beginning)


def different_values(stream: IO[bytes], look: Look, places: Mapping[int, int]) -> Mapping[int, Counter[str]]:
    """The different values of columns (from 0) with how often each occurs in the first 300,000 records; without blank
    ones.

    `places`: column -> how many values it may have; a column with more, whose values are not codes, is left out.
    """
    wanted = sorted(set(places))
    counts: dict[int, Counter[str]] = {place: Counter() for place in wanted}
    for record in islice(_records(stream, look, wanted), MOST_RECORDS):
        for place, text in zip(wanted, record, strict=True):
            if place in counts and text:
                counts[place][text.strip()] += 1
                if len(counts[place]) > places[place]:
                    del counts[place]
        if not counts:
            break
    return counts


def numbers_by(stream: IO[bytes], look: Look, place: int, number_place: int) -> Mapping[str, set[str]]:
    """Value of a column (from 0) -> some local numbers of the lines that hold it."""
    found: dict[str, set[str]] = {}
    order = sorted({place, number_place})
    if len(order) == 1:
        return {}
    for record in islice(_records(stream, look, order), MOST_RECORDS):
        text, number = (record[order.index(at)].strip() for at in (place, number_place))
        if text and number:
            some = found.setdefault(text, set())
            if len(some) < NUMBERS_LOOKED_UP:
                some.add(number)
        if len(found) > MOST_SCHOOLS:
            break
    return found


def recognised(stream: IO[bytes], layout: Layout) -> Recognition:
    """How exactly this layout reads the file. Raises FileError if it cannot."""
    stream.seek(0)
    found = recognise(stream, [layout], expected=[layout])
    stream.seek(0)
    if found.error is not None:
        raise found.error
    return found


def _records(stream: IO[bytes], look: Look, places: Iterable[int]) -> Iterator[tuple[str, ...]]:
    """The cells of the records at these positions, as in the file."""
    layout = _layout(look)
    stream.seek(0)
    found = recognise(stream, [layout], expected=[layout])
    if found.error is not None:
        raise found.error
    stream.seek(0)
    try:
        for block in Reader(stream, found, [f"c{place}" for place in places]).blocks():
            yield from zip(*block.columns, strict=True)
    except FileError as error:
        if error.code != "FILE-EMPTY":
            raise


def _layout(look: Look) -> Layout:
    """All columns as texts. The header matches it name by name, so names may be blank or repeated."""
    columns = tuple(Column(at + 1, name, field=f"c{at}") for at, name in enumerate(look.header))
    return Layout(
        key="columns",
        title="the columns of the file",
        source="its header line",
        delimiter=look.delimiter,
        header=Header.REQUIRED,
        columns=columns,
        optional_columns=True,
        any_newline=True,
        fields={f"c{at}": column for at, column in enumerate(columns)},
    )


# ---- the first lines ----


def _first_lines(stream: IO[bytes]) -> list[str]:
    """Lines that are not blank. Raises FileError if the file is not text."""
    stream.seek(0)
    data = stream.read(SAMPLE_BYTES)
    found = recognise(BytesIO(data), [])
    if found.error is not None and found.error.code not in {"FILE-UNKNOWN", "FILE-EMPTY"}:
        raise found.error
    if found.encoding in UTF16:
        data = from_utf16(data[: len(data) // 2 * 2], found.encoding)
        text = data.decode("utf-8-sig", "replace")
    else:
        text = data.decode(codec_of(found.encoding), "replace")
    lines = without_dos_ends(split_text(text.removeprefix("\ufeff")))
    if len(data) >= SAMPLE_BYTES and len(lines) > 1:
        lines.pop()
    return [line for line in lines if line.strip()]


def _header_line(lines: Sequence[str], number: int) -> int:
    """The position of the line with the column names: the requested one (from 1), else the one with the most known
    names."""
    some = lines[:HEADER_LINES]
    if 0 < number <= len(some):
        return number - 1
    scores = [_names_in(line) for line in some]
    best = max(range(len(some)), key=lambda at: (scores[at], -at))
    if scores[best]:
        return best
    return max(range(len(some)), key=lambda at: (_columns_of(some[at]) >= FEWEST_COLUMNS, -at))


def _names_in(line: str) -> int:
    delimiter = max(DELIMITERS, key=line.count)
    return sum(known_field(cell) is not None for cell in split_line(line, delimiter))


def _columns_of(line: str) -> int:
    return max(map(line.count, DELIMITERS)) + 1


def _check(names: Sequence[str], at: int) -> None:
    """Raises MappingError for a line that cannot hold column names."""
    if len([name for name in names if name]) < FEWEST_COLUMNS:
        raise MappingError(
            f"Line {at + 1} has no column names with separators between them. Export the file with its column names."
        )
    if len(names) > MOST_COLUMNS:
        raise MappingError(
            f"The file has {len(names):,} columns; {MOST_COLUMNS} can be mapped. Export only those that the roster needs."
        )
    values = sum(name.isdigit() or parse_date(name) is not None for name in names)
    if values and values * 5 >= len(names):
        raise MappingError(
            "The first line is a student, not column names. Export the file with a line of column names at its top."
        )
