"""Files that are right although their columns look odd: there is no finding about the whole file.

What is said of columns that are wrong: test_damaged_columns.py.
"""

import pytest

from sisimport.imports.models import ImportIssue, ImportRun
from tests.assessments.damaged_columns import ScoreFile, score_file, students_of, value_columns
from tests.assessments.score_files import start
from tests.assessments.score_home import TYPES
from tests.imports.properties import RolledBack
from tests.longer import one_in
from tests.ssid.journey import district

pytestmark = pytest.mark.django_db
STUDENTS = 45


def clean(layout: str, test: str) -> ScoreFile:
    return score_file(layout, students_of(district(), layout, test, STUDENTS), test)


def imported(file: ScoreFile) -> list[str]:
    """Codes of the findings about the whole file."""
    run: ImportRun = start(TYPES[file.layout.key], file.text(), work="import")
    assert run.status == "completed", run.message
    return list(ImportIssue.objects.filter(run=run, line=0).values_list("code", flat=True))


@pytest.mark.parametrize(
    ("layout", "test"),
    one_in(2, [("caaspp-2023-24", "SBELA"), ("caaspp-2022-23", "CAASCI"), ("elpac-initial-2020-21", "ELPACI")]),
)
def test_a_file_sorted_as_a_whole_by_a_column_is_right(layout: str, test: str) -> None:
    file = clean(layout, test)
    said = {}
    for name in value_columns(file, next(one for one in file.tests if one.code == test)):
        file.records.sort(key=lambda record: record[file.at[name]])
        with RolledBack():
            said[name] = imported(file)

    assert said
    assert not any(said.values()), said


def test_a_rescoring_that_moves_two_parts_is_not_an_exchange() -> None:
    file = clean("caaspp-2016-17", "SBELA")
    imported(file)
    one, other = file.at["claim_1_level"], file.at["claim_2_level"]
    apart = [record for record in file.records if record[one] != record[other] and record[one]]
    assert len(apart) >= 6
    for record in apart[:3]:  # by chance
        record[one], record[other] = record[other], record[one]
    for record in apart[3:6]:
        record[one] = record[other] = "2"

    assert imported(file) == []


@pytest.mark.parametrize("exempt", [9, 15])
def test_some_students_are_exempt_from_a_domain(exempt: int) -> None:
    file = clean("elpac-initial-2020-21", "ELPACI")
    for record in file.of(file.tests[0])[:exempt]:
        record[file.at["condition_code"]] = "EXD"

    assert imported(file) == (["EXC-CODE-MANY"] if exempt == 15 else [])


@pytest.mark.parametrize("above", [0, 1])
def test_the_lowest_score_has_the_code_of_the_lowest_score(above: int) -> None:
    """Of a test without published ranges: the file itself shows which score is the lowest of a grade."""
    file = clean("caaspp-2017-18", "CAAMATH")
    test = next(one for one in file.tests if one.code == "CAAMATH")
    lines = file.of(test)
    grades = sorted({record[file.at["grade_assessed"]] for record in lines})
    scale = file.at["scale_score"]
    for grade in grades:
        of_grade = [record for record in lines if record[file.at["grade_assessed"]] == grade]
        lowest = min(of_grade, key=lambda record: int(record[scale]))
        for record in [one for one in of_grade if one is not lowest][:1]:
            record[:] = [*record[:scale], str(int(lowest[scale]) + above), *record[scale + 1 :]]
            record[file.at["condition_code"]] = "INC0"
            for name in value_columns(file, test):
                if name != "scale_score":
                    record[file.at[name]] = lowest[file.at[name]]

    assert imported(file) == (["EXC-CODE-LOWEST"] if above else [])
