"""Students whom a run's file does not name, stored as one value per run instead of a row per student.

The list holds for the moment of the Test; the data it was made from (school, last day) is overwritten later. So the Test keeps
the absent students as ranges of internal numbers; names, schools and grades are read when a user opens the list.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.db import connection, models
from django.db.models import F, Func, QuerySet, Subquery
from django.db.models.functions import Now

from sisimport.imports.models.runs import ImportRun
from sisimport.runtime.reading import reading_connection
from students.models import Student

SHORT = 5_000  # students; a list up to this size is read by number

if TYPE_CHECKING:
    _Field = models.Field[Any, Any]
else:
    _Field = models.Field


class StudentSet(_Field):
    """Internal numbers of students, kept as ranges (PostgreSQL's `int8multirange`): 270,000 take a few hundred kilobytes at most.

    Written and unpacked by SQL statements; Python gets the value as psycopg returns it.
    """

    description = "Set of students"

    def db_type(self, connection: Any) -> str:  # noqa: ARG002
        return "int8multirange"


class Among(Func):
    """Whether a number is in a set: `Among(F("pk"), set)`."""

    template = "(%(expressions)s)"
    arg_joiner = " <@ "
    output_field = models.BooleanField()
    conditional = True


class _Unpacked(Func):
    """The set as a value in memory: PostgreSQL would unpack the stored one again for every row compared with it."""

    template = "(%(expressions)s + '{}'::int8multirange)"


class AbsentList(models.Model):
    """Students whom the file of a run (a Test or an Import) does not name: the list *in our records, not in this file*."""

    run = models.OneToOneField(
        ImportRun, on_delete=models.CASCADE, primary_key=True, related_name="absent_list", db_constraint=False
    )
    students = StudentSet()
    with_el = StudentSet(help_text="Those of them with EL data when the run looked.")
    at = models.DateTimeField(db_default=Now(), help_text="When the run, or a decision on one of its lines, looked.")

    class Meta:
        verbose_name = "list of absent students"
        verbose_name_plural = "lists of absent students"

    def __str__(self) -> str:
        return f"Students not in the file of run {self.run_id}"


def absent_students(plan_run_id: int, students: QuerySet[Student]) -> QuerySet[Student]:
    """Those of `students` whom the file of that run does not name; `has_el`: had EL data at the time of the run.

    For a short list, students are read by number, using the index. For a long one, the students between its lowest and highest
    number are compared with it.
    """
    count, least, greatest = _extent(plan_run_id)
    if count > SHORT:
        found = students.filter(_among(plan_run_id, "students"), pk__gte=least, pk__lte=greatest)
    else:
        found = students.filter(pk__in=_numbers(plan_run_id) if count else [])
    return found.annotate(has_el=_among(plan_run_id, "with_el"))


def _among(plan_run_id: int, column: str) -> Among:
    unpacked = _Unpacked(F(column), output_field=StudentSet())
    kept = AbsentList.objects.filter(pk=plan_run_id).annotate(unpacked=unpacked)
    return Among(F("pk"), Subquery(kept.values("unpacked")))


def _extent(plan_run_id: int) -> tuple[int, int, int]:
    """Count, lowest and highest number; zeros if the list is empty or missing."""
    with reading_connection().cursor() as cursor:
        cursor.execute(
            """
            SELECT coalesce(sum(upper(r) - lower(r)), 0)::bigint, coalesce(min(lower(r)), 0), coalesce(max(upper(r)) - 1, 0)
            FROM imports_absentlist a, unnest(a.students) AS r WHERE a.run_id = %s
            """,
            [plan_run_id],
        )
        count, least, greatest = cursor.fetchone()
        return int(count), int(least), int(greatest)


def _numbers(plan_run_id: int) -> list[int]:
    with reading_connection().cursor() as cursor:
        cursor.execute(
            "SELECT generate_series(lower(r), upper(r) - 1) FROM imports_absentlist a, unnest(a.students) AS r"
            " WHERE a.run_id = %s",
            [plan_run_id],
        )
        return [number for (number,) in cursor.fetchall()]


def size(plan_run_id: int) -> int:
    """How many students the file of that run does not name."""
    return _extent(plan_run_id)[0]


def take_out(students: Iterable[int | None], *, run_id: int | None = None) -> int:
    """Remove students, by internal number, from the list of that run, or of every run; returns the number of lists changed."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH gone AS (SELECT range_agg(int8range(n, n + 1)) AS numbers FROM unnest(%s::bigint[]) AS n)
            UPDATE imports_absentlist a SET students = a.students - gone.numbers, with_el = a.with_el - gone.numbers
            FROM gone WHERE a.students && gone.numbers AND (%s::bigint IS NULL OR a.run_id = %s)
            """,
            [list(students), run_id, run_id],
        )
        return int(cursor.rowcount)
