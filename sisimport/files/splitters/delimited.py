"""Lines with separators between columns and without quotation marks; also what is wrong with lines split this way."""

from collections.abc import Sequence
from itertools import pairwise, repeat
from operator import itemgetter
from typing import Final

from sisimport.files.blocks import Row
from sisimport.files.detection import Recognition, column_count_params
from sisimport.files.issues import FileError, Problem, Severity
from sisimport.files.layout_matching import DELIMITERS
from sisimport.files.layouts import Header, Layout, normalise_header
from sisimport.files.splitters.base import Records, Splitter, pick_columns
from sisimport.files.tallies import Tallies
from sisimport.files.values import BlockTraits, Finding

_WORTHWHILE_GAP: Final = 32
_TELLING_COLUMNS: Final = 3
_NAMES_OF_A_HEADER: Final = 2  # among the first cells of a line; no record has that many


class DelimitedSplitter(Splitter):
    """A splitter for lines whose columns are divided by a separator."""

    def __init__(self, recognition: Recognition, layout: Layout, fields: Sequence[str], tallies: Tallies) -> None:
        super().__init__(recognition, layout, fields, tallies)
        self._header_names = {name for column in layout.columns for name in column.names if name}

    def _is_trailing(self, trailing: bool) -> bool:
        self._tallies.trailing = self._tallies.trailing or trailing
        return trailing

    def _look_at_broken(self, number: int, cells: Sequence[str]) -> None:
        """Report a line that is not a record. Raises FileError if it is the header of another file: names, not values."""
        if len(cells) < self._file.column_count:
            self._tallies.last_short = number
        names = [normalise_header(cell) for cell in cells[:4]]
        if self._layout.header is Header.REQUIRED and len(self._header_names.intersection(names)) >= _NAMES_OF_A_HEADER:
            found = f"Line {number} begins records with other columns"
            expected = f"records of {self._layout.title} only"
            raise FileError("FILE-MIXED", found=found, expected=expected, params={"line": number})

    def _wrong_columns(self, cells: Sequence[str]) -> Problem:
        count, columns = len(cells), self._file.column_count
        params = column_count_params(self._layout, count, "The line")
        params["hint"] = params["hint"] or self._hint(cells)
        return Problem("FILE-COLUMNS", Severity.ERROR, None, f"{count}", f"{columns}", params)

    def _hint(self, cells: Sequence[str]) -> str:
        """Two records in one line, or the separator of another file."""
        columns = self._file.column_count
        if columns >= _TELLING_COLUMNS and len(cells) in (2 * columns - 1, 2 * columns):
            return ": two records seem to be joined in this line"
        others = (sign for sign in DELIMITERS if len(cells) == 1 and cells[0].count(sign) + 1 == columns)
        sign = next(others, None)
        return f": the columns of this line are separated by {DELIMITERS[sign]}" if sign else ""


class PlainSplitter(DelimitedSplitter):
    """Splits line by line."""

    def __init__(self, recognition: Recognition, layout: Layout, fields: Sequence[str], tallies: Tallies) -> None:
        super().__init__(recognition, layout, fields, tallies)
        self._places = sorted({at for at in self._at if at is not None})
        self._last = max(self._places, default=0)
        self._gap = _widest_gap(self._places, recognition.column_count)

    def split(self, numbers: Sequence[int], lines: list[str], traits: BlockTraits) -> Records:
        """The records of lines without quotation marks."""
        delimiter, wanted = self._file.delimiter, self._file.column_count - 1
        counts = list(map(str.count, lines, repeat(delimiter)))
        broken: list[Row] = []
        if counts.count(wanted) != len(lines):
            fitting = []
            for at, count in enumerate(counts):
                if count == wanted or self._is_trailing(count > wanted and self._is_padded(lines[at])):
                    fitting.append(at)
                else:
                    cells = lines[at].split(delimiter)
                    self._look_at_broken(numbers[at], cells)
                    broken.append((numbers[at], (), (self._wrong_columns(cells),)))
            numbers, lines = [numbers[at] for at in fitting], [lines[at] for at in fitting]
            if not lines:
                return Records([], [], traits, [], broken)
        findings: list[Finding] = []
        if self._file.end_marker is not None:
            ending = delimiter + self._file.end_marker
            if not all(map(str.endswith, lines, repeat(ending))):
                ends = [line.rstrip(f" {delimiter}").rpartition(delimiter)[2] for line in lines]
                findings = self._wrong_ends(ends)
        return Records(numbers, self._pick(lines), traits, findings, broken)

    def _pick(self, lines: list[str]) -> list[Sequence[str] | None]:
        """The columns of the requested fields, from lines that have all their separators.

        Cells are picked line by line: those of a whole block of wide lines would not fit into the processor's cache and take
        twice as long.
        """
        delimiter, wanted = self._file.delimiter, self._file.column_count - 1
        if self._gap is not None and not self._tallies.trailing:
            first, right = self._gap
            # itemgetter with a single index returns a bare value instead of a tuple, so that index is given twice.
            lefts = [place for place in self._places if place < first]
            rights = [place for place in self._places if place > first]
            lefts, rights = (side * 2 if len(side) == 1 else side for side in (lefts, rights))
            # In the cells of the right side, the gap itself comes first.
            before, after = itemgetter(*lefts), itemgetter(*(place - wanted + right for place in rights))
            left, late = [], []
            for line in lines:
                cells = line.split(delimiter, first)
                late.append(after(cells.pop().rsplit(delimiter, right)))
                left.append(before(cells))
            sides = (*zip(*left, strict=True), *zip(*late, strict=True))
            columns = dict(zip((*lefts, *rights), sides, strict=True))
        elif len(self._places) > 1:
            splits = self._last + 1 if self._last < wanted else -1
            pick = itemgetter(*self._places)
            picked = [pick(line.split(delimiter, splits)) for line in lines]
            columns = dict(zip(self._places, zip(*picked, strict=True), strict=True))
        else:
            return pick_columns([line.split(delimiter, self._last + 1) for line in lines], self._at)
        return [None if at is None else columns[at] for at in self._at]

    def _is_padded(self, line: str) -> bool:
        """Are there only separators beyond the last column, as a spreadsheet writes for columns that were once touched?"""
        return not line.split(self._file.delimiter, self._file.column_count)[-1].strip(blank_characters(self._file))


def blank_characters(recognition: Recognition) -> str | None:
    """Characters of which a blank line may consist; None: white space."""
    return None if recognition.fixed_width else f" \t{recognition.delimiter}"


def _widest_gap(places: list[int], columns: int) -> tuple[int, int] | None:
    """Columns to split off from the left and from the right, if a range in between is not wanted."""
    gaps = [(later - earlier, earlier, later) for earlier, later in pairwise(places)]
    width, left, right = max(gaps, default=(0, 0, 0))
    return (left + 1, columns - right) if width >= _WORTHWHILE_GAP else None
