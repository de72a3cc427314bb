"""Workbooks of several sheets, and of lines pasted into one column: the sheet whose column names are known is read, and named."""

import csv
import io
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from students.models import Student
from tests.imports.commandline import CommandLine, Said

pytestmark = pytest.mark.django_db
NAMES = ["lea", "school", "local_number", "last_name", "first_name", "birth_date", "gender", "grade"]
ROSTER = [NAMES, ["1234567", "0123456", "105001", "Oh, Jr", "Ana", "2015-03-04", "F", "05"]]
LIST = [
    ["LEA", "School", "Local Student Number", "Last Name", "First Name", "Middle Name", "Birth Date", "Grade", "SSID"],
    ["1234567", "0123456", "105001", "Oh", "Ana", "", "2015-03-04", "05", "9012345678"],
]
SUMMARY = [["School", "Students"], ["Lincoln", 30], ["Cedar", 20]]
COVER = [["Lincoln Unified School District"], ["Roster of 2026-27"]]
Sheets = dict[str, list[list[Any]]]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(capsys)


def outcome(command: CommandLine, folder: Path, sheets: Sheets, kind: str = "students") -> Said:
    book = openpyxl.Workbook()
    assert book.active is not None
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    path = folder / "book.xlsx"
    book.save(path)
    return command("import_file", kind, path, "--work", "test", "--json")


def pasted(rows: list[list[Any]]) -> list[list[Any]]:
    """Each row as one cell with the text of its line."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return [[line] for line in out.getvalue().splitlines()]


@pytest.mark.parametrize("kind", ["students", "auto"])
@pytest.mark.parametrize("first", [SUMMARY, COVER], ids=["table", "text"])
def test_a_sheet_before_the_records_is_passed_over_and_named(
    command: CommandLine, tmp_path: Path, first: list[list[Any]], kind: str
) -> None:
    ended = outcome(command, tmp_path, {"Cover": first, "Students": ROSTER}, kind)

    assert (ended.code, ended.json["planned_count"]) == (0, 1)
    (said,) = [issue["message"] for issue in ended.json["issues"] if issue["code"] == "FILE-SHEETS"]
    assert "Cover (" in said
    assert "what was read: Students" in said


def test_records_of_several_sheets_after_it_are_all_read(command: CommandLine, tmp_path: Path) -> None:
    other = [NAMES, ["1234567", "0123456", "105002", "Ruiz", "Eva", "2015-03-05", "F", "05"]]
    ended = outcome(command, tmp_path, {"Cover": SUMMARY, "A": ROSTER, "B": other})

    assert (ended.code, ended.json["planned_count"]) == (0, 2)


@pytest.mark.parametrize("sheets", [{"List": LIST, "All": ROSTER}, {"Cover": SUMMARY, "List": LIST, "All": ROSTER}])
def test_sheets_of_different_kinds_are_refused_by_name(command: CommandLine, tmp_path: Path, sheets: Sheets) -> None:
    ended = outcome(command, tmp_path, sheets)

    assert (ended.code, Student.objects.count()) == (2, 0)
    assert "List (Filled-in list of missing SSIDs); All (Students (CSV))" in ended.json["message"]


@pytest.mark.parametrize("above", [[], COVER], ids=["alone", "below a title"])
def test_lines_pasted_into_one_column_are_read(command: CommandLine, tmp_path: Path, above: list[list[Any]]) -> None:
    ended = outcome(command, tmp_path, {"Sheet1": [*above, *pasted(ROSTER)]})

    assert (ended.code, ended.json["planned_count"]) == (0, 1)
    assert "FILE-WRAPPED" in {issue["code"] for issue in ended.json["issues"]}
    assert "Oh, Jr" in {change["after"] for change in ended.json["changes"] if change["field"] == "last_name"}


def test_a_column_of_names_is_not_split(command: CommandLine, tmp_path: Path) -> None:
    ended = outcome(command, tmp_path, {"Sheet1": [["Name"], ["Oh, Jr, Ana"], ["Ruiz, Eva"]]})

    assert ended.code == 2
    assert "FILE-WRAPPED" not in ended.out
