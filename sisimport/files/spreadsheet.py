"""The contents of an Excel workbook, read with expat while it is unpacked: its sheets, and their rows cell by cell.

Pure: knows neither Django nor our other packages; used in a child process with limits (workbook_process.py). Cells are examined
as they are read, and no row is padded. (openpyxl pads rows to the widest and takes five times as long; measured with a million
cells.)
"""

import datetime as dt
import posixpath
import re
import zipfile
from collections.abc import Callable
from decimal import Decimal
from typing import IO, Any, Final
from xml.parsers import expat

MAX_UNPACKED: Final = 1 << 30
MAX_PARTS: Final = 2000
MAX_RATIO: Final = 400
MAX_CELL: Final = 2000
MAX_EMPTY_ROWS: Final = 500  # consecutive; rows after them are not read
_PIECE: Final = 1 << 16
_BOOK: Final = "xl/workbook.xml"
_ENTITY = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_BUILT_IN_DATES: Final = {*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59)}
_BUILT_IN_PERCENTS: Final = {9, 10}
_NO_DATE_LETTERS = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE)
_DATE_LETTERS = re.compile(r"[dmyhs]", re.IGNORECASE)
_LARGEST_SHARE: Final = 10_000
_ZEROS: Final = re.compile(r"0+(?=;|\Z)")  # the format of a cell that shows a code
_LAST_DATE: Final = 2_958_466  # the day after 9999-12-31, as a spreadsheet counts days


class Refused(Exception):  # noqa: N818 - a finding for the user
    """The workbook cannot be used: what it holds and what was expected, in the user's words."""

    def __init__(self, found: str, expected: str) -> None:
        super().__init__(found)
        self.found, self.expected = found, expected


class EnoughError(Exception):
    """Raised by the receiver of the rows: the rest of the sheet is not wanted."""


def opened(source: IO[bytes]) -> zipfile.ZipFile:
    """Open a workbook; refuse a file that is not one, unpacks to too much, or contains its own XML definitions."""
    try:
        archive = zipfile.ZipFile(source)
    except zipfile.BadZipFile:
        raise Refused("an old Excel workbook (.xls) or a damaged one", "an .xlsx workbook, or the text file") from None
    parts = archive.infolist()
    if len(parts) > MAX_PARTS:
        raise Refused(f"a workbook of {len(parts):,} parts", f"at most {MAX_PARTS:,}")
    if any(part.flag_bits & 1 for part in parts):
        raise Refused("a workbook with a password", "one without")
    unpacked = sum(part.file_size for part in parts)
    packed = sum(part.compress_size for part in parts) or 1
    if unpacked > MAX_UNPACKED or unpacked / packed > MAX_RATIO:
        raise Refused(f"a workbook that unpacks to {unpacked >> 20:,} MB", "a workbook with only records")
    if _BOOK not in {part.filename for part in parts}:
        raise Refused("an archive that is not an Excel workbook", "an .xlsx workbook")
    for part in parts:
        if part.filename.endswith((".xml", ".rels")):
            with archive.open(part) as stream:
                if _ENTITY.search(stream.read(4096)):
                    raise _own_entities()
    return archive


def _own_entities() -> Refused:
    return Refused("a workbook that defines its own entities", "a workbook as a spreadsheet program saves it")


Start = Callable[[str, dict[str, str]], None]


def parse(archive: zipfile.ZipFile, part: str, start: Start, end: Callable[[str], None], text: Any = None) -> None:
    """Call back with the local names of the part's elements. A missing part has none."""
    local: dict[str, str] = {}

    def name_of(name: str) -> str:
        if name not in local:
            local[name] = name.rpartition(" ")[2]
        return local[name]

    def refuse(*_definition: Any) -> None:
        raise _own_entities()

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = lambda name, attributes: start(name_of(name), attributes)
    parser.EndElementHandler = lambda name: end(name_of(name))
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = refuse
    try:
        with archive.open(part) as stream:
            while piece := stream.read(_PIECE):
                parser.Parse(piece)
            parser.Parse(b"", True)
    except KeyError:
        return
    except expat.ExpatError as error:
        if error.code == expat.errors.codes[expat.errors.XML_ERROR_NO_MEMORY]:
            raise MemoryError from None
        raise


class Book:
    """Data of a workbook that is needed before its sheets are read."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.archive = archive
        self.sheets: list[tuple[str, str, bool]] = []  # name, part, visible
        self.from_1904 = False
        self.hidden_rows = 0  # that hold something, of the sheets read so far
        self.formats: dict[str, str] = {}
        self.dated: list[bool] = []  # is the style of this number a date?
        self.percent: list[bool] = []  # … a share of one hundred?
        self.digits: list[int] = []  # … with at least so many digits, as 0000000 shows it?
        self.strings: list[str | None] = []  # None: longer than any cell of a record
        self._targets: dict[str, str] = {}
        self._in_cell_styles = False
        parse(archive, "xl/_rels/workbook.xml.rels", self._relation, _ignore)
        parse(archive, _BOOK, self._sheet, _ignore)
        parse(archive, "xl/styles.xml", self._style, self._style_end)
        self._read_strings()

    def _relation(self, name: str, attributes: dict[str, str]) -> None:
        if name == "Relationship":
            target = attributes.get("Target", "")
            full = target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join("xl", target))
            self._targets[attributes.get("Id", "")] = full

    def _sheet(self, name: str, attributes: dict[str, str]) -> None:
        if name == "workbookPr":
            self.from_1904 = attributes.get("date1904", "0") in ("1", "true")
        elif name == "sheet":
            key = next((value for full, value in attributes.items() if full.endswith(" id")), "")
            visible = attributes.get("state", "visible") == "visible"
            part = self._targets.get(key, "")
            if not part.startswith("xl/chartsheets/"):
                self.sheets.append((attributes.get("name", ""), part, visible))

    def _style(self, name: str, attributes: dict[str, str]) -> None:
        if name == "numFmt":
            self.formats[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
        elif name == "cellXfs":
            self._in_cell_styles = True
        elif name == "xf" and self._in_cell_styles:
            number = attributes.get("numFmtId", "0")
            self.dated.append(self._is_date(number))
            self.percent.append(self._is_percent(number))
            self.digits.append(len(match[0]) if (match := _ZEROS.match(self.formats.get(number, ""))) else 0)

    def _style_end(self, name: str) -> None:
        if name == "cellXfs":
            self._in_cell_styles = False

    def _is_date(self, number: str) -> bool:
        if number in self.formats:
            first = self.formats[number].split(";")[0]
            return bool(_DATE_LETTERS.search(_NO_DATE_LETTERS.sub("", first)))
        return number.isdecimal() and int(number) in _BUILT_IN_DATES

    def _is_percent(self, number: str) -> bool:
        if number in self.formats:
            return "%" in _NO_DATE_LETTERS.sub("", self.formats[number].split(";")[0])
        return number.isdecimal() and int(number) in _BUILT_IN_PERCENTS

    def _read_strings(self) -> None:
        reading = _Text()

        def start(name: str, _attributes: dict[str, str]) -> None:
            if name == "si":
                reading.begin()
            reading.open(name)

        def end(name: str) -> None:
            reading.shut(name)
            if name == "si":
                self.strings.append(reading.take_text())

        parse(self.archive, "xl/sharedStrings.xml", start, end, reading.add)


def _ignore(_name: str) -> None:
    pass


class _Text:
    """Collects the text of one cell, up to the length a cell of a record may have."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        self.pieces: list[str] = []
        self.length = 0
        self.wanted = self.spoken = False

    def open(self, name: str) -> None:
        if name == "rPh":  # phonetic text next to a name
            self.spoken = True
        elif name in ("t", "v"):
            self.wanted = not self.spoken

    def shut(self, name: str) -> None:
        if name == "rPh":
            self.spoken = False
        elif name in ("t", "v"):
            self.wanted = False

    def add(self, data: str) -> None:
        if self.wanted:
            self.length += len(data)
            if self.length <= MAX_CELL:
                self.pieces.append(data)

    def take_text(self) -> str | None:
        return "".join(self.pieces) if self.length <= MAX_CELL else None


Cell = tuple[int, str, str | None, str]  # column from 0, place, raw text (None: too long), kind


def rows(book: Book, part: str, each: Callable[[int, list[Cell]], None]) -> int:
    """Call `each` with the number and the cells of each row that holds something. Returns the row after which it stopped.

    0: the sheet was read to the end; else, after this row came so many empty rows that reading stopped, or `each` raised
    EnoughError.
    """
    sheet = _Rows(book, each)
    try:
        parse(book.archive, part, sheet.start, sheet.end, sheet.text.add)
    except EnoughError:
        return sheet.last
    return 0


class _Rows:
    """Builds the rows of one sheet as its elements arrive."""

    def __init__(self, book: Book, each: Callable[[int, list[Cell]], None]) -> None:
        self.book, self.each = book, each
        self.text = _Text()
        self.cells: list[Cell] = []
        self.row = self.last = 0
        self._columns: dict[str, int] = {}
        self._column = -1
        self._kind, self._style, self._formula = "n", "", False
        self._hidden = False

    def start(self, element: str, attributes: dict[str, str]) -> None:
        if element == "c":
            letters = attributes.get("r", "").rstrip("0123456789")
            if letters not in self._columns:
                self._columns[letters] = _column(letters)
            self._column = self._columns[letters] if letters else self._column + 1
            self._kind, self._style, self._formula = attributes.get("t", "n"), attributes.get("s", ""), False
            self.text.begin()
        elif element == "row":
            self.row = int(attributes["r"]) if "r" in attributes else self.row + 1
            self._column, self._hidden = -1, attributes.get("hidden") in ("1", "true")
            if self.row - self.last > MAX_EMPTY_ROWS:
                raise EnoughError
        elif element == "f":
            self._formula = True
        else:
            self.text.open(element)

    def end(self, element: str) -> None:
        if element == "c":
            raw = self.text.take_text()
            value, kind = ("=", "f") if self._formula else self._value(raw)
            if value != "":
                self.cells.append((self._column, f"{letters_of(self._column)}{self.row}", value, kind))
        elif element == "row":
            if self.cells:
                self.book.hidden_rows += self._hidden
                self.last = self.row
                self.each(self.row, self.cells)
                self.cells = []
        else:
            self.text.shut(element)

    def _value(self, raw: str | None) -> tuple[str | None, str]:
        """The text of a cell and its kind: d date, n number, s anything else."""
        if raw is None or raw == "":
            return raw, "s"
        if self._kind == "n":
            return self._number(raw)
        if self._kind == "s":
            at = int(raw) if raw.isdecimal() else -1
            if not 0 <= at < len(self.book.strings):  # never called blank
                place = f"{letters_of(self._column)}{self.row}"
                raise Refused(f"a cell whose text is missing ({place})", "a workbook as a spreadsheet program saves it")
            return self.book.strings[at], "s"
        if self._kind == "b":
            return ("TRUE" if raw == "1" else "FALSE"), "s"
        return (raw[:10], "d") if self._kind == "d" else (raw, "s")

    def _number(self, raw: str) -> tuple[str, str]:
        """A number as its style shows it: a date, a percentage, or the number, with its zeros."""
        style = int(self._style) if self._style.isdecimal() else -1
        if 0 <= style < len(self.book.dated):
            day = _day(raw, from_1904=self.book.from_1904) if self.book.dated[style] else None
            if day is not None:
                return day, "d"
            percent = _percent(raw) if self.book.percent[style] else None
            if percent is not None:
                return percent, "s"
            if raw.isdecimal():
                return raw.zfill(self.book.digits[style]), "n"
        return raw, "n"


def _percent(value: str) -> str | None:
    """A number as the cell shows it: 1 -> `100%`, 0.915 -> `91.5%`. None if it is not a number."""
    try:
        share = Decimal(repr(float(value)))
    except ValueError:
        return None
    if not share.is_finite() or abs(share) > _LARGEST_SHARE:
        return None
    return f"{share.scaleb(2).normalize():f}%"


def _day(value: str, *, from_1904: bool) -> str | None:
    """A date as CCYY-MM-DD from a spreadsheet's day number. None for a time of day or anything that is not a date."""
    try:
        number = float(value)
    except ValueError:
        return None
    if not 1 <= number < _LAST_DATE:
        return None
    days = int(number)
    if from_1904:
        return str(dt.date(1904, 1, 1) + dt.timedelta(days)) if days < _LAST_DATE - 1462 else None
    # Spreadsheets count a nonexistent February 29, 1900.
    return str(dt.date(1899, 12, 30) + dt.timedelta(days + (days < 60)))


def _column(letters: str) -> int:
    """`A` -> 0, `XFD` -> 16383."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number - 1


def letters_of(column: int) -> str:
    number, letters = column + 1, ""
    while number > 0:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
