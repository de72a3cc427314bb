"""Was the last line of a file cut off, as by a download that broke off? Reported only for a line without a line end, and only
with evidence: it has fewer columns than the file, or its last value is missing or shorter than that column allows. Where lines
above have a blank last value as well, nothing shows that one was cut off; a blank value leaves the record as it is.
"""

import re
from collections.abc import Sequence
from typing import Final

from sisimport.files.chunks import Chunk
from sisimport.files.detection import Recognition
from sisimport.files.issues import Problem, Severity
from sisimport.files.lines import DOS_END, split_text
from sisimport.files.quoting import split_line, stands_alone

_MOST: Final = 200  # lines before the last one that are compared with it
_FEWEST: Final = 5
_FEWEST_WORDS: Final = 20
_FEWEST_FILLED: Final = 20  # last values, all filled in, beside which a blank one is one that was cut off
_YEAR_LAST = re.compile(r"[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{4}\Z")


class LastLine:
    """Sees the chunks of a file in order. `problem`: afterward, the warning that its last line may be cut off, if it may."""

    def __init__(self, recognition: Recognition) -> None:
        self._file = recognition
        self._before: Chunk | None = None
        self.problem: Problem | None = None

    def note(self, chunk: Chunk) -> None:
        """To be called with each chunk before its lines are taken."""
        if chunk.ended:
            self._before = chunk
            return
        lines = _lines_of(chunk)
        number = chunk.first_line + len(lines) - 1
        *before, last = [*self._records(self._before), *lines]
        if not before or not last.strip(f" \t{self._file.delimiter}{DOS_END}"):
            return
        cut = self._sign_of_cut(before[-_MOST:], last)
        if cut:
            self.problem = Problem("FILE-LAST-LINE", Severity.WARNING, None, cut, "", {"line": number})

    def _records(self, chunk: Chunk | None) -> list[str]:
        if chunk is None:
            return []
        lines = _lines_of(chunk)
        if chunk.first_line > 1:
            return lines
        lines = [line for line in lines[self._file.lines_above :] if line.strip()]
        return lines[int(self._file.header) :]

    def _sign_of_cut(self, before: Sequence[str], last: str) -> str:
        """What shows that the line is cut off, in words; blank if nothing does."""
        if self._file.fixed_width:
            widths = {len(line) for line in before if line.strip()}
            return f"only {len(last):,} characters" if len(widths) == 1 and len(last) < min(widths) else ""
        delimiter, columns = self._file.delimiter, self._file.column_count
        if not stands_alone(last, delimiter):
            return "a quotation mark in it is not closed"
        cells = split_line(last, delimiter)
        if len(cells) < columns:
            return f"only {len(cells):,} of {columns:,} columns"
        rows = [split_line(line, delimiter) for line in before]
        values = [row[columns - 1].strip() for row in rows if len(row) >= columns]
        if not cells[columns - 1].strip() and len(values) >= _FEWEST_FILLED and all(values):
            return "its last value is missing, which the lines above it have"
        short = _is_short(cells[columns - 1].strip(), [value for value in values if value])
        return "its last value is shorter than those above it" if short else ""


def _is_short(last: str, values: Sequence[str]) -> bool:
    """Is it the beginning of a value like the others: all of one length, with a year at the end, or a few words?"""
    if not last or len(values) < _FEWEST:
        return False
    if len({len(value) for value in values}) == 1:
        return len(last) < len(values[0])
    if all(map(_YEAR_LAST.match, values)):
        return not _YEAR_LAST.match(last)
    words = set(values)
    if len(values) < _FEWEST_WORDS or len(words) * 2 > len(values) or last in words or not last[-1].isalpha():
        return False
    # “Asian” beside “Asian Indian” is a word of its own; “Filip” beside “Filipino” is not.
    return any(word.startswith(last) and word[len(last)].isalpha() for word in words)


def _lines_of(chunk: Chunk) -> list[str]:
    return split_text(chunk.text) if chunk.lines is None else chunk.lines
