"""A file says the same in every form in which people and programs save it: each form of each import type reads alike."""

import csv
import io
import zipfile
from collections.abc import Callable, Mapping

import pytest

from sisimport.files.archives import unpack
from sisimport.files.detection import recognise
from sisimport.files.reader import Reader
from sisimport.imports.definition.import_type import ImportType
from sisimport.imports.definition.registry import built_in_types, get_type, known_layouts, layouts_of
from tests.longer import last_years
from tests.truth.sheets import Sheet
from tests.truth.test_reported_is_on_record import adapter_of

SETTING = 3  # of the adapters: all have a file for it


def _plain(sheet: Sheet) -> str:
    return sheet.text()


def _delimited(sheet: Sheet, delimiter: str) -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    writer.writerows([*([sheet.header] if sheet.header else []), *sheet.records])
    return out.getvalue()


def _with_blanks(sheet: Sheet, blanks: int, *, named: bool) -> bytes:
    lines = sheet.text().splitlines()
    first = len(lines[:1]) if sheet.header and not named else 0
    ended = [line + sheet.delimiter * blanks * (at >= first) for at, line in enumerate(lines)]
    return "\n".join(ended).encode()


def _zipped(sheet: Sheet, *others: tuple[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in others:
            archive.writestr(name, data)
        archive.writestr("export/file.csv", sheet.text())
    return out.getvalue()


def _quoted(sheet: Sheet, between: str) -> bytes:
    rows = [*([sheet.header] if sheet.header else []), *sheet.records]
    doubled = [[f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in row] for row in rows]
    return "\n".join(f"{sheet.delimiter}{between}".join(row) for row in doubled).encode()


LETTER = b"Dear registrar,\n\nthe file is attached: one line for each student.\nYours, the county.\n"
FORMS: Mapping[str, Callable[[Sheet], bytes]] = {
    "byte order mark": lambda s: b"\xef\xbb\xbf" + s.text().encode(),
    "CR LF": lambda s: s.text().replace("\n", "\r\n").encode(),
    "CR": lambda s: s.text().replace("\n", "\r").encode(),
    "no line end at the end": lambda s: s.text().rstrip("\n").encode(),
    "UTF-16": lambda s: s.text().encode("utf-16"),
    "UTF-16 big endian": lambda s: b"\xfe\xff" + s.text().encode("utf-16-be"),
    "UTF-16 without mark": lambda s: s.text().encode("utf-16-le"),
    "Unicode Text of Excel": lambda s: _delimited(s, "\t").replace("\n", "\r\n").encode("utf-16"),
    "tabs": lambda s: _delimited(s, "\t").encode(),
    "semicolons": lambda s: _delimited(s, ";").encode(),
    "bars": lambda s: _delimited(s, "|").encode(),
    "commas": lambda s: _delimited(s, ",").encode(),
    "carets": lambda s: _delimited(s, "^").encode(),
    "quotation marks": lambda s: _quoted(s, ""),
    "quotation marks after a space": lambda s: _quoted(s, " "),
    "a title": lambda s: b"Students of Lincoln Unified\n" + s.text().encode(),
    "a title, a day and a blank line": lambda s: b"Lincoln Unified\nPrinted 11/28/2026\n\n" + s.text().encode(),
    "a title with blank cells": lambda s: f"Students{s.delimiter * 4}\n{s.text()}".encode(),
    "a title in UTF-16": lambda s: f"Students of Lincoln Unified\n{s.text()}".encode("utf-16"),
    "sep=": lambda s: f"sep={s.delimiter}\n{s.text()}".encode(),
    "sep= with a byte order mark": lambda s: f"\ufeffsep={s.delimiter}\r\n".encode() + s.text().replace("\n", "\r\n").encode(),
    "sep= of tabs": lambda s: ("sep=\t\n" + _delimited(s, "\t")).encode(),
    "blank lines": lambda s: ("\n\n" + s.text().replace("\n", "\n\n") + "\n \n").encode(),
    "one blank column": lambda s: _with_blanks(s, 1, named=True),
    "many blank columns": lambda s: _with_blanks(s, 40, named=True),
    "blank columns below the names only": lambda s: _with_blanks(s, 3, named=False),
    "a zip": _zipped,
    "a zip with a readme": lambda s: _zipped(s, ("README.txt", LETTER)),
    "a zip with a letter": lambda s: _zipped(s, ("from the county.txt", LETTER), ("letter.docx", b"PK\x03\x04x")),
    "a zip with a pdf": lambda s: _zipped(s, ("layout.pdf", b"%PDF-1.7 layout"), ("logo.png", b"\x89PNG")),
    "a zip of a Mac": lambda s: _zipped(s, ("__MACOSX/export/._file.csv", b"\0\5\26\7"), (".DS_Store", b"\0\0\0\1Bud1")),
    "a zip of Windows": lambda s: _zipped(s, ("Thumbs.db", b"\xd0\xcf\x11\xe0"), ("desktop.ini", b"[.ShellClassInfo]\r\n")),
}  # fmt: skip


def _values(import_type: ImportType, data: bytes) -> list[tuple[str | None, ...]]:
    """The values of all records, as a run would stage them. Raises FileError for a file that is refused."""
    file = unpack(io.BytesIO(data), max_bytes=1 << 30)
    recognition = recognise(file.stream, known_layouts(), expected=layouts_of(import_type))
    if recognition.error is not None:
        raise recognition.error
    assert recognition.layout is not None
    fields = [name for name in import_type.fields if name in recognition.layout.fields]
    reader = Reader(file.stream, recognition, fields)
    rows = [(tuple(row[1]), row[2]) for block in reader.blocks() for row in block]
    wrong = [problem for _values, problems in rows for problem in problems if problem.severity > 1]
    assert not wrong
    return [values for values, _problems in rows]


@pytest.mark.django_db
@pytest.mark.parametrize("key", last_years(t.key for t in built_in_types()))
def test_every_form_of_a_file_is_read_like_the_plain_one(key: str) -> None:
    import_type = get_type(key)
    sheet = adapter_of(import_type).arrange(SETTING)
    plain = _values(import_type, _plain(sheet).encode())

    read = {name: _try(import_type, form(sheet)) for name, form in FORMS.items()}

    assert {name: values for name, values in read.items() if values != plain} == {}


def _try(import_type: ImportType, data: bytes) -> object:
    try:
        return _values(import_type, data)
    except Exception as error:  # noqa: BLE001 - shown for the form
        return f"{type(error).__name__}: {error}"
