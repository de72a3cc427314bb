"""Columns that are wrong in some lines, rounded, or in a file of a few lines are reported; right files are not."""

from collections.abc import Callable

import pytest

from assessments import structure
from assessments.scores.filled_columns import levels_of
from tests.assessments.damaged_columns import ALL, ScoreFile, score_file, students_of
from tests.assessments.score_files import start
from tests.assessments.score_home import TYPES
from tests.longer import one_in
from tests.ssid.journey import district

pytestmark = pytest.mark.django_db
CODES = ("EXC-PARTS-FAR", "EXC-ROUNDED", "EXC-ORDER")
EVERY = [(layout, test.code) for layout in ALL for test in structure.tests_of(ALL[layout])]
ELA, CLAIMS, SUMMATIVE = ("caaspp-2023-24", "SBELA"), ("caaspp-2016-17", "SBELA"), ("elpac-summative-2023-24", "ELPACS")


def clean(layout: str, test: str, count: int = 90) -> ScoreFile:
    return score_file(layout, students_of(district(), layout, test, count), test)


def reported(file: ScoreFile) -> dict[str, str]:
    """Codes of what is said of columns, with the columns."""
    run = start(TYPES[file.layout.key], file.text())
    return dict(run.issues.filter(code__in=CODES, line=0).values_list("code", "params__columns"))


def changed(file: ScoreFile, field: str, change: Callable[[str], str], every: int = 1) -> ScoreFile:
    for record in file.of(next(test for test in file.tests if file.of(test)))[::every]:
        record[file.at[field]] = change(record[file.at[field]])
    return file


@pytest.mark.combinations
@pytest.mark.parametrize(("layout", "test"), one_in(9, EVERY))
@pytest.mark.parametrize("count", [7, 90])
def test_nothing_is_said_of_right_files(layout: str, test: str, count: int) -> None:
    assert reported(clean(layout, test, count)) == {}


@pytest.mark.parametrize(
    ("layout", "test", "field"), [(*CLAIMS, "claim_1_level"), (*SUMMATIVE, "reading_level"), (*SUMMATIVE, "oral_level")]
)
def test_levels_moved_in_turn_in_a_third_of_the_lines(layout: str, test: str, field: str) -> None:
    """The highest becomes the lowest: no student at the highest level of the test has that."""
    file = clean(layout, test)
    tested = next(one for one in file.tests if one.code == test)
    levels = levels_of(next(part for part in tested.parts if part.result == field))
    turned = dict(zip(levels, [*levels[1:], levels[0]], strict=True))

    found = reported(changed(file, field, lambda level: turned.get(level, level), every=3))

    assert file.layout.fields[field].name in found["EXC-PARTS-FAR"]


def test_a_level_that_nobody_has_any_more() -> None:
    found = reported(changed(clean(*CLAIMS), "claim_2_level", lambda level: "2" if level == "1" else level))

    assert ALL[CLAIMS[0]].fields["claim_2_level"].name in found["EXC-PARTS-FAR"]


@pytest.mark.parametrize(("field", "tens"), [("scale_score", -1), ("scale_score", -2), ("scale_score_sem", -1)])
def test_rounded_columns(field: str, tens: int) -> None:
    found = reported(changed(clean(*ELA), field, lambda value: str(round(int(value), tens)) if value else ""))

    assert file_name(field) in found["EXC-ROUNDED"]


def file_name(field: str) -> str:
    return ALL[ELA[0]].fields[field].name


def test_measures_that_fall_where_the_score_rises() -> None:
    file = clean(*ELA)
    lines, at = file.of(file.tests[0]), file.at["lexile_quantile"]
    some = lines[30:60]
    values = [record[at] for record in some]
    for record, value in zip(some, [values[-1], *values[:-1]], strict=True):
        record[at] = value

    assert file_name("lexile_quantile") in reported(file)["EXC-ORDER"]


@pytest.mark.combinations
@pytest.mark.parametrize("count", [8, 20, 60])
@pytest.mark.parametrize(
    ("layout", "test", "field"),
    [("caaspp-2015-16", "STS", "raw_score_1"), (*SUMMATIVE, "raw_score_1"), (*SUMMATIVE, "oral_scale_score")],
)
def test_scores_of_other_students_are_seen_in_small_files_too(layout: str, test: str, field: str, count: int) -> None:
    file = clean(layout, test, count)
    tested = next(one for one in file.tests if one.code == test)
    lines, at = file.of(tested), file.at[field]
    for record in lines:  # of one grade, as in a small school
        record[file.at["grade_assessed"]] = lines[0][file.at["grade_assessed"]]
    in_order = sorted(lines, key=lambda record: int(record[at] or 0))
    for record, value in zip(in_order, [one[at] for one in in_order][::-1], strict=True):
        record[at] = value

    assert file.layout.fields[field].name in reported(file)["EXC-ORDER"]
