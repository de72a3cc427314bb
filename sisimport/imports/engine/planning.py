"""plan: what Update would write, computed in one ordered statement and stored. Once applied, the plan rows are the journal.

A change is planned only if its part of the record has no errors. Changes carry the student's identity hash as of now.
"""

from collections.abc import Collection, Sequence
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import BooleanField, Case, F, Func, Q, Value, When

from sisimport.files.issues import Severity
from sisimport.imports.definition.expressions import ChangedFields, Differs, Jsonb, NextId
from sisimport.imports.definition.import_type import ImportType, RunContext
from sisimport.imports.definition.rules import RECORD, PlannedChange, PlannedCreate
from sisimport.imports.engine import kept_selects
from sisimport.imports.engine.sql import execute, fetch_all, quoted, with_values
from sisimport.imports.models import ImportRun, absent
from students.models import School


def plan(context: RunContext) -> None:
    """Write the changes of the run. Every planned object already has its key, so a plan can be applied as is."""
    steps = list(context.import_type.plan(context))
    if not steps:
        return
    blocked = _blocked_lines(context)
    rows: list[kept_selects.Step] = [Q(refused=False)]
    if not context.import_type.may_create_students:
        rows.append(context.matched)
    annotations: dict[str, Any] = {}
    lateral: list[str] = []
    names = ["line", "seen_guard"]

    def take(name: str, expression: Any) -> str:
        """Add a column to the inner SELECT and return its name for the outer one."""
        annotations[name] = expression
        names.append(name)
        return f"q.c{len(names) - 1}"

    for seq, step in enumerate(steps):
        holds, student, object_id, before, after = _expressions(step)
        if isinstance(object_id, NextId):
            object_id = Case(When(holds, then=object_id))  # no key is drawn that would not be used
        c_student = take(f"student_{seq}", student)
        c_object = take(f"object_{seq}", object_id)
        c_before = "NULL::jsonb" if before is None else take(f"before_{seq}", Case(When(holds, then=before)))
        c_after = take(f"after_{seq}", Case(When(holds, then=after)))
        free = f"AND NOT {blocked[step.part]}" if step.part in blocked else ""
        # An update in which nothing differs is not a change; if the condition does not hold, there is no `after`.
        happens = f"{c_after} IS NOT NULL" if before is None else f"{c_after} <> '{{}}'::jsonb"
        named = with_values("%s, %s", [step.part, step.kind.key])
        lateral.append(f"SELECT {seq}, {named}, {c_student}, {c_object}, {c_before}, {c_after} WHERE {happens} {free}")
    # Lines with nothing to write are left out before the sort.
    if context.idle_rows:
        rows.append(Q(NotIdle(F("line"))))
    rows += [changes_something(steps), {"seen_guard": F("student__identity_hash"), **annotations}]
    sql = kept_selects.select(context.import_type.rows(context), rows, names, order_by=["student__id", "line"])
    aliases = ", ".join(["line", "guard", *(f"c{n}" for n in range(2, len(names)))])
    record_free = f"WHERE NOT {blocked[RECORD]}" if RECORD in blocked else ""
    execute(
        f"""
        INSERT INTO imports_importchange
          (run_id, line, seq, part, kind, object_id, student_id, guard, before, after)
        SELECT {int(context.run.pk)}, q.line, s.seq, s.part, s.kind, s.object_id, s.student_id, q.guard, s.before, s.after
        FROM (SELECT * FROM ({sql}) AS q({aliases}) {record_free}) AS q
        CROSS JOIN LATERAL ({" UNION ALL ".join(lateral)}) AS s(seq, part, kind, student_id, object_id, before, after)
        """
    )


class NotIdle(Func):
    """Whether a line remains to be planned after checking."""

    template = "(NOT EXISTS (SELECT 1 FROM checked_line k WHERE k.idle AND k.line = %(expressions)s))"
    output_field = BooleanField()
    conditional = True


def changes_something(steps: Sequence[PlannedChange]) -> Q:
    """Condition: at least one of the steps writes something."""
    return reduce(or_, (_happens(step) for step in steps))


def _happens(step: PlannedChange) -> Q:
    """Condition: the step changes something."""
    holds = step.when if isinstance(step.when, Q) else Q(step.when)
    if isinstance(step, PlannedCreate):
        return holds
    return holds & reduce(or_, (Q(Differs(old, new)) for old, new in step.fields.values()))


def _expressions(step: PlannedChange) -> tuple[Q, Any, Any, Any, Any]:
    holds = step.when if isinstance(step.when, Q) else Q(step.when)
    if isinstance(step, PlannedCreate):
        values = {name: Value(v) if isinstance(v, str | int | bool) else v for name, v in step.values.items()}
        return holds, step.student_id, step.object_id, None, Jsonb(**values)
    fields = dict(step.fields)
    return (
        holds,
        F("student__id"),
        step.object_id,
        ChangedFields(fields, take="before"),
        ChangedFields(fields, take="after"),
    )


def _blocked_lines(context: RunContext) -> dict[str, str]:
    """Per part with errors: SQL that tells whether a line of `q` has one. The lines go into a small temporary table."""
    rows = fetch_all(
        "SELECT DISTINCT part FROM imports_importissue WHERE run_id = %s AND severity = %s",
        [context.run.pk, int(Severity.ERROR)],
    )
    if not rows:
        return {}
    execute(
        "CREATE TEMP TABLE blocked_part ON COMMIT DROP AS SELECT DISTINCT line, part FROM imports_importissue"
        " WHERE run_id = %s AND severity = %s",
        [context.run.pk, int(Severity.ERROR)],
    )
    execute("CREATE INDEX ON blocked_part (line, part)")
    execute("ANALYZE blocked_part")
    return {
        part: f"EXISTS (SELECT 1 FROM blocked_part b WHERE b.line = q.line AND b.part = '{part}')" for (part,) in rows
    }


def lists_absent(import_type: ImportType, run: ImportRun) -> bool:
    """Whether the report of a run lists students whom its file does not name: not of a partial file, nor of corrected lines."""
    return import_type.lists_absent and run.corrects_id is None and not (run.facts or {}).get("partial")


def list_absent(context: RunContext) -> int:
    """Store which students of the file's schools the file does not name, and count them. Only students enrolled now: those who
    left are not expected in it."""
    codes, leas = sorted(context.school_codes), sorted(context.lea_ids)
    schools = School.objects.filter(code__in=codes, lea_id__in=leas).order_by("pk").values_list("pk", flat=True)
    absent_sql, params = _absent_sql(context, list(schools))
    context.report_facts[ABSENT_SCHOOLS] = list(schools)
    execute(
        f"""
        WITH absent AS MATERIALIZED ({absent_sql}), ranges AS (
          -- Numbers that follow each other are one range before they are gathered: a fraction of the work.
          SELECT int8range(min(id), max(id) + 1) AS numbers, false AS of_el
          FROM (SELECT id, id - row_number() OVER (ORDER BY id) AS gap FROM absent) AS a GROUP BY gap
          UNION ALL
          SELECT int8range(id, id + 1), true FROM absent WHERE has_el
        )
        INSERT INTO imports_absentlist (run_id, students, with_el)
        SELECT {int(context.run.pk)}, coalesce(range_agg(numbers) FILTER (WHERE NOT of_el), '{{}}'),
          coalesce(range_agg(numbers) FILTER (WHERE of_el), '{{}}')
        FROM ranges
        """,
        params,
    )
    return absent.size(context.run.pk)


ABSENT_SCHOOLS = "absent_schools"  # key in a run's facts: internal numbers of the schools that its list is about


def _absent_sql(context: RunContext, schools: Sequence[int]) -> tuple[str, list[Any]]:
    """SELECT of the students of these schools whom no staged row names: id, has_el."""
    table = quoted(context.import_type.row_model._meta.db_table)
    # Through the table of schools: for a list of numbers the planner expects too few students, and then reads nearly all of them
    # by an index.
    at_schools = "s.school_id IN (SELECT c.id FROM students_school c WHERE c.id = ANY(%s))"
    of_run, params = "", [list(schools)]
    if context.run.schools is not None:
        of_run, params = "AND s.school_id = ANY(%s)", [*params, list(context.run.schools)]
    return (
        f"""
        SELECT s.id, el.student_id IS NOT NULL AS has_el
        FROM students_student s LEFT JOIN students_elrecord el ON el.student_id = s.id
        WHERE {at_schools}
          AND NOT EXISTS (SELECT 1 FROM {table} r WHERE r.lea_id = s.lea_id AND r.local_number = s.local_number)
          AND NOT EXISTS (SELECT 1 FROM students_lastday l WHERE l.student_id = s.id) {of_run}
        """,
        params,
    )


def put_back_absent(context: RunContext, students: Collection[int]) -> None:
    """Put students whom the file does not name back into the list: of these, whom a line may no longer be about, and of those
    whose numbers are on accepted lines.

    All lines that hold one of their numbers must be staged.
    """
    absent_sql, params = _absent_sql(context, context.run.facts[ABSENT_SCHOOLS])
    table = quoted(context.import_type.row_model._meta.db_table)
    given = f"SELECT given_number FROM {table} WHERE given_number <> ''"
    execute(
        f"""
        WITH absent AS MATERIALIZED ({absent_sql} AND (s.id = ANY(%s) OR s.local_number IN ({given}))), gathered AS (
          SELECT coalesce(range_agg(int8range(id, id + 1)), '{{}}') AS students,
            coalesce(range_agg(int8range(id, id + 1)) FILTER (WHERE has_el), '{{}}') AS with_el FROM absent
        )
        UPDATE imports_absentlist a SET students = a.students + g.students, with_el = a.with_el + g.with_el
        FROM gathered g WHERE a.run_id = %s
        """,
        [*params, sorted(students), context.run.pk],
    )


def take_out_named(context: RunContext) -> None:
    """Take students whom a staged line names out of the list."""
    table = quoted(context.import_type.row_model._meta.db_table)
    named = fetch_all(
        f"SELECT s.id FROM students_student s JOIN {table} r ON r.lea_id = s.lea_id AND r.local_number = s.local_number"
    )
    absent.take_out([pk for (pk,) in named], run_id=context.run.pk)
