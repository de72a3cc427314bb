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


def test_what_offices_and_schools_keep_as_workbooks_is_converted() -> None:
    converting = {kind.key for kind in all_types() if kind.converts_workbooks and kind.workbooks_unasked}

    assert {"students", "ssid-list", "ssid-request", "utah-response"} <= converting
