"""A level that does not go with its score is told in every test: by published thresholds, else by the other lines of a grade."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assessments import structure
from assessments.scores.filled_columns import levels_of
from assessments.scores.level_order import Lines, misplaced, without_thresholds
from sisimport.imports.models import ImportRun
from tests.assessments.damaged_columns import ALL, score_file, students_of
from tests.assessments.score_files import start
from tests.assessments.score_home import TYPES
from tests.longer import one_in
from tests.ssid.journey import district

UNPUBLISHED = [
    (key, test.code)
    for key, layout in ALL.items()
    for test in without_thresholds(structure.tests_of(layout), structure.school_year(key))
]


def test_tests_of_this_year_are_among_those_without_thresholds() -> None:
    assert {("caaspp-2024-25", "CSA"), ("caaspp-2024-25", "CAASCI"), ("elpac-summative-2024-25", "ELPACSA")} <= {
        *UNPUBLISHED
    }
    assert ("caaspp-2024-25", "SBELA") not in UNPUBLISHED


@pytest.mark.django_db
@pytest.mark.parametrize(("key", "code"), one_in(5, UNPUBLISHED[::-1]))
def test_levels_that_do_not_rise_with_the_score(key: str, code: str) -> None:
    file = score_file(key, students_of(district(), key, code, 40), code)
    test = next(one for one in file.tests if one.code == code)
    scale, level, grade = (file.at[name] for name in (test.parent.scale, test.parent.result, "grade_assessed"))
    levels = levels_of(test.parent)
    lines = file.of(test)
    for record in lines:  # one threshold every hundred points, in one grade
        record[grade] = lines[0][grade]
        record[level] = levels[min(int(record[scale]) % 100 * len(levels) // 100, len(levels) - 1)]
        record[scale] = str(300 + int(record[scale]) % 100)
    right: ImportRun = start(TYPES[key], file.text(), work="test")
    highest = max(lines, key=lambda record: int(record[scale]))
    highest[level] = levels[0]
    wrong: ImportRun = start(TYPES[key], file.text(), work="test")

    assert not right.issues.filter(code="EXC-LEVEL-ORDER").exists()
    (told,) = wrong.issues.filter(code="EXC-LEVEL-ORDER", line=0).values_list("params", flat=True)
    expected = {
        "first": f"{file.records.index(highest) + 2}",
        "level": levels[0],
        "score": highest[scale],
        "count": "1",
    }
    assert told == {"test": test.parent.name, **expected}


@pytest.mark.parametrize(
    ("pairs", "odd"),
    [
        ([(300, 0), (310, 1), (320, 2)], []),
        ([(300, 1), (310, 1), (320, 2)], []),
        ([(300, 2), (310, 2)], []),
        ([(300, 2), (310, 0), (311, 0), (320, 1), (330, 2)], [300]),
        ([(300, 0), (301, 0), (310, 1), (311, 1), (320, 0)], [320]),
        ([(300, 0), (300, 1), (300, 0)], [300]),
        ([], []),
    ],
)
def test_the_fewest_lines_are_reported(pairs: list[tuple[int, int]], odd: list[int]) -> None:
    lines = [Lines(score, level, 1, at) for at, (score, level) in enumerate(pairs)]

    assert [one.score for one in misplaced(lines, 3)] == odd


@given(st.lists(st.tuples(st.integers(300, 306), st.integers(0, 2), st.integers(1, 3)), max_size=9))
def test_no_thresholds_fit_more_lines(held: list[tuple[int, int, int]]) -> None:
    lines = [Lines(score, level, count, at) for at, (score, level, count) in enumerate(held)]
    fewest = min(
        sum(one.count for one in lines if one.level != (one.score >= second) + (one.score >= third))
        for second, third in product(range(300, 308), repeat=2)
        if second <= third
    )

    assert sum(one.count for one in misplaced(lines, 3)) == fewest
