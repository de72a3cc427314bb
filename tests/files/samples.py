"""Helpers for tests of reading: invented lines of the SSID download file, and reading bytes in one call."""

import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from sisimport.files.detection import Recognition, recognise
from sisimport.files.issues import Problem
from sisimport.files.layouts import Layout, load_layouts
from sisimport.files.reader import Reader, Row

ROOT = Path(__file__).resolve().parents[2]
SSID_LAYOUTS = load_layouts(ROOT / "ssid" / "layouts")
ROSTER_LAYOUTS = load_layouts(ROOT / "sisimport" / "roster" / "layouts")
ROSTER = ROSTER_LAYOUTS["students"]
SCORE_LAYOUTS = load_layouts(ROOT / "assessments" / "layouts")  # a quarter of a second: read once for all tests
DOWNLOAD = SSID_LAYOUTS["calpads-ssid-download"]
ALL_LAYOUTS = [*SSID_LAYOUTS.values(), ROSTER]

DOWNLOAD_HEADER = "^".join(column.name for column in DOWNLOAD.columns)


def line(**changes: str) -> str:
    """A line of the SSID download file, by field names."""
    values = {
        "lea": "1234567",
        "school": "0123456",
        "ssid": "9012345678",
        "local_number": "100234",
        "last_name": "García-López",
        "first_name": "José",
        "middle_name": "Luis",
        "gender": "M",
        "birth_date": "20090214",
        "enrollment_start": "20240812",
        "grade": "10",
        "elas": "EL",
        "elas_date": "20150901",
        "language": "spa",
        "ssid_created": "20140815",
    }
    assert changes.keys() <= values.keys(), changes
    return "^".join((values | changes).values())


def lines(*changes: dict[str, str]) -> str:
    return "".join(f"{line(**change)}\n" for change in changes)


THREE = lines(
    {},
    {"ssid": "9012345679", "local_number": "100235", "last_name": "O'Neil", "first_name": "Ana", "middle_name": ""},
    {"ssid": "9012345680", "local_number": "100236", "last_name": "Tran", "first_name": "Minh", "gender": "X"},
)


@dataclass(frozen=True)
class Read:
    """What came of a file."""

    recognition: Recognition
    reader: Reader
    rows: list[Row]
    fields: Sequence[str]

    @property
    def values(self) -> list[dict[str, str | None]]:
        return [dict(zip(self.fields, row[1], strict=True)) for row in self.rows]

    @property
    def problems(self) -> list[Problem]:
        return [problem for row in self.rows for problem in row[2]]

    @property
    def codes(self) -> list[str]:
        """Codes of the notices on the file."""
        return [notice.code for notice in self.reader.notices]

    def column(self, field: str) -> list[str | None]:
        return [value[field] for value in self.values]


def look(
    data: bytes | str,
    expected: Layout | Collection[Layout] | None = DOWNLOAD,
    layouts: Sequence[Layout] = ALL_LAYOUTS,
) -> Recognition:
    return recognise(_stream(data), layouts, expected=expected)


def read(
    data: bytes | str,
    expected: Layout | Collection[Layout] | None = DOWNLOAD,
    layouts: Sequence[Layout] = ALL_LAYOUTS,
    fields: Sequence[str] | None = None,
) -> Read:
    """Recognise and read; raises the FileError of a refused file."""
    stream = _stream(data)
    recognition = recognise(stream, layouts, expected=expected)
    if recognition.error is not None:
        raise recognition.error
    assert recognition.layout is not None
    fields = list(recognition.layout.fields) if fields is None else fields
    reader = Reader(stream, recognition, fields)
    rows = [row for block in reader.blocks() for row in block]
    return Read(recognition, reader, rows, fields)


def _stream(data: bytes | str) -> io.BytesIO:
    return io.BytesIO(data.encode() if isinstance(data, str) else data)
