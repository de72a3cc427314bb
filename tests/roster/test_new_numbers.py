"""Local numbers of new students, looked at together: no record contradicts a number that was mistyped."""

import datetime as dt

import pytest

from tests.imports.evaluating import evaluated
from tests.imports.journey import Report, make_district

pytestmark = pytest.mark.django_db
COUNT = 30
HEAD = "lea,school,local_number,last_name,first_name,birth_date,enrollment_start"
NUMBERS = [f"{100_100 + 37 * at}" for at in range(COUNT)]


def born(at: int) -> dt.date:
    return dt.date(2009, 1, 5) + dt.timedelta(days=67 * at)


def said(numbers: list[str], start: str = "2024-08-12") -> Report:
    lines = [
        f"1234567,0123456,{number},L{chr(97 + at % 26)}{chr(97 + at * 7 % 26)},Ann,{born(at)},{start}"
        for at, number in enumerate(numbers)
    ]
    return evaluated("students", "\n".join([HEAD, *lines, ""]))


def codes(report: Report) -> list[str]:
    return [issue["code"] for issue in report.issues if issue["code"].startswith("NUMBER-L")]


@pytest.mark.parametrize("odd", ["10019", "1001919", "9"])
def test_a_new_students_number_of_another_length_is_a_warning(odd: str) -> None:
    make_district()

    report = said([*NUMBERS[:7], odd, *NUMBERS[8:]])

    assert codes(report) == ["NUMBER-LENGTH"]
    assert f"in line 9, with {len(odd)} characters" in report.issue("NUMBER-LENGTH")["message"]


@pytest.mark.parametrize(
    "numbers",
    [
        NUMBERS,
        [*(f"{99_971 + at}" for at in range(COUNT))],  # 99999, then 100000
        [f"{99_000 + at}" for at in range(15)] + NUMBERS[:15],  # two series
        [f"{10 ** (at % 6) + at}" for at in range(COUNT)],
    ],
    ids=["one length", "one digit more from 100000 on", "two series", "all lengths"],
)
def test_usual_numbers_say_nothing(numbers: list[str]) -> None:
    make_district()

    assert codes(said(numbers)) == []


def test_a_student_on_record_may_have_a_number_of_another_length() -> None:
    made = make_district()
    made.student(local_number="77", last_name="Laa", first_name="Ann", birth_date=born(0))

    assert codes(said(["77", *NUMBERS[1:]])) == []


@pytest.mark.parametrize("form", ["%Y%m%d", "%m%d%Y", "%y%m%d"])
def test_birth_dates_in_place_of_numbers_are_a_warning(form: str) -> None:
    make_district()

    report = said([f"{born(at):{form}}" for at in range(COUNT)])

    assert codes(report) == ["NUMBER-LIKE"]
    assert "birth date" in report.issue("NUMBER-LIKE")["message"]


@pytest.mark.parametrize("odd", ["1OO222", "1002l9", "10I219"])
def test_letters_that_look_like_digits_are_a_warning(odd: str) -> None:
    make_district()

    report = said([*NUMBERS[:7], odd, *NUMBERS[8:]])

    assert "line 9 is the first" in report.issue("NUMBER-LETTER")["message"]


def test_letters_before_numbers_say_nothing() -> None:
    make_district()

    assert "NUMBER-LETTER" not in said([f"I{number}" for number in NUMBERS]).codes(0)


@pytest.mark.parametrize("day", [1, 15])
def test_birth_dates_on_one_day_of_the_month_are_a_warning(day: int) -> None:
    make_district()
    lines = [
        f"1234567,0123456,{number},L{chr(97 + at % 26)}{chr(97 + at * 7 % 26)},Ann,{born(at).replace(day=day)},2024-08-12"
        for at, number in enumerate(NUMBERS)
    ]

    report = evaluated("students", "\n".join([HEAD, *lines, ""]))

    assert report.issue("BORN-ALIKE")["found"] == str(day)


def test_errors_of_a_spreadsheet_are_a_warning() -> None:
    make_district()

    report = said(NUMBERS, start="#REF!")

    assert report.issue("FILE-LOST")["severity"] == "warning"
    assert "30 values" in report.issue("FILE-LOST")["message"]
