"""Command `missing_ssids`: the list of a school's students without SSID, to be filled in (rule M-5)."""

import csv
from datetime import date
from pathlib import Path

import openpyxl
import pytest

from students.models import LEA, School
from tests.imports.commandline import CommandLine
from tests.imports.journey import SCHOOL_CODE, District, give_ssid

HEADER = [
    "LEA",
    "School",
    "Local Student Number",
    "Last Name",
    "First Name",
    "Middle Name",
    "Birth Date",
    "Grade",
    "SSID",
]


def rows_of(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.reader(stream))


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    return tmp_path / "missing.csv"


def test_m5_students_without_ssid_are_listed_with_name_birth_date_and_number(
    district: District, command: CommandLine, listed: Path
) -> None:
    district.student(local_number="0100234")
    said = command("missing_ssids", "--school", SCHOOL_CODE, "--output", listed, "--json")
    assert said.json == {
        "school": "0123456",
        "name": "Cedar High",
        "file": str(listed),
        "student_count": 1,
        "message": "",
    }
    assert said.code == 0
    assert rows_of(listed) == [
        HEADER,
        ["1234567", "0123456", "0100234", "García-López", "José", "Luis", "2009-02-14", "10", ""],
    ]


def test_m5_students_with_a_current_ssid_of_another_school_or_who_left_are_not_listed(
    district: District, command: CommandLine, listed: Path
) -> None:
    give_ssid(district.student(), "9012345678")
    district.another(school=district.other_school)
    district.another(local_number="3").enrollments.update(exit_date=date(2025, 1, 10))
    assert command("missing_ssids", "--school", SCHOOL_CODE, "--output", listed, "--json").json["student_count"] == 0


def test_m5_a_student_with_a_retired_ssid_only_is_listed(
    district: District, command: CommandLine, listed: Path
) -> None:
    give_ssid(district.student(), "9012345678", retired_at="2024-01-01T00:00Z")
    assert command("missing_ssids", "--school", SCHOOL_CODE, "--output", listed, "--json").json["student_count"] == 1


@pytest.mark.parametrize("name", ["=1+1", "+49", "-2", "@SUM(A1)", "\tx"])
def test_no_cell_of_the_csv_starts_a_formula(district: District, command: CommandLine, listed: Path, name: str) -> None:
    district.student(last_name=name, first_name=name, middle_name=name)
    command("missing_ssids", "--school", SCHOOL_CODE, "--output", listed)
    (_header, row) = rows_of(listed)
    assert row[3:6] == [f"'{name}"] * 3


def test_a_workbook_holds_text_only(district: District, command: CommandLine, tmp_path: Path) -> None:
    district.student(last_name="=1+1", local_number="0100234")
    path = tmp_path / "missing.xlsx"
    assert command("missing_ssids", "--school", SCHOOL_CODE, "--output", path).code == 0
    sheet = openpyxl.load_workbook(path).active
    assert sheet is not None
    cells = list(sheet.iter_rows())
    assert [cell.value for cell in cells[0]] == HEADER
    assert (cells[1][3].value, cells[1][3].data_type) == ("=1+1", "s")
    assert cells[1][2].value == "0100234"
    assert {cell.number_format for cell in cells[1]} == {"@"}


def test_a_school_that_does_not_exist_is_reported_and_nothing_written(
    district: District, command: CommandLine, listed: Path
) -> None:
    said = command("missing_ssids", "--school", "0999999", "--output", listed, "--json")
    assert (said.code, said.json["message"]) == (2, "No school has the code 0999999.")
    assert not listed.exists()


def test_a_school_code_of_two_districts_needs_the_district(
    district: District, command: CommandLine, listed: Path
) -> None:
    School.objects.create(lea=LEA.objects.create(code="7654321"), code=SCHOOL_CODE)
    assert command("missing_ssids", "--school", SCHOOL_CODE, "--output", listed).code == 2
    assert command("missing_ssids", "--school", SCHOOL_CODE, "--lea", "7654321", "--output", listed).code == 0


@pytest.mark.parametrize("name", ["list.pdf", "list", "no-such-folder/list.csv"])
def test_a_file_that_cannot_be_written_is_reported(
    district: District, command: CommandLine, tmp_path: Path, name: str
) -> None:
    said = command("missing_ssids", "--school", SCHOOL_CODE, "--output", tmp_path / name, "--json")
    assert said.code == 2
    assert said.json["message"]


def test_the_query_count_does_not_grow_with_the_list(
    district: District, command: CommandLine, listed: Path, django_assert_max_num_queries: object
) -> None:
    for number in range(30):
        district.student(local_number=str(number))
    with django_assert_max_num_queries(5):  # type: ignore[operator]
        command("missing_ssids", "--school", SCHOOL_CODE, "--output", listed)
