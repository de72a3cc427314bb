"""A line of a finished run as a reader of its report sees it: how it ended, and what its cells say."""

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sisimport.files.issues import Severity, codes
from sisimport.files.layouts import normalise_header
from sisimport.imports.definition.rules import RECORD
from sisimport.imports.models import ImportChange, ImportIssue, ImportRun, SetAside
from sisimport.imports.runs.report import issue_runs
from tests.truth.sheets import Sheet

# Reports that say as what a value was read: it is in `expected`.
_READ_AS = {"FILE-REPAIRED", "NUMBER-READ", "FILE-DATE-FORM", "NAME-KEPT"}
# Reports on the whole file, and what they say of a value.
_PLACEHOLDERS = {"NULL", "N/A", "-", "'", '=""'}
_SPELLINGS = {"female": "F", "k": "KN", "english": "eng"}
_MARKED = re.compile(r"(?:'|=\")?([^'\"=]*?)(?:\.0)?\"?")
_HIDDEN = re.compile("[\u200b\u00a0\ufeff]")
_DAYS = ((r"(\d{4})(\d\d)(\d\d)", "ymd"), (r"(\d{4})-(\d\d)-(\d\d)", "ymd"), (r"(\d\d?)/(\d\d?)/(\d{4})", "mdy"))


@dataclass(frozen=True)
class Claim:
    """What has to be on record after a line was imported or left unchanged. `part`: an error of which takes it back."""

    part: str
    says: str
    holds: bool


@dataclass
class Line:
    """One line: its cells by field, its issues, its end."""

    number: int
    cells: Mapping[str, str]
    outcome: str = ""
    issues: list[ImportIssue] = field(default_factory=list)
    of_file: frozenset[str] = frozenset()  # codes reported once for the whole file

    def text(self, name: str) -> str:
        """The value of a field as it was read, by what the report says of it; else as it is there."""
        value = _HIDDEN.sub("", self.cells.get(name, "")).strip()
        for issue in self.issues:
            if issue.field == name and issue.code in _READ_AS:
                value = issue.expected
        if "FILE-PLACEHOLDER" in self.of_file and value in _PLACEHOLDERS:
            return ""
        if "FILE-CODE-SPELLING" in self.of_file:
            value = _SPELLINGS.get(value.casefold(), value)
        if "FILE-MARKS" in self.of_file and (match := _MARKED.fullmatch(value)):
            value = match[1]
        return value

    def day(self, name: str) -> dt.date | None:
        """The value as a day; None where it is blank or none."""
        for pattern, order in _DAYS:
            if match := re.fullmatch(pattern, self.text(name)):
                year, month, day = (int(match[order.index(part) + 1]) for part in "ymd")
                try:
                    return dt.date(year, month, day)
                except ValueError:
                    return None
        return None

    def is_faulty(self, part: str) -> bool:
        return any(i.severity == Severity.ERROR and i.part in (part, RECORD) for i in self.issues)

    def doubted(self, *names: str) -> bool:
        """Is there a warning that one of these values could not be read, so that the line does without?"""
        unread = {"FILE-CODE", "FILE-DATE", "FILE-DIGITS", "FILE-DATE-FUTURE", "FILE-LENGTH"}
        return any(i.field in names and i.code in unread for i in self.issues)

    def said(self, *issue_codes: str) -> bool:
        return any(i.code in issue_codes for i in self.issues)


def lines_of(run: ImportRun, sheet: Sheet) -> list[Line]:
    """The lines of a file with what a finished run reports of each. Fails where the counts of the run say otherwise."""
    found = {
        number: Line(number, sheet.values(number - sheet.first_line))
        for number in range(sheet.first_line, sheet.first_line + len(sheet.records))
    }
    issues = list(ImportIssue.objects.filter(run_id__in=issue_runs(run)))
    of_file = frozenset(issue.code for issue in issues if not issue.line)
    for line in found.values():
        line.of_file = of_file
    for issue in issues:
        if issue.line:
            found[issue.line].issues.append(issue)
    # What is above the first record is not a line of the file's.
    above = ImportIssue.objects.filter(run_id__in=issue_runs(run), code="FILE-HEADING").first()
    last_above = int((above.params or {}).get("line", 0)) if above else 0
    found = {number: line for number, line in found.items() if number > last_above}
    if "FILE-HEADER-AGAIN" in of_file and sheet.header is not None:
        names = {field: normalise_header(sheet.header[at]) for field, at in sheet.at.items() if at < len(sheet.header)}
        found = {number: line for number, line in found.items() if names != _plain(line.cells)}
    aside = set(SetAside.objects.filter(run=run).values_list("line", "seq"))
    planned: dict[int, list[tuple[int, int]]] = {}
    for number, seq in ImportChange.objects.filter(run_id=run.plan_run_id, line__gt=0).values_list("line", "seq"):
        planned.setdefault(number, []).append((number, seq))
    skips = {code.code for code in codes.all() if code.skips}
    for number, line in found.items():
        line.outcome = _outcome(line, planned.get(number, []), aside, skips)
    _agree(run, [line for line in found.values() if line.outcome])
    return list(found.values())


def _plain(cells: Mapping[str, str]) -> dict[str, str]:
    return {field: normalise_header(cell) for field, cell in cells.items()}


def _outcome(line: Line, planned: list[tuple[int, int]], aside: set[tuple[int, int]], skips: set[str]) -> str:
    if planned:
        return "set aside" if aside.issuperset(planned) else "imported"
    if any(i.severity == Severity.ERROR for i in line.issues):
        return "refused"
    if line.said(*skips):
        return "skipped"
    return "unchanged" if any(cell.strip() for cell in line.cells.values()) or line.issues else ""


def _agree(run: ImportRun, lines: list[Line]) -> None:
    counted = {"imported": 0, "unchanged": 0, "refused": 0, "skipped": 0, "set aside": 0}
    for line in lines:
        counted[line.outcome] += 1
    said: dict[str, Any] = {name.replace("_", " "): n for name, n in run.outcome_counts.items()}
    told = [(line.number, line.outcome, [i.code for i in line.issues]) for line in lines]
    assert {name: said.get(name, 0) for name in counted} == counted, (counted, told)


def broken(lines: list[Line], claims_of: Callable[[Line], Iterator[Claim]]) -> list[str]:
    """What lines that are reported imported or unchanged say and the record does not."""
    return [
        f"line {line.number} is {line.outcome}, but {claim.says} ({[i.code for i in line.issues]})"
        for line in lines
        if line.outcome in ("imported", "unchanged")
        for claim in claims_of(line)
        if not claim.holds and not line.is_faulty(claim.part)
    ]
