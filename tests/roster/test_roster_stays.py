"""Import type `students`: exit reasons of enrollments, and lines that say no start date."""

from datetime import date

import pytest

from sisimport.imports.models import RunStatus
from students.models import Enrollment
from tests.imports.journey import District
from tests.roster.test_roster import JOSE, student, update


def test_an_enrollment_ends_with_its_reason(district: District) -> None:
    left = {"enrollment_exit": "2025-01-10", "enrollment_exit_reason": "t160"}
    update(JOSE)
    report = update(JOSE | left)

    stay = student().enrollments.get()
    assert (stay.exit_date, stay.exit_reason) == (date(2025, 1, 10), "T160")
    assert report.written("enrollment") == {"exit_date": "2025-01-10", "exit_reason": "T160"}
    assert update(JOSE | left).changes == []


def test_a_roster_without_the_column_leaves_the_reason_alone(district: District) -> None:
    update(JOSE | {"enrollment_exit": "2025-01-10", "enrollment_exit_reason": "T160"})
    assert update(JOSE | {"enrollment_exit": "2025-01-10"}).changes == []
    assert student().enrollments.get().exit_reason == "T160"


def test_a_blank_reason_clears_it_only_where_asked(district: District) -> None:
    update(JOSE | {"enrollment_exit": "2025-01-10", "enrollment_exit_reason": "T160"})
    blank = JOSE | {"enrollment_exit": "2025-01-10", "enrollment_exit_reason": ""}
    assert update(blank).changes == []
    update(blank, options={"blank": "clear"})
    assert student().enrollments.get().exit_reason == ""


# ---- lines without a start date ----


def _stays() -> list[tuple[date | None, date | None, str]]:
    return list(Enrollment.objects.order_by("start_date").values_list("start_date", "exit_date", "grade"))


@pytest.mark.parametrize("start", [date(2024, 8, 12), None])
def test_an_undated_line_is_about_the_only_stay_at_its_school(district: District, start: date | None) -> None:
    district.student()
    Enrollment.objects.update(start_date=start)

    report = update(JOSE | {"enrollment_start": "", "grade": "11", "enrollment_exit": "2025-06-01"})

    assert report.counts == {"imported": 1}
    assert _stays() == [(start, date(2025, 6, 1), "11")]


def test_an_undated_line_is_about_the_open_stay_of_several(district: District) -> None:
    made = district.student()
    Enrollment.objects.create(
        student=made, school=district.school, start_date=date(2020, 8, 12), exit_date=date(2021, 6, 1), grade="06"
    )

    update(JOSE | {"enrollment_start": "", "grade": "11"})

    assert [grade for _start, _exit, grade in _stays()] == ["06", "11"]


def test_an_undated_line_says_which_of_several_ended_stays_it_cannot_tell(district: District) -> None:
    made = district.student()
    Enrollment.objects.update(exit_date=date(2025, 6, 1))
    Enrollment.objects.create(
        student=made, school=district.school, start_date=date(2020, 8, 12), exit_date=date(2021, 6, 1), grade="06"
    )

    report = update(JOSE | {"enrollment_start": "", "enrollment_exit": "2025-06-05"})

    assert report.issue("ENR-WHICH")["severity"] == "warning"
    assert [end for _start, end, _grade in _stays()] == [date(2021, 6, 1), date(2025, 6, 1)]


def test_an_exit_before_the_start_on_record_is_refused(district: District) -> None:
    district.student()

    report = update(JOSE | {"enrollment_start": "", "enrollment_exit": "2024-08-01"})

    assert (report.codes(2), report.counts) == (["ENR-DATES"], {"refused": 1})


def test_beside_a_dated_line_an_undated_one_changes_no_stay(district: District) -> None:
    district.student()

    report = update(JOSE | {"grade": "11"}, JOSE | {"grade": "12", "enrollment_start": ""})

    assert report.run.status == RunStatus.COMPLETED
    assert [grade for _start, _exit, grade in _stays()] == ["11"]
