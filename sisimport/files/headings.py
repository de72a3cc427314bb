"""Lines above the column names or records of a file: a title, a print date, `sep=,` for a spreadsheet.

People and reports add such lines; they are not records. Only the first lines are examined, and no line is skipped that could be a
record because it fills more than one column, by whatever separator, or is a number.
"""

import re
import statistics
from collections.abc import Sequence
from typing import Final

from sisimport.files.issues import Problem, Severity
from sisimport.files.quoting import split_line

MOST_LINES: Final = 20
_LONGEST: Final = 1000  # characters of a title
FEWEST_COLUMNS: Final = 3
_NEARLY_ALL: Final = 0.8  # of the columns
_SEPARATOR_LINE = re.compile(r'"?sep=(?:.|\t)?"?[,;|^\t ]*\Z', re.IGNORECASE)


def heading_lines(lines: Sequence[str], delimiters: Sequence[str]) -> int:
    """How many of the first lines are certainly neither records nor column names."""
    first = int(bool(lines) and _SEPARATOR_LINE.match(lines[0].strip(" ")) is not None)
    some = lines[first : first + MOST_LINES + 1]
    if not some:
        return 0
    # The separator in most lines: a name may have many carets, a title many commas.
    counts = {one: [line.count(one) for line in some] for one in delimiters}
    delimiter = max(delimiters, key=lambda one: (sum(n + 1 >= FEWEST_COLUMNS for n in counts[one]), max(counts[one])))
    wide_ones = [n + 1 for n in counts[delimiter] if n + 1 >= FEWEST_COLUMNS]
    columns = statistics.median_low(wide_ones) if wide_ones else FEWEST_COLUMNS
    for at, line in enumerate(some):
        if not _is_title(line, delimiter) or _is_record(line, delimiters, columns):
            # Only titles, followed by lines that are equally narrow: a file of another kind, not one with a heading.
            wide = len(split_line(line, delimiter)) >= FEWEST_COLUMNS
            return first + at if wide else first
    return first


def _is_title(line: str, delimiter: str) -> bool:
    if len(line) > _LONGEST:
        return False
    filled = [cell for cell in split_line(line, delimiter) if cell.strip()]
    return len(filled) <= 1 and not any(cell.strip().isdigit() for cell in filled)


def _is_record(line: str, delimiters: Sequence[str], columns: int) -> bool:
    """Is the line a record of about as many columns, with a separator other than that of the lines below? A number is in one
    of them."""
    for one in delimiters:
        cells = split_line(line, one) if line.count(one) + 1 >= max(_NEARLY_ALL * columns, FEWEST_COLUMNS) else []
        if any(cell.strip().isdigit() for cell in cells):
            return True
    return False


def heading_notice(last: int, *, header: bool) -> Problem:
    """The notice that lines 1 to `last` were skipped."""
    above = "the column names" if header else "the first record"
    found = "Line 1" if last == 1 else f"What is in lines 1 to {last:,}"
    return Problem("FILE-HEADING", Severity.NOTICE, None, found, above, {"line": last})
