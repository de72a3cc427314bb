"""A sample file for every layout, made from the layout, about invented people: it shows what a file looks like and can
be tested as it is.

An app whose files cannot be made from rows of plausible values offers a writer: `register_sample_writer`.
"""

import csv
import datetime as dt
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from sisimport.files.layouts import Column, ColumnKind, Header, Layout
from sisimport.imports.definition.import_type import ImportType
from students.models import School

Writer = Callable[[ImportType, Layout, "list[Person]"], str | None]
_LINE_END = "\r\n"
_DATES = {
    "CCYYMMDD": "%Y%m%d",
    "CCYY-MM-DD": "%Y-%m-%d",
    "M/D/CCYY": "%m/%d/%Y",
    "D/M/CCYY": "%d/%m/%Y",
    "M/D/YY": "%m/%d/%y",
}


@dataclass(frozen=True, slots=True)
class Person:
    """An invented person. District and school are those of the user who requests the file; else codes that no district
    has."""

    last_name: str
    first_name: str
    middle_name: str
    gender: str
    birth_date: dt.date
    grade: str
    local_number: str
    ssid: str
    lea: str = "9999999"
    school: str = "9999901"


PEOPLE = [
    Person("Sample", "Ana", "Luz", "F", dt.date(2014, 3, 9), "05", "S-1001", "9000000001"),
    Person("Example", "Minh", "Văn", "M", dt.date(2011, 11, 21), "08", "S-1002", "9000000002"),
    Person("Specimen", "Zoë", "", "X", dt.date(2008, 7, 2), "11", "S-1003", "9000000003"),
]

# Values for columns that hold no fact about the person, by field.
_USUAL: Mapping[str, str] = {
    "elas": "EL",
    "language": "01",
    "home_language": "spa",
    "academic_year": "2025-2026",
    "school_year": "2026",
    "birth_country": "US",
    "birth_state": "US-CA",
    "category": "ONE",
    "score": "98.5",
    "selection": "",
    "el_status": "EL",
    "request_type": "Retrieve",
}
_STARTED = dt.date(2025, 8, 18)
_writers: list[Writer] = []


def register_sample_writer(writer: Writer) -> None:
    """`writer(import_type, layout, people)` returns the text of a file, or None for a layout that it does not
    handle."""
    _writers.append(writer)


def sample_text(import_type: ImportType, layout: Layout, school: School | None = None) -> str:
    """The text of a sample file: a header line if the layout has one, and a line for each person, at this school."""
    people = PEOPLE
    if school is not None:
        people = [replace(person, lea=school.lea.code, school=school.code) for person in PEOPLE]
    for writer in _writers:
        text = writer(import_type, layout, people)
        if text is not None:
            return text
    rows = [[_value(column, layout, person, n) for column in layout.columns] for n, person in enumerate(people, 1)]
    if layout.header is not Header.NONE:
        rows.insert(0, [column.name for column in layout.columns])
    if layout.delimiter == "^":  # the state's files use no quotes
        return "".join("^".join(row) + _LINE_END for row in rows)
    written = io.StringIO()
    csv.writer(written, delimiter=layout.delimiter, lineterminator=_LINE_END).writerows(rows)
    return written.getvalue()


def sample_name(layout: Layout) -> str:
    return f"sample-{layout.key}{'.csv' if layout.delimiter == ',' else '.txt'}"


def _value(column: Column, layout: Layout, person: Person, number: int) -> str:
    """A value that the column accepts; blank if the column is not read."""
    name = column.field or ""
    if column.position == len(layout.columns) and layout.end_marker:
        return layout.end_marker
    if not name or name.startswith(("alias_", "result_", "guardian")):
        return ""
    if column.kind is ColumnKind.DATE:
        day = person.birth_date if "birth" in name else _STARTED
        return "" if "exit" in name else day.strftime(_DATES[layout.date_formats[0]])
    sample = _fact(name, person)
    if sample is None:
        sample = str(number) if name in ("file_line", "local_record_id") else _USUAL.get(name, "")
    if column.codes is not None and sample not in column.codes:
        sample = next(iter(column.codes)) if column.required or sample else ""
    return sample[: column.length] if column.length else sample


def _fact(name: str, person: Person) -> str | None:
    found = getattr(person, name, None) or {
        "retired_ssid": person.ssid,
        "replacement_ssid": f"91{person.ssid[2:]}",
        "local_student_id": person.local_number,
        "school_code": person.school,
    }.get(name)
    return str(found) if found is not None else ("" if name in ("middle_name", "suffix") else None)
