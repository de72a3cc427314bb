"""One odd value in each column of scores of every layout and test: it is read as a person reads it, or told.

a text     what is on record then, whatever else is said of the line
BLANK      nothing is there, and the report says so: of the line, or once for the file
TOLD       an error or a warning of the line; what is on record is another matter
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from assessments import structure
from assessments.models import Score
from assessments.structure import LayoutTest, Part
from sisimport.files.issues import Severity
from sisimport.imports.models import ImportIssue
from tests.assessments.damaged_columns import ALL, ScoreFile, score_file, students_of
from tests.assessments.score_files import start
from tests.assessments.score_home import TYPES
from tests.imports.properties import RolledBack
from tests.longer import one_in
from tests.ssid.journey import district

pytestmark = [pytest.mark.django_db, pytest.mark.long]
BLANK, TOLD = "blank", "told"
EVERY = [(layout, test.code) for layout in ALL for test in structure.tests_of(ALL[layout])]
_NOTHING = dict.fromkeys(("N/A", "#REF!", "NaN", "null", "--"), BLANK)
_NO_NUMBER = dict.fromkeys(("*", "-5", "1/2", "abc", "٢٤", "½"), TOLD)
# Kind of column -> value in the file -> what becomes of it.
VALUES: dict[str, dict[str, str]] = {
    "scale": {
        **_NOTHING, **_NO_NUMBER, "2500.0": "2500", "2,500": "2500", "2500.5": TOLD, "2.5E+03": TOLD, "1e3": TOLD, "0": TOLD,
        "99": TOLD, "9999": TOLD, "100000": TOLD, "00240": TOLD, "2 500": TOLD, "2400*": TOLD, "<2400": TOLD, "LOSS": TOLD,
    },
    "result": {
        **_NO_NUMBER, "N/A": BLANK, "#N/A": BLANK, "3.0": "3", "03": "3", " 3 ": "3", "0": TOLD, "6": TOLD, "99": TOLD,
        "2.5": TOLD, "3*": TOLD, "LOSS": TOLD, "NT": TOLD,
    },
    "raw": {
        **_NO_NUMBER, "N/A": BLANK, "12.0": "12", "012": "12", "12.5": TOLD, "101": TOLD, "9999": TOLD, "1e2": TOLD, "E": TOLD,
    },
    "error": {**_NO_NUMBER, "N/A": BLANK, "12.0": "12", "12.5": TOLD, "9999": TOLD},
    "measure": {"N/A": BLANK, **dict.fromkeys(("*", "-1", "0", "9999", "1045", "1045l", "abc", "L", "Q", "NS"), TOLD)},
}  # fmt: skip
RECORD = {
    "scale": "scale_score",
    "result": "result",
    "raw": "raw_score",
    "error": "error_band",
    "measure": "measure",
}
# Levels in words have numbers where the state's reports give them some.
_NUMBERED = {"3.0", "03", " 3 "}


def columns(file: ScoreFile, test: LayoutTest) -> Iterator[tuple[str, str, Part]]:
    for part in test.parts:
        for kind in RECORD:
            name = getattr(part, kind)
            if name and file.held(test, name):
                yield kind, name, part


def expected_of(kind: str, part: Part) -> dict[str, str]:
    values = VALUES[kind]
    if kind == "result" and "3" not in (part.results or {}):
        third = part.spellings().get("3", TOLD)
        return {value: third if value in _NUMBERED else expected for value, expected in values.items()}
    return values


@pytest.mark.parametrize(("layout", "test"), one_in(20, EVERY[::-1]))
def test_an_odd_value_is_read_as_a_person_reads_it_or_reported(layout: str, test: str) -> None:
    most = max(map(len, VALUES.values()))
    file = score_file(layout, students_of(district(), layout, test, most + most // 10), test)
    tested = next(one for one in file.tests if one.code == test)

    wrong = [said for kind, name, part in columns(file, tested) for said in _wrong(file, tested, kind, name, part)]

    assert wrong == []


def _wrong(file: ScoreFile, test: LayoutTest, kind: str, name: str, part: Part) -> Iterator[str]:
    lines, at, expected = file.of(test), file.at[name], expected_of(kind, part)
    assert len(lines) >= len(expected), "a line for each value"
    were = [record[at] for record in lines]
    numbers = [2 + file.records.index(record) for record in lines]
    for record, value in zip(lines, expected, strict=False):
        record[at] = value
    with RolledBack():
        run = start(TYPES[file.layout.key], file.text(), work="import")
        told = _told(run.pk)
        held = dict(Score.objects.filter(assessment__state_code=part.code).values_list("line", RECORD[kind]))
    for record, was in zip(lines, were, strict=True):
        record[at] = was
    for line, (value, right) in zip(numbers, expected.items(), strict=False):
        found = held.get(line, "")
        ends = {
            TOLD: told[line] >= Severity.WARNING,
            BLANK: found == "" and max(told[line], told[0]) >= Severity.NOTICE,
        }
        if not ends.get(right, found == right):
            yield f"{name} {value!r}: {right} expected, on record {found!r}, told {told[line]}"


def _told(run: int) -> Any:
    """Line -> the highest severity of its findings; 0 is the file."""
    found: dict[int, int] = defaultdict(int)
    for line, severity in ImportIssue.objects.filter(run=run).values_list("line", "severity"):
        found[line] = max(found[line], severity)
    return found
