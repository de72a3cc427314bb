"""How many students were to take a test: from enrollments on record, on May 1 of the school year, each student once."""

import datetime as dt
from typing import Any

import pytest

from assessments.results import rows
from assessments.results.asking import what_is_held
from assessments.results.enrolled import Enrolled, enrolled_for
from assessments.results.hiding import TOTAL
from assessments.results.shapes import At, Choice, Reader
from assessments.results.tables import build
from students.models import ELRecord, Enrollment, ProgramStatus, School
from tests.assessments.test_results_choices import SEES, SHARED, count, district, key
from tests.factories import StudentFactory

pytestmark = pytest.mark.django_db
TODAY = dt.date(2026, 3, 1)  # of the school year 2025-26


def day(text: str) -> dt.date | None:
    return dt.date.fromisoformat(text) if text else None


def stay(school: School, grade: str, start: str = "2023-08-15", end: str = "", student: Any = None, n: int = 1) -> Any:
    for _n in range(n):
        student = student or StudentFactory(school=school, enrollment=None)
        Enrollment.objects.create(
            student=student, school=school, grade=grade, start_date=day(start), exit_date=day(end)
        )
        last, student = student, None
    return last


def enrolled(test: str = "SBELA", reader: Reader = SEES, years: tuple[int, ...] = (2024,), **choice: Any) -> Enrolled:
    found = enrolled_for(Choice(test, 2024, **choice), reader, years, what_is_held().districts, today=TODAY)
    assert found is not None
    return found


def test_someone_who_was_enrolled_on_may_1_counts_in_the_grade_of_that_day() -> None:
    (oak,) = district("Oak")
    stay(oak, "05", "2023-08-15", "2024-06-05")  # the whole year
    stay(oak, "05", "2024-05-01", "2024-06-05")  # since that day
    stay(oak, "05", "2023-08-15", "2024-05-01")  # until that day
    stay(oak, "05", "2024-05-02", "2024-06-05")  # came a day later
    stay(oak, "05", "2023-08-15", "2024-04-30")  # left the day before
    stay(oak, "07", "2021-08-15")  # continues, two grades higher today
    stay(oak, "06", "2022-08-15", "2024-12-20")  # left in the next school year, as a sixth grader
    stay(oak, "05", "")  # nobody knows since when: of today only
    stay(oak, "03", "2024-04-01", "2024-06-05")
    stay(oak, "AD", "2023-08-15")  # no grade that is tested
    found = enrolled()
    assert found.at(At(2024, key(oak), "05")) == 5
    assert found.at(At(2024, TOTAL, "03")) == 1
    assert found.at(At(2024)) == found.at(At(2024, key(oak))) == 6
    # A year earlier: those who continue, and who left as a sixth grader after it. A year later: again a grade higher.
    several = enrolled(years=(2023, 2024, 2025))
    assert [several.at(At(year, TOTAL, f"{4 + year - 2023:02}")) for year in (2023, 2024, 2025)] == [2, 5, 1]
    assert several.at(At(2023)) == 2


def test_a_student_counts_once_at_the_school_that_came_last() -> None:
    oak, elm = district("Oak", "Elm")
    moved = stay(oak, "05", "2023-08-15")  # nobody closed it
    stay(elm, "05", "2024-02-01", student=moved, end="2024-06-05")
    found = enrolled()
    assert found.at(At(2024)) == found.at(At(2024, key(elm))) == 1
    assert found.at(At(2024, key(oak))) is None


def test_of_the_elpac_english_learners_of_that_day_count() -> None:
    (oak,) = district("Oak")

    def learner(status: ProgramStatus, since: str, until: str = "") -> None:
        student = stay(oak, "02", "2023-08-15", "2024-06-05")
        ELRecord.objects.create(
            student=student, program_status=status, identified_date=day(since), exit_date=day(until)
        )

    learner(ProgramStatus.EL, "2022-09-01")
    learner(ProgramStatus.EL, "")
    learner(ProgramStatus.EXITED, "2022-09-01", "2024-05-20")  # reclassified after that day
    learner(ProgramStatus.EXITED, "2022-09-01", "2024-02-20")
    learner(ProgramStatus.EL, "2024-05-20")  # found later
    learner(ProgramStatus.EO, "2022-09-01")
    stay(oak, "02", "2023-08-15", "2024-06-05")
    assert enrolled("ELPACS").at(At(2024, key(oak), "02")) == 3
    assert enrolled("SBELA").at(At(2024)) is None


def test_only_schools_and_grades_that_are_asked_for_and_may_be_seen_count() -> None:
    oak, elm = district("Oak", "Elm")
    for school, grade, n in ((oak, "05", 2), (oak, "08", 3), (elm, "05", 4), (elm, "06", 1)):
        stay(school, grade, "2023-08-15", "2024-06-05", n=n)
    assert enrolled().at(At(2024)) == 10
    assert enrolled(grades=("05",)).at(At(2024)) == 6
    assert enrolled(schools=(key(oak),)).at(At(2024)) == 5
    assert enrolled(schools=(("", oak.code),)).at(At(2024, ("", oak.code))) == 5
    mine = Reader(frozenset({key(elm)}), sees_each=False)
    assert enrolled(reader=mine).at(At(2024)) == 5
    assert enrolled(reader=mine).at(At(2024, key(oak))) is None
    assert enrolled().at(At(2024, group="e:500")) is None, "groups are those of tested students"
    # Science is taken in grades 5 and 8, and once in high school, nobody knows when.
    cast = enrolled("CAST")
    assert (cast.at(At(2024, TOTAL, "08")), cast.at(At(2024, TOTAL, "11")), cast.at(At(2024))) == (3, None, None)
    assert enrolled("CAST", grades=("05", "08")).at(At(2024)) == 9
    assert enrolled_for(Choice("CAAELA", 2024), SEES, [2024], ["1234567"]) is None


def test_a_table_holds_enrolled_students_and_the_percent_tested_and_none_of_hidden_rows() -> None:
    oak, elm, ash = district("Oak", "Elm", "Ash")
    for school, tested, n in ((oak, 18, 20), (elm, 7, 9), (ash, 12, 12)):
        count(school, "05", all=tested)
        stay(school, "05", "2023-08-15", "2024-06-05", n=n)
    found = build(Choice("SBELA", 2024, by="school"), what_is_held(), SHARED)
    told = {row["label"]: (row["enrolled"], row["tested"], row["tested_percent"]) for row in rows.as_objects(found)}
    assert told == {
        "District": (41, 37, 90.2),
        "Oak": (20, 18, 90.0),
        "Elm": (None, None, None),
        "Ash": (None, None, None),  # hidden with Elm
    }
    assert rows.head(found)[:5] == ["School", "Enrolled", "Tested", "Tested, percent", "With a score"]
    assert rows.lines(found)[0][:5] == ["District", 41, 37, 90.2, 37]
    assert any("May 1" in note for note in found.notes)
    # What is not on record is told with what brings it, and so is what cannot be right.
    count(oak, "05", year=2023, all=20)
    notes = build(Choice("SBELA", 2024, by="year"), what_is_held(), SEES).notes
    assert any("No enrollments for 2022-23" in note and "roster" in note for note in notes)
    Enrollment.objects.exclude(school=oak).delete()
    short = build(Choice("SBELA", 2024, by="school"), what_is_held(), SEES)
    assert any("more students were tested than the enrollments" in note for note in short.notes)
    whole = rows.as_objects(short)[0]
    assert (whole["enrolled"], whole["tested"], whole["tested_percent"]) == (20, 37, None)  # no 185 percent
    count(oak, "05", code="CAAELA", all=20)
    other = build(Choice("CAAELA", 2024, by="school"), what_is_held(), SEES)
    assert not other.has_enrolled
    assert any("do not show which students" in note for note in other.notes)
