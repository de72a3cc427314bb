"""Column names between marks of a spreadsheet or a program, and rosters without a line of names: told for what they are."""

import io

import pytest

from sisimport.files.detection import Recognition, recognise
from tests.files.samples import ALL_LAYOUTS, ROSTER, read

NAMES = ("lea", "school", "local_number", "ssid", "last_name", "first_name", "middle_name", "birth_date", "gender",
         "home_language", "grade", "enrollment_start", "el_status", "el_identified_date")  # fmt: skip
RECORD = (
    "1234567",
    "0123456",
    "000451",
    "9001230007",
    "Peña",
    "Ana",
    "Luis",
    "2015-03-01",
    "F",
    "spa",
    "05",
    "2026-08-12",
)


def text(*, names: str = "{}", cells: str = "{}", width: int = len(NAMES)) -> str:
    """The roster with each name and each value written so."""
    record = [*RECORD, *[""] * len(NAMES)][:width]
    return "\n".join([",".join(names.format(name) for name in NAMES), *[",".join(map(cells.format, record))] * 6, ""])


def looked_at(content: str) -> Recognition:
    return recognise(io.BytesIO(content.encode()), ALL_LAYOUTS, expected=ROSTER)


@pytest.mark.parametrize("marks", ["'{}'", "“{}”", "‘{}’", "„{}“", "{};", '="{}"', "'{}", "\xa0{}\xa0"])
def test_names_between_marks_are_the_names(marks: str) -> None:
    found = looked_at(text(names=marks))

    assert (found.error, found.layout) == (None, ROSTER)
    assert set(found.positions) >= set(NAMES)


@pytest.mark.parametrize("marks", ["'{}'", "“{}”"])
def test_a_file_all_of_whose_cells_stand_between_marks_is_read(marks: str) -> None:
    found = read(text(names=marks, cells=marks), expected=ROSTER)

    assert found.column("lea") == [RECORD[0]] * 6
    assert found.column("last_name") == [RECORD[4]] * 6
    assert found.column("birth_date") == [RECORD[7]] * 6


@pytest.mark.parametrize("width", [14, 15, 16])
def test_a_roster_without_names_is_reported_as_lacking_them_and_is_not_a_request_to_the_state(width: int) -> None:
    lines = text(width=width).splitlines()[1:]
    error = looked_at("\n".join([*lines, ""])).error

    assert error is not None
    assert (error.code, error.expected) == ("FILE-NO-HEADER", "column names such as lea, school, local_number")


def test_a_file_in_two_encodings_is_refused_with_the_line_where_the_second_begins() -> None:
    lines = text().splitlines(keepends=True)
    both = "".join(lines[:4]).encode() + "".join(lines[4:]).encode("cp1252")
    error = recognise(io.BytesIO(both), ALL_LAYOUTS, expected=ROSTER).error

    assert error is not None
    assert "in UTF-8 at first and in Windows-1252 from line 5 on" in str(error.found)


def test_a_single_broken_letter_is_not_a_second_encoding() -> None:
    broken = text().encode().replace("Peña".encode(), b"Pe\xf1a", 3).replace(b"Pe\xf1a", "Peña".encode(), 2)
    error = recognise(io.BytesIO(broken), ALL_LAYOUTS, expected=ROSTER).error

    assert error is not None
    assert "a broken character in line 4" in str(error.found)
