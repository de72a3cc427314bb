"""Corrections of many refused lines at once, based on what the report says their values have in common.

    day_and_month        day and month of the value in the file are swapped
    zeros, near_zeros    the value on record, which is that of the file with its zeros
    changed_places       the names on record, which are those of the file swapped

They are stored as if typed in the line editor: original and new value are shown there, in the report and in the
changes.
"""

import re

from sisimport.files.issues import Severity
from sisimport.imports.models import ImportRun
from sisimport.imports.runs.corrected_files import WHOLE_LINE, fields_of, raw_records
from sisimport.imports.storage.records import chunked
from sisimport.web.queries.diagnosis import issues_of_pattern
from sisimport.web.queries.report import Reader

_BLOCK = 1000
_EIGHT_DIGITS = re.compile(r"(\d{4})(\d\d)(\d\d)")
_YEAR_FIRST = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})")
_YEAR_LAST = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{2}|\d{4})")


def swapped_date(text: str) -> str | None:
    """A date as a file writes it, with day and month swapped; None for text in another form."""
    if found := _EIGHT_DIGITS.fullmatch(text):
        return "".join(found.group(1, 3, 2))
    if found := _YEAR_FIRST.fullmatch(text):
        year, mark, first, second = found.groups()
        return f"{year}{mark}{second}{mark}{first}"
    if found := _YEAR_LAST.fullmatch(text):
        first, mark, second, year = found.groups()
        return f"{second}{mark}{first}{mark}{year}"
    return None


def proposed(run: ImportRun, reader: Reader, lines: set[int], *, code: str, pattern: str) -> dict[int, dict[int, str]]:
    """New values for the refused `lines` with an error of this cause and pattern: line -> column -> text.

    Raises StoredFileError if the file is missing or changed.
    """
    wanted: dict[int, dict[str, str]] = {}
    for line, field, expected in issues_of_pattern(run, reader, code=code, severity=Severity.ERROR, pattern=pattern):
        if line in lines:
            wanted.setdefault(line, {})[field] = expected
    found = {}
    for block in chunked(sorted(wanted), _BLOCK):
        for line, text in raw_records(run, block).items():
            values = {}
            for one in fields_of(run, text):
                if one.at == WHOLE_LINE or one.key not in wanted[line]:
                    continue
                new = swapped_date(one.value.strip()) if pattern == "day_and_month" else wanted[line][one.key]
                if "zeros" in pattern and new is not None and new.lstrip("0") != one.value.strip().lstrip("0"):
                    continue  # the number of another student named in the message
                if new and new != one.value:
                    values[one.at] = new
            if values:
                found[line] = values
    return found
