"""What is new since last time: the rows that one run, or the runs and people of a period, wrote, with their current
values.

A zip with one CSV for each view. The view's columns are preceded by `change` (new, changed or removed), `changed_at`
and `changed_run` (empty: a person). A removed row has only its identifying columns. Rows that were added and removed
within the period are left out.
"""

import datetime as dt
from array import array
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import IO
from zipfile import ZIP_DEFLATED, ZipFile

from django.utils import timezone
from psycopg import sql

from sisimport.audit.models import AuditEntry
from sisimport.imports.definition.change_kinds import get_kind
from sisimport.imports.models import ImportRun, RunStatus, Work
from sisimport.reporting.exports import ExportRefusedError, streamed
from sisimport.reporting.views import AS_TESTED, EL, ENROLLMENTS, SCORES, SSIDS, STUDENTS, View
from sisimport.reporting.writing import ZIP, Counted, Written, of_schools, of_student
from sisimport.web.exports.writers import Row, csv_rows

HEAD = ("change", "changed_at", "changed_run")


@dataclass(frozen=True, slots=True)
class _Part:
    """A view, and the kind of change that its rows come from. `row`: its table in the view's FROM clause. `named`: for
    a removed row, columns of the view, from the change's `t.was`. `edits`: the name of such a record in manual
    edits."""

    view: View
    kind: str
    row: str
    named: dict[str, str] = field(default_factory=dict)
    edits: str = ""


_PARTS = {
    part.view.name: part
    for part in (
        _Part(STUDENTS, "student", "s", edits="Student"),
        _Part(SSIDS, "ssid", "x", {"ssid": "t.was->>'ssid'", "state": "coalesce(t.was->>'state', l.state)"}, "SSID"),
        _Part(
            ENROLLMENTS,
            "enrollment",
            "e",
            {
                "school_code": "(SELECT code FROM students_school"
                " WHERE id = coalesce(t.was->>'school_id', t.was->>'school')::bigint)",
                "grade": "t.was->>'grade'",
                "start_date": "(t.was->>'start_date')::date",
                "exit_date": "(t.was->>'exit_date')::date",
            },
            "Enrollment",
        ),
        _Part(EL, "el", "e", edits="EL record"),
        _Part(SCORES, "scores", "x"),
        _Part(AS_TESTED, "scores", "x"),
    )
}
NAMES = tuple(_PARTS)
# They name the columns, and are the only part if no run wrote.
_NO_CHANGE = (
    "SELECT 0::bigint AS object_id, 0::bigint AS student_id, false AS is_new, false AS is_gone, NULL::jsonb AS was,"
    " now() AS at, 0::bigint AS run WHERE false"
)
_NO_SCORE = (
    "SELECT 0::bigint AS student_id, 0::bigint AS assessment_id, 0::smallint AS school_year, false AS held,"
    " 0::bigint AS run, now() AS at WHERE false"
)
_FIRST = "(array_agg({0} ORDER BY {1}))[1]"  # what was new at first: removed and added again is a change
_NO_STUDENT = "SELECT 0::bigint AS object_id, NULL::jsonb AS was WHERE false"
_SEEN = "(%(schools)s::bigint[] IS NULL OR s.school_id = ANY (%(schools)s::bigint[]))"


@dataclass(frozen=True, kw_only=True)
class ChangesFile:
    """What to export: what one run wrote, or what was written from `since` on (and before `until`).

    schools: internal ids, whose current students are exported; None for all. parts: which of NAMES. Raises
    ExportRefusedError for a run that wrote nothing, and if neither a run nor a start is given.
    """

    run: ImportRun | None = None
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    schools: Collection[int] | None = None
    parts: Collection[str] = NAMES
    endings: tuple[str, ...] = field(default=(ZIP,), init=False)

    def __post_init__(self) -> None:
        if (self.run is None) == (self.since is None):
            raise ExportRefusedError("Choose either a run or a start of the period, one of the two.")
        if self.run is not None and not self.run.applied:
            raise ExportRefusedError(
                f"Run {self.run.pk} wrote nothing: name an Update, an Import or a Revert that is completed."
            )
        if self.run is not None and (day := forgotten_on(self.run)):
            raise ExportRefusedError(
                f"What run {self.run.pk} changed was removed on {day}: export all students or scores instead."
            )
        if self.run is not None and self.until:
            raise ExportRefusedError("A period has no run: leave one of the two out.")
        if self.since and self.until and self.until <= self.since:
            raise ExportRefusedError("The period ends before it begins: choose an end on or after its first day.")

    @property
    def name(self) -> str:
        return f"changes-run-{self.run.pk}" if self.run else "changes"

    @property
    def subject(self) -> str:
        if self.run:
            return f"changes of run {self.run.pk}, {of_schools(self.schools)}"
        since, until = (f"{timezone.localtime(at):%Y-%m-%d}" if at else "" for at in (self.since, self.until))
        return f"changes since {since}{f' until {until}' if until else ''}, {of_schools(self.schools)}"

    @property
    def goes_on(self) -> bool:
        return True

    def write(self, stream: IO[bytes], ending: str) -> Written:  # noqa: ARG002 - there is one form
        rows = 0
        ids = array("q")
        runs = self.runs()
        files = [name for name in NAMES if name in self.parts]
        with ZipFile(stream, "w", ZIP_DEFLATED) as made:
            for name in files:
                columns = self.columns(name)
                counted = Counted(self.rows(name, runs), of_student(columns), ids)
                with made.open(f"{name}.csv", "w", force_zip64=True) as member:
                    for block in csv_rows(columns, counted, as_is=True):
                        member.write(block)
                rows += counted.count
        return Written(rows, tuple(f"{name}.csv" for name in files), len(set(ids)), ids)

    def runs(self) -> list[ImportRun]:
        """The runs that wrote, in the order in which they ended. Raises ExportRefusedError if the journal of one is
        gone."""
        if self.run is not None:
            return [self.run]
        ended = ImportRun.objects.filter(
            work__in=[Work.UPDATE, Work.IMPORT, Work.REVERT], status=RunStatus.COMPLETED, finished_at__gte=self.since
        )
        if self.until:
            ended = ended.filter(finished_at__lt=self.until)
        runs = list(ended.select_related("test_run").order_by("finished_at"))
        for run in reversed(runs):
            if forgotten_on(run):
                raise ExportRefusedError(
                    f"What runs changed until {timezone.localdate(run.finished_at):%m/%d/%Y} is no longer kept:"
                    " choose a later start, or export everything."
                )
        return runs

    @staticmethod
    def columns(name: str) -> tuple[str, ...]:
        return (*HEAD, *(column.name for column in _PARTS[name].view.columns))

    def rows(self, name: str, runs: list[ImportRun]) -> Iterator[Row]:
        """The rows of one view, with those of a student together."""
        part = _PARTS[name]
        made = _scores(part, runs) if part.kind == "scores" else _objects(part, runs, with_edits=self.since is not None)
        columns = self.columns(name)
        order = [columns.index(column) + 1 for column in ("lea_code", "local_number")]
        statement = f"{made} ORDER BY {order[0]}, {order[1]}, 2"
        values = {
            "schools": None if self.schools is None else sorted(self.schools),
            "since": self.since,
            "until": self.until,
        }
        yield from streamed(sql.SQL(statement), values)


def _objects(part: _Part, runs: list[ImportRun], *, with_edits: bool) -> str:
    """Rows of a kind in which one change is one row: existing rows, and removed ones."""
    view, kind = part.view, get_kind(part.kind)
    student = "c.student_id" if kind.student_column else "c.object_id"
    written = [
        f"""SELECT c.object_id, {student} AS student_id, c.before IS NULL AS is_new, c.after IS NULL AS is_gone, c.before AS was,
              r.finished_at AS at, r.id AS run
            FROM imports_importchange c JOIN imports_importrun r ON r.id = {run.pk}
            WHERE c.run_id = {run.plan_run_id} AND c.kind = '{kind.key}' AND {_written(run)}"""
        for run in runs
    ]
    if with_edits:
        written += _edits(part)
    last = "(array_agg({0} ORDER BY w.at DESC))[1]"
    touched = f"""
        SELECT w.object_id, {_FIRST.format("w.is_new", "w.at, w.is_new DESC")} AS is_new, bool_or(w.is_gone) AS is_gone,
          max(w.student_id) AS student_id,
          max(w.at) AS at, {last.format("w.run")} AS run, {last.format("w.was")} AS was
        FROM ({" UNION ALL ".join([_NO_CHANGE, *written])}) AS w GROUP BY w.object_id
    """
    identity = {
        "student_id": "t.student_id",
        "lea_code": "coalesce(l.code, '')",
        "local_number": "coalesce(s.local_number, gone.was->>'local_number', '')",
    }
    # A student removed with the record is identified by what the same runs removed.
    removed_students = [
        f"""SELECT c.object_id, c.before AS was FROM imports_importchange c
            WHERE c.run_id = {run.plan_run_id} AND c.kind = 'student' AND c.after IS NULL AND {_written(run)}"""
        for run in runs
    ]
    gone = " UNION ALL ".join([_NO_STUDENT, *removed_students])
    removed = [f"{identity.get(c.name, part.named.get(c.name, 'NULL'))} AS {c.name}" for c in view.columns]
    return f"""
        SELECT CASE WHEN t.is_new THEN 'new' ELSE 'changed' END AS change, t.at AS changed_at, t.run AS changed_run,
          {_sources(view)}
        FROM {_tables(view)} JOIN ({touched}) AS t ON t.object_id = {part.row}.{kind.pk} WHERE {_SEEN}
        UNION ALL
        SELECT 'removed', t.at, t.run, {", ".join(removed)}
        FROM ({touched}) AS t LEFT JOIN students_student s ON s.id = t.student_id
        LEFT JOIN (SELECT g.object_id, max(g.was::text)::jsonb AS was FROM ({gone}) AS g GROUP BY 1) AS gone
          ON s.id IS NULL AND gone.object_id = t.student_id
        LEFT JOIN students_lea l ON l.id = coalesce(s.lea_id, (gone.was->>'lea_id')::bigint)
        WHERE t.is_gone AND NOT t.is_new AND NOT EXISTS (SELECT 1 FROM {kind.table} k WHERE k.{kind.pk} = t.object_id)
          AND {_SEEN}
        {_erased(view) if with_edits and part.kind == "student" else ""}
    """


_WITHIN = "{0} >= %(since)s AND (%(until)s::timestamptz IS NULL OR {0} < %(until)s)"
_MAKES = "d.what = 'Student' AND d.field = 'local_number' AND d.before IS NULL AND d.journal IS NULL"


def _edits(part: _Part) -> Iterator[str]:
    """What people wrote to such records, from the journal of their edits.

    Creating a student also creates an enrollment, and entries from before journals existed name only the student: for
    these, all records of the student count.
    """
    kind = get_kind(part.kind)
    within = _WITHIN.format("d.at")
    if part.edits == "SSID":  # its journal has all numbers of the student, before and after
        yield f"""SELECT n.pk, d.student_id, n.was IS NULL, n.now IS NULL, n.was, d.at, NULL::bigint
            FROM students_recordedit d CROSS JOIN LATERAL (
              SELECT coalesce(b.value->>'pk', a.value->>'pk')::bigint AS pk, b.value AS was, a.value AS now
              FROM jsonb_array_elements(d.journal->'before'->'ssids') AS b
              FULL JOIN jsonb_array_elements(d.journal->'after'->'ssids') AS a ON a.value->>'pk' = b.value->>'pk'
            ) AS n WHERE d.what = 'SSID' AND d.journal IS NOT NULL AND n.was IS DISTINCT FROM n.now AND {within}"""
    else:
        yield f"""SELECT (d.journal->>'pk')::bigint, d.student_id, d.journal->'before' = 'null', d.journal->'after' = 'null',
              d.journal->'before', d.at, NULL::bigint
            FROM students_recordedit d WHERE d.what = '{part.edits}' AND d.journal IS NOT NULL AND {within}"""
    yield f"""SELECT k.{kind.pk}, d.student_id, {_MAKES}, false, NULL::jsonb, d.at, NULL::bigint
        FROM students_recordedit d JOIN {kind.table} k ON k.{_student_of(part)} = d.student_id
        WHERE d.journal IS NULL AND (d.what = '{part.edits}' OR {_MAKES}) AND {within} AND NOT EXISTS (
          SELECT 1 FROM students_recordedit j WHERE j.student_id = d.student_id AND j.what = d.what
          AND j.journal IS NOT NULL AND j.at BETWEEN d.at - interval '1 minute' AND d.at)"""


def _erased(view: View) -> str:
    """Students who were erased: only their internal numbers remain, in the record of access. Users who see only some
    schools do not get them, since their school is not on record."""
    named = {"student_id": "e.student", "lea_code": "''", "local_number": "''"}
    return f"""
        UNION ALL SELECT 'removed', a.at, NULL, {", ".join(named.get(column.name, "NULL") for column in view.columns)}
        FROM {AuditEntry._meta.db_table} a CROSS JOIN unnest(a.students) AS e(student)
        WHERE a.kind = '{AuditEntry.Kind.ERASED.value}' AND {_WITHIN.format("a.at")} AND %(schools)s::bigint[] IS NULL
          AND NOT EXISTS (SELECT 1 FROM students_student s WHERE s.id = e.student)
    """


def forgotten_on(run: ImportRun) -> str:
    """The day on which the run's changes were removed from its journal, after the retention period; empty: still
    there."""
    plan = run.test_run or run
    return f"{timezone.localdate(plan.plan_removed_at):%m/%d/%Y}" if plan.plan_removed_at else ""


def _scores(part: _Part, runs: list[ImportRun]) -> str:
    """Rows of scores: one change of a plan holds all scores of its line."""
    writer = get_kind(part.kind).writer
    if writer is None:
        raise TypeError("scores are written by a writer of their own")
    sides = [
        f"""SELECT k.student_id, k.assessment_id, k.school_year, {side == "before"} AS held, r.id AS run, r.finished_at AS at
            FROM ({writer.keys_sql(side, f"c.run_id = {run.plan_run_id} AND c.kind = '{part.kind}' AND {_written(run)}")}) AS k
            JOIN imports_importrun r ON r.id = {run.pk}"""
        for run in runs
        for side in ("before", "after")
    ]
    touched = f"""
        SELECT w.student_id, w.assessment_id, w.school_year, {_FIRST.format("NOT w.was_there", "w.at")} AS is_new,
          max(w.at) AS at, (array_agg(w.run ORDER BY w.at DESC))[1] AS run
        FROM (SELECT u.student_id, u.assessment_id, u.school_year, u.run, u.at, bool_or(u.held) AS was_there
              FROM ({" UNION ALL ".join([_NO_SCORE, *sides])}) AS u GROUP BY 1, 2, 3, 4, 5) AS w
        GROUP BY 1, 2, 3
    """
    # A Revert removes set-ups that are no longer used: their names are in its plan.
    removed_setups = [
        f"""SELECT c.object_id, c.before->>'state_code', c.before->>'name', (c.before->>'parent_id')::bigint
            FROM imports_importchange c WHERE c.run_id = {run.plan_run_id} AND c.kind = 'assessment' AND c.after IS NULL
            AND {_written(run)} AND NOT EXISTS (SELECT 1 FROM assessments_assessment n WHERE n.id = c.object_id)"""
        for run in runs
    ]
    setups = " UNION ".join(["SELECT id, state_code, name, parent_id FROM assessments_assessment", *removed_setups])
    same = "t.student_id = {0}.student_id AND t.assessment_id = {0}.assessment_id AND t.school_year = {0}.school_year"
    sources = {column.name: _escaped(column.source) for column in part.view.columns}
    named = (
        "school_year",
        "school_year_end",
        "assessment_code",
        "assessment",
        "parent_code",
        "local_number",
        "lea_code",
    )
    removed = [
        f"t.{name}"
        if name in ("student_id", "assessment_id")
        else sources[name].replace("x.", "t.")
        if name in named
        else "NULL"
        for name in sources
    ]
    # Who was tested is stored with the score of the test itself, never with those of its parts.
    own, gone = (_escaped(part.view.where), "a.parent_id IS NULL") if part.view.where else ("true", "true")
    return f"""
        SELECT CASE WHEN t.is_new THEN 'new' ELSE 'changed' END AS change, t.at AS changed_at, t.run AS changed_run,
          {_sources(part.view)}
        FROM {_tables(part.view)} JOIN ({touched}) AS t ON {same.format("x")} WHERE {own} AND {_SEEN}
        UNION ALL
        SELECT 'removed', t.at, t.run, {", ".join(removed)}
        FROM ({touched}) AS t JOIN students_student s ON s.id = t.student_id JOIN students_lea l ON l.id = s.lea_id
        LEFT JOIN ({setups}) AS a ON a.id = t.assessment_id LEFT JOIN ({setups}) AS p ON p.id = a.parent_id
        WHERE NOT t.is_new AND NOT EXISTS (SELECT 1 FROM assessments_score k WHERE {same.format("k")}) AND {gone} AND {_SEEN}
    """


def _written(run: ImportRun) -> str:
    """SQL condition: the run actually wrote change `c` of its plan."""
    return (
        f"NOT EXISTS (SELECT 1 FROM imports_setaside sa WHERE sa.run_id = {run.pk}"
        " AND sa.line = c.line AND sa.seq = c.seq)"
    )


def _student_of(part: _Part) -> str:
    return get_kind(part.kind).student_column or "id"


def _sources(view: View) -> str:
    return _escaped(", ".join(f"{column.source} AS {column.name}" for column in view.columns))


def _tables(view: View) -> str:
    return _escaped(view.tables)


def _escaped(statement: str) -> str:
    """SQL of a view, escaped for use in a statement with parameters."""
    return statement.replace("%", "%%")
