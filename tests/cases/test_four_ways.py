"""One file by command line, API, page and pick-up: the same issues, codes, lines and end of the run, the same record after it.

Every import type: a good file, damaged ones, one that is refused as a whole, a zip, a workbook.
"""

import io
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import openpyxl
import pytest
from django.test import Client

from sisimport.imports.definition.registry import built_in_types, get_type
from tests.cases.doors import REFUSED_AT_ONCE, Doors, Outcome, plain
from tests.imports.commandline import CommandLine
from tests.imports.properties import RolledBack
from tests.longer import earlier_years, every_pair
from tests.truth.sheets import Damage, Sheet, damage
from tests.truth.test_reported_is_on_record import adapter_of

pytestmark = [pytest.mark.django_db, pytest.mark.long]
TYPES = [kind.key for kind in built_in_types()]


def _text(sheet: Sheet) -> bytes:
    return sheet.text().encode()


def _damaged(*done: str) -> Callable[[Sheet], bytes]:
    def file(sheet: Sheet) -> bytes:
        damage(sheet, [Damage(what, record=1, field=7 * n + 3, value=n) for n, what in enumerate(done)], {})
        return _text(sheet)

    return file


def _of_something_else(sheet: Sheet) -> bytes:
    return b"menu,price\nsoup,3\nrice,4\npeas,5\n"


def _nothing(sheet: Sheet) -> bytes:
    return b""


def _zipped(sheet: Sheet) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("readme.txt", "The file is attached.\n")
        archive.writestr("export/file.csv", sheet.text())
    return out.getvalue()


def _two_in_a_zip(sheet: Sheet) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("one.csv", sheet.text())
        archive.writestr("two.csv", sheet.text())
    return out.getvalue()


def _workbook(sheet: Sheet) -> bytes:
    book = openpyxl.Workbook()
    for row in [*([sheet.header] if sheet.header else []), *sheet.records]:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


FILES: Mapping[str, tuple[str, Callable[[Sheet], bytes]]] = {
    "good": ("file.csv", _text),
    "cut, blank, other values": ("file.csv", _damaged("cut", "blank", "another value")),
    "columns swapped": ("file.csv", _damaged("columns swapped")),
    "lines doubled, junk between": ("file.csv", _damaged("repeated", "junk line", "header again", "blank line")),
    "marks and swapped cells": ("file.csv", _damaged("marks around", "cells swapped", "equal everywhere")),
    "something else": ("file.csv", _of_something_else),
    "nothing": ("file.csv", _nothing),
    "a zip": ("file.zip", _zipped),
    "a zip of two": ("file.zip", _two_in_a_zip),
    "a workbook": ("file.xlsx", _workbook),
}


@pytest.fixture
def doors(capsys: pytest.CaptureFixture[str], client: Client, tmp_path: Path) -> Doors:
    (tmp_path / "in").mkdir()
    return Doors(CommandLine(capsys), client, tmp_path / "in")


# The years of a family differ by their layouts, which no door looks at.
@pytest.mark.parametrize(("key", "file"), every_pair(TYPES, list(FILES), seldom=earlier_years(TYPES)))
def test_a_file_ends_alike_by_all_four_ways(key: str, file: str, doors: Doors, tmp_path: Path) -> None:
    sheet = adapter_of(get_type(key)).arrange(3)
    name, content = FILES[file]
    path = tmp_path / ("RESP_0001.csv" if key == "utah-response" and name.endswith("csv") else name)
    path.write_bytes(content(sheet))

    found = {}
    for way, door in doors.every.items():
        with RolledBack():
            found[way] = door(key, path, {})

    expected = found.pop("command")
    if file == "a workbook" and get_type(key).converts_workbooks_by_default:
        # Whoever types a command is told what the workbook became; no program is, and a page shows it first.
        assert expected["status"] == "completed"
        expected = found.pop("API")
    assert {way: one for way, one in found.items() if _differs(one, expected)} == {}, expected


def _differs(one: Outcome, expected: Outcome) -> bool:
    if REFUSED_AT_ONCE in one:
        return expected["status"] != "rejected" or plain(expected["message"]) not in one[REFUSED_AT_ONCE]
    if "written" not in one and expected["counts"]["errors"]:
        expected = {name: value for name, value in expected.items() if name not in {"written", "record"}}
    return one != expected
