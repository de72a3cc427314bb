"""Headings of the levels of two parts that were exchanged: each level goes with the score of the other part."""

from itertools import combinations

import pytest

from assessments import structure
from tests.assessments.damaged_columns import ALL, ScoreFile, score_file, students_of
from tests.assessments.score_files import report
from tests.assessments.score_home import TYPES
from tests.longer import one_in
from tests.ssid.journey import codes, district

pytestmark = pytest.mark.django_db
PAIRS = [
    (layout, test.code, one.result, other.result)
    for layout in ALL
    for test in structure.tests_of(ALL[layout])
    for one, other in combinations(test.children, 2)
    if one.result and other.result and (one.scale or one.raw) and (other.scale or other.raw)
]


def levels_by_score(file: ScoreFile, test: structure.LayoutTest) -> None:
    """Each part has scores of its own, by which its level goes: thirds of those of its grade."""
    for number, part in enumerate(test.children, 1):
        score = part.scale or part.raw
        if not (score and part.result):
            continue
        names = [code for code in reversed(list(part.results or {})) if code not in {*structure.no_score(), "E"}]
        for at, record in enumerate(file.of(test)):
            share = (at * 7919 * number**2 % 97) / 97
            record[file.at[score]] = str(int((1450 if part.scale else 2) + 60 * share))
            record[file.at[part.result]] = names[int(share * len(names))]


@pytest.mark.parametrize(("layout", "code", "one", "other"), one_in(9, PAIRS))
def test_levels_with_swapped_headings_are_reported_without_any_record(
    layout: str, code: str, one: str, other: str
) -> None:
    file = score_file(layout, students_of(district(), layout, code, 45), code)
    test = next(test for test in file.tests if test.code == code)
    levels_by_score(file, test)
    assert "EXC-CROSSED" not in codes(report(TYPES[layout], file.text()))
    names = file.names
    names[file.at[one]], names[file.at[other]] = names[file.at[other]], names[file.at[one]]

    done = report(TYPES[layout], file.text())

    (told,) = [issue for issue in done["issues"] if issue["code"] == "EXC-CROSSED"]
    assert told["severity"] == "warning"
    assert all(ALL[layout].fields[name].name in told["message"] for name in (one, other))
