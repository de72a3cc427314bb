"""Score files of every layout with a column sorted, shifted, exchanged, emptied or pasted alone: nothing goes in silently.

Judged by the tables: a score that is other than in the clean file was told of by an error or a warning, of its line or of the
whole file. What the file alone cannot show (two columns of the same kind exchanged) is told where it would replace scores.
"""

import copy
import os
from typing import Any

import pytest

from assessments import structure
from assessments.models import Score
from sisimport.files.issues import Severity
from sisimport.imports.models import ImportIssue, ImportRun
from tests.assessments.damaged_columns import ALL, Damage, ScoreFile, damages, score_file, students_of
from tests.assessments.score_files import start
from tests.assessments.score_home import TYPES
from tests.imports.properties import RolledBack
from tests.longer import LONG, one_in
from tests.ssid.journey import district

pytestmark = [pytest.mark.django_db, pytest.mark.long]
EVERY = [(layout, test.code) for layout in ALL for test in structure.tests_of(ALL[layout])]
LAST = {test: layout for layout, test in EVERY}  # the last year of each test; `script/test faults` takes all
STUDENTS = 45
STEP = int(os.environ.get("DAMAGES_STEP") or (4 if LONG else 17))  # every so many damages of all
Table = dict[tuple[str, str], tuple[Any, ...]]


def _table() -> Table:
    """Student and assessment -> what a file says of the score, and the line that said it."""
    held = (
        "scale_score",
        "raw_score",
        "result",
        "grade",
        "date",
        "status",
        "error_band",
        "measure",
        "school_year",
        "line",
    )
    rows = Score.objects.values_list("student__local_number", "assessment__state_code", *held)
    return {(number, code): tuple(values) for number, code, *values in rows}


def _silent(clean: Table, run: ImportRun) -> list[str]:
    told = set(ImportIssue.objects.filter(run=run, severity__gte=Severity.WARNING).values_list("line", flat=True))
    if 0 in told or run.status == "rejected":
        return []
    return [
        f"{number} {code}: {values}"
        for (number, code), values in _table().items()
        if values[:-1] != clean.get((number, code), (None,))[:-1] and values[-1] not in told
    ]


def _done(file: ScoreFile, damage: Damage) -> bytes:
    """The damaged file; the file itself is as it was afterwards."""
    clean = copy.deepcopy(file.records)
    damage.do()
    data = file.text()
    for record, was in zip(file.records, clean, strict=True):
        record[:] = was
    return data


@pytest.mark.parametrize(
    ("layout", "test"),
    [
        *one_in(2, [one for one in EVERY if LAST[one[1]] == one[0]]),
        *(pytest.param(*one, marks=pytest.mark.faults) for one in EVERY if LAST[one[1]] != one[0]),
    ],
)
def test_no_damaged_column_goes_in_silently(layout: str, test: str) -> None:
    file = score_file(layout, students_of(district(), layout, test, STUDENTS), test)
    tested = next(one for one in file.tests if one.code == test)
    with RolledBack():
        run = start(TYPES[layout], file.text(), work="import")
        clean = _table()
        assert not run.error_count + run.warning_count, list(run.issues.values_list("code", "params"))
    if not clean:
        return  # a pilot without results
    some = list(damages(file, tested))[EVERY.index((layout, test)) % STEP :: STEP]

    silent = {str(one): _tried(TYPES[layout], file, one, clean) for one in some if one.seen}
    start(TYPES[layout], file.text(), work="import")
    silent |= {f"{one} on record": _tried(TYPES[layout], file, one, _table()) for one in some}

    assert {what: found for what, found in silent.items() if found} == {}


def _tried(kind: str, file: ScoreFile, damage: Damage, clean: Table) -> list[str]:
    with RolledBack():
        return _silent(clean, start(kind, _done(file, damage), work="import"))
