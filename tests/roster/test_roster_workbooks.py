"""Rosters that a district keeps as workbooks: read through the same safe conversion as all workbooks."""

import datetime as dt
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from sisimport.imports.definition.registry import all_types
from students.models import Student
from tests.imports.commandline import CommandLine

pytestmark = pytest.mark.django_db
NAMES = ["lea", "school", "local_number", "last_name", "first_name", "birth_date", "gender", "grade"]


def saved(folder: Path, *rows: list[Any]) -> Path:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    path = folder / "students.xlsx"
    book.save(path)
    return path


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(capsys)


def test_a_roster_comes_as_a_workbook_and_update_names_its_test(command: CommandLine, tmp_path: Path) -> None:
    row = [1234567, "0123456", "105001", "Núñez", "Ana", dt.date(2015, 3, 4), "Female", "K"]
    path = saved(tmp_path, ["Students of the district"], NAMES, row)

    tested = command("import_file", "students", path, "--work", "test", "--json")
    assert (tested.code, tested.json["planned_count"]) == (0, 1)
    # Nobody saw how the text is separated that a workbook becomes.
    assert "FILE-DELIMITER" not in {issue["code"] for issue in tested.json["issues"]}
    assert Student.objects.count() == 0

    updated = command("import_file", "students", path, "--work", "update", "--json")
    assert (updated.code, updated.json["import_count"]) == (0, 1)
    student = Student.objects.get()
    assert (student.last_name, str(student.birth_date), student.gender, student.grade) == (
        "Núñez",
        "2015-03-04",
        "F",
        "KN",
    )


@pytest.mark.parametrize("kind", ["students", "auto"])
def test_a_roster_kept_as_a_workbook_is_recognized_by_auto_too(kind: str, command: CommandLine, tmp_path: Path) -> None:
    path = saved(tmp_path, NAMES, ["1234567", "0123456", "115009", "Reyes", "Ada", dt.date(2015, 3, 4), "F", "05"])

    tested = command("import_file", kind, path, "--work", "test", "--json")

    assert (tested.code, tested.json["type"], tested.json["planned_count"]) == (0, "students", 1), tested.out
    assert "Converted students.xlsx" in tested.err


def test_what_offices_and_schools_keep_as_workbooks_is_converted() -> None:
    converting = {kind.key for kind in all_types() if kind.converts_workbooks and kind.converts_workbooks_by_default}

    assert {"students", "ssid-list", "ssid-request", "utah-response"} <= converting


def test_a_workbook_of_another_system_is_mapped_once_it_is_text(command: CommandLine, tmp_path: Path) -> None:
    """A merged title and merged group names above the column names: what merged cells hide is blank, and no column."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    names = ["Student Number", "Last Name", "First Name", "DOB", "School", "Room"]
    for row in (["Students of 2026-27"], ["Student", None, None, None, "Where", None], names):
        sheet.append(row)
    sheet.append(["115001", "Quist", "Nel", dt.date(2015, 3, 4), "101", "12"])
    for cells in ("A1:F1", "A2:D2", "E2:F2"):
        sheet.merge_cells(cells)
    path = tmp_path / "students.xlsx"
    book.save(path)
    refused = command("import_file", "students", path, "--work", "test", "--json")
    assert refused.json["issues"][0]["code"] == "ROSTER-COLUMNS"

    codes = ("--lea", "1234567", "--school", "101=0123456")
    added = command("add_mapping", path, "--name", "Workbook", *codes, "--accept-suggestions", "--json")
    assert (added.code, added.json["columns"]["local_number"]) == (0, "Student Number"), added
    tested = command("import_file", "students", path, "--work", "test", "--json")
    assert (tested.code, tested.json["planned_count"]) == (0, 1)
