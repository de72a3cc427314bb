"""Column names among the records: concatenated files, each with its own header line.

A repeat of the same names is skipped. Other names, or the same in another order, begin records that would be read by the wrong
columns: the file is refused.

A line identical to the header is found by one search of a whole chunk. Names written differently cannot be read as dates, numbers
and codes, and are found among the values with problems; every line is examined only if all columns are text.
"""

import re
from collections.abc import Sequence
from typing import Final

from sisimport.files.detection import Recognition
from sisimport.files.issues import FileError, Problem, Severity
from sisimport.files.layouts import ColumnKind, Layout, normalise_header
from sisimport.files.quoting import split_line
from sisimport.files.splitters.base import Records

_NAMES_SHARE: Final = 0.5  # share of a line that must be column names for it to count as a header
_FEWEST_NAMES: Final = 2  # one word may be the name of a person
_SHORTEST: Final = 3
_LONGEST: Final = 200  # characters of the line of names that are searched for
_MARKS: Final = "\ufeff\x1a"  # a byte order mark, and the end of a DOS file, in the middle of concatenated files
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]+")


class RepeatedNames:
    """Looks for lines of column names in one file. `fields` are those that are read."""

    def __init__(self, recognition: Recognition, layout: Layout, fields: Sequence[str]) -> None:
        self._layout = layout
        self._delimiter = recognition.delimiter
        self._fields, self._at = fields, [recognition.positions.get(name) for name in fields]
        self._all_texts = all(layout.fields[name].kind is ColumnKind.TEXT for name in fields)
        self._header: list[str] = []
        self._names = {name for column in layout.columns for name in column.names if name}
        self._needles: tuple[bytes, ...] | None = None
        if not recognition.header:
            names = [column.name for column in layout.columns]
            self._needles = self._searched_for(names, self._delimiter.join(names))
        self._lines: list[int] = []

    def learn(self, line: str) -> None:
        """Remember the header line of this file."""
        line = line.strip(_MARKS)
        cells = split_line(line, self._delimiter)
        self._header = _normalised(cells)
        self._names.update(name for name in self._header if name)
        self._needles = self._searched_for(cells, line)

    def may_stand_in(self, chunk: bytes) -> bool:
        """Must every line of this chunk be examined? True as long as the names are not known."""
        return self._needles is None or any(needle in chunk for needle in self._needles)

    def left_out(self, numbers: Sequence[int], lines: list[str]) -> tuple[Sequence[int], list[str]]:
        """The lines without those that repeat the column names. Raises FileError (FILE-MIXED) for a line of other names."""
        repeated = {at for at, line in enumerate(lines) if self._repeats(numbers[at], line)}
        if not repeated:
            return numbers, lines
        kept = [at for at in range(len(lines)) if at not in repeated]
        return [numbers[at] for at in kept], [lines[at] for at in kept]

    def among(self, records: Records) -> set[int]:
        """The records, by place, that repeat the column names, recognized by the problems of their values.

        Raises FileError (FILE-MIXED) for one of other names.
        """
        suspects = {
            at
            for at, problem in records.findings
            if problem.severity is not Severity.NOTICE and normalise_header(problem.found) in self._names
        }
        return {at for at in suspects if self._is_line_of_names(records, at)}

    def notices(self) -> list[Problem]:
        if not self._lines:
            return []
        params = {"line": min(self._lines)}
        return [Problem("FILE-HEADER-AGAIN", Severity.WARNING, None, f"{len(self._lines):,}", "", params)]

    def _searched_for(self, names: Sequence[str], line: str) -> tuple[bytes, ...]:
        if self._all_texts:
            longest = max((name.strip(' "') for name in names if name.isascii()), key=len, default="")
            found = {longest, longest.lower(), longest.upper()}
        else:
            found = {max(_BEYOND_ASCII.split(line.strip(f" {self._delimiter}")), key=len)[:_LONGEST]}
        return tuple(text.encode() for text in found if len(text) >= _SHORTEST)

    def _repeats(self, number: int, line: str) -> bool:
        if not self.may_stand_in(line.encode("utf-8", errors="replace")):
            return False
        cells = _normalised(split_line(line.strip(_MARKS), self._delimiter))
        header = self._header
        if not header:
            columns = self._layout.columns[: len(cells)]
            header = [cell if cell in column.names else "" for cell, column in zip(cells, columns, strict=False)]
        return self._judge(number, cells, header)

    def _is_line_of_names(self, records: Records, at: int) -> bool:
        cells, names = [], []
        for field, place, column in zip(self._fields, self._at, records.texts, strict=True):
            if column is None or place is None:
                continue
            cell = normalise_header(column[at].strip(_MARKS))
            own = self._header[place] if place < len(self._header) else ""
            cells.append(cell)
            names.append(own or (cell if cell in self._layout.fields[field].names else ""))
        return self._judge(records.numbers[at], cells, names)

    def _judge(self, number: int, cells: Sequence[str], names: Sequence[str]) -> bool:
        """Are these the column names? Raises FileError for others."""
        if list(cells) == list(names):
            self._lines.append(number)
            return True
        filled = [cell for cell in cells if cell]
        known_count = sum(cell in self._names for cell in filled)
        if known_count >= _FEWEST_NAMES and known_count >= len(filled) * _NAMES_SHARE:
            found = f"Line {number} begins records with other columns"
            expected = f"records of {self._layout.title} in the columns of the first line only"
            raise FileError("FILE-MIXED", found=found, expected=expected, params={"line": number})
        return False


def _normalised(cells: Sequence[str]) -> list[str]:
    names = [normalise_header(cell) for cell in cells]
    while names and not names[-1]:
        names.pop()
    return names
