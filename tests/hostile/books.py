"""Workbooks that no spreadsheet program would write, and some that one would. Converted first, as people convert theirs."""

import io
import zipfile
from collections.abc import Callable, Iterable, Iterator
from html import escape

from tests.faults.workbooks import inline, raw_workbook
from tests.hostile.corpus import End, Honest, Hostile, base, refused, rows, same

_TYPES = ("students", "ssid-list")
_Rows = list[list[str]]


def _lines(table: _Rows) -> list[str]:
    return ["<row>" + "".join(inline(escape(value)) for value in row) + "</row>" for row in table]


def _book(change: Callable[[list[str]], Iterable[str]], **given: object) -> Callable[[_Rows], bytes]:
    return lambda table: raw_workbook(change(_lines(table)), **given).read()  # type: ignore[arg-type]


def _with(part: str, text: Callable[[bytes], bytes]) -> Callable[[_Rows], bytes]:
    """A workbook one of whose parts is another."""

    def make(table: _Rows) -> bytes:
        out = io.BytesIO()
        with (
            zipfile.ZipFile(io.BytesIO(_book(lambda lines: lines)(table))) as book,
            zipfile.ZipFile(out, "w") as target,
        ):
            for name in book.namelist():
                target.writestr(name, text(book.read(name)) if name.endswith(part) else book.read(name))
        return out.getvalue()

    return make


def _without(part: str) -> Callable[[_Rows], bytes]:
    def make(table: _Rows) -> bytes:
        out = io.BytesIO()
        with (
            zipfile.ZipFile(io.BytesIO(_book(lambda lines: lines)(table))) as book,
            zipfile.ZipFile(out, "w") as target,
        ):
            for name in book.namelist():
                if not name.endswith(part):
                    target.writestr(name, book.read(name))
        return out.getvalue()

    return make


def _row_with(cell: str) -> Callable[[list[str]], list[str]]:
    """The first record with another first cell."""
    return lambda lines: [lines[0], lines[1].replace(inline_of(lines[1]), cell, 1), *lines[2:]]


def inline_of(row: str) -> str:
    return row[len("<row>") : row.index("</c>") + len("</c>")]


def _out_of_order(lines: list[str]) -> list[str]:
    return ['<row r="9">' + lines[0][5:], '<row r="3">' + lines[1][5:], *lines[2:]]


def _many_sheets(data: bytes) -> bytes:
    return data.replace(b"<sheet ", b'<sheet name="S0" r:id="r1"/>' * 2000 + b"<sheet ")


_BILLION = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'
_OUTSIDE = b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'

KINDS: dict[str, tuple[Callable[[_Rows], bytes], End]] = {
    "as it must be": (_book(lambda lines: lines), same()),
    "a cell in the last row and column": (
        _book(lambda lines: [*lines, '<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>x</t></is></c></row>']),
        Honest(),
    ),
    "a hundred thousand empty rows": (_book(lambda lines: [*lines, *["<row/>" * 1000] * 100]), Honest()),
    "rows of formatted empty cells": (
        _book(lambda lines: [*lines, *["<row>" + "<c s='1'/>" * 20 + "</row>"] * 5000]),
        Honest(),
    ),
    "rows out of order": (
        _book(lambda lines: ['<row r="9">' + lines[0][5:], '<row r="3">' + lines[1][5:], *lines[2:]]),
        Honest(),
    ),
    "a row number that is none": (_book(lambda lines: ['<row r="x">' + lines[0][5:], *lines[1:]]), Honest()),
    "a row number of thirty digits": (_book(lambda lines: [*lines, f'<row r="{"9" * 30}"><c/></row>']), Honest()),
    "a cell by a place that is none": (_book(lambda lines: [*lines, '<row><c r="1A"><v>1</v></c></row>']), Honest()),
    "a text by a number that there is not": (_book(_row_with('<c t="s"><v>999999</v></c>')), Honest()),
    "a text by a number below zero": (_book(_row_with('<c t="s"><v>-1</v></c>')), Honest()),
    "an error in a cell": (_book(_row_with('<c t="e"><v>#REF!</v></c>')), Honest()),
    "a formula with its result": (_book(_row_with('<c t="str"><f>1+1</f><v>9999999</v></c>')), Honest()),
    "a formula without its result": (_book(_row_with("<c><f>1+1</f></c>")), Honest()),
    "a number that is none": (_book(_row_with("<c><v>nan</v></c>")), Honest()),
    "an endless number": (_book(_row_with("<c><v>1e999</v></c>")), Honest()),
    "a number of a thousand digits": (_book(_row_with(f"<c><v>{'9' * 1000}</v></c>")), Honest()),
    "a kind of cell that is none": (_book(_row_with('<c t="zz"><v>1</v></c>')), Honest()),
    "a cell of two megabytes": (_book(_row_with(inline("x" * (2 << 20)))), refused()),
    "a control character in a cell": (_book(_row_with(inline("A_x0007_B"))), Honest()),
    "markup in a cell": (_book(_row_with(inline("&lt;script&gt;alert(1)&lt;/script&gt;"))), Honest()),
    "entities that multiply": (_with("sheet1.xml", lambda data: _BILLION + data), refused()),
    "an entity from outside": (_with("sheet1.xml", lambda data: _OUTSIDE + data), refused()),
    "an entity from outside, far down": (
        _with("sheet1.xml", lambda data: b"<!--" + b" " * 9000 + b"-->" + _OUTSIDE + data),
        refused(),
    ),
    "a sheet that is not XML": (_with("sheet1.xml", lambda data: data[: len(data) // 2]), refused()),
    "a sheet of zero bytes": (_with("sheet1.xml", lambda data: b"\0" * len(data)), refused()),
    "a sheet of nothing": (_with("sheet1.xml", lambda _: b""), refused()),
    "no sheet": (_without("sheet1.xml"), refused()),
    "no workbook": (_without("workbook.xml"), refused()),
    "no relations": (_without("workbook.xml.rels"), refused()),
    "a sheet outside the workbook": (
        _with("workbook.xml.rels", lambda data: data.replace(b"worksheets/sheet1.xml", b"../../../etc/passwd")),
        refused(),
    ),
    "a sheet on the web": (
        _with("workbook.xml.rels", lambda data: data.replace(b"worksheets/sheet1.xml", b"http://example.org/x.xml")),
        refused(),
    ),
    "two thousand sheets": (
        _with(
            "workbook.xml", lambda data: data.replace(b"<sheet ", b'<sheet name="S0" r:id="r1"/>' * 2000 + b"<sheet ")
        ),
        Honest(),
    ),
    "a hidden sheet": (
        _with("workbook.xml", lambda data: data.replace(b"<sheet ", b'<sheet state="hidden" ')),
        Honest(),
    ),
    "cut in half": (lambda table: (whole := _book(lambda lines: lines)(table))[: len(whole) // 2], refused()),
    "a header wider than any file": (
        _book(
            lambda lines: [
                lines[0].replace("</row>", '<c r="XFD1" t="inlineStr"><is><t>Far</t></is></c></row>'),
                *lines[1:],
            ]
        ),
        refused(),
    ),
}
HEAVY: dict[str, tuple[Callable[[_Rows], bytes], End]] = {
    "four million empty cells": (
        _book(lambda lines: [*lines, *["<row>" + "<c s='1'/>" * 400 + "</row>"] * 10_000]), Honest(),
    ),
    "a cell of 300 MB": (
        _book(lambda lines: [*lines, '<row><c t="inlineStr"><is><t>', *["x" * (1 << 20)] * 300, "</t></is></c></row>"]),
        refused(),
    ),
    "half a million records": (_book(lambda lines: [lines[0], *[line * 1000 for line in lines[1:]] * 170]), Honest()),
    "texts of 200 MB": (
        lambda table: raw_workbook(_lines(table), strings=(f"{n:07d}{'y' * 400}" for n in range(500_000))).read(), Honest(),
    ),
}  # fmt: skip


def files() -> Iterator[Hostile]:
    for kinds, heavy in ((KINDS, False), (HEAVY, True)):
        for kind, (make, end) in kinds.items():
            for import_type in _TYPES:
                yield Hostile(
                    kind=f"workbook: {kind}",
                    import_type=import_type,
                    make=lambda make=make, t=import_type: make(rows(t)),
                    end=end,
                    name="file.xlsx",
                    heavy=heavy,
                    convert=True,
                    text=base(import_type),
                )
