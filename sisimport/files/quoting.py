"""Splitting lines that hold quotation marks: quoted cells, separators and line ends inside them, and stray marks.

Files saved by a spreadsheet quote cells; files of the state never do, but names there may hold a quotation mark. So a line that
does not parse as quoted text but has the right number of separators is taken literally.
"""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from sisimport.files.issues import Problem, Severity

# A record may span this many lines, and be tried this many times, before its quotation mark counts as never closed.
_MAX_LINES: Final = 20
_MAX_TRIES: Final = 3
_TELLING_COLUMNS: Final = 3  # this many in each of two halves of a record are not a coincidence
MAX_SPAN: Final = 2 * _MAX_LINES  # blank lines inside a record do not count
_SPACE_AFTER = re.compile(r'" +(?=[\n,;|^\t])')


@dataclass(slots=True)
class Quoted:
    """Result of splitting: cells of each record with the number of its first line, and findings on some of them.

    `findings` are by position in `cells`; `broken` are line numbers without cells; `spans` maps the first line of
    records over several lines to how many; `waiting` are lines whose record may continue in the next block.
    """

    numbers: list[int] = field(default_factory=list)
    cells: list[list[str]] = field(default_factory=list)
    findings: list[tuple[int, Problem]] = field(default_factory=list)
    broken: list[tuple[int, Problem]] = field(default_factory=list)
    spans: dict[int, int] = field(default_factory=dict)
    waiting: list[tuple[int, str]] = field(default_factory=list)


def split_line(line: str, delimiter: str) -> list[str]:
    """One line as cells, as leniently as possible (for a look at a file)."""
    if '"' not in line:
        return line.split(delimiter)
    return _parse([line], delimiter) or line.split(delimiter)


def has_columns(cells: Sequence[str], columns: int) -> bool:
    """Is this a record with this many columns? Surplus blank ones at its end do not count."""
    return len(cells) >= columns and not any(map(str.strip, cells[columns:]))


def stands_alone(line: str, delimiter: str) -> bool:
    """Is a line complete by itself (a record or several cells of one), with no quotation mark left open at its end?"""
    return '"' not in line or _parse([line], delimiter) is not None


def span_of(lines: Sequence[str], *, delimiter: str, columns: int) -> int:
    """How many lines the record starting with the first of `lines` takes, as `split_quoted` would read them.

    `lines` should hold MAX_SPAN lines, or all that the file still has.
    """
    kept = [(number, line) for number, line in enumerate(lines, 1) if number == 1 or line.strip(f" \t{delimiter}")]
    split = split_quoted(
        [n for n, _ in kept], [line for _, line in kept], delimiter=delimiter, columns=columns, final=True
    )
    return split.spans.get(1, 1)


def split_quoted(numbers: Sequence[int], lines: list[str], *, delimiter: str, columns: int, final: bool) -> Quoted:
    """Split lines, some of which hold quotation marks. `final`: no more lines follow."""
    quick = _parse_all(lines, delimiter)
    if quick is not None:
        return Quoted(list(numbers), quick)
    result = Quoted()
    at = 0
    while at < len(lines):
        line_count = _one_record(result, numbers, lines, at, delimiter, columns, final)
        if not line_count:
            result.waiting = list(zip(numbers[at:], lines[at:], strict=True))
            break
        at += line_count
    return result


def _one_record(  # noqa: PLR0917
    result: Quoted, numbers: Sequence[int], lines: list[str], at: int, delimiter: str, columns: int, final: bool
) -> int:
    """Add the record that starts at `at`; returns the number of lines it took, 0 if it needs lines not read yet."""
    line, number = lines[at], numbers[at]
    plain = line.split(delimiter)
    cells = _parse([line], delimiter) if '"' in line else plain
    line_count = 1
    if cells is None:
        cells, line_count = _join(lines, at, delimiter, columns, final)
        if not line_count:
            return 0
    if cells is None and (len(plain) == columns or _is_as_wide(plain, lines, at, delimiter, columns)):
        cells = [_without_quotes(cell) for cell in plain]
        result.findings.append((len(result.cells), _not_closed(plain, Severity.WARNING)))
    if cells is None:
        result.broken.append((number, _not_closed(plain, Severity.ERROR)))
        return 1
    if line_count > 1:
        result.spans[number] = numbers[at + line_count - 1] - number + 1
    result.numbers.append(number)
    result.cells.append(cells)
    return line_count


def _is_as_wide(plain: Sequence[str], lines: Sequence[str], at: int, delimiter: str, columns: int) -> bool:
    """Does the line have surplus blank columns at its end, as many as the line before or after it?

    Without such a neighbor, a separator inside the open quotation mark may have shifted everything after it.
    """
    near = [line for line in [*lines[max(at - 1, 0) : at], *lines[at + 1 : at + 2]] if '"' not in line]
    return has_columns(plain, columns) and any(line.count(delimiter) + 1 == len(plain) for line in near)


def _without_quotes(cell: str) -> str:
    """A cell without its quotation marks; unchanged unless it both begins and ends with one."""
    text = cell.strip(" ")
    return text[1:-1].replace('""', '"') if len(text) > 1 and text[0] == text[-1] == '"' else cell


def _not_closed(plain: Sequence[str], severity: Severity) -> Problem:
    """`params` say in which column, from 1: the first with an odd number of quotation marks, else the first with any."""
    odd = (at for at, cell in enumerate(plain, 1) if cell.count('"') % 2)
    column = next(odd, 0) or next((at for at, cell in enumerate(plain, 1) if '"' in cell), 1)
    effect = "the value was read with it" if severity is Severity.WARNING else "the line cannot be split into columns"
    params = {"column": column, "hint": f", and {effect}"}
    return Problem("FILE-QUOTE", severity, None, f"column {column}", "closed quotation marks", params)


def _join(lines: list[str], at: int, delimiter: str, columns: int, final: bool) -> tuple[list[str] | None, int]:
    """Cells of a record that spans several lines, and how many lines; (None, 1) if there is none, (None, 0): more lines needed.

    A following line that is a whole record by itself shows that the quotation mark before it was never closed. Better
    to show one line with a stray mark than to lose the students of the lines it would swallow.
    """
    joined = [lines[at]]
    marks = lines[at].count('"')
    tries = 0
    for end in range(at + 1, at + _MAX_LINES):
        if end == len(lines):
            return (None, 1) if final else (None, 0)
        line = lines[end]
        if line.count(delimiter) + 1 >= columns:
            alone = _parse([line], delimiter)
            # The second half of a record that ends with blank columns is not a record by itself.
            half = line.count('"') % 2 and alone is not None and not alone[-1].strip()
            if alone is not None and has_columns(alone, columns) and not half:
                return None, 1
        joined.append(line)
        if '"' not in line:
            continue
        marks += line.count('"')
        if marks % 2:
            continue
        cells = _parse(joined, delimiter)
        if cells is not None and has_columns(cells, columns):
            return (None, 1) if _are_records(joined, delimiter, columns) else (cells, len(joined))
        tries += 1
        if tries == _MAX_TRIES:
            break
    return None, 1


def _are_records(lines: Sequence[str], delimiter: str, columns: int) -> bool:
    """Is each of the lines a whole record, with a quotation mark that opens in one name and another that ends one below it?"""
    return columns >= _TELLING_COLUMNS and all(line.count(delimiter) + 1 == columns for line in lines)


def _parse(lines: list[str], delimiter: str) -> list[str] | None:
    """Lines of one record as cells (line ends inside stay); None if they are not one record."""
    ended = [f"{line}\n" for line in lines]
    records = _read(ended, delimiter)
    if records is None and any('" ' in line for line in ended):
        records = _read([_SPACE_AFTER.sub('"', line) for line in ended], delimiter)
    return records[0] if records is not None and len(records) == 1 else None


def _parse_all(lines: list[str], delimiter: str) -> list[list[str]] | None:
    """All lines together, the quick way; None unless every line is one record."""
    records = _read(lines, delimiter)
    return records if records is not None and len(records) == len(lines) else None


def _read(lines: list[str], delimiter: str) -> list[list[str]] | None:
    """Quotation marks count at the beginning of a value, even after a space; None if one is left open."""
    try:
        return list(csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=True))
    except csv.Error:
        return None
