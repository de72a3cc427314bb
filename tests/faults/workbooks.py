"""Workbooks written by hand, for what no spreadsheet program would write."""

import io
import zipfile
from collections.abc import Iterable
from typing import IO

MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
REL = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
PACKAGE = 'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"'


def inline(text: str) -> str:
    return f'<c t="inlineStr"><is><t>{text}</t></is></c>'


def row_of(*texts: str) -> str:
    return f"<row>{''.join(map(inline, texts))}</row>"


def raw_workbook(rows: Iterable[str], *, strings: Iterable[str] = (), packed: bool = True) -> IO[bytes]:
    """A workbook of one sheet: `rows` are the elements of its data, `strings` its shared texts. At its beginning."""
    stream = io.BytesIO()
    kind = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    with zipfile.ZipFile(stream, "w", kind) as book:
        book.writestr("[Content_Types].xml", "<Types/>")
        book.writestr(
            "xl/workbook.xml", f'<workbook {MAIN} {REL}><sheets><sheet name="S1" r:id="r1"/></sheets></workbook>'
        )
        book.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships {PACKAGE}><Relationship Id="r1" Target="worksheets/sheet1.xml"/></Relationships>',
        )
        texts = list(strings)
        if texts:
            book.writestr("xl/sharedStrings.xml", f"<sst {MAIN}>{''.join(f'<si><t>{t}</t></si>' for t in texts)}</sst>")
        with book.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            sheet.write(f"<worksheet {MAIN}><sheetData>".encode())
            for row in rows:
                sheet.write(row.encode())
            sheet.write(b"</sheetData></worksheet>")
    stream.seek(0)
    return stream
