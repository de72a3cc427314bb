"""What a workbook may cost: computing time, memory, disk. Whatever it holds, it is read within them or refused in words."""

import io
import resource
import zipfile
from collections.abc import Iterator
from typing import IO

import pytest

from sisimport.files import workbooks
from sisimport.files.issues import FileError
from sisimport.files.workbook_process import MAX_CELL
from sisimport.files.workbooks import Converted, convert
from tests.faults.workbooks import inline, raw_workbook, row_of

HEADER = row_of("SSID", "LastName", "FirstName")
RECORD = row_of("9012345678", "Lee", "Sam")
FEW_SECONDS = 5.0  # of computing: the far cell took 180


def converted(stream: IO[bytes]) -> tuple[Converted, list[str]]:
    out = io.BytesIO()
    return convert(stream, out), out.getvalue().decode().splitlines()


def refusal(stream: IO[bytes]) -> str:
    with pytest.raises(FileError) as caught:
        convert(stream, io.BytesIO())
    return str(caught.value)


@pytest.fixture
def computing() -> Iterator[None]:
    """The children of this test use little computing time."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    yield
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < FEW_SECONDS


@pytest.mark.usefixtures("computing")
def test_a_cell_in_the_last_row_and_column_costs_nothing_and_is_reported() -> None:
    far = '<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>far</t></is></c></row>'

    result, lines = converted(raw_workbook([HEADER, RECORD, far]))

    assert lines == ["SSID^LastName^FirstName", "9012345678^Lee^Sam"]
    assert result.rows == 1
    assert any("read to row 2" in risk and "500 empty rows" in risk for risk in result.risks)
    assert result.sheets[0].note == "read to row 2"


@pytest.mark.usefixtures("computing")
def test_a_million_rows_of_formatted_empty_cells_are_not_walked() -> None:
    empty = ("<row>" + "<c s='1'/>" * 20 + "</row>") * 1000

    result, lines = converted(raw_workbook([HEADER, RECORD, *[empty] * 100]))

    assert len(lines) == 2
    assert "500 empty rows" in result.risks[0]


def test_some_empty_rows_between_records_are_stepped_over() -> None:
    result, lines = converted(
        raw_workbook([HEADER, RECORD, "<row/>" * 499, RECORD, '<row r="900">', inline("9012345679"), "</row>"])
    )

    assert (result.rows, len(lines), result.sheets[0].note) == (3, 4, "")


def test_rows_are_as_wide_as_their_column_names_and_what_is_outside_is_reported() -> None:
    wide = f'<row>{inline("9012345678")}<c r="XFD3" t="inlineStr"><is><t>outside</t></is></c></row>'

    result, lines = converted(raw_workbook([HEADER, RECORD, wide]))

    assert lines[2] == "9012345678^^"
    assert any("S1!XFD3" in risk for risk in result.risks)


def test_a_header_wider_than_any_file_of_records_is_refused() -> None:
    far = f'<row>{inline("SSID")}{inline("LastName")}<c r="XFD1" t="inlineStr"><is><t>Far</t></is></c></row>'

    assert "16,384 columns" in refusal(raw_workbook([far, RECORD]))


@pytest.mark.usefixtures("computing")
@pytest.mark.parametrize("shared", [False, True])
def test_a_cell_of_many_megabytes_is_refused_by_its_place_without_holding_it(
    shared: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = 64 << 20
    monkeypatch.setattr(workbooks, "MEMORY", 48 << 20)  # less than the cell
    if shared:
        row = '<row><c t="s"><v>0</v></c></row>'
        book = raw_workbook([HEADER, RECORD, row], strings=["x" * size], packed=False)
    else:
        book = raw_workbook(
            [HEADER, RECORD, "<row>", '<c t="inlineStr"><is><t>', "x" * size, "</t></is></c></row>"], packed=False
        )

    assert f"a cell of more than {MAX_CELL:,} characters (S1!A3)" in refusal(book)


def test_more_texts_than_memory_are_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbooks, "MEMORY", 64 << 20)
    texts = (f"{n:07d}{'y' * 400}" for n in range(200_000))

    assert "memory" in refusal(raw_workbook([HEADER, RECORD], strings=texts, packed=False))


def test_more_than_the_computing_time_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbooks, "CPU_SECONDS", 1)
    rows = RECORD * 1000

    said = refusal(raw_workbook([HEADER, *[rows] * 600], packed=False))

    assert "more than can be read in 1 seconds of computing; expected fewer sheets, columns or rows" in said


def test_the_limits_are_those_that_are_written_down() -> None:
    assert (workbooks.CPU_SECONDS, workbooks.MEMORY) == (20, 512 << 20)


def test_a_child_that_somebody_else_ends_is_not_a_fault_of_the_workbook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbooks, "_CHILD", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)")

    with pytest.raises(ChildProcessError):
        convert(raw_workbook([HEADER, RECORD]), io.BytesIO())


def test_a_number_that_no_ssid_is_is_refused_by_cell_and_never_called_blank() -> None:
    number = f"<row><c><v>{'1' * 30}</v></c>{inline('Lee')}</row>"

    assert "S1!A2" in refusal(raw_workbook([HEADER, number]))


def test_a_number_too_large_elsewhere_is_kept_and_reported() -> None:
    number = f"<row>{inline('9012345678')}<c><v>1E+30</v></c></row>"

    result, lines = converted(raw_workbook([HEADER, number]))

    assert lines[1] == "9012345678^1E+30^"
    assert any("S1!B2" in risk for risk in result.risks)


def test_definitions_are_refused_wherever_they_are_in_a_part() -> None:
    stream = raw_workbook([HEADER, RECORD])
    data = stream.read()
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as book, zipfile.ZipFile(out, "w") as target:
        for part in book.namelist():
            text = book.read(part)
            if part.endswith("sheet1.xml"):
                text = b"<!--" + b" " * 5000 + b'--><!DOCTYPE x [<!ENTITY a "b">]>' + text
            target.writestr(part, text)

    assert "entities" in refusal(out)
