"""Excel: refused as an import, converted in a child process when asked, damaged cells named."""

import datetime as dt
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.core.management import call_command

from assessments.models import Score
from sisimport.files.issues import FileError
from sisimport.files.workbooks import convert
from tests.assessments.score_files import ALL, SSID_1, cells, ela, start
from tests.ssid.journey import district

LAYOUT = ALL["caaspp-2023-24"]
HEADER = [column.name for column in LAYOUT.columns]


def row(**facts: Any) -> list[Any]:
    values: list[Any] = cells(LAYOUT, **ela())
    for name, value in facts.items():
        values[LAYOUT.fields[name].position - 1] = value
    return values


def workbook(*sheets: list[list[Any]], hidden: str = "") -> io.BytesIO:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for number, rows in enumerate(sheets, 1):
        sheet = book.create_sheet(f"Sheet{number}")
        for values in rows:
            sheet.append(values)
        if sheet.title == hidden:
            sheet.sheet_state = "hidden"
    stream = io.BytesIO()
    book.save(stream)
    stream.seek(0)
    return stream


def converted(stream: io.BytesIO) -> tuple[Any, list[list[str]]]:
    out = io.BytesIO()
    result = convert(stream, out)
    return result, [line.split("^") for line in out.getvalue().decode().splitlines()]


def refusal(stream: io.BytesIO) -> str:
    with pytest.raises(FileError) as caught:
        convert(stream, io.BytesIO())
    return str(caught.value)


@pytest.mark.django_db
def test_a_workbook_is_refused_as_an_import_with_a_sentence() -> None:
    run = start("caaspp-2023-2024", workbook([HEADER, row()]).getvalue(), name="scores.xlsx")

    assert (run.status, run.issues.get().code) == ("rejected", "EXC-EXCEL")
    assert "Excel files cannot be imported" in run.message


def test_sheets_with_the_same_header_become_one_text() -> None:
    result, lines = converted(workbook([HEADER, row()], [HEADER, row(), row()], [["Notes", "of mine"], ["a", "b"]]))

    assert (result.rows, len(lines)) == (3, 4)
    assert [(sheet.rows, sheet.note) for sheet in result.sheets] == [
        (1, ""),
        (2, ""),
        (0, "other column names, left out"),
    ]


def test_numbers_and_dates_become_what_the_layout_expects() -> None:
    result, lines = converted(workbook([HEADER, row(ssid=9012345678, record_type=1, birth_date=dt.date(2011, 3, 4))]))

    assert lines[1][1] == SSID_1
    assert lines[1][LAYOUT.fields["birth_date"].position - 1] == "2011-03-04"
    assert any("numbers" in risk for risk in result.risks)


DAMAGED = ["9.01E+09", 901234567, 9012345678.5]


@pytest.mark.parametrize("ssid", DAMAGED)
def test_a_damaged_ssid_is_named_by_cell_and_the_rest_is_read(ssid: Any) -> None:
    result, lines = converted(workbook([HEADER, row(ssid=ssid), row(), row()]))

    assert [risk for risk in result.risks if "rounded or shortened" in risk and "Sheet1!B2" in risk]
    assert result.rows == 3
    assert lines[1][1] == f"=ROUNDED(Sheet1!B2: {ssid})"


@pytest.mark.parametrize("ssid", DAMAGED)
def test_a_column_of_mostly_damaged_ssids_is_refused_by_cell(ssid: Any) -> None:
    assert "Sheet1!B2" in refusal(workbook([HEADER, row(ssid=ssid), row(ssid=ssid), row()]))


def test_a_formula_is_named_by_cell_and_the_rest_is_read() -> None:
    result, lines = converted(workbook([HEADER, row(last_name="=1+1"), row(), row()]))

    assert [risk for risk in result.risks if "Formulas are not read" in risk and "Sheet1!C2" in risk]
    assert lines[1][2] == "=FORMULA(Sheet1!C2)"


def test_a_column_of_mostly_formulas_is_refused_by_cell() -> None:
    assert "Sheet1!C2" in refusal(workbook([HEADER, row(last_name="=1+1")]))


def test_hidden_sheets_are_left_out_and_named() -> None:
    result, _lines = converted(workbook([HEADER, row()], [HEADER, row()], hidden="Sheet2"))

    assert (result.rows, result.sheets[1].note) == (1, "hidden, left out")


def test_huge_claimed_dimensions_are_not_believed() -> None:
    source = zipfile.ZipFile(workbook([HEADER, row()]))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as target:
        for part in source.infolist():
            data = source.read(part)
            if part.filename.endswith("sheet1.xml"):
                import re

                data = re.sub(rb'<dimension ref="[^"]*"', b'<dimension ref="A1:XFD1048576"', data)
            target.writestr(part.filename, data)

    result, _lines = converted(stream)

    assert result.rows == 1


def test_an_archive_that_unpacks_to_too_much_is_refused() -> None:
    stream = workbook([HEADER, row()])
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet9.xml", b"0" * (40 << 20))

    assert "unpacks to" in refusal(stream)


def test_entities_are_refused() -> None:
    stream = workbook([HEADER, row()])
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr("xl/evil.xml", b'<!DOCTYPE x [<!ENTITY a "b">]><x/>')

    assert "entities" in refusal(stream)


@pytest.mark.parametrize("data", [b"PK\x03\x04 not a zip", b"\xd0\xcf\x11\xe0" + b"\0" * 600, b""])
def test_what_is_not_a_workbook_is_refused_and_nothing_crashes(data: bytes) -> None:
    assert refusal(io.BytesIO(data))


@pytest.mark.django_db
def test_the_command_converts_when_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    district().add("100", ssid=SSID_1)
    path = tmp_path / "scores.xlsx"
    path.write_bytes(workbook([HEADER, row(ssid=9012345678)]).getvalue())

    call_command("import_file", "auto", str(path), "--work", "import", "--option", "excel=convert", "--json")

    report = json.loads(capsys.readouterr().out)
    assert (report["status"], report["import_count"]) == ("completed", 1)
    assert Score.objects.count() == 1


@pytest.mark.django_db
def test_the_command_refuses_a_workbook_otherwise(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "scores.xlsx"
    path.write_bytes(workbook([HEADER, row()]).getvalue())

    with pytest.raises(SystemExit) as stop:
        call_command("import_file", "caaspp-2023-2024", str(path), "--work", "test", "--json")

    assert stop.value.code == 2
    assert "Excel files cannot be imported" in capsys.readouterr().out
