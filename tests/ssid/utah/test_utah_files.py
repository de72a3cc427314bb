"""Utah's answers as spreadsheets and other programs leave them (kinds 2, 4, 5, 7 and 9): read, or refused by name."""

import csv
import io
from collections.abc import Callable

import pytest

from ssid.models import UtahFunction, UtahRequest
from ssid.utah.response_matching import written_years
from students.models import ChangedRecord, Student
from tests.longer import one_in
from tests.ssid.utah.exchange import answered, current, line_codes, request, try_response, utah

pytestmark = pytest.mark.django_db

LINE, SSID, YEAR, LAST, BORN, GENDER, LEA, SCHOOL, NUMBER, KIND, STATUS = 0, 1, 2, 3, 7, 8, 10, 11, 12, 13, 14
NAMES = (
    "File Line Number,SSID,School Year,Last Name,First Name,Middle Name,Name Suffix,Birth Date,Gender,Ethnicity,LEA ID,"
    "LEA School ID,LEA Student Number,Request Type,Status,Message"
)


@pytest.fixture
def answer() -> list[str]:
    """The answer to a Retrieve request for one student, Núñez, number 002001."""
    district = utah()
    district.add("002001", last_name="Núñez")
    return answered(request(UtahFunction.RETRIEVE, district.school), lambda _line: ("1850001", "Match"))


def with_cell(lines: list[str], column: int, value: str) -> list[str]:
    out = io.StringIO()
    for line in lines:
        cells = next(csv.reader([line]))
        cells[column] = value
        csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue().splitlines()


@pytest.mark.parametrize(
    ("column", "value"),
    one_in(
        2,
        [
            (LINE, "1.0"),
            *[
                (NUMBER, text)
                for text in ("'002001", '="002001"', "2001", "2001.0", "2.001E+03", "\u200b002001", "002001 ")
            ],
            *[(SSID, text) for text in ("'1850001", '="1850001"', "1850001.0", "1.850001E+06", "\u200b1850001")],
            *[(LEA, text) for text in ("7", "7.0", "'07", '="07"')],
            *[(SCHOOL, text) for text in ("123", "123.0", "'0123")],
            *[(BORN, text) for text in ("3/4/2011", "3/4/11", "2011-03-04", "2011-03-04 00:00:00", "4-Mar-11", "NULL")],
            *[(GENDER, text) for text in ("Male", "m", "'M")],
            *[(KIND, text) for text in ("r", "Retrieve")],
            *[(STATUS, text) for text in ("match", " MATCH ")],
            *[(LAST, text) for text in ("NÃºÃ±ez", "N&uacute;&ntilde;ez", '"Núñez"', " Núñez", "N√∫√±ez")],
        ],
    ),
)
def test_what_a_spreadsheet_made_of_a_value_is_read(answer: list[str], column: int, value: str) -> None:
    report = try_response(with_cell(answer, column, value))

    assert report["planned_count"] == 1, (report["message"], report["issues"])


def test_u2_line_numbers_and_ssids_under_each_others_heading_are_errors() -> None:
    district = utah()
    for number in ("2001", "2002"):
        district.add(number)
    made = request(UtahFunction.RETRIEVE, district.school)
    lines = answered(made, lambda line: (f"18500{line[LINE].zfill(2)}", "Match"))
    assert line_codes(try_response(lines)) == []

    report = try_response([f"{ssid},{line},{rest}" for line, ssid, rest in (text.split(",", 2) for text in lines)])

    assert line_codes(report).count("UTAH-LINE") == 2
    assert (report["planned_count"], report["refused_count"]) == (0, 2)


def test_u4_another_line_number_than_was_sent_is_a_warning(answer: list[str]) -> None:
    report = try_response(with_cell(answer, LINE, "0009"))

    assert (line_codes(report), report["planned_count"]) == (["UTAH-ECHO"], 1)
    assert "Request line in the answer is 0009; the request had 1." in report["issues"][-1]["message"]


@pytest.mark.parametrize(
    ("before", "said"),
    [(0, []), (1, ["UTAH-ECHO"]), (26, ["UTAH-ECHO"])],
    ids=["as sent", "the year before", "long ago"],
)
@pytest.mark.parametrize("written", [0, 1, 2, 3])
@pytest.mark.combinations
def test_another_school_year_than_that_of_the_request_is_a_warning(
    answer: list[str], before: int, said: list[str], written: int
) -> None:
    spring = int(answer[0].split(",")[YEAR]) - before
    report = try_response(with_cell(answer, YEAR, written_years(spring)[written]))

    assert (line_codes(report), report["planned_count"]) == (said, 1)


@pytest.mark.parametrize("written", [0, 1, 2, 3])
def test_of_two_requests_for_a_student_the_one_of_the_answers_school_year_is_taken(written: int) -> None:
    district = utah()
    district.add("2001")
    last_year = request(UtahFunction.RETRIEVE, district.school)
    spring = last_year.school_year - 1
    UtahRequest.objects.filter(pk=last_year.pk).update(school_year=spring)
    request(UtahFunction.RETRIEVE, district.school)
    lines = answered(last_year, lambda _line: ("1850001", "Match"))

    report = try_response(with_cell(lines, YEAR, written_years(spring)[written]))

    assert (line_codes(report), report["planned_count"]) == ([], 1)


def test_an_answer_of_another_school_year_confirms_no_update() -> None:
    district = utah()
    ChangedRecord.objects.create(student=district.add("2001", ssid="1850001"), field="last_name")
    made = request(UtahFunction.UPDATE, district.school)
    lines = answered(made, lambda _line: ("1850001", "Updated"))

    report = try_response(with_cell(lines, YEAR, f"{made.school_year - 1}"))

    assert (line_codes(report), report["refused_count"]) == (["UTAH-ECHO"], 1)
    assert try_response(lines)["planned_count"] == 1


def test_another_district_than_that_of_the_request_is_a_warning() -> None:
    district = utah()
    for number in ("2001", "2002"):
        district.add(number)
    made = request(UtahFunction.RETRIEVE, district.school)
    first, second = answered(made, lambda line: (f"18500{line[LINE].zfill(2)}", "Match"))

    report = try_response([*with_cell([first], LEA, "Provo"), second])

    assert (line_codes(report), report["planned_count"]) == (["UTAH-ECHO"], 2)


@pytest.mark.parametrize("status", ["Yes", "Y", "1", "???", "Matched", "maybe"])
def test_a_status_that_is_none_of_the_states_words_is_an_error(answer: list[str], status: str) -> None:
    report = try_response(with_cell(answer, STATUS, status))

    assert (report["refused_count"], line_codes(report)) == (1, ["FILE-CODE"])
    assert all(word in report["issues"][-1]["message"] for word in ("Match", "No Match"))


@pytest.mark.parametrize(("column", "value"), [(SSID, "1.85E+06"), (LAST, "N?ñez"), (LAST, "N—ez")])
def test_what_was_lost_is_refused_naming_the_field(answer: list[str], column: int, value: str) -> None:
    report = try_response(with_cell(answer, column, value))

    assert report["refused_count"] == 1
    assert {issue["field"] for issue in report["issues"] if issue["line"]} <= {"ssid", "local_number", "last_name"}


def test_numbers_that_a_spreadsheet_damaged_alike_are_not_duplicates() -> None:
    district = utah()
    for number in ("2001", "2002"):
        district.add(number)
    lines = answered(request(UtahFunction.RETRIEVE, district.school), lambda _line: ("1.85E+06", "Match"))

    assert line_codes(try_response(lines)) == ["SSID-FORMAT", "SSID-FORMAT"]


@pytest.mark.parametrize(
    "changed",
    [
        lambda lines: [NAMES, *lines],
        lambda lines: ["sep=,", *lines],
        lambda lines: ["sep=,", NAMES, *lines],
        lambda lines: ["Answers of the state", "", NAMES, *lines],
        lambda lines: [line + ",,," for line in lines],
        lambda lines: [line + ",,," for line in (NAMES, *lines)],
        lambda lines: [line.replace(",", ";") for line in ("sep=,", *lines)],
        lambda lines: [line.replace(",", "\t") for line in lines],
        lambda lines: [", ".join(f'"{cell}"' for cell in line.split(",")) for line in lines],
    ],
)
def test_lines_above_and_columns_beside_the_records_are_passed_over(
    answer: list[str], changed: Callable[[list[str]], list[str]]
) -> None:
    assert try_response(changed(answer))["planned_count"] == 1


def test_an_answer_is_never_applied_to_a_number_that_two_students_fit(answer: list[str]) -> None:
    first = Student.objects.get()
    other = Student.objects.create(
        lea=first.lea,
        school=first.school,
        local_number="02001",
        last_name="Núñez",
        first_name="Sam",
        birth_date="2011-03-04",
    )

    report = try_response(with_cell(answer, NUMBER, "2001"))

    assert (report["planned_count"], report["changes"]) == (0, [])
    assert (current(first), current(other)) == (None, None)
