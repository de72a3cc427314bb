"""Rows of a run's downloads, as text for people: the sentences of the page, SSIDs in full if the file itself contains
them."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from sisimport.files.issues import Severity
from sisimport.imports.models import ImportRun
from sisimport.imports.runs.report import data_lines, why_no_lines
from sisimport.web.exports.writers import Row
from sisimport.web.queries import report as queries
from sisimport.web.queries.change_report import ChangeReport
from sisimport.web.queries.changes import shown_changes
from sisimport.web.queries.issues import shown_issues
from sisimport.web.ssid_masking import Masking
from students.models import ELRecord

_BLOCK = 1000

ISSUE_HEAD = ("Line", "Severity", "Code", "Field", "Message", "What to do", "Local number", "Data line")
ISSUE_WIDTHS = (8, 10, 16, 20, 70, 50, 14, 80)
CHANGE_HEAD = ("Line", "Local number", "What", "Change", "Field", "Before", "After", "Not written because")
NAMED_CHANGE_HEAD = (CHANGE_HEAD[0], "Student", *CHANGE_HEAD[1:])
CHANGE_WIDTHS = (8, 14, 14, 10, 22, 24, 24, 22)
ABSENT_HEAD = ("Local number", "Last name", "First name", "School", "Grade", "Has SSID", "EL data", "Program Status")
ABSENT_WIDTHS = (14, 22, 18, 26, 8, 10, 10, 16)


def issue_rows(run: ImportRun, reader: queries.Reader) -> Iterator[Row]:
    """Issues in the page's order, with their data lines."""
    issues = iter(queries.IssueReport(run, reader))
    while block := list(islice(issues, _BLOCK)):
        raw = data_lines(run, (issue.line for issue in block))
        # A table without the lines is still useful; it must not look as if the lines were blank.
        absent = "" if raw else why_no_lines(run)
        for issue in shown_issues(run, reader, block, {}, Masking.of(run)):
            number = issue.student.local_number if issue.student else ""
            yield (
                issue.line or "",
                Severity(issue.severity).label,
                issue.code,
                issue.field,
                issue.message,
                issue.fix,
                number,
                raw.get(issue.line, absent if issue.line else ""),
            )


def change_rows(run: ImportRun, reader: queries.Reader) -> Iterator[Row]:
    """Changes, one row per field."""
    for row in named_change_rows(run, reader, ChangeReport(run, reader)):
        yield (*row[:1], *row[2:])


def named_change_rows(run: ImportRun, reader: queries.Reader, report: ChangeReport) -> Iterator[Row]:
    """The changes of a report in its order, one row per field, with the student's name."""
    changes = report.rows().iterator(chunk_size=_BLOCK)
    while block := list(islice(changes, _BLOCK)):
        for change in shown_changes(run, reader, block, Masking.of(run)):
            for field in change.fields:
                yield (
                    change.line,
                    change.name,
                    change.local_number,
                    change.what,
                    change.operation,
                    field.label,
                    field.before,
                    field.after,
                    change.aside,
                )


def absent_rows(run: ImportRun, reader: queries.Reader) -> Iterator[Row]:
    """Students in our records, not in this file."""
    students: Any = queries.absent_students(run, reader)
    for student in students.order_by("-has_el", "pk").iterator(chunk_size=2000):
        el: ELRecord | None = getattr(student, "el", None)
        yield (
            student.local_number,
            student.last_name,
            student.first_name,
            (student.school.name or student.school.code) if student.school else "",
            student.grade,
            "yes" if list(student.ssids.all()) else "no",
            "yes" if student.has_el else "no",
            el.program_status if el else "",
        )
