"""Birth dates with day and month exchanged: one is a warning of its line, most of a file refuse it."""

from collections.abc import Sequence

import pytest

from students.models import Student
from tests.imports.journey import District, Report, run_file
from tests.roster.test_roster import JOSE, csv, roster, update

BORN = ["2014-03-04", "2014-03-05", "2014-05-09", "2014-10-02", "2014-11-12", "2014-04-04", "2014-03-25"]
SWAPPED = ["2014-04-03", "2014-05-03", "2014-09-05", "2014-02-10", "2014-12-11"]


def lines(days: Sequence[str]) -> list[dict[str, str]]:
    return [
        JOSE
        | {"local_number": f"70{at}", "ssid": "", "last_name": f"Lee{chr(97 + at)}", "birth_date": day, "grade": ""}
        for at, day in enumerate(days)
    ]


@pytest.fixture
def on_record(district: District) -> None:
    assert update(*lines(BORN)).run.error_count == 0


def _swapped(report: Report) -> list[tuple[int, str, str, str]]:
    return [
        (issue["line"], issue["severity"], issue["found"], issue["expected"])
        for issue in report.issues
        if issue["code"] == "BIRTH-SWAPPED"
    ]


def test_one_exchanged_birth_date_is_a_warning_with_line_both_dates_and_next_step(on_record: None) -> None:
    report = roster(*lines([BORN[0], SWAPPED[1], *BORN[2:]]))

    assert _swapped(report) == [(3, "warning", "2014-05-03", "2014-03-05")]
    said = report.issue("BIRTH-SWAPPED")["message"]
    assert said.startswith(
        "Birth date is 2014-05-03; on record it is 2014-03-05, the same date with day and month swapped."
    )
    assert [change["after"] for change in report.changes if change["field"] == "birth_date"] == ["2014-05-03"]


@pytest.mark.parametrize("day", ["2014-03-06", "2013-05-03", "2014-05-04", "2014-03-05"])
def test_another_day_is_not_an_exchange(on_record: None, day: str) -> None:
    assert _swapped(roster(*lines([BORN[0], day, *BORN[2:]]))) == []


def test_a_file_in_the_other_order_is_refused_as_a_whole(on_record: None) -> None:
    before = list(Student.objects.order_by("pk").values())

    report = run_file("students", csv(*lines([*SWAPPED, *BORN[5:]])))

    assert report.run.status == "rejected"
    assert "In 5 of 5 lines that could show it, day and month of the birth date are swapped" in report.run.message
    assert "line 2: 2014-04-03, on record 2014-03-04" in report.run.message
    assert list(Student.objects.order_by("pk").values()) == before


def test_lines_that_cannot_show_it_do_not_hide_it(on_record: None) -> None:
    """A first of January in either order, and days that are not months, are not witnesses."""
    assert roster(*lines([*SWAPPED[:3], *BORN[5:]])).run.status == "rejected"


def test_half_of_the_lines_or_less_are_errors_of_people(on_record: None) -> None:
    report = roster(*lines([*SWAPPED[:2], *BORN[2:]]))

    assert (report.run.status, len(_swapped(report))) == ("completed", 2)


def test_a_few_corrections_are_not_a_wrong_order(on_record: None) -> None:
    assert roster(*lines(SWAPPED[:2])).run.status == "completed"


def test_someone_who_says_that_the_file_is_right_gets_it_written_with_warnings(on_record: None) -> None:
    report = update(*lines(SWAPPED), options={"exchanged_birth_dates": "write"})

    assert (report.run.status, len(_swapped(report))) == ("completed", 5)
    born = (
        Student.objects.filter(local_number__startswith="70")
        .order_by("local_number")
        .values_list("birth_date", flat=True)
    )
    assert [f"{day}" for day in born][:5] == SWAPPED


def test_dates_of_other_lines_are_refused_all_the_same(on_record: None) -> None:
    report = roster(*lines([*BORN[1:], BORN[0]]), options={"exchanged_birth_dates": "write"})

    assert (report.run.status, [i["code"] for i in report.issues]) == ("rejected", ["COLUMN-SORTED"])


def test_new_students_are_not_witnesses(district: District) -> None:
    assert roster(*lines(SWAPPED)).run.status == "completed"
