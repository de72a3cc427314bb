"""Tables as CSV (streamed, any length) and as workbook. No cell can be taken for a formula, unless values must stay as
they are."""

import csv
import datetime as dt
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Font

from sisimport.files.formula_guard import safe_cell

MAX_WORKBOOK_ROWS = 100_000
_LONGEST_CELL = 32_000  # characters that fit into a workbook cell
_BLOCK = 500

Row = Sequence[Any]


class _Echo:
    """A file whose write returns its argument."""

    def write(self, text: str) -> str:
        return text


def csv_rows(head: Row, rows: Iterable[Row], *, as_is: bool = False, mark: bool = True) -> Iterator[bytes]:
    """UTF-8 with a byte order mark: spreadsheets then read the accents.

    `as_is`: no apostrophe before text that a spreadsheet takes for a formula; for programs. `mark`: add the byte order
    mark.
    """
    writer = csv.writer(_Echo())
    yield (b"\xef\xbb\xbf" if mark else b"") + writer.writerow(head).encode()
    block: list[str] = []
    for row in rows:
        block.append(writer.writerow(row if as_is else [safe_cell(value) for value in row]))
        if len(block) == _BLOCK:
            yield "".join(block).encode()
            block = []
    yield "".join(block).encode()


def workbook(
    title: str, head: Row, rows: Iterable[Row], *, widths: Sequence[int] = (), as_is: bool = False, about: str = ""
) -> IO[bytes]:
    """A workbook in a temporary file, written row by row in flat memory; notes it in the file if it stops at its limit.

    `as_is`: no apostrophe before text that looks like a formula; the cell is typed as text anyway, which workbooks
    respect. `about`: the description in the file's properties.
    """
    book = Workbook(write_only=True)
    book.properties.description = about or None
    sheet = book.create_sheet(title[:31])
    sheet.freeze_panes = "A2"
    for column, width in enumerate(widths):
        sheet.column_dimensions[chr(ord("A") + column)].width = width
    heads = []
    for text in head:
        cell = WriteOnlyCell(sheet, value=text)
        cell.font = Font(bold=True)
        heads.append(cell)
    sheet.append(heads)
    for number, row in enumerate(rows):
        if number == MAX_WORKBOOK_ROWS:
            sheet.append([f"Only the first {MAX_WORKBOOK_ROWS:,} rows are here. The CSV download has all of them."])
            break
        sheet.append([_cell(sheet, value, as_is=as_is) for value in row])
    stream = tempfile.TemporaryFile()  # noqa: SIM115 - the response closes it
    book.save(stream)
    stream.seek(0)
    return stream


def _cell(sheet: Any, value: Any, *, as_is: bool) -> Any:
    if value is None or isinstance(value, int | float | dt.date):
        return value
    text = ILLEGAL_CHARACTERS_RE.sub("", str(value))[:_LONGEST_CELL]
    cell = WriteOnlyCell(sheet, value=text if as_is else safe_cell(text))
    cell.data_type = "s"  # text, no matter what it looks like
    return cell
