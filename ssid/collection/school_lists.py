"""The list of a school's students without SSID, for the school to fill in (rule M-5 of the SSID collection).

Source: memo on the collection of the California SSID: staff give a school the name and birth date of students whose
SSID is missing.
"""

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font

from sisimport.audit import looking
from sisimport.files.formula_guard import plain_cell, safe_cell
from students.missing import enrolled_today
from students.models import School, Student
from students.search import BY_NAME, without_ssid

COLUMNS = (
    "LEA",
    "School",
    "Local Student Number",
    "Last Name",
    "First Name",
    "Middle Name",
    "Birth Date",
    "Grade",
    "SSID",
)
_WIDTHS = (10, 10, 22, 24, 20, 18, 12, 8, 16)
_BLOCK = 2000


Rows = Iterator[tuple[str, ...]]


def students_without_ssid(school: School, columns: Sequence[str] = COLUMNS) -> Rows:
    """Rows of the school's currently enrolled students without a current SSID, by name. Only the chosen columns; SSID
    is blank."""
    chosen = [COLUMNS.index(name) for name in columns]
    students = (
        enrolled_today(without_ssid(Student.objects.filter(school=school)))
        .order_by(*BY_NAME)
        .values_list("pk", "local_number", "last_name", "first_name", "middle_name", "birth_date", "grade", "suffix")
    )
    for pk, number, last, first, middle, born, grade, suffix in students.iterator(chunk_size=_BLOCK):
        looking.note(pk)
        name = f"{last} {suffix}" if suffix else last
        row = (school.lea.code, school.code, number, name, first, middle, born.isoformat(), grade, "")
        yield tuple(row[at] for at in chosen)


def write_list(school: School, path: Path, columns: Sequence[str] = COLUMNS) -> int:
    """Write the list as .csv or .xlsx, by the ending of the path; returns the number of students on it.

    Raises ValueError for another ending, OSError if the file cannot be written.
    """
    kind = path.suffix.lower()
    if kind == ".csv":
        return _write_csv(school, path, columns)
    if kind == ".xlsx":
        return _write_xlsx(school, path, columns)
    raise ValueError("The list is written as .csv or .xlsx: end the file name with one of these.")


def _write_csv(school: School, path: Path, columns: Sequence[str]) -> int:
    count = 0
    # The byte order mark tells spreadsheets that the names are UTF-8.
    with path.open("w", encoding="utf-8-sig", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(columns)
        for row in students_without_ssid(school, columns):
            writer.writerow([safe_cell(value) for value in row])
            count += 1
    return count


def _write_xlsx(school: School, path: Path, columns: Sequence[str]) -> int:
    """Every cell is text: leading zeros stay, and what people type into the SSID column keeps them too."""
    count = 0
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Students without SSID")
    sheet.freeze_panes = "A2"
    widths = dict(zip(COLUMNS, _WIDTHS, strict=True))
    for letter, name in zip("ABCDEFGHI", columns, strict=False):
        sheet.column_dimensions[letter].width = widths[name]
        sheet.column_dimensions[letter].number_format = "@"

    def cell(value: str, *, bold: bool = False) -> WriteOnlyCell:
        # A workbook needs no guard character, except for values that would be read as if they had one.
        made = WriteOnlyCell(sheet, value=value if plain_cell(value) == value else safe_cell(value))
        made.data_type = "s"  # openpyxl takes text that starts with = for a formula
        made.number_format = "@"
        if bold:
            made.font = Font(bold=True)
        return made

    sheet.append([cell(name, bold=True) for name in columns])
    for row in students_without_ssid(school, columns):
        sheet.append([cell(value) for value in row])
        count += 1
    book.save(path)
    return count
