"""The child process that reads a workbook: `workbook_reader.py SOURCE TARGET`, answer as JSON on standard output.

Runs alone, with limits set by its parent (workbooks.py), and imports nothing of ours.
"""

import datetime as dt
import json
import math
import re
import sys
import zipfile
from collections.abc import Iterator
from typing import Any, Final

MAX_UNPACKED: Final = 1 << 30
MAX_PARTS: Final = 2000
MAX_RATIO: Final = 400
MAX_ROWS: Final = 1_000_000
MAX_COLUMNS: Final = 1000
MAX_CELL: Final = 2000
EXACT_DIGITS: Final = 15  # digits of a number that a spreadsheet keeps
NAMED_CELLS: Final = 5
PREVIEW: Final = 5
DELIMITER: Final = "^"
_SSID_HEADER = re.compile(r"ssid|statewidestudentid")
_SCIENTIFIC = re.compile(r"\d(\.\d+)?[eE]\+?\d+\Z")
_ENTITY = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)


class Refused(Exception):  # noqa: N818 - a finding for the user
    def __init__(self, found: str, expected: str) -> None:
        super().__init__(found)
        self.found, self.expected = found, expected


def main(source: str, target: str) -> dict[str, Any]:
    check_archive(source)
    import openpyxl

    # Opened here: by a name without ending the library refuses it.
    with open(source, "rb") as stream, open(target, "w", encoding="utf-8", newline="") as out:  # noqa: PTH123 - a plain program
        book = openpyxl.load_workbook(stream, read_only=True, data_only=False, keep_links=False)
        return Conversion(out).run(book)


def check_archive(source: str) -> None:
    """Refuse what is no workbook, unpacks to too much, or brings definitions of its own."""
    try:
        archive = zipfile.ZipFile(source)
    except zipfile.BadZipFile:
        raise Refused("an old Excel workbook (.xls) or a damaged one", "an .xlsx workbook, or the text file") from None
    with archive:
        parts = archive.infolist()
        if len(parts) > MAX_PARTS:
            raise Refused(f"a workbook of {len(parts):,} parts", f"at most {MAX_PARTS:,}")
        if any(part.flag_bits & 1 for part in parts):
            raise Refused("a workbook with a password", "one without")
        unpacked = sum(part.file_size for part in parts)
        packed = sum(part.compress_size for part in parts) or 1
        if unpacked > MAX_UNPACKED or unpacked / packed > MAX_RATIO:
            raise Refused(f"a workbook that unpacks to {unpacked >> 20:,} MB", "one of records only")
        if "xl/workbook.xml" not in {part.filename for part in parts}:
            raise Refused("an archive that is no Excel workbook", "an .xlsx workbook")
        for part in parts:
            if part.filename.endswith((".xml", ".rels")):
                with archive.open(part) as stream:
                    if _ENTITY.search(stream.read(4096)):
                        raise Refused("a workbook that defines its own entities", "one as a spreadsheet writes it")


class Conversion:
    def __init__(self, out: Any) -> None:
        self.out = out
        self.header: list[str] = []
        self.names: list[str] = []
        self.ssid_at: int | None = None
        self.rows = 0
        self.spoilt: list[str] = []
        self.formulas: list[str] = []
        self.long_numbers: list[str] = []
        self.dates = 0
        self.numbers = 0
        self.preview: list[list[str]] = []

    def run(self, book: Any) -> dict[str, Any]:
        sheets = [self.sheet(sheet) for sheet in book.worksheets]
        if not self.header:
            raise Refused("a workbook without a row of column names", "records under their column names")
        if self.formulas:
            raise Refused(f"formulas in {_cells(self.formulas)}", "values only")
        if self.spoilt:
            raise Refused(
                f"SSIDs that a spreadsheet rounded or shortened in {_cells(self.spoilt)}",
                "ten digits in every cell of SSIDs",
            )
        return {
            "sheets": sheets,
            "rows": self.rows,
            "columns": len(self.header),
            "risks": self.risks(),
            "preview": [[cell[:60] for cell in row[:12]] for row in self.preview],
        }

    def risks(self) -> list[str]:
        told = []
        if self.long_numbers:
            told.append(f"Numbers of more than {EXACT_DIGITS} digits may be rounded: {_cells(self.long_numbers)}.")
        if self.numbers:
            told.append(
                f"{self.numbers:,} cells are numbers: zeros in front are lost, and put back where a code is known."
            )
        if self.dates:
            told.append(f"{self.dates:,} cells are dates; they are written as CCYY-MM-DD.")
        return told

    def sheet(self, sheet: Any) -> dict[str, Any]:
        if getattr(sheet, "sheet_state", "visible") != "visible":
            return {"name": str(sheet.title), "rows": 0, "note": "hidden, left out"}
        before, rows = self.rows, self.records(sheet)
        header = [str(value or "").strip() for _where, value, _kind in next(rows, [])]
        while header and not header[-1]:
            header.pop()
        names = [re.sub(r"[\s_\-–—/()]+", "", name.lower()) for name in header]
        if len([name for name in names if name]) < 2:
            return {"name": str(sheet.title), "rows": 0, "note": "no column names, left out"}
        if not self.header:
            self.header, self.names = header, names
            self.ssid_at = next((at for at, name in enumerate(names) if _SSID_HEADER.search(name)), None)
            self.write(header)
        elif names != self.names:
            return {"name": str(sheet.title), "rows": 0, "note": "other column names, left out"}
        for row in rows:
            self.record(str(sheet.title), row)
        return {"name": str(sheet.title), "rows": self.rows - before, "note": ""}

    def records(self, sheet: Any) -> Iterator[list[tuple[str, Any, str]]]:
        """Rows that hold something, cell by cell; what a sheet claims of its size is not believed."""
        sheet.reset_dimensions()
        for seen, row in enumerate(sheet.iter_rows(max_col=MAX_COLUMNS), 1):
            if seen > MAX_ROWS:
                raise Refused(f"more than {MAX_ROWS:,} rows in sheet {sheet.title}", "fewer")
            cells = [(getattr(cell, "coordinate", ""), cell.value, getattr(cell, "data_type", "n")) for cell in row]
            if any(value not in (None, "") for _where, value, _kind in cells):
                yield cells

    def record(self, sheet: str, row: list[tuple[str, Any, str]]) -> None:
        cells = [self.text(f"{sheet}!{where}", value, kind) for where, value, kind in row[: len(self.header)]]
        cells += [""] * (len(self.header) - len(cells))
        if self.ssid_at is not None:
            ssid = cells[self.ssid_at]
            if ssid and not re.fullmatch(r"\d{10}", ssid):
                self.spoilt.append(f"{sheet}!{row[self.ssid_at][0]}")
        self.rows += 1
        self.write(cells)

    def text(self, where: str, value: Any, kind: str) -> str:
        if value is None:
            return ""
        if kind == "f":
            self.formulas.append(where)
            return ""
        if isinstance(value, dt.date):  # a datetime is one
            self.dates += 1
            return value.isoformat()[:10]
        if isinstance(value, int | float) and not isinstance(value, bool):
            return self.number(where, value)
        text = re.sub(r"[\x00-\x1f^]+", " ", str(value)).strip()
        if len(text) > MAX_CELL:
            raise Refused(f"a cell of {len(text):,} characters ({where})", f"at most {MAX_CELL:,}")
        if _SCIENTIFIC.match(text):
            self.long_numbers.append(where)
        return text

    def number(self, where: str, value: float) -> str:
        self.numbers += 1
        if math.isnan(value) or abs(value) >= 1e22:
            return ""
        if float(value).is_integer():
            text = str(int(value))
            if len(text.lstrip("-")) > EXACT_DIGITS:
                self.long_numbers.append(where)
            return text
        return repr(value)

    def write(self, cells: list[str]) -> None:
        if len(self.preview) <= PREVIEW:
            self.preview.append(cells)
        self.out.write(DELIMITER.join(cells) + "\n")


def _cells(places: list[str]) -> str:
    more = len(places) - NAMED_CELLS
    return ", ".join(places[:NAMED_CELLS]) + (f" and {more:,} more cells" if more > 0 else "")


if __name__ == "__main__":
    try:
        answer = main(sys.argv[1], sys.argv[2])
    except Refused as refused:
        answer = {"error": refused.found, "expected": refused.expected}
    except MemoryError:
        answer = {"error": "a workbook that needs more memory than is allowed", "expected": "a smaller one"}
    except Exception as error:  # noqa: BLE001 - whatever the bytes are, the parent gets an answer
        answer = {"error": f"a workbook that cannot be read ({type(error).__name__})", "expected": "an .xlsx workbook"}
    json.dump(answer, sys.stdout)
