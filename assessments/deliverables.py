"""Results as a file that is delivered automatically: all tests, or one, with small groups hidden as in every file."""

import shutil
from collections.abc import Iterator
from typing import IO, Any

from assessments.results import rows
from assessments.results.asking import NoResultsError, choice_of, reader_of, what_is_held
from assessments.results.shapes import BY
from assessments.results.tables import build
from sisimport.audit.models import AuditEntry
from sisimport.web.exports.deliverables import (
    Asked,
    Choice,
    Counts,
    Deliverable,
    ExportRefusedError,
    register_deliverable,
)
from sisimport.web.exports.writers import csv_rows, workbook
from students.access import log_view

HEAD = ("assessment", "school_year", "lea", "school", "grade", "group", "label", "hidden", "enrolled", "tested", "scored",
        "level", "students", "mean", "met_percent", "distance_from_standard", "met_change")  # fmt: skip
_MEASURES = ("mean", "met_percent", "distance_from_standard", "met_change")
_WORDS = {"grade": "Grade", "school": "School", "group": "Student group", "year": "School year"}


def _write(request: Asked, stream: IO[bytes], ending: str, way: str) -> Counts:
    found = list(_lines(request))
    if not found:
        raise ExportRefusedError("No results on record match what was asked for. Choose another test or school year.")
    if ending == ".csv":
        stream.writelines(csv_rows(HEAD, found, as_is=True))
    else:
        with workbook("Results", HEAD, found, as_is=True) as book:
            shutil.copyfileobj(book, stream)
    test = request.options.get("assessment") or "all tests"
    subject = f"results of {test} {request.school_year or 'of the newest year'}, {way}"
    log_view(user=request.user, kind=AuditEntry.Kind.EXPORT, subject=subject)
    return Counts(len(found), 0)


def _lines(request: Asked) -> Iterator[list[Any]]:
    """A line for each row and level; the first, without a level, is for all students of the row."""
    held, reader = what_is_held(), reader_of(request.user, shared=True)
    wanted = request.options.get("assessment", "")
    for test in [wanted] if wanted else held.tests:
        choice = {"test": [test], "year": [request.school_year], "by": [request.options.get("by") or BY[0]]}
        try:
            found = build(choice_of(choice, held, reader), held, reader)
        except (NoResultsError, KeyError):
            continue  # of another year
        for row in rows.as_objects(found):
            head = [test, *(row[name] for name in HEAD[1:11])]
            yield [*head, "", row["scored"], *(row[name] for name in _MEASURES)]
            for level, students in (row["levels"] or {}).items():
                yield [*head, level, students, *("" for _name in _MEASURES)]


register_deliverable(
    Deliverable(
        key="results",
        label="Results (small groups hidden)",
        endings=(".csv", ".xlsx"),
        order=15,
        write=_write,
        choices=(
            Choice("by", "Each row is a", tuple((name, _WORDS[name]) for name in BY)),
            Choice("assessment", "Test", hint="Its code, such as SBELA. Blank: all tests."),
        ),
    )
)
