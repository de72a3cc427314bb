"""Column names whose separator is not that of the records, and records that end with something other than a line end."""

from collections.abc import Sequence
from typing import Final

from sisimport.files.headings import FEWEST_COLUMNS, MOST_LINES
from sisimport.files.issues import FileError, Problem, Severity
from sisimport.files.layout_matching import DELIMITERS
from sisimport.files.quoting import split_line

# What other machines and programs write between lines or records.
_OTHER_ENDS: Final = {
    "\x85": "next line (U+0085), as mainframes write it",
    "\u2028": "line separator (U+2028)",
    "\u2029": "paragraph separator (U+2029)",
    "\x1e": "record separator (U+001E)",
    "\x0b": "vertical tab (U+000B)",
    "\x0c": "form feed (U+000C)",
}
_MANY: Final = 2


def refuse_other_line_ends(lines: Sequence[str]) -> None:
    """Raises FileError (FILE-LINE-LENGTH) if the file is one line whose records end with another sign."""
    if len(lines) > 1:
        return
    for sign, name in _OTHER_ENDS.items():
        if lines[0].count(sign) >= _MANY:
            found = f"several records, which end with the sign {name}"
            expected = "one record, with LF or CR LF at its end"
            raise FileError("FILE-LINE-LENGTH", found=found, expected=expected, params={"line": 1})


def with_one_separator(lines: Sequence[str]) -> tuple[list[str], Problem | None]:
    """The first lines, with the column names separated like the records; and the notice, if they were not.

    Only if each line below the names has as many columns by its own separator as the names have by theirs.
    """
    for at, line in enumerate(lines[:MOST_LINES]):
        names = max(DELIMITERS, key=line.count)
        cells = split_line(line, names)
        if len(cells) < FEWEST_COLUMNS:
            continue
        below = lines[at + 1 :]
        records = next((one for one in DELIMITERS if one not in line and _have(below, one, len(cells))), None)
        if records is None or _have(below[:1], names, len(cells)) or any(cell.strip().isdigit() for cell in cells):
            break
        notice = Problem("FILE-SEPARATORS", Severity.NOTICE, None, DELIMITERS[names], DELIMITERS[records])
        return [*lines[:at], records.join(cells), *below], notice
    return list(lines), None


def _have(lines: Sequence[str], delimiter: str, columns: int) -> bool:
    return bool(lines) and all(len(split_line(line, delimiter)) == columns for line in lines)
