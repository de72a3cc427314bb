"""The child process that reads a workbook: it sets its own limits first and answers as JSON on standard output.

It is started by workbooks.py with two open file descriptors, the workbook and the text to write: neither has a name, so nothing
is left over if it or its parent is killed. Imports no Django.
"""

import csv
import errno
import json
import math
import os
import re
import resource
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import dropwhile
from typing import IO, Any, Final

from sisimport.files.numbers import FORMULA, ROUNDED
from sisimport.files.spreadsheet import (
    MAX_CELL,
    MAX_EMPTY_ROWS,
    Book,
    Cell,
    EnoughError,
    Refused,
    opened,
    rows,
)
from sisimport.runtime.processes import end_with_parent

MAX_TEXT: Final = 2 << 30  # bytes
MAX_ROWS: Final = 1_000_000
MAX_COLUMNS: Final = 1000
EXACT_DIGITS: Final = 15  # digits of a number that a spreadsheet keeps
NAMED_CELLS: Final = 5
TITLE_ROWS: Final = 20
FEWEST_COLUMNS: Final = 2
DELIMITER: Final = "^"
_FEWEST_LINES: Final = 2  # column names and a record
_SEPARATORS: Final = ("^", ",", "\t", "|", ";")
_SSID_HEADER = re.compile(r"ssid|statewidestudentid")
_SCIENTIFIC = re.compile(r"\d(\.\d+)?[eE]\+?\d+\Z")
_SSID = re.compile(r"(?:\d{10}|\d{7})?\Z")  # seven digits in Utah
_SHORTENED = re.compile(r"\d+\.\d+(?:[eE]\+?\d+)?\Z|\d+[eE]\+?\d+\Z")
_CONTROLS = re.compile(r"[\x00-\x1f^]+")


def limit(cpu_seconds: int, memory: int) -> None:
    """From now on this process is ended by SIGXCPU once it has used its time, and gets no more than `memory` bytes."""
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 2))
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MAX_TEXT, MAX_TEXT))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main(source: IO[bytes], out: IO[str], first: int = 0) -> dict[str, Any]:
    """Write the workbook's records as text to `out`; returns the result and what may be wrong with it. Raises Refused.

    `first`: the sheet, from 0, whose column names apply to all.
    """
    with opened(source) as archive:
        return Conversion(out, Book(archive)).run(first)


class Conversion:
    def __init__(self, out: IO[str], book: Book) -> None:
        self.out, self.book = out, book
        self.header: list[str] = []
        self.names: list[str] = []
        self.ssids: list[int] = []  # columns that hold SSIDs
        self.rows = 0
        self.damaged = _Cells()
        self.formulas = _Cells()
        self.filled: Counter[int] = Counter()  # cells of each column
        self.long_numbers = _Places()
        self.outside = _Places()
        self.cut: list[str] = []
        self.dates = 0
        self.numbers = 0
        self.in_one_column = False

    def run(self, first: int) -> dict[str, Any]:
        order = sorted(range(len(self.book.sheets)), key=lambda at: at != first)
        read = {at: Sheet(self, *self.book.sheets[at]).read() for at in order}
        sheets = [read[at] for at in sorted(read)]
        if not self.header:
            raise Refused("a workbook without a row of column names", "records under their column names")
        if formulas := self.formulas.of_most(self.filled):
            raise Refused(f"formulas in {formulas}", "values only")
        if damaged := self.damaged.of_most(self.filled):
            raise Refused(
                f"SSIDs that a spreadsheet rounded or shortened in {damaged}", "ten digits in every SSID cell"
            )
        found = {"rows": self.rows, "columns": len(self.header), "in_one_column": self.in_one_column}
        return {"sheets": sheets, "risks": list(self.risks()), **found}

    def risks(self) -> Iterator[str]:
        yield from self.cut
        if self.formulas:
            yield f"Formulas are not read; where the column is needed, their lines get an error: {self.formulas.all}."
        if self.damaged:
            yield f"SSIDs that a spreadsheet rounded or shortened get an error at their line: {self.damaged.all}."
        if self.outside:
            yield f"Cells without a column name above them are left out: {self.outside}."
        if self.long_numbers:
            yield f"Numbers of more than {EXACT_DIGITS} digits may be rounded: {self.long_numbers}."
        if self.numbers:
            yield f"{self.numbers:,} cells are numbers: leading zeros are lost, and restored where a code is known."
        if self.book.hidden_rows:
            n = self.book.hidden_rows
            rows = f"{n:,} rows are hidden, for example by a filter" if n > 1 else "1 row is hidden"
            yield f"{rows}: read like the others. What does not belong to the list must be deleted in the workbook first."
        if self.dates:
            yield f"{self.dates:,} cells are dates; they are written as CCYY-MM-DD."

    def take_header(self, header: list[str], names: list[str]) -> list[int] | None:
        """The column names of the first sheet with records apply to all, in any order; returns where each column of this sheet
        belongs, None for a sheet with other names."""
        if not self.header:
            self.header, self.names = header, names
            self.ssids = [at for at, name in enumerate(names) if _SSID_HEADER.search(name)]
            self.write(header)
        if names == self.names:
            return list(range(len(names)))
        same = sorted(names) == sorted(self.names) and len(set(names)) == len(names)
        return [self.names.index(name) for name in names] if same else None

    def record(self, sheet: str, row: list[Cell], order: list[int]) -> None:
        cells = [""] * len(self.header)
        for at, place, value, kind in row:
            column = order[at] if at < len(order) else at
            if column < len(cells):
                where = f"{sheet}!{place}"
                cells[column] = self.text(where, value, kind)
                self.filled[column] += cells[column] != ""
                if kind == "f":
                    self.formulas.add(column, where)
                elif column in self.ssids and _is_damaged(cells[column], kind):
                    self.damaged.add(column, where)
                    cells[column] = f"{ROUNDED}{_CONTROLS.sub(' ', where)}: {cells[column]})"
            elif value:
                self.outside.add(f"{sheet}!{place}")
        self.rows += 1
        if self.rows > MAX_ROWS:
            raise Refused(f"more than {MAX_ROWS:,} rows", "fewer")
        self.write(cells)

    def text(self, where: str, value: str | None, kind: str) -> str:
        if value is None:
            raise Refused(f"a cell of more than {MAX_CELL:,} characters ({where})", f"at most {MAX_CELL:,}")
        if kind == "f":
            return f"{FORMULA}{_CONTROLS.sub(' ', where)})"
        if kind == "d":
            self.dates += 1
            return value
        if kind == "n":
            return self.number(where, value)
        text = _CONTROLS.sub(" ", value).strip()
        if _SCIENTIFIC.match(text):
            self.long_numbers.add(where)
        return text

    def number(self, where: str, value: str) -> str:
        self.numbers += 1
        value = value.strip()
        try:
            number = float(value)
        except ValueError:
            return _CONTROLS.sub(" ", value)
        if not math.isfinite(number) or abs(number) >= 1e22:  # neither code nor score: shown as is, not as blank
            self.long_numbers.add(where)
            return value
        if not number.is_integer():
            return repr(number)
        text = value if re.fullmatch(r"-?\d+", value) else str(int(number))
        if len(text.lstrip("-")) > EXACT_DIGITS:
            self.long_numbers.add(where)
        return text

    def write(self, cells: list[str]) -> None:
        self.out.write(DELIMITER.join(cells) + "\n")


def _is_damaged(ssid: str, kind: str) -> bool:
    """Did a spreadsheet round or shorten this SSID? A typing mistake is reported at its line."""
    return not _SSID.match(ssid) if kind == "n" else _SHORTENED.match(ssid) is not None


class Sheet:
    """One sheet, with its rows in order: column names first, then records."""

    def __init__(self, conversion: Conversion, name: str, part: str, visible: bool) -> None:
        self.conversion, self.name, self.part, self.visible = conversion, name, part, visible
        self.seen_header = False
        self.order: list[int] = []
        self.first: list[tuple[int, list[Cell]]] = []
        self.separator = ""  # of lines that were pasted into one column
        self.sample = ""
        self.note = ""

    def read(self) -> dict[str, Any]:
        """Name, number of records, why it or its end was left out, and its column names with the first records, as text."""
        if not self.visible:
            return {"name": self.name, "rows": 0, "note": "hidden, left out", "sample": ""}
        before = self.conversion.rows
        self.note = "no column names, left out"  # until they are found
        stopped = rows(self.conversion.book, self.part, self._row)
        if not self.seen_header and self.first:
            with suppress(EnoughError):
                self._begin()
        if stopped and not self.note:
            self.note = f"read to row {stopped:,}"
            more = f"{MAX_EMPTY_ROWS} empty rows follow, and anything after them is not read"
            self.conversion.cut.append(f"Sheet {self.name} was read to row {stopped:,}: {more}.")
        return {"name": self.name, "rows": self.conversion.rows - before, "note": self.note, "sample": self.sample}

    def _row(self, number: int, cells: list[Cell]) -> None:
        if self.seen_header:
            self.conversion.record(self.name, _split(cells, self.separator), self.order)
            return
        self.first.append((number, cells))
        if len(self.first) > TITLE_ROWS:
            self._begin()

    def _begin(self) -> None:
        """Find the column names among the first rows: titles and print dates above them fill fewer columns."""
        widest = max((_filled(cells) for _number, cells in self.first), default=0)
        if widest == 1:
            self.separator = _separator_in([cells for _number, cells in self.first])
            self.first = [(number, _split(cells, self.separator)) for number, cells in self.first]
            widest = max(_filled(cells) for _number, cells in self.first)
        at = next((at for at, (_n, cells) in enumerate(self.first) if _filled(cells) * 2 > widest), None)
        if at is None or widest < FEWEST_COLUMNS:
            raise EnoughError
        first, self.first, self.seen_header = self.first[at:], [], True
        header = self._header(first[0][1])
        self.conversion.in_one_column |= bool(self.separator)
        self.sample = "".join(_plain(cells, len(header)) for _number, cells in first)
        names = [re.sub(r"[\s_\-–—/()]+", "", name.lower()) for name in header]
        order = self.conversion.take_header(header, names)
        self.note = "" if order is not None else "other column names, left out"
        if order is None:
            raise EnoughError
        self.order = order
        if at:
            self.conversion.cut.append(f"Sheet {self.name}: the column names were taken from row {first[0][0]:,}.")
        for _number, cells in first[1:]:
            self.conversion.record(self.name, cells, self.order)

    def _header(self, cells: list[Cell]) -> list[str]:
        width = 1 + max(column for column, _place, value, _kind in cells if value)
        if width > MAX_COLUMNS:
            raise Refused(f"{width:,} columns in sheet {self.name}", f"at most {MAX_COLUMNS:,}")
        header = [""] * width
        for column, place, value, kind in cells:
            if value is None:
                raise Refused(f"a cell of more than {MAX_CELL:,} characters ({self.name}!{place})", "column names")
            if column < width:
                # In a file without column names, this is the first record.
                number = self.conversion.number(f"{self.name}!{place}", value) if kind == "n" else value
                header[column] = _CONTROLS.sub(" ", number).strip()
        return header


def _filled(cells: list[Cell]) -> int:
    return sum(1 for _column, _place, value, _kind in cells if value != "")


def _separator_in(rows: Sequence[list[Cell]]) -> str:
    """The separator in rows that fill one cell each: whole lines of a text were pasted, perhaps below a title. Blank if there is
    none."""
    texts = [next(value for _column, _place, value, _kind in cells if value) for cells in rows if _filled(cells)]
    for separator in _SEPARATORS:
        lines = list(dropwhile(lambda text: text.count(separator) < FEWEST_COLUMNS, map(str, texts)))  # noqa: B023
        if len(lines) >= _FEWEST_LINES and all(line.count(separator) >= FEWEST_COLUMNS for line in lines):
            return separator
    return ""


def _split(cells: list[Cell], separator: str) -> list[Cell]:
    """The cells of a line that was pasted into one."""
    filled = [cell for cell in cells if cell[2]]
    if not separator or len(filled) != 1:
        return cells
    _column, place, value, _kind = filled[0]
    parts = next(csv.reader([value or ""], delimiter=separator), [])
    return [(at, place, part, "s") for at, part in enumerate(parts)]


def _plain(cells: list[Cell], width: int) -> str:
    """A row as a line of text, for a look at the sheet."""
    values = [""] * width
    for column, _place, value, _kind in cells:
        if column < width:
            values[column] = _CONTROLS.sub(" ", value or "")
    return DELIMITER.join(values) + "\n"


class _Places:
    """Cells with the same fault: the first few by name, the others counted."""

    def __init__(self) -> None:
        self.named: list[str] = []
        self.count = 0

    def add(self, place: str) -> None:
        self.count += 1
        if self.count <= NAMED_CELLS:
            self.named.append(place)

    def __bool__(self) -> bool:
        return self.count > 0

    def __str__(self) -> str:
        more = self.count - NAMED_CELLS
        return ", ".join(self.named) + (f" and {more:,} more cells" if more > 0 else "")


class _Cells:
    """Cells with the same fault, together and by column."""

    def __init__(self) -> None:
        self.all = _Places()
        self.columns: dict[int, _Places] = {}

    def add(self, column: int, place: str) -> None:
        self.all.add(place)
        self.columns.setdefault(column, _Places()).add(place)

    def __bool__(self) -> bool:
        return bool(self.all)

    def of_most(self, filled: Mapping[int, int]) -> _Places | None:
        """The faults of a column that has them in most of its cells: no line of it would be right."""
        return next((found for column, found in self.columns.items() if found.count * 2 > filled[column]), None)


def answer(source: int, target: int, first: int = 0) -> dict[str, Any]:
    """The result of `main`, or why there is none: `error` and `expected`, or `system`, the number of a system's error."""
    try:
        with os.fdopen(source, "rb") as stream, os.fdopen(target, "w", encoding="utf-8", newline="") as out:
            return main(stream, out, first)
    except Refused as refused:
        return {"error": refused.found, "expected": refused.expected}
    except MemoryError:
        return {"error": "more than fits in the memory allowed for a workbook", "expected": "a smaller workbook"}
    except OSError as error:
        if error.errno == errno.EFBIG:
            return {"error": f"more than {MAX_TEXT >> 30} GB of text", "expected": "a smaller workbook"}
        return {"system": error.errno or errno.EIO}
    except Exception as error:  # noqa: BLE001 - for any bytes, the parent gets an answer
        return {"error": f"data that cannot be read ({type(error).__name__})", "expected": "an .xlsx workbook"}


def child(source: int, target: int, cpu_seconds: int, memory: int, first: int) -> None:
    """The whole work of the child process. Ends with its parent."""
    end_with_parent()
    limit(cpu_seconds, memory)
    json.dump(answer(source, target, first), sys.stdout)
