"""Refused lines as a table to correct in a spreadsheet, and reading that table when it comes back.

    Original line       What is wrong                   then the columns of the file
    Line 4 of run 12    No student has this number …    1234567, 0123456, …

The first column distinguishes such a file from all others and gives each line's place. A returned table becomes a file of
corrected lines (`corrected_files`), whether it came by page, command line, API or pick-up. It may also be saved as a workbook,
which is read in a child process with limits, as all workbooks are.
"""

import csv
import datetime as dt
import io
import re
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import IO

from django.contrib.auth.models import User
from django.db.models import Q

from sisimport.files.encodings import BOM, UTF8, WINDOWS, from_utf16, judge, wide_encoding
from sisimport.files.formula_guard import plain_cell, safe_cell
from sisimport.files.issues import FileError, Severity
from sisimport.files.quoting import split_line
from sisimport.files.workbooks import convert, is_workbook
from sisimport.imports.models import ImportFile, ImportIssue, ImportRun
from sisimport.imports.runs.corrected_files import (
    ONE_LINE,
    WHOLE_LINE,
    field_names,
    fields_of,
    head_of,
    joined,
    keep_lines,
    put_in,
    raw_records,
)
from sisimport.imports.runs.corrections import CANNOT, can_be_corrected
from sisimport.imports.runs.report import issue_message, issue_runs, layout_of, with_true_ends
from sisimport.imports.runs.uploads import RunRefusedError
from sisimport.imports.storage.files import StoredFileError
from sisimport.imports.storage.records import chunked

LINE_HEAD, WRONG_HEAD = "Original line", "What is wrong"
MOST_LINES = 50_000
MAX_BYTES = 256 << 20  # of a returned table: it is read in one piece
MAX_WORKBOOK = 4 << 20  # of one saved as a workbook: a page waits while it is read
_PEEK = 1 << 18  # bytes of a workbook's part that should contain its first texts
_MOST_PARTS = 5
_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DAYS = (
    "%m/%d/%Y",
    "%m-%d-%Y",
    "%m/%d/%y",
    "%d-%b-%y",
    "%d-%b-%Y",
)  # forms that a spreadsheet reads as a date and writes as 2009-02-14
_OWN = 2  # columns before those of the file
_HEAD_BYTES = 200
_BLOCK = 1000
_FLUSH = 1 << 16
_LONGEST_CELL = 1 << 20
_NAMED = re.compile(r"\s*Line ([\d,. ]+) of run (\d+)\s*", re.IGNORECASE)
_BEGINNING = re.compile(rf'"?(?:{LINE_HEAD}|Line [\d,. ]+ of run \d+)"?([,;\t|^])', re.IGNORECASE)

Reasons = Callable[[list[int]], Mapping[int, str]]


# ---- going out ----


def refused_table(run: ImportRun, lines: Iterable[int], reasons: Reasons) -> Iterator[list[str]]:
    """Rows of the table: its header, then each line with the reason it was refused. Raises StoredFileError at the first row.

    Values are guarded as in every CSV for spreadsheets; the guard is removed from returned values.
    """
    if run.file is None:
        return
    yield [LINE_HEAD, WRONG_HEAD, *_column_names(run)]
    for block in chunked(lines, _BLOCK):
        texts, reason_of = raw_records(run, block), reasons(block)
        for line in block:
            if line in texts:
                cells = map(safe_cell, _cells(run, texts[line]))
                yield [f"Line {line} of run {run.pk}", safe_cell(reason_of.get(line, "")), *cells]


def table_bytes(run: ImportRun, lines: Iterable[int], reasons: Reasons) -> Iterator[bytes]:
    """The table as CSV with commas and a byte order mark, which spreadsheets open without conversion; at least its header."""
    written = io.StringIO()
    writer = csv.writer(written)
    written.write("\ufeff")
    for row in refused_table(run, lines, reasons):
        writer.writerow(row)
        if written.tell() > _FLUSH:
            yield _taken(written)
    yield _taken(written)


def _taken(written: io.StringIO) -> bytes:
    data = written.getvalue().encode()
    written.seek(0)
    written.truncate()
    return data


def plain_reasons(run: ImportRun, *, schools: set[int] | None = None, shown: Q | None = None) -> Reasons:
    """The sentences of errors and warnings, as the command line prints them. `shown`: condition on the issues."""
    layout = layout_of(run)

    def reasons(lines: list[int]) -> dict[int, str]:
        issues = ImportIssue.objects.filter(
            shown or Q(), run_id__in=issue_runs(run), line__in=lines, severity__gt=Severity.NOTICE
        ).order_by("line", "-severity", "run_id", "seq")
        return together(
            (issue.line, issue_message(issue, layout, schools=schools)) for issue in with_true_ends(run, issues)
        )

    return reasons


def together(reasons_of_lines: Iterable[tuple[int, str]]) -> dict[int, str]:
    """Sentences by line, those of each line joined into one text."""
    found: dict[int, str] = {}
    for line, text in reasons_of_lines:
        found[line] = f"{found[line]} {text}" if line in found else text
    return found


def _column_names(run: ImportRun) -> list[str]:
    """Names from the header line; for a file without one, the layout's names of the fields."""
    layout, delimiter = layout_of(run), str(run.facts.get("delimiter") or "")
    if not delimiter:
        return [column.label for column in layout.columns if column.field and column.span] if layout else ["Whole line"]
    if run.facts.get("header"):
        *_above, header = head_of(run)
        return split_line(header, delimiter)
    names = field_names(run, layout)
    return [names[at][1] if at in names else f"Column {at + 1}" for at in range(int(run.facts.get("columns") or 0))]


def _cells(run: ImportRun, text: str) -> list[str]:
    """A line's cells in the table: all columns of a delimited file, the fields of a fixed-width one."""
    delimiter = str(run.facts.get("delimiter") or "")
    return split_line(text, delimiter) if delimiter else [field.value for field in fields_of(run, text)]


# ---- coming back ----


def is_returned(stream: IO[bytes]) -> bool:
    """Does the file begin like such a table, or is it a workbook that seems to hold one?

    Rewinds the stream; never raises, whatever the bytes.
    """
    return _begins_as_table(stream) or _seems_workbook_of_table(stream)


def _seems_workbook_of_table(stream: IO[bytes]) -> bool:
    """Whether a workbook has the table's column heads among its first texts. What it really holds shows when it is read."""
    try:
        if not is_workbook(stream) or not zipfile.is_zipfile(stream):
            return False
        stream.seek(0)
        with zipfile.ZipFile(stream) as book:
            names = [
                one for one in book.namelist() if one == "xl/sharedStrings.xml" or one.startswith("xl/worksheets/")
            ]
            for name in names[:_MOST_PARTS]:
                with book.open(name) as part:
                    text = part.read(_PEEK)
                if LINE_HEAD.encode() in text and WRONG_HEAD.encode() in text:
                    return True
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError):
        return False
    finally:
        stream.seek(0)
    return False


def _begins_as_table(stream: IO[bytes]) -> bool:
    stream.seek(0)
    head = stream.read(_HEAD_BYTES)
    stream.seek(0)
    try:
        return _BEGINNING.match(_text(head)) is not None
    except FileError:
        return False


def named_run(stream: IO[bytes]) -> int | None:
    """Number of the run named by the table, or by its first part; None if there is none."""
    stream.seek(0)
    found = re.search(r"Line [\d,. ]+ of run (\d+)", _text(stream.read(1 << 16)), re.IGNORECASE)
    stream.seek(0)
    return int(found.group(1)) if found and len(found.group(1)) < 10 else None


def take_in(stream: IO[bytes], *, user: User | None, may_correct: Callable[[ImportRun], bool]) -> ImportFile | None:
    """Keep a returned table as a file of corrected lines; None for any other file, which is not read further.

    `may_correct`: whether the person may correct lines of that run. Raises RunRefusedError, with the row, for a table that cannot
    be used, StoredFileError when the file of the run is lost, FileError for a workbook that cannot be read.
    """
    if _begins_as_table(stream):
        return _taken_in(stream, user=user, may_correct=may_correct, from_workbook=False)
    if not _seems_workbook_of_table(stream):
        return None
    if stream.seek(0, io.SEEK_END) > MAX_WORKBOOK:
        raise RunRefusedError(
            f"The workbook is too large: up to {MAX_WORKBOOK >> 20} MB are read. Save the table as CSV, which "
            "may be of any size, and upload that."
        )
    with tempfile.TemporaryFile() as text:
        convert(stream, text)
        stream.seek(0)
        if not _begins_as_table(text):
            return None
        return _taken_in(text, user=user, may_correct=may_correct, from_workbook=True)


def _taken_in(
    stream: IO[bytes], *, user: User | None, may_correct: Callable[[ImportRun], bool], from_workbook: bool
) -> ImportFile:
    rows = _rows(stream)
    if not rows:
        raise RunRefusedError("The table has no line below the first one. Keep the lines that are to be tested.")
    run = _run_of(rows, may_correct)
    before = _originals(run, [line for _run, line, _cells in rows])
    texts = {line: _put_back(run, line, before[line], cells, from_workbook) for _run, line, cells in rows}
    assert run.file is not None  # noqa: S101 - only runs of files can be corrected
    return keep_lines(run, texts, before, user=user, name=run.file.name)


def _same_day(old: str, new: str) -> bool:
    return _ISO.fullmatch(new) is not None and any(_day(old, form) == new for form in _DAYS)


def _day(text: str, form: str) -> str:
    try:
        return dt.datetime.strptime(text.strip(), form).date().isoformat()  # noqa: DTZ007 - a date has no time zone
    except ValueError:
        return ""


def _text(data: bytes) -> str:
    wide = wide_encoding(data)
    if wide is not None:
        return from_utf16(data[: len(data) // 2 * 2], wide).decode(errors="replace").lstrip("\ufeff")
    data = data.removeprefix(BOM)
    try:
        return data.decode(UTF8)
    except UnicodeDecodeError:
        return data.decode(judge(data) or WINDOWS, errors="replace")


def _rows(stream: IO[bytes]) -> list[tuple[int, int, list[str]]]:
    """Run, line and cells of each row, without the header and blank rows."""
    data = stream.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise RunRefusedError(_too_many())
    text = _text(data)
    found = _BEGINNING.match(text)
    assert found is not None  # noqa: S101 - checked by `is_returned`
    rows: list[tuple[int, int, list[str]]] = []
    seen: set[int] = set()
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=found.group(1))
    csv.field_size_limit(_LONGEST_CELL)
    try:
        for number, cells in enumerate(reader, 1):
            if not any(map(str.strip, cells)) or (number == 1 and cells[0].strip().lower() == LINE_HEAD.lower()):
                continue
            named = _NAMED.fullmatch(cells[0])
            digits = re.sub(r"\D", "", named.group(1)) if named else ""
            if named is None or not 0 < len(digits) < 10 or len(named.group(2)) > 9:
                raise RunRefusedError(
                    f"Row {number:,} of the table does not show which line it was: its first column is "
                    f"{cells[0][:60]!r}. Keep the first column as it was downloaded."
                )
            line = int(digits)
            if line in seen:
                raise RunRefusedError(f"Line {line:,} is in the table twice. Keep one of the two rows.")
            seen.add(line)
            rows.append((int(named.group(2)), line, [plain_cell(cell) for cell in cells[_OWN:]]))
            if len(rows) > MOST_LINES:
                raise RunRefusedError(_too_many())
    except csv.Error:
        raise RunRefusedError(
            "The table cannot be read: a quotation mark is not closed, or a cell is too long. Save it as CSV again."
        ) from None
    return rows


def _too_many() -> str:
    return (
        f"The table is too long: up to {MOST_LINES:,} lines can be sent back at a time. Split it, and upload each part."
    )


def _run_of(rows: Sequence[tuple[int, int, list[str]]], may_correct: Callable[[ImportRun], bool]) -> ImportRun:
    numbers = sorted({number for number, _line, _cells in rows})
    if len(numbers) > 1:
        raise RunRefusedError(
            f"The table has lines of runs {numbers[0]} and {numbers[1]}. Upload one table for each run."
        )
    run = ImportRun.objects.select_related("file").filter(pk=numbers[0]).first()
    if run is None or not may_correct(run):
        raise RunRefusedError(
            f"The table is from run {numbers[0]}, which you cannot correct: it is not among your runs. Ask the person "
            f"who made it."
        )
    if not can_be_corrected(run):
        raise RunRefusedError(CANNOT)
    return run


def _originals(run: ImportRun, lines: list[int]) -> dict[int, str]:
    """The original lines. Raises RunRefusedError for one that is not a record of the run's file."""
    try:
        head = sum(1 for _text in head_of(run))
        found = {line: text for line, text in raw_records(run, lines).items() if line > head and text.strip()}
    except StoredFileError as error:
        raise RunRefusedError(str(error)) from error
    missing = [line for line in lines if line not in found]
    if missing:
        raise RunRefusedError(f"The file of run {run.pk} has no record in line {missing[0]:,}. Remove that row.")
    return found


def _put_back(run: ImportRun, line: int, text: str, cells: list[str], from_workbook: bool) -> str:
    """The line with the changes made in the table; exactly the original line if there are none.

    A workbook writes dates in its own format: an equal date is not a change.
    """
    was, now = _cells(run, text), [cell.replace("\r\n", "\n").replace("\r", "\n") for cell in cells]
    while len(now) > len(was) and not now[-1].strip():  # a spreadsheet pads all rows to the length of the longest
        now.pop()
    now += [""] * (len(was) - len(now))
    if from_workbook:
        now[: len(was)] = [old if _same_day(old, new) else new for old, new in zip(was, now, strict=False)]
    if now == was:
        return text
    now = [
        new if new == old else new.strip().translate(ONE_LINE)
        for new, old in zip(now, was + now[len(was) :], strict=True)
    ]
    delimiter = str(run.facts.get("delimiter") or "")
    if delimiter:
        columns = int(run.facts.get("columns") or 0)
        return joined(now + [""] * (columns - len(now)), delimiter)
    fields = fields_of(run, text)
    if fields[0].at == WHOLE_LINE:
        return now[0]
    if len(now) > len(fields):
        raise RunRefusedError(f"Line {line:,} has {len(now)} values for {len(fields)} fields. Remove those at its end.")
    changed = {field.at: value for field, value in zip(fields, now, strict=True) if value != field.value}
    return put_in(run, line, text, changed)
