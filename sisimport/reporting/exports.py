"""Exports: the rows of a reporting view, narrowed to schools, school years and what changed, as CSV, workbook or Parquet.

Columns and their meaning are those of the views (views.py). Scores come in long form (one row per score) or in wide form
(one row per student and school year, the columns of each test side by side).
"""

import datetime as dt
import secrets
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from psycopg import sql

from sisimport.reporting.views import SCHEMA, SCORES, SSIDS, STUDENTS, View
from sisimport.web.exports.writers import MAX_WORKBOOK_ROWS, Row, csv_rows, workbook

LONG, WIDE = "long", "wide"
FORMS = (".csv", ".xlsx", ".parquet")
_BLOCK = 5_000
_WIDE_VALUES = ("test_date", "scale_score", "level", "level_name")
_WIDE_KEYS = ("school_year", "lea_code", "school_code", "local_number", "ssid")
_EXPORTED: dict[str, tuple[View, tuple[str, ...]]] = {
    "students": (STUDENTS, ("lea_code", "local_number")),
    "ssids": (SSIDS, ("lea_code", "local_number", "created_at", "ssid")),
    "scores": (SCORES, ("lea_code", "local_number", "school_year", "parent_code", "assessment_code", "assessment_id")),
}

_KEYS = {
    "students": ("student_id",),
    "ssids": ("student_id", "state", "ssid"),
    "scores": ("student_id", "assessment_id", "school_year"),
}


class ExportRefusedError(Exception):
    """The export cannot be made as asked; the text says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class Export:
    """What to take out.

    what: students, ssids or scores. school_year: as 2023-24, of scores. schools: internal ids; None for all.
    changed_since: only what a run or a person wrote from this moment on. form: long, or (scores) wide.
    """

    what: str
    school_year: str = ""
    schools: Collection[int] | None = None
    changed_since: dt.datetime | None = None
    form: str = LONG

    def __post_init__(self) -> None:
        if self.school_year and self.what != "scores":
            raise ExportRefusedError("A school year narrows scores only: leave it out.")
        if self.form == WIDE and self.what != "scores":
            raise ExportRefusedError("Only scores have a wide form.")

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, in order. Of the wide form: the keys, then those of each test there is a score of."""
        if self.form == WIDE:
            return (*_WIDE_KEYS, *(f"{name}_{value}" for _test, name in self._tests for value in _WIDE_VALUES))
        return tuple(column.name for column in _EXPORTED[self.what][0].columns)

    def rows(self) -> Iterator[Row]:
        """The rows, streamed: memory does not grow with their number. Must be read to the end or closed."""
        statement, values = self._wide() if self.form == WIDE else self._long()
        # A named cursor keeps the rows in the database, and needs a transaction to live in.
        with transaction.atomic(), connection.chunked_cursor() as cursor:
            cursor.execute(statement, values)
            while block := cursor.fetchmany(_BLOCK):
                yield from block

    def page(
        self, *, after: Sequence[Any] | None = None, limit: int, equal: Mapping[str, str] | None = None
    ) -> list[dict[str, Any]]:
        """Rows in the order of `key_of`, from behind a key on; in long form. `equal`: values that columns must have."""
        view, _order = _EXPORTED[self.what]
        key, columns = _names(_KEYS[self.what]), self.columns
        conditions, values = self._conditions()
        for name, value in (equal or {}).items():
            conditions.append(sql.SQL("v.{} = %s").format(sql.Identifier(name)))
            values.append(value)
        if after is not None:
            conditions.append(sql.SQL("({}) > ({})").format(key, sql.SQL(", ").join([sql.Placeholder()] * len(after))))
            values += after
        statement = sql.SQL("SELECT {} FROM {} AS v {} ORDER BY {} LIMIT {}").format(
            _names(columns), sql.Identifier(SCHEMA, view.name), _all_of(conditions), key, sql.Literal(limit)
        )
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]

    def key_of(self, row: Mapping[str, Any]) -> list[Any]:
        """What tells a row from all others, and orders the pages."""
        return [row[name] for name in _KEYS[self.what]]

    def _long(self) -> tuple[sql.Composable, list[Any]]:
        view, order = _EXPORTED[self.what]
        where, values = self._where()
        statement = sql.SQL("SELECT {} FROM {} AS v {} ORDER BY {}").format(
            _names(self.columns), sql.Identifier(SCHEMA, view.name), where, _names(order)
        )
        return statement, values

    def _wide(self) -> tuple[sql.Composable, list[Any]]:
        where, values = self._where()
        cells = [
            sql.SQL("max(v.{}::text) FILTER (WHERE v.assessment_id = {})").format(
                sql.Identifier(value), sql.Literal(test)
            )
            for test, _name in self._tests
            for value in _WIDE_VALUES
        ]
        statement = sql.SQL("SELECT {} FROM {} AS v {} GROUP BY {}, v.student_id ORDER BY {}, v.student_id").format(
            sql.SQL(", ").join([_names(_WIDE_KEYS), *cells]),
            sql.Identifier(SCHEMA, SCORES.name),
            where,
            _names(_WIDE_KEYS),
            _names(_WIDE_KEYS),
        )
        return statement, values

    @cached_property
    def _tests(self) -> list[tuple[int, str]]:
        """Tests and parts that have a score in the export: internal number, and the beginning of their columns' names.

        Found once for head and rows: it takes a look at every score.
        """
        where, values = self._where()
        statement = sql.SQL(
            "SELECT a.assessment_id, concat_ws('_', nullif(a.parent_code, ''), a.assessment_code)"
            " FROM {} AS a WHERE a.assessment_id IN (SELECT v.assessment_id FROM {} AS v {}) ORDER BY 2, 1"
        ).format(sql.Identifier(SCHEMA, "assessments"), sql.Identifier(SCHEMA, SCORES.name), where)
        with connection.cursor() as cursor:
            cursor.execute(statement, values)
            found = cursor.fetchall()
        # Set-ups of several year groups share a code: the number of the set-up tells their columns apart.
        codes = [code for _test, code in found]
        return [(test, code if codes.count(code) == 1 else f"{code}_{test}") for test, code in found]

    def _where(self) -> tuple[sql.Composable, list[Any]]:
        conditions, values = self._conditions()
        return _all_of(conditions), values

    def _conditions(self) -> tuple[list[sql.Composable], list[Any]]:
        conditions: list[sql.Composable] = []
        values: list[Any] = []
        if self.school_year:
            conditions.append(sql.SQL("v.school_year = %s"))
            values.append(self.school_year)
        if self.schools is not None:
            conditions.append(sql.SQL("v.student_id IN (SELECT id FROM students_student WHERE school_id = ANY (%s))"))
            values.append(list(self.schools))
        if self.changed_since is not None:
            conditions.append(sql.SQL(_CHANGED[self.what]))
            values += [self.changed_since] * _CHANGED[self.what].count("%s")
        return conditions, values


# Students: whom the plan of a run names that was applied or put back since, or a person edited.
_CHANGED = {
    "scores": "v.imported_at >= %s",
    "ssids": "(v.created_at >= %s OR v.retired_at >= %s)",
    "students": """v.student_id IN (
        SELECT c.student_id FROM imports_importchange c WHERE c.run_id IN (
          SELECT coalesce(r.test_run_id, r.id) FROM imports_importrun r
          WHERE r.work IN ('update', 'import') AND r.status = 'completed' AND (r.finished_at >= %s OR EXISTS (
            SELECT 1 FROM imports_importrun b WHERE b.reverts_id = r.id AND b.status = 'completed' AND b.finished_at >= %s)))
        UNION SELECT e.student_id FROM students_recordedit e WHERE e.at >= %s)""",
}


@dataclass(frozen=True, slots=True)
class Written:
    """An export that was written: number of rows, names of columns."""

    rows: int
    columns: tuple[str, ...]


def write(export: Export, path: Path) -> Written:
    """Write the export to a file, whole or not at all; the form by its ending.

    Raises ExportRefusedError for another ending, more rows than a workbook holds or a missing package; OSError when the file
    cannot be written.
    """
    ending = path.suffix.lower()
    if ending not in FORMS:
        raise ExportRefusedError(
            f"{path.name} does not end in {', '.join(FORMS[:-1])} or {FORMS[-1]}: give it such an ending."
        )
    columns = export.columns
    counted = _Counted(export.rows())
    with _replaced_when_whole(path) as place:
        if ending == ".csv":
            with place.open("wb") as stream:
                stream.writelines(csv_rows(columns, counted))
        elif ending == ".xlsx":
            with workbook_of(export.what, columns, counted) as book, place.open("wb") as stream:
                shutil.copyfileobj(book, stream)
        else:
            _write_parquet(columns, counted, place)
    return Written(counted.count, columns)


def workbook_of(title: str, columns: Sequence[str], rows: Iterable[Row]) -> Any:
    """A workbook of all rows. Raises ExportRefusedError when there are more than it may hold: never a part of them."""
    return workbook(title.capitalize(), columns, ([_cell(value) for value in row] for row in _that_fit(rows)))


def _that_fit(rows: Iterable[Row]) -> Iterator[Row]:
    """The rows as they come, none kept; raises at the first that a workbook has no room for."""
    for number, row in enumerate(rows):
        if number == MAX_WORKBOOK_ROWS:
            raise ExportRefusedError(
                f"There are more than {number:,} rows, too many for a workbook: take CSV, or fewer schools or years."
            )
        yield row


def _cell(value: Any) -> Any:
    """Moments in a workbook have no time zone: local time."""
    return timezone.make_naive(value) if isinstance(value, dt.datetime) and timezone.is_aware(value) else value


def _write_parquet(columns: Sequence[str], rows: Iterable[Row], place: Path) -> None:
    """Every column as text, as in the CSV: a file of one export fits that of the next, whatever was empty in it."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise ExportRefusedError(
            "Parquet needs the optional package pyarrow: install it beside the product, or take .csv."
        ) from error
    schema = pa.schema([(name, pa.string()) for name in columns])
    remaining = iter(rows)
    with pq.ParquetWriter(place, schema) as writer:
        for first in remaining:
            block = list(chain([first], islice(remaining, _BLOCK - 1)))
            values = [
                [None if value is None else str(value) for value in column] for column in zip(*block, strict=True)
            ]
            writer.write_table(pa.table(values, schema=schema))


class _Counted:
    """Rows, counted as they pass."""

    def __init__(self, rows: Iterator[Row]) -> None:
        self._rows = rows
        self.count = 0

    def __iter__(self) -> Iterator[Row]:
        for row in self._rows:
            self.count += 1
            yield row


@contextmanager
def _replaced_when_whole(path: Path) -> Iterator[Path]:
    """A new file beside the old one that takes its place in the end: nobody reads half of it."""
    place = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        place.touch(mode=0o600)
        yield place
        place.replace(path)
    finally:
        place.unlink(missing_ok=True)


def _all_of(conditions: Sequence[sql.Composable]) -> sql.Composable:
    """The WHERE clause; nothing without conditions."""
    return sql.SQL("WHERE ") + sql.SQL(" AND ").join(conditions) if conditions else sql.SQL("")


def _names(names: Iterable[str]) -> sql.Composable:
    return sql.SQL(", ").join(sql.SQL("v.{}").format(sql.Identifier(name)) for name in names)
