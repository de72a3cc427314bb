"""Grades of another year in the column of the grade tested are told in every layout; right files are not, whoever is tested."""

import datetime as dt
from dataclasses import replace

import pytest
from django.db.models import F

from assessments import structure
from assessments.scores import grade_column
from sisimport.imports.models import ImportRun
from students.models import Student
from tests.assessments.damaged_columns import ALL, ScoreFile, score_file, students_of
from tests.assessments.score_files import start
from tests.assessments.score_home import TYPES
from tests.longer import one_in
from tests.ssid.journey import district

pytestmark = pytest.mark.django_db
EVERY = [(layout, test.code) for layout in ALL for test in structure.tests_of(ALL[layout])]
RANGED, UNRANGED = ("caaspp-2023-24", "SBELA"), ("elpac-summative-2024-25", "ELPACSA")
SUMMATIVE = "elpac-summative-2023-24"


def clean(layout: str, test: str, count: int = 60) -> ScoreFile:
    return score_file(layout, students_of(district(), layout, test, count), test)


def moved(file: ScoreFile, by: int, some: int = 1) -> ScoreFile:
    """Every so many records have a grade that is so much higher."""
    at = file.at["grade_assessed"]
    for record in file.records[::some]:
        grade = (0 if record[at] == "KN" else int(record[at])) + by
        record[at] = f"{grade:02}" if grade > 0 else "KN"
    return file


def run(file: ScoreFile, work: str = "import") -> ImportRun:
    found: ImportRun = start(TYPES[file.layout.key], file.text(), work=work)
    return found


def told(found: ImportRun) -> list[str]:
    return [p["way"] for p in found.issues.filter(code="EXC-GRADES", line=0).values_list("params", flat=True)]


@pytest.mark.parametrize(("layout", "test"), one_in(12, EVERY))
def test_grades_of_another_year_are_told(layout: str, test: str) -> None:
    file = clean(layout, test)
    right, at = run(file, "test"), file.at["grade_assessed"]
    if right.import_count + right.planned_count < grade_column._FEWEST:
        return  # a pilot without results
    was = [record[at] for record in file.records]

    above = run(moved(file, 1), "test")
    for record, grade in zip(file.records, was, strict=True):
        record[at] = grade
    below = run(moved(file, -1), "test")

    assert (told(right), told(above), told(below)) == ([], ["one grade above"], ["one grade below"])


@pytest.mark.parametrize(("layout", "test"), [RANGED, UNRANGED])
def test_they_never_replace_scores_on_record(layout: str, test: str) -> None:
    file = clean(layout, test)
    run(file)

    again = run(moved(file, 1))

    assert (again.status, again.import_count) == ("rejected", 0)
    assert "one grade above" in again.message


def test_thresholds_tell_where_birth_dates_do_not() -> None:
    file = clean(*RANGED)
    Student.objects.update(birth_date=F("birth_date") - dt.timedelta(days=3000))
    for record in file.records:
        record[file.at["birth_date"]] = ""

    assert told(run(moved(file, 1), "test")) == ["one grade above"]


@pytest.mark.parametrize(("layout", "test"), [RANGED, UNRANGED, (SUMMATIVE, "ELPACS")])
def test_grades_of_another_year_in_some_lines_are_told(layout: str, test: str) -> None:
    assert told(run(moved(clean(layout, test), 1, some=3), "test")) == ["one grade above"]


def test_a_few_students_ahead_of_their_age_are_nothing_unusual() -> None:
    assert told(run(moved(clean(SUMMATIVE, "ELPACS"), 1, some=12), "test")) == []


def test_scores_without_a_grade_are_told_once() -> None:
    file = clean(*UNRANGED)
    for record in [one for one in file.records if not one[file.at["condition_code"]]][3:7]:
        record[file.at["grade_assessed"]] = ""

    (params,) = run(file, "test").issues.filter(code="EXC-GRADE-BLANK").values_list("params", flat=True)

    assert params["count"] == "4"


def test_students_who_are_as_young_on_record_are_nothing_unusual() -> None:
    persons = [
        replace(person, birth_date=person.birth_date.replace(year=person.birth_date.year + 1))
        for person in students_of(district(), SUMMATIVE, "ELPACS", 40)
    ]
    for person in persons:
        Student.objects.filter(local_number=person.local_number).update(birth_date=person.birth_date)

    assert told(run(score_file(SUMMATIVE, persons, "ELPACS"), "test")) == []
