"""Columns of score files that a spreadsheet filled down with a valid value: told, even where nothing is on record yet.

Files of small schools, whose students really are alike, are not.
"""

from collections import Counter

import pytest

from assessments import structure
from assessments.scores import filled_columns
from sisimport.imports.models import ImportRun
from tests.assessments.damaged_columns import ALL, ScoreFile, score_file, students_of, value_columns
from tests.assessments.score_files import start
from tests.assessments.score_home import TYPES
from tests.imports.properties import RolledBack
from tests.longer import one_in
from tests.ssid.journey import District, district

pytestmark = pytest.mark.django_db
STUDENTS = 60
EVERY = [(layout, test.code) for layout in ALL for test in structure.tests_of(ALL[layout])]
SUMMATIVE, CAASPP = "elpac-summative-2023-24", "caaspp-2023-24"


def clean(layout: str, test: str, made: District | None = None) -> ScoreFile:
    return score_file(layout, students_of(made or district(), layout, test, STUDENTS), test)


def filled(file: ScoreFile, name: str, value: str = "") -> ScoreFile:
    """Every scored line has this value, or the commonest one."""
    at, lines = file.at[name], file.of(file.tests[0])
    value = value or Counter(record[at] for record in lines if record[at]).most_common(1)[0][0]
    for record in lines:
        record[at] = value
    return file


def imported(file: ScoreFile, work: str = "import") -> ImportRun:
    run: ImportRun = start(TYPES[file.layout.key], file.text(), work=work)
    assert run.status == "completed", run.message
    return run


def told(file: ScoreFile) -> str:
    """The findings about columns with one value."""
    issues = imported(file, "test").issues.filter(code="EXC-FILLED", line=0)
    return "; ".join(columns for columns in issues.values_list("params__columns", flat=True))


@pytest.mark.parametrize(("layout", "code"), one_in(18, EVERY[::-1]))
def test_scores_and_levels_of_parts_that_were_filled_down(layout: str, code: str) -> None:
    made = district()
    file = clean(layout, code, made)
    test = next(one for one in file.tests if one.code == code)
    levels = filled_columns.levels_of(test.parent)
    at = file.at.get(test.parent.result)
    if at is None or any(sum(r[at] == end for r in file.of(test)) < 3 for end in (levels[0], levels[-1])):
        return  # no students at both ends
    own = {test.parent.result, test.parent.scale}
    silent = []
    for name in [name for name in value_columns(file, test) if name not in own]:
        with RolledBack():
            changed = ScoreFile(file.layout, [list(record) for record in file.records], file.names)
            place, lines = file.at[name], changed.of(test)
            value = Counter(record[place] for record in lines if record[place]).most_common(1)[0][0]
            for record in lines:
                if record[place]:
                    record[place] = value
            if ALL[layout].fields[name].name not in told(changed):
                silent.append(name)

    assert silent == []


@pytest.mark.parametrize("layout", [SUMMATIVE, CAASPP])
def test_a_grade_that_was_filled_down(layout: str) -> None:
    file = clean(layout, "ELPACS" if layout == SUMMATIVE else "SBELA")

    assert "Grade" in told(filled(file, "grade_assessed"))


def test_a_gender_that_was_filled_down() -> None:
    assert "gender (F)" in told(filled(clean(CAASPP, "SBELA"), "gender", "F"))


def test_a_school_that_was_filled_down() -> None:
    file = clean(CAASPP, "SBELA")
    for record in file.records[::2]:
        record[file.at["tested_school_code"]] = "19647330199999"

    assert "school (0123456)" in told(file)


@pytest.mark.parametrize(
    ("layout", "test", "name", "value", "said"),
    [
        (SUMMATIVE, "ELPACS", "elas", "EO", "ELAS (EO)"),
        (SUMMATIVE, "ELPACS", "include_indicator", "N", "include indicator (N)"),
        (CAASPP, "SBELA", "include_indicator", "Y", ""),
        (CAASPP, "SBELA", "elas", "EO", ""),
        (CAASPP, "SBELA", "homeless", "No", ""),
        (CAASPP, "SBELA", "ethnicity", "500", ""),
        (CAASPP, "SBELA", "disadvantaged", "Yes", ""),
    ],
)
def test_facts_of_a_small_school(layout: str, test: str, name: str, value: str, said: str) -> None:
    assert said in told(filled(clean(layout, test), name, value))
    assert said or not ImportRun.objects.latest("pk").warning_count


@pytest.mark.parametrize(
    ("name", "value", "lines", "expected"),
    [
        ("ethnicity", "500", 999, False),
        ("ethnicity", "500", 1_000, True),
        ("disability", "N", 499, False),
        ("disability", "N", 500, True),
        ("disability", "Y", 999, False),
        ("disadvantaged", "Y", 1_999, False),
        ("disadvantaged", "Y", 2_000, True),
        ("elas", "EO", 1_000, True),
        ("homeless", "N", 500_000, False),
        ("homeless", "Y", 1_000, True),
        ("military", "N", 500_000, False),
    ],
)
def test_in_how_many_lines_a_fact_has_one_value_by_chance(name: str, value: str, lines: int, expected: bool) -> None:
    assert filled_columns.is_filled_down(name, value, lines, "caaspp") is expected


def test_a_girls_school_is_right() -> None:
    made = district()
    file = clean(CAASPP, "SBELA", made)
    made.lea.students.update(gender="F")

    assert told(filled(file, "gender", "F")) == ""


def test_a_class_of_one_grade_is_right() -> None:
    file = clean(CAASPP, "SBELA")
    grade = file.at["grade_assessed"]
    commonest = Counter(record[grade] for record in file.records).most_common(1)[0][0]
    file.records[:] = [record for record in file.records if record[grade] == commonest] * 6

    assert told(file) == ""


def test_newcomers_who_all_have_the_lowest_score_of_a_part_are_right() -> None:
    file = clean("elpac-initial-2023-24", "ELPACI")
    level = file.at["achievement_level"]
    for record in file.records:
        record[level] = "Novice English Learner"

    assert "RawScore" not in told(filled(file, "raw_score_4", "0"))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("ethnicity", "500", "ethnicity as tested"),
        ("elas", "RFEP", "ELAS as tested"),
        ("tested_school_code", "19647330199999", "tested at"),
        ("disadvantaged", "No", "disadvantaged as tested"),
    ],
)
def test_much_of_who_was_tested_would_differ_from_the_record(name: str, value: str, said: str) -> None:
    file = clean(CAASPP, "SBELA")
    imported(file)

    run = imported(filled(file, name, value))

    (columns,) = run.issues.filter(code="EXC-COLUMN-OTHER").values_list("params__columns", flat=True)
    assert said in columns


@pytest.mark.parametrize(
    ("layout", "code", "name"),
    [
        (SUMMATIVE, "ELPACS", "listening_level"),
        (SUMMATIVE, "ELPACS", "raw_score_2"),
        (CAASPP, "SBMATH", "composite_claim_1_level"),
        ("elpac-initial-2023-24", "ELPACI", "written_level"),
    ],
)
def test_a_column_that_was_filled_down_from_the_middle_on(layout: str, code: str, name: str) -> None:
    file = score_file(layout, students_of(district(), layout, code, 160), code)
    lines = file.of(next(one for one in file.tests if one.code == code))
    at, half = file.at[name], len(lines) // 2
    assert f"{ALL[layout].fields[name].name} (" not in told(file)
    for record in lines[half:]:
        record[at] = lines[half][at]

    assert f" from line {file.records.index(lines[half]) + 2:,}" in told(file)


@pytest.mark.parametrize(
    ("values", "levels", "found"),
    [
        ([1, 2] * 50 + [3] * 100, [1, 2, 3, 4] * 50, 101),
        ([1, 2] * 50 + [3] * (filled_columns.LONG_RUN - 1), [1, 2, 3, 4] * 50, 0),
        ([3] * 100 + [1, 2] * 50, [1, 2, 3, 4] * 50, 1),
        ([1, 2] * 50 + [3] * 100, [1, 2] * 50 + [3, 4] * 50, 0),  # sorted: the lowest are not among them
        ([1, 2] * 50 + [3] * 100, [1, 4] * 50 + [1, 2, 3, 4] + [2, 3] * 48, 0),  # hardly
        ([1, None] * 50 + [None, 3] * 100, [1, 2, 3, 4, 4, 3, 2, 1] * 40, 102),
        ([], [], 0),
    ],
)
def test_from_which_line_on_a_column_was_filled_down(values: list[int | None], levels: list[int], found: int) -> None:
    rows = [(line, level, value) for line, (value, level) in enumerate(zip(values, levels, strict=False), 1)]

    assert filled_columns.first_of_run(rows, 2, 4) == found
