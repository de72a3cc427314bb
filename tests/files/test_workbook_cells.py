"""What a workbook's cells become: as the person sees them who typed them."""

import datetime as dt
import io
import re
import zipfile
from typing import Any

import openpyxl
import pytest
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from sisimport.files.issues import FileError
from sisimport.files.workbooks import convert

LIST = ["School", "Local Student Number", "Last Name", "SSID"]
TYPED = ["0123456", "105001", "Adler", 9001050001]


def workbook(*rows: list[Any], formats: dict[str, str] | None = None, from_1904: bool = False) -> io.BytesIO:
    book = openpyxl.Workbook()
    if from_1904:
        book.epoch = CALENDAR_MAC_1904
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    for place, shown in (formats or {}).items():
        sheet[place].number_format = shown
    stream = io.BytesIO()
    book.save(stream)
    return stream


def lines(stream: io.BytesIO) -> list[list[str]]:
    out = io.BytesIO()
    convert(stream, out)
    return [line.split("^") for line in out.getvalue().decode().splitlines()]


@pytest.mark.parametrize(
    ("stored", "shown", "text"),
    [
        (1, "0%", "100%"),
        (0.91, "0%", "91%"),
        (0.915, "0.0%", "91.5%"),
        (0.57, "0.00%", "57%"),
        (0, '0"%"', "0"),
        (1, "General", "1"),
    ],
)
def test_a_percentage_is_what_the_cell_shows(stored: float, shown: str, text: str) -> None:
    assert lines(workbook(["Name", "Score"], ["Lee", stored], formats={"B2": shown}))[1] == ["Lee", text]


@pytest.mark.parametrize("from_1904", [False, True], ids=["days from 1900", "days from 1904"])
def test_a_date_is_the_day_the_cell_shows(from_1904: bool) -> None:
    stream = workbook(["Name", "Birth Date"], ["Lee", dt.date(2011, 3, 4)], from_1904=from_1904)

    assert lines(stream)[1] == ["Lee", "2011-03-04"]


@pytest.mark.parametrize(
    "above",
    [
        [["Lincoln Elementary - students without SSID"]],
        [["Lincoln Elementary"], ["Printed", dt.date(2026, 11, 20)], []],
        [[f"line {n} of a letter"] for n in range(15)],
    ],
)
def test_titles_above_the_column_names_are_left_out(above: list[list[Any]]) -> None:
    assert lines(workbook(*above, LIST, TYPED)) == [LIST, ["0123456", "105001", "Adler", "9001050001"]]


def test_an_ssid_that_a_person_mistyped_is_left_to_its_line() -> None:
    assert lines(workbook(LIST, ["0123456", "105001", "Adler", "90010500O1"], TYPED))[1][3] == "90010500O1"


def test_numbers_of_utah_have_seven_digits() -> None:
    assert lines(workbook(LIST, ["01", "105001", "Adler", 1234567]))[1][3] == "1234567"


@pytest.mark.parametrize("ssid", [900105000, 9001050001.5, "9.00105E+09", "9001050001.5"])
def test_an_ssid_that_a_spreadsheet_damaged_refuses_the_workbook(ssid: Any) -> None:
    with pytest.raises(FileError, match="Sheet!D2"):
        convert(workbook(LIST, ["0123456", "105001", "Adler", ssid]), io.BytesIO())


def test_a_workbook_without_column_names_keeps_its_first_record() -> None:
    row = ["1234567", "0123456", "X", 100240, "Lee", "Sam", dt.date(2016, 8, 10), 1]

    assert lines(workbook(row, row, formats={"H1": "0%", "H2": "0%"}))[0][3:] == [
        "100240",
        "Lee",
        "Sam",
        "2016-08-10",
        "100%",
    ]


def of_sheets(*sheets: list[list[Any]]) -> io.BytesIO:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for rows in sheets:
        sheet = book.create_sheet()
        for row in rows:
            sheet.append(row)
    stream = io.BytesIO()
    book.save(stream)
    return stream


def test_a_sheet_with_the_columns_in_another_order_is_read_by_their_names() -> None:
    other = ["0123457", "105002", "Baum", 9001050002]

    found = lines(of_sheets([LIST, TYPED], [LIST[::-1], other[::-1]]))

    assert found == [LIST, ["0123456", "105001", "Adler", "9001050001"], ["0123457", "105002", "Baum", "9001050002"]]


def test_a_cell_whose_text_is_missing_is_not_called_blank() -> None:
    """A damaged workbook: its cells name texts by number, and the table of texts is shorter."""
    whole, damaged = zipfile.ZipFile(workbook(LIST, TYPED)), io.BytesIO()
    with zipfile.ZipFile(damaged, "w") as made:
        for name in whole.namelist():
            text = whole.read(name)
            named = rb'<c r="C2" t="s"><v>99</v></c>'
            made.writestr(name, re.sub(rb'<c r="C2".*?</c>', named, text) if "sheet1" in name else text)

    with pytest.raises(FileError, match=r"text is missing \(C2\)"):
        convert(damaged, io.BytesIO())


@pytest.mark.parametrize(
    ("stored", "shown", "text"),
    [
        (113168, "0000000", "0113168"),
        (5, "00;-00", "05"),
        (113168, "General", "113168"),
        (113168, "000-0000", "113168"),
        (7, "0", "7"),
    ],
)
def test_a_code_has_the_zeros_that_its_cell_shows(stored: int, shown: str, text: str) -> None:
    assert lines(workbook(["Name", "School"], ["Lee", stored], formats={"B2": shown}))[1] == ["Lee", text]


def test_hidden_rows_are_read_and_reported() -> None:
    """People who filtered a list may not know that all of it is there."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (LIST, TYPED, TYPED):
        sheet.append(row)
    sheet.row_dimensions[3].hidden = True
    stream, out = io.BytesIO(), io.BytesIO()
    book.save(stream)

    converted = convert(stream, out)

    assert len(out.getvalue().splitlines()) == 3
    assert [risk for risk in converted.risks if "hidden" in risk] == [
        "1 row is hidden: read like the others. What does not belong to the list must be deleted in the workbook first."
    ]
