"""Findings reported once per file instead of once per line: counted while it is read, reported at its end."""

from collections import Counter
from collections.abc import Sequence
from typing import Final

from sisimport.files.damage import FORMULA_ERRORS
from sisimport.files.issues import Problem, Severity
from sisimport.files.layouts import Layout
from sisimport.files.numbers import SSID_FIELDS

_DATE_NOTICES: Final = 20
_STRAY_NOTICES: Final = 100
_SPELLINGS_SHOWN: Final = 8


class Tallies:
    """Counts of one file."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._date_forms = 0
        self._date_example = ""
        self._placeholders = 0
        self._placeholder_example = ""
        self._lost = 0  # values in whose place a spreadsheet has an error
        self._lost_example = ""
        self._strays = 0
        self._marks = 0
        self._marks_example = ""
        self._spellings: Counter[tuple[str, str, str]] = Counter()
        self._blank_lines = 0
        self._first_blank = 0
        self.trailing = False  # blank columns at the end
        self.last_short = 0  # the last line with too few columns or characters

    def counts(self, problem: Problem, line: int) -> bool:
        """Is this counted here, so that it is not reported at its line?"""
        if problem.code == "FILE-PLACEHOLDER":
            self._count_blank(problem, line)
            return True
        if problem.code == "FILE-MARKS":
            self._marks += 1
            if not self._marks_example:
                place = f"in {self._label(problem)}, line {line}"
                # A notice on the file quotes no SSID: pages show SSIDs only to users who ask for them.
                value = f"{problem.found} {place}, read as {problem.expected}"
                self._marks_example = f"the first is {place if problem.field in SSID_FIELDS else value}"
            return True
        if problem.code == "FILE-STRAY":
            self._strays += 1
            return self._strays > _STRAY_NOTICES
        if problem.code == "FILE-CODE-SPELLING":
            self._spellings[self._label(problem), problem.found, problem.expected] += 1
            return True
        if problem.code == "FILE-DATE-FORM":
            self._date_forms += 1
            if not self._date_example:
                same = problem.found == problem.expected
                self._date_example = problem.found if same else f"{problem.found} read as {problem.expected}"
            # A few dates in another form are named one by one; for a whole file of them, only the number is given.
            return self._date_forms > _DATE_NOTICES
        return False

    def _count_blank(self, problem: Problem, line: int) -> None:
        """A word that means blank, or the error of a spreadsheet."""
        example = f"the first is {problem.found} in {self._label(problem)}, line {line}"
        if problem.found in FORMULA_ERRORS:
            self._lost += 1
            self._lost_example = self._lost_example or example
        else:
            self._placeholders += 1
            self._placeholder_example = self._placeholder_example or example

    def blank_lines(self, numbers: Sequence[int]) -> None:
        self._first_blank = self._first_blank or numbers[0]
        self._blank_lines += len(numbers)

    def notices(self, codes: set[str]) -> list[Problem]:
        """The notices on the file, except those with codes already reported."""
        notices = []
        if self._blank_lines and not self._layout.spaced:
            params = {"line": self._first_blank}
            notices.append(Problem("FILE-BLANK-LINES", Severity.NOTICE, None, f"{self._blank_lines:,}", "", params))
        if self._placeholders:
            first = {"example": self._placeholder_example}
            notices.append(Problem("FILE-PLACEHOLDER", Severity.NOTICE, None, f"{self._placeholders:,}", "", first))
        if self._lost:
            lost = {"example": self._lost_example}
            notices.append(Problem("FILE-LOST", Severity.WARNING, None, f"{self._lost:,}", "", lost))
        if self._marks:
            first = {"example": self._marks_example}
            notices.append(Problem("FILE-MARKS", Severity.NOTICE, None, f"{self._marks:,}", "", first))
        if self._strays > _STRAY_NOTICES:
            notices.append(Problem("FILE-STRAYS", Severity.NOTICE, None, f"{self._strays:,}", f"{_STRAY_NOTICES}"))
        if self._spellings:
            notices.append(self._spelling_notice())
        if self.trailing and "FILE-TRAILING" not in codes:
            notices.append(Problem("FILE-TRAILING", Severity.NOTICE))
        if self._date_forms > _DATE_NOTICES:
            found, expected = f"{self._date_forms:,}", self._layout.date_formats[0]
            example = {"example": self._date_example}
            notices.append(Problem("FILE-DATE-FORMS", Severity.NOTICE, None, found, expected, example))
        return notices

    def _spelling_notice(self) -> Problem:
        total = sum(self._spellings.values())
        most = self._spellings.most_common(_SPELLINGS_SHOWN)
        spellings = "; ".join(f"{label} {found} as {code}, {count:,} times" for (label, found, code), count in most)
        more = len(self._spellings) - len(most)
        params = {"example": f"{spellings}; and {more} more spellings" if more > 0 else spellings}
        return Problem("FILE-CODE-SPELLING", Severity.NOTICE, None, f"{total:,}", "", params)

    def _label(self, problem: Problem) -> str:
        return self._layout.fields[problem.field].label or problem.field if problem.field else ""
