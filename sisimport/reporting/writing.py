"""Export files: CSV, workbook, Parquet, zip and JSON lines. Made whole or not at all, by commands and pages alike."""

import datetime as dt
import logging
import secrets
import shutil
import tempfile
from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any, Protocol

from django.contrib.auth.models import AnonymousUser
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections
from django.http import FileResponse
from django.utils import timezone

from sisimport.audit.models import AuditEntry
from sisimport.imports.storage.replica import note_away, place_of_reports
from sisimport.reporting.exports import WIDE, Export, ExportRefusedError, one_moment
from sisimport.reporting.views import VERSION
from sisimport.runtime.reading import reading_from
from sisimport.web.exports.writers import MAX_WORKBOOK_ROWS, Row, csv_rows, workbook
from students.access import User, log_views

logger = logging.getLogger(__name__)

CSV, XLSX, PARQUET, ZIP, JSONL = ".csv", ".xlsx", ".parquet", ".zip", ".jsonl"
VERSION_HEADER = "X-Columns-Version"  # of downloads and answers of the API
MANY = 500  # students in one file: larger files are also noted in the server log
ABOUT = f"SIS Import, columns of version {VERSION}: see docs/reference/exports.md"
_BLOCK = 5_000


@dataclass(frozen=True, slots=True)
class Written:
    """A written file: number of rows and of students, names of columns (for a zip: of its files).

    `ids`: internal ids of the students, for the record of access; may contain duplicates.
    """

    rows: int
    columns: tuple[str, ...]
    students: int
    ids: "array[int]"


class Source(Protocol):
    """What can be written to a file. `name`: of the file, without ending. `subject`: for the log, no data of a student.

    `goes_on`: the next file begins where this one ends, so it must be complete: it is never read from a replica.
    """

    @property
    def name(self) -> str: ...
    @property
    def endings(self) -> tuple[str, ...]: ...
    @property
    def subject(self) -> str: ...
    @property
    def goes_on(self) -> bool: ...

    def write(self, stream: IO[bytes], ending: str) -> Written:
        """Raises ExportRefusedError, with nothing worth keeping in the stream."""


@dataclass(frozen=True, slots=True)
class TableFile:
    """Students, SSIDs or scores as one table."""

    export: Export
    endings: tuple[str, ...] = field(default=(CSV, XLSX, PARQUET), init=False)

    @property
    def name(self) -> str:
        return f"{self.export.what}-wide" if self.export.form == WIDE else self.export.what

    @property
    def subject(self) -> str:
        return f"{self.name} {narrowed(self.export)}"

    @property
    def goes_on(self) -> bool:
        return self.export.changed_since is not None

    def write(self, stream: IO[bytes], ending: str) -> Written:
        columns = self.export.columns
        counted = Counted(self.export.rows(), of_student(columns))
        if self.export.form == WIDE:  # its rows have no student number
            counted = Counted(self.export.rows(noted=counted.ids), of_student(columns), counted.ids)
        if ending == CSV:
            stream.writelines(csv_rows(columns, counted, as_is=True))
        elif ending == XLSX:
            with workbook_of(self.export.what, columns, counted) as book:
                shutil.copyfileobj(book, stream)
        else:
            _write_parquet(columns, self.export.types, counted, stream)
        return Written(counted.count, columns, counted.students, counted.ids)


def narrowed(export: Export) -> str:
    """What an export is limited to, in words: never a student's data."""
    since = f", changed since {export.changed_since:%Y-%m-%d}" if export.changed_since else ""
    return f"{export.school_year or 'of all years'} of {of_schools(export.schools)}{since}"


def of_schools(schools: Collection[int] | None) -> str:
    if schools is None:
        return "all schools"
    return f"{len(schools)} school{'' if len(schools) == 1 else 's'}"


def make(source: Source, stream: IO[bytes], ending: str, *, user: Any = None, moment: bool = False) -> Written:
    """Write the file into an empty stream, read from where reports are read; if the replica fails midway, again from
    the database itself. `moment`: all of it as of one point in time.

    Raises ExportRefusedError.
    """
    place = DEFAULT_DB_ALIAS if source.goes_on else place_of_reports(user)
    try:
        with reading_from(place), one_moment() if moment else nullcontext():
            return source.write(stream, ending)
    except DatabaseError:
        if place == DEFAULT_DB_ALIAS:
            raise
        note_away()
        connections[place].close()
    stream.seek(0)
    stream.truncate()
    with one_moment() if moment else nullcontext():
        return source.write(stream, ending)


def write(source: Source, path: Path) -> Written:
    """Write the file, whole or not at all, in the format of its ending.

    Raises ExportRefusedError for another ending, more rows than a workbook holds or a missing package; OSError if the
    file cannot be written.
    """
    ending = path.suffix.lower()
    if ending not in source.endings:
        *others, last = source.endings
        listed = f"{', '.join(others)} or {last}" if others else last
        raise ExportRefusedError(f"{path.name} does not end in {listed}: give it such an ending.")
    with _replaced_when_whole(path) as place, place.open("wb") as stream:
        return make(source, stream, ending)


def on_record(source: Source, written: Written, *, user: User | None, way: str) -> None:
    """Log who exported what, before it is sent. `way`: page, command, or which token."""
    students = f"{written.students:,} student{'' if written.students == 1 else 's'}"
    subject = f"{source.subject}: {students}, {way}"
    log_views(user=user or AnonymousUser(), kind=AuditEntry.Kind.EXPORT, students=written.ids, subject=subject)
    if written.students > MANY:
        who = "command" if user is None else f"user {user.pk}"
        logger.warning("an export of %d students: %s, %s", written.students, source.subject, who)


MEDIA_TYPES = {
    CSV: "text/csv; charset=utf-8",
    XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    PARQUET: "application/vnd.apache.parquet",
    ZIP: "application/zip",
    JSONL: "application/jsonl",
}


def download(
    source: Source, ending: str, *, user: User, way: str, before: Callable[[Written], None] = lambda _written: None
) -> FileResponse:
    """The file as a response, logged. Raises ExportRefusedError, and whatever `before` raises to stop the file.

    The file is complete before it is sent: an error gives an error response, not a truncated file.
    """
    made = tempfile.TemporaryFile()  # noqa: SIM115 - the response closes it
    try:
        written = make(source, made, ending, user=user)
        before(written)
    except BaseException:
        made.close()
        raise
    made.seek(0)
    on_record(source, written, user=user, way=way)
    name = f"{source.name}-{timezone.localdate():%Y-%m-%d}{ending}"
    response = FileResponse(made, as_attachment=True, filename=name, content_type=MEDIA_TYPES[ending])
    response[VERSION_HEADER] = str(VERSION)
    return response


def workbook_of(title: str, columns: Sequence[str], rows: Iterable[Row]) -> IO[bytes]:
    """A workbook of all rows. Raises ExportRefusedError if there are more than it may hold: it never contains only
    some."""
    cells = ([_cell(value) for value in row] for row in _that_fit(rows))
    return workbook(title.capitalize(), columns, cells, as_is=True, about=ABOUT)


def _that_fit(rows: Iterable[Row]) -> Iterator[Row]:
    """Passes the rows through without keeping any; raises at the first that a workbook has no room for."""
    for number, row in enumerate(rows):
        if number == MAX_WORKBOOK_ROWS:
            raise ExportRefusedError(
                f"There are more than {number:,} rows, too many for a workbook: choose CSV, or fewer schools or years."
            )
        yield row


def _cell(value: Any) -> Any:
    """Times in a workbook have no time zone: written in local time."""
    return timezone.make_naive(value) if isinstance(value, dt.datetime) and timezone.is_aware(value) else value


def _write_parquet(columns: Sequence[str], types: Sequence[str], rows: Iterable[Row], stream: IO[bytes]) -> None:
    """Columns are typed as in the view, regardless of their values, so files of successive exports have the same
    schema."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise ExportRefusedError(
            "Parquet needs the optional package pyarrow: install it with the product, or choose .csv."
        ) from error
    typed = {
        "date": pa.date32(),
        "timestamp with time zone": pa.timestamp("us", tz="UTC"),
        "boolean": pa.bool_(),
        "bigint": pa.int64(),
        "integer": pa.int32(),
        "smallint": pa.int32(),
    }
    fields = [(name, typed.get(kind, pa.string())) for name, kind in zip(columns, types, strict=True)]
    schema = pa.schema(fields, metadata={"sisimport.version": str(VERSION)})
    remaining = iter(rows)
    with pq.ParquetWriter(stream, schema) as writer:
        for first in remaining:
            block = zip(*chain([first], islice(remaining, _BLOCK - 1)), strict=True)
            values = [_of_type(column, kind in typed) for column, kind in zip(block, types, strict=True)]
            writer.write_table(pa.table(values, schema=schema))


def _of_type(column: Row, is_typed: bool) -> list[Any]:
    """Values of a column; where the wide form is empty, a typed column gets null."""
    if is_typed:
        return [None if value == "" else value for value in column]
    return [None if value is None else str(value) for value in column]


Places = tuple[int, int, int | None]


def of_student(columns: Sequence[str]) -> Places:
    """Positions of the two columns that identify a student, and of the internal number, if there is one."""
    number = columns.index("student_id") if "student_id" in columns else None
    return columns.index("lea_code"), columns.index("local_number"), number


class Counted:
    """Counts rows and students as they pass; rows of a student are consecutive. `places`: see `of_student`.

    `ids`: the students' internal numbers, collected in another's `ids` if several files make up one.
    """

    def __init__(self, rows: Iterable[Row], places: Places, ids: "array[int] | None" = None) -> None:
        self._rows, self._places = rows, places
        self.count = self.students = 0
        self.ids = array("q") if ids is None else ids

    def __iter__(self) -> Iterator[Row]:
        lea, number, internal = self._places
        before: tuple[Any, Any] | None = None
        for row in self._rows:
            self.count += 1
            student = row[lea], row[number]
            if student != before:
                self.students += 1
                before = student
                if internal is not None and row[internal] is not None:
                    self.ids.append(int(row[internal]))
            yield row


@contextmanager
def _replaced_when_whole(path: Path) -> Iterator[Path]:
    """A new file next to the old one that replaces it at the end: no one can read half of it."""
    place = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        place.touch(mode=0o600)
        yield place
        place.replace(path)
    finally:
        place.unlink(missing_ok=True)
