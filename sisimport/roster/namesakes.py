"""Lines of a roster linked by name and birth date, for planning some of them again after a decision.

The user is asked about a new student if someone of the same name and birth date is on record whom no line of the file
names (`staging.find_alike`). So a decision that gives a student a line, or takes one away, affects the lines of all
namesakes.
"""

import json
from collections.abc import Collection
from functools import cached_property
from typing import Final

from django.db.models import Q, QuerySet

from sisimport.files.dates import read_date
from sisimport.files.issues import Severity
from sisimport.imports.definition.rules import RECORD
from sisimport.imports.engine.sql import fetch_all
from sisimport.imports.models import ImportIssue, ImportRun
from sisimport.imports.storage.records import cells_of, read_records
from students.models import Student

MAX_READ: Final = 4000  # lines with nothing planned; of more, those are read whose bytes show the birth date
MAX_LIKE: Final = 4000  # lines with the same birth date; with more of them the whole file is planned
_NAMES: Final = ("legal_last_name", "last_name", "legal_first_name", "first_name", "birth_date")
_GONE: Final = "ONE-GONE"  # lines on students who are not on record, with nothing planned either

_LINES: Final = """
    lines AS (
      SELECT line, birth_date, sis_loose(coalesce(nullif(legal_last_name, ''), last_name)) AS last,
        sis_loose(coalesce(nullif(legal_first_name, ''), first_name)) AS first
      FROM jsonb_to_recordset(%(lines)s::jsonb) AS r(line int, legal_last_name text, last_name text, legal_first_name text,
        first_name text, birth_date date)
    )"""
_SAME: Final = """s.birth_date = lines.birth_date AND sis_loose(s.match_last_name) = lines.last
      AND sis_loose(s.match_first_name) = lines.first"""
_STUDENTS: Final = f"WITH {_LINES} SELECT DISTINCT s.id FROM students_student s JOIN lines ON {_SAME}"
# New students are in the plan with their names; lines with nothing planned are read.
_LIKE: Final = f"""
    WITH {_LINES}, asked AS MATERIALIZED (SELECT * FROM students_student WHERE id = ANY(%(students)s))
    SELECT lines.line FROM asked s JOIN lines ON {_SAME}
    UNION
    SELECT c.line FROM imports_importchange c JOIN asked s ON c.after->>'birth_date' = s.birth_date::text
      AND sis_loose(coalesce(nullif(c.after->>'legal_last_name', ''), c.after->>'last_name')) = sis_loose(s.match_last_name)
      AND sis_loose(coalesce(nullif(c.after->>'legal_first_name', ''), c.after->>'first_name')) = sis_loose(s.match_first_name)
    WHERE c.run_id = %(run)s AND c.kind = 'student' AND c.before IS NULL"""


class Namesakes:
    """The namesakes in one Test, before some of its lines are planned again."""

    def __init__(self, run: ImportRun) -> None:
        self._run = run

    def students(self, lines: Collection[int]) -> set[int]:
        """Students on record with the names and birth dates in these lines."""
        found = fetch_all(_STUDENTS, {"lines": self._read(lines)})  # type: ignore[arg-type]
        return {pk for (pk,) in found}

    def lines(self, students: Collection[int]) -> set[int] | None:
        """Lines on new students with the name and birth date of one of these; None: too many to tell."""
        unplanned = self._unplanned if self._unplanned is not None else self._unplanned_born_like(students)
        if unplanned is None:
            return None
        params = {"lines": unplanned, "students": sorted(students), "run": self._run.pk}
        return {line for (line,) in fetch_all(_LIKE, params)}  # type: ignore[arg-type]

    @cached_property
    def _unplanned(self) -> str | None:
        """All lines with nothing planned, read; None: too many to read."""
        lines = list(self._of_unplanned().values_list("line", flat=True).distinct()[: MAX_READ + 1])
        return None if len(lines) > MAX_READ else self._read(lines)

    def _of_unplanned(self) -> QuerySet[ImportIssue]:
        of_record = Q(severity=Severity.ERROR, part=RECORD) | Q(code=_GONE)
        return ImportIssue.objects.filter(of_record, run=self._run, line__gt=0)

    def _unplanned_born_like(self, students: Collection[int]) -> str | None:
        """Of the lines with nothing planned those that may have the birth date of one of these students, read."""
        born = Student.objects.filter(pk__in=students).values_list("birth_date", flat=True)
        lines = set(self._born.get(None, ())).union(*(self._born.get(_key(day.isoformat()), ()) for day in born if day))
        if len(lines) > MAX_LIKE:
            return None
        return self._read(self._of_unplanned().filter(line__in=lines).values_list("line", flat=True).distinct())

    @cached_property
    def _born(self) -> dict[str | None, list[int]]:
        """Lines by the birth date in them; None: their bytes do not show it."""
        by_cell: dict[bytes | None, list[int]] = {}
        for number, cell in cells_of(self._run, "birth_date"):
            by_cell.setdefault(cell, []).append(number)
        days = {cell: _day_in(cell) for cell in by_cell if cell is not None}
        # The reader knows more ways to write a date; it reads each of these texts once.
        unclear = {lines[0]: cell for cell, lines in by_cell.items() if cell is not None and days[cell] is None}
        read = read_records(self._run, unclear, ["birth_date"]) if len(unclear) <= MAX_LIKE else {}
        days |= {unclear[line]: record["birth_date"] or "" for line, record in read.items() if record}
        found: dict[str | None, list[int]] = {}
        for cell, lines in by_cell.items():
            day = days[cell] if cell is not None else None
            found.setdefault(_key(day) if day else day, []).extend(lines)
        return found

    def _read(self, lines: Collection[int]) -> str:
        records = read_records(self._run, lines, _NAMES)
        blank = dict.fromkeys(_NAMES, "")
        rows = [
            {"line": line, **blank, **{name: value or "" for name, value in record.items()}}
            for line, record in records.items()
        ]
        return json.dumps([row | {"birth_date": row["birth_date"] or None} for row in rows])


def _day_in(cell: bytes) -> str | None:
    """A day that a cell may be read as; blank: none; None: not certain."""
    text = cell.strip(b' \t"').decode("utf-8", errors="replace")
    read = read_date(text)
    return read.iso if read else None if text else ""


def _key(iso: str) -> str:
    """Equal for days that are written alike: the century, or which number is the month, may be seen from other lines."""
    return "-".join((iso[2:4], *sorted((iso[5:7], iso[8:10]))))
