"""Exports: the rows of a reporting view, limited by schools, school years and changes.

Columns and their meaning are those of the views (views.py). Scores come in long form (one row per score) or in wide form
(one row per student and school year, the columns of each test side by side: wide.py). Files are made in writing.py.
"""

import datetime as dt
from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db import transaction
from django.utils import timezone
from psycopg import sql

from sisimport.reporting import wide
from sisimport.reporting.schema import column_types
from sisimport.reporting.views import SCHEMA, SCORES, SSIDS, STUDENTS, View
from sisimport.runtime.reading import reading_connection
from sisimport.web.exports.deliverables import ExportRefusedError
from sisimport.web.exports.writers import Row
from students.school_years import current_school_year, full_label, read_school_year

LONG, WIDE = "long", "wide"
_BLOCK = 5_000
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


@dataclass(frozen=True, kw_only=True)
class Export:
    """What to export.

    what: students, ssids or scores. school_year, as 2023-24: scores of that year, students enrolled in it and their SSIDs.
    schools: internal ids; None for all. changed_since: only what a run or a person wrote from this time on. form: long,
    or (scores) wide; a wide row is complete even if only one of its scores changed.
    """

    what: str
    school_year: str = ""
    schools: Collection[int] | None = None
    changed_since: dt.datetime | None = None
    form: str = LONG

    def __post_init__(self) -> None:
        if self.form == WIDE and self.what != "scores":
            raise ExportRefusedError("Only scores have a wide form. Choose scores, or the long form.")

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, in order. In wide form: the keys, then those of each test with a score."""
        if self.form == WIDE:
            return wide.columns(self._tests)
        return tuple(column.name for column in _EXPORTED[self.what][0].columns)

    @property
    def types(self) -> tuple[str, ...]:
        """Types of the columns in the database, regardless of their values."""
        view = _EXPORTED[self.what][0].name
        types = {column: kind for (name, column), kind in column_types().items() if name == view}
        if self.form == WIDE:
            return wide.types(self._tests, types)
        return tuple(types[column] for column in self.columns)

    def rows(self, noted: "array[int] | None" = None) -> Iterator[Row]:
        """The rows, streamed: memory does not grow with their number. Must be read to the end or closed.

        `noted`: receives the internal numbers of the students from the wide form, whose rows do not contain them.
        """
        if self.form == WIDE:
            return wide.rows(self.stream(wide.COLUMNS, wide.ORDER), self._tests, noted)
        return self.stream(self.columns, _EXPORTED[self.what][1])

    def stream(self, columns: Iterable[str], order: Iterable[str]) -> Iterator[Row]:
        """The given columns of the view's rows in the given order, block by block."""
        where, values = self.where()
        statement = sql.SQL("SELECT {} FROM {} AS v {} ORDER BY {}").format(
            names_of(columns), self._view, where, names_of(order)
        )
        return streamed(statement, values)

    def page(
        self, *, after: Sequence[Any] | None = None, limit: int, equal: Mapping[str, str] | None = None
    ) -> list[dict[str, Any]]:
        """Rows in the order of `key_of`, starting after a key, in long form. `equal`: values that columns must have."""
        key, columns = names_of(_KEYS[self.what]), self.columns
        conditions, values = self._conditions()
        for name, value in (equal or {}).items():
            conditions.append(sql.SQL("v.{} = %s").format(sql.Identifier(name)))
            values.append(value)
        if after is not None:
            conditions.append(sql.SQL("({}) > ({})").format(key, sql.SQL(", ").join([sql.Placeholder()] * len(after))))
            values += after
        statement = sql.SQL("SELECT {} FROM {} AS v {} ORDER BY {} LIMIT {}").format(
            names_of(columns), self._view, _all_of(conditions), key, sql.Literal(limit)
        )
        with reading_connection().cursor() as cursor:
            cursor.execute(statement, values)
            return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]

    def key_of(self, row: Mapping[str, Any]) -> list[Any]:
        """The key that identifies a row, and orders the pages."""
        return [row[name] for name in _KEYS[self.what]]

    def where(self) -> tuple[sql.Composable, list[Any]]:
        """The WHERE clause on the view `v`, with its values. Raises ExportRefusedError."""
        conditions, values = self._conditions()
        return _all_of(conditions), values

    @property
    def _view(self) -> sql.Composable:
        return sql.Identifier(SCHEMA, _EXPORTED[self.what][0].name)

    @cached_property
    def _tests(self) -> list[tuple[int, str]]:
        """Tests and parts that have a score in the export: internal number, and the prefix of their columns' names.

        Found once for head and rows, since it scans every score.
        """
        where, values = self.where()
        statement = sql.SQL(
            "SELECT a.assessment_id, concat_ws('_', nullif(a.parent_code, ''), a.assessment_code)"
            " FROM {} AS a WHERE a.assessment_id IN (SELECT v.assessment_id FROM {} AS v {}) ORDER BY 2, 1"
        ).format(sql.Identifier(SCHEMA, "assessments"), sql.Identifier(SCHEMA, SCORES.name), where)
        with reading_connection().cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall()

    def _conditions(self) -> tuple[list[sql.Composable], list[Any]]:
        conditions: list[sql.Composable] = []
        values: list[Any] = []
        if self.school_year and self.what == "scores":
            conditions.append(sql.SQL("v.school_year_end = %s"))  # reads only the year's partition
            values.append(read_school_year(self.school_year))
        elif self.school_year:
            spring = read_school_year(self.school_year)
            conditions.append(sql.SQL(_ENROLLED_IN))
            values += [dt.date(spring, 6, 30), dt.date(spring - 1, 7, 1), full_label(spring) == current_school_year()]
        if self.schools is not None:
            conditions.append(sql.SQL("v.student_id IN (SELECT id FROM students_student WHERE school_id = ANY (%s))"))
            values.append(list(self.schools))
        if self.changed_since is not None:
            changed, since = _changed(WIDE if self.form == WIDE else self.what, self.changed_since)
            conditions.append(changed)
            values += since
        return conditions, values


@contextmanager
def one_moment() -> Iterator[None]:
    """Statements inside see one consistent state of the records, whatever is written meanwhile; not usable inside
    another transaction."""
    connection = reading_connection()
    inner = connection.in_atomic_block
    with transaction.atomic(using=connection.alias):
        if not inner:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield


def streamed(statement: sql.Composable, values: Sequence[Any] | Mapping[str, Any]) -> Iterator[Row]:
    """Rows of a statement, block by block. Must be read to the end or closed."""
    # A named cursor keeps the rows in the database, and needs a transaction.
    connection = reading_connection()
    with transaction.atomic(using=connection.alias), connection.chunked_cursor() as cursor:
        cursor.execute(statement, values)
        while block := cursor.fetchmany(_BLOCK):
            yield from block


# Enrolled on some day of a school year; a student without an enrollment on record (some districts bring none) counts as
# enrolled today.
_ENROLLED_IN = """(EXISTS (SELECT 1 FROM students_enrollment e WHERE e.student_id = v.student_id
      AND (e.start_date IS NULL OR e.start_date <= %s) AND (e.exit_date IS NULL OR e.exit_date >= %s))
    OR (%s AND NOT EXISTS (SELECT 1 FROM students_enrollment e WHERE e.student_id = v.student_id)
      AND EXISTS (SELECT 1 FROM students_student s WHERE s.id = v.student_id AND s.school_id IS NOT NULL)))"""

_WROTE = "r.work IN ('update', 'import', 'revert') AND r.status = 'completed' AND r.finished_at >= %s"
_PUT_BACK = "r.work = 'revert' AND r.status = 'completed' AND r.finished_at >= %s"
# What those runs wrote of their plans, without lines that were set aside.
_JOURNAL = """imports_importrun r JOIN imports_importchange c ON c.run_id = coalesce(r.test_run_id, r.id)
      WHERE {runs} AND c.kind IN ({kinds}) AND NOT EXISTS (
        SELECT 1 FROM imports_setaside a WHERE a.run_id = r.id AND a.line = c.line AND a.seq = c.seq)"""
_EDITED = "SELECT e.student_id FROM students_recordedit e WHERE e.what IN ({whats}) AND e.at >= %s"
# Which runs' journals are queried, and which rows they add to the condition. A student or an SSID counts as changed
# only by columns of the view, not by scores or EL records. If one SSID of a student changed, all of them are exported,
# so that a removed one shows by its absence. Scores that a Revert restored have the run that originally wrote them.
_CHANGED = {
    "students": (
        _WROTE,
        "v.student_id IN (SELECT CASE c.kind WHEN 'student' THEN c.object_id ELSE c.student_id END FROM "
        + _JOURNAL.format(runs=_WROTE, kinds="'student', 'ssid', 'enrollment'")
        + " UNION "
        + _EDITED.format(whats="'Student', 'SSID', 'Enrollment'")
        + ")",
    ),
    "ssids": (
        _WROTE,
        "v.student_id IN (SELECT c.student_id FROM "
        + _JOURNAL.format(runs=_WROTE, kinds="'ssid'")
        + " UNION "
        + _EDITED.format(whats="'SSID'")
        + " UNION SELECT i.student_id FROM students_ssid i WHERE i.created_at >= %s OR i.retired_at >= %s)",
    ),
    "scores": (_PUT_BACK, "(v.imported_at >= %s OR (v.student_id, v.school_year_end) IN ({put_back}))"),
    # Whole rows: including the student's tests of the year that did not change.
    WIDE: (
        _PUT_BACK,
        """(v.student_id, v.school_year_end) IN (
          SELECT n.student_id, n.school_year_end FROM {scores} AS n WHERE n.imported_at >= %s UNION {put_back})""",
    ),
}
_SCORES_PUT_BACK = (
    "SELECT c.student_id, (coalesce(c.before, c.after)->>'school_year')::smallint FROM "
    + _JOURNAL.format(runs=_PUT_BACK, kinds="'scores'")
)
_FORGOTTEN = """SELECT max(r.finished_at) FROM imports_importrun r
    JOIN imports_importrun p ON p.id = coalesce(r.test_run_id, r.id) WHERE {runs} AND p.plan_removed_at IS NOT NULL"""


def _changed(what: str, since: dt.datetime) -> tuple[sql.Composable, list[Any]]:
    """The condition on the view. Raises ExportRefusedError for a time since which not all changes are still on
    record."""
    runs, text = _CHANGED[what]
    with reading_connection().cursor() as cursor:
        cursor.execute(_FORGOTTEN.format(runs=runs), [since])
        (forgotten,) = cursor.fetchone()
    if forgotten:
        raise ExportRefusedError(
            f"What runs changed until {timezone.localdate(forgotten):%m/%d/%Y} is no longer kept:"
            " choose a later day, or export everything."
        )
    text = text.replace("{put_back}", _SCORES_PUT_BACK).replace("{scores}", f"{SCHEMA}.{SCORES.name}")
    return sql.SQL(text), [since] * text.count("%s")


def _all_of(conditions: Sequence[sql.Composable]) -> sql.Composable:
    """The WHERE clause; empty without conditions."""
    return sql.SQL("WHERE ") + sql.SQL(" AND ").join(conditions) if conditions else sql.SQL("")


def names_of(names: Iterable[str]) -> sql.Composable:
    return sql.SQL(", ").join(sql.SQL("v.{}").format(sql.Identifier(name)) for name in names)
