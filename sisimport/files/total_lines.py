"""Lines that are not records but totals: “Total 1,234”, “Grand Total”, a trailer with a record count, as reports and spreadsheets
add.

They are left out with a notice. One that says how many records there are is compared with the records that were read: fewer mean
that lines are missing. A person named Total has other values in the line, so only lines of a total and numbers count.
"""

import re
from collections.abc import Sequence
from typing import Final

from sisimport.files.detection import Recognition
from sisimport.files.issues import Problem, Severity, shown
from sisimport.files.quoting import split_line

_EDGE: Final = " \t\"'*=#_-"
# Looked for in every chunk, so only by how a line begins, in steps that never go back: at a gigabyte per second.
_WORD: Final = rb"(?:[Tt]ot|TOT|[Cc]ou|COU|[Oo]f|OF|[Rr]ec|REC|[Rr]ow|ROW|[Ll]in|LIN|[Ss]tu|STU)"
_START: Final = (
    rb"[^A-Za-z0-9\r\n]*+(?:[Tt]ot|TOT|[Ss]ub|SUB|[Cc]oun|COUN|[Tt]rai|TRAI|TRL|(?:[A-Za-z]++|[0-9,]++)[ _-]"
    + _WORD
    + rb")"
)
_FIRST: Final = re.compile(_START)
_LATER: Final = {end: re.compile(end + _START) for end in (b"\n", b"\r")}
_NUMBER: Final = re.compile(r"[$]?-?[0-9][0-9,]*(?:\.[0-9]+)?%?\Z")
_RECORDS: Final = "(?:records?|rows?|lines?|students?|pupils?|scores?)"
_TOTAL: Final = re.compile(
    "(?:"
    "(?:(?:grand|sub|overall|report|school|district|file)[ -]?)?totals?(?: (?:number|count|no\\.?))?(?: of)?(?: {r})?"
    "|grand count|{r}[ _-]?(?:count|total)s?|(?:total )?(?:number|count) of {r}|count|trailer(?: record)?|trl"
    "|end of (?:file|report|list|data|records)"
    ")(?: (?:read|written|exported|listed|selected|in (?:the |this )?(?:file|list|report)))?"
    " ?[:=]? ?(?P<count>[0-9][0-9,]*)?(?: {r})?\\.?\\Z".replace("{r}", _RECORDS),
    re.IGNORECASE,
)
_COUNTED: Final = re.compile(
    "(?P<count>[0-9][0-9,]*) {r}(?: (?:total|in total|in all|found|selected|exported|listed|read|written))?\\.?\\Z".replace(
        "{r}", _RECORDS
    ),
    re.IGNORECASE,
)
# “Total 1,234” and “1,234 records” without quotation marks, where the comma separates columns.
_SPLIT: Final = re.compile("[a-z:=] [0-9]{1,3},[0-9]{3}\\Z|\\A[0-9]{1,3},[0-9]{3} [a-z]", re.IGNORECASE)
_OF_STUDENTS: Final = re.compile("students?|pupils?", re.IGNORECASE)
_OWN_LINES: Final = 2  # the trailer and the line of column names may be counted too


class TotalLines:
    """Looks for such lines in one file. `last`: the number of the last one."""

    def __init__(self, recognition: Recognition) -> None:
        self._file = recognition
        self._count = self._first = self.last = 0
        self._said = self._text = ""
        self._stated: int | None = None
        self._grand = False

    def left_out(self, numbers: Sequence[int], lines: list[str]) -> tuple[Sequence[int], list[str]]:
        """The lines without those that are totals."""
        totals = {at for at, line in enumerate(lines) if self._is_total(numbers[at], line)}
        if not totals:
            return numbers, lines
        kept = [at for at in range(len(lines)) if at not in totals]
        return [numbers[at] for at in kept], [lines[at] for at in kept]

    def notices(self, records: int) -> list[Problem]:
        """What to say at the end of a file of so many records."""
        if not self._count:
            return []
        place = {"line": self._first, "example": self._said}
        found = [Problem("FILE-TOTAL", Severity.NOTICE, None, f"{self._count:,}", "", place)]
        stated = self._stated if self._count == 1 or self._grand else None
        if stated is None or 0 <= stated - records <= _OWN_LINES:
            return found
        if stated < records and _OF_STUDENTS.search(self._text):
            return found  # a student may have several lines
        place = {"line": self.last}
        return [*found, Problem("FILE-TOTAL-COUNT", Severity.WARNING, None, f"{stated:,}", f"{records:,}", place)]

    def _is_total(self, number: int, line: str) -> bool:
        if self._file.fixed_width:
            cells = re.split(r" {2,}", line)
        else:
            marker = self._file.end_marker
            cells = split_line(line, self._file.delimiter)
            cells = cells[:-1] if marker and cells and cells[-1].strip() == marker else cells
        cells = [cell for cell in (cell.strip(_EDGE) for cell in cells) if cell]
        if not cells:
            return False
        first, others = cells[0], cells[1:]
        if others and self._file.delimiter == "," and _SPLIT.search(f"{first},{others[0]}"):
            first, others = f"{first},{others[0]}", others[1:]
        read = _read(first)
        if not read or not all(_NUMBER.match(other) or _read(other) for other in others):
            return False
        self._note(number, first, others, read["count"])
        return True

    def _note(self, number: int, first: str, others: Sequence[str], count: str | None) -> None:
        self._count, self.last = self._count + 1, number
        self._first = self._first or number
        self._grand = first.lower().startswith("grand")
        self._text = " ".join([first, *others])
        self._said = self._said or shown(first)
        if count is None and len(others) == 1:
            read = _read(others[0])
            count = read["count"] if read else others[0]
        elif others:
            count = None  # sums of columns
        digits = (count or "").replace(",", "")
        self._stated = int(digits) if digits.isascii() and digits.isdecimal() and len(digits) < 12 else None


def _read(cell: str) -> re.Match[str] | None:
    return _TOTAL.match(cell) or _COUNTED.match(cell)


def may_hold_totals(chunk: bytes) -> bool:
    """May a line of these whole lines be a total?"""
    if _FIRST.match(chunk):
        return True
    return bool(_LATER[b"\n" if b"\n" in chunk else b"\r"].search(chunk))
