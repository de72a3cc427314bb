"""Planning some lines of a completed Test again after a person decided about them.

    decisions -> lines they touch -> stage, match, check, plan those lines only -> counts and summary of the whole run

Update still does exactly what Test showed: issues, changes and counts of the Test are replaced in one transaction, and only while
no Update has started on the plan (a plan that was applied is the journal and never changes again).
"""

from collections.abc import Collection
from typing import Any

from django.db import transaction

from sisimport.imports.definition.import_type import ALSO_COUNTED, LinesMissingError, RunContext
from sisimport.imports.definition.progress import Progress
from sisimport.imports.definition.registry import get_type
from sisimport.imports.engine import checking, counting, planning, staging
from sisimport.imports.engine.line_ends import mark_refused_lines
from sisimport.imports.engine.recounting import corrected, tally
from sisimport.imports.engine.related_lines import related_lines
from sisimport.imports.engine.sql import execute
from sisimport.imports.models import ImportChange, ImportIssue, ImportRun, absent

MAX_ROUNDS = 3  # of finding that more lines are needed
RUN_TABLES = ("imports_importissue", "imports_importchange")


class _Silent(Progress):
    """Reports no progress: the run ended long ago, and this transaction itself holds the lock on its row."""

    def report(self, phase: str, done: int = 0, total: int = 0) -> None:
        pass


def replan(run: ImportRun, lines: Collection[int], *, freed: Collection[int] = ()) -> None:
    """Plan these lines again, along with those that share a student or a number with them.

    The caller holds the transaction and the lock on the run's row, and has written the decisions. `freed`: students for whom
    one of the lines was accepted.
    """
    if planning.lists_absent(get_type(run.import_type), run) and planning.ABSENT_SCHOOLS not in run.facts:
        plan_again(run, None, freed=freed)
        return
    wanted = lines
    for _round in range(MAX_ROUNDS):
        touched = related_lines(run, set(wanted), freed)
        notes = None if touched is None else get_type(run.import_type).plan_alone(run, touched)
        if touched is None or notes is None:
            break
        try:
            with transaction.atomic():
                plan_again(run, touched, notes=notes, freed=freed)
        except LinesMissingError as error:
            if error.lines is None:
                break
            wanted = {*wanted, *error.lines}
        else:
            return
    plan_again(run, None, freed=freed)


def plan_again(
    run: ImportRun,
    touched: Collection[int] | None,
    *,
    notes: dict[str, Any] | None = None,
    freed: Collection[int] = (),
) -> None:
    """Plan these lines again and no others; None: every line of the file. `notes`: see `ImportType.plan_alone`."""
    import_type = get_type(run.import_type)
    lists_absent = planning.lists_absent(import_type, run)
    context = RunContext(run=run, import_type=import_type, progress=_Silent(run.pk), lines=touched, notes=notes or {})
    context.lea_ids = set(run.lea_ids)
    execute("SET LOCAL work_mem = '64MB'")
    # Findings about the file as a whole (line 0) may depend on the outcome of these lines.
    counted = {0, *(touched or ()), *context.notes.get(ALSO_COUNTED, ())}
    before = None if touched is None else tally(run.pk, counted)
    freed = {*freed, *(_students_named(run, touched) if lists_absent and touched is not None else ())}
    where, params = ("", []) if touched is None else (" AND line = ANY(%s)", [sorted(touched)])
    for table in RUN_TABLES:
        execute(f"DELETE FROM {table} WHERE run_id = %s{where}", [run.pk, *params])
    staging.stage(context)
    import_type.prepare(context)
    checking.check(context)
    planning.plan(context)
    import_type.after_plan(context)
    mark_refused_lines(context)
    if before is None or touched is None:
        context.record_count = run.record_count
        totals = counting.count_test(context)
        values: dict[str, object] = {**totals.counts, "summary": totals.summary}
    else:
        values = corrected(run, before, tally(run.pk, counted))
    report_facts = {**run.facts, **context.report_facts}
    if lists_absent:
        report_facts["absent_count"] = _absent(context, freed)
        report_facts |= context.report_facts
    ImportRun.objects.filter(pk=run.pk).update(
        **values, facts=report_facts, lea_ids=sorted(set(run.lea_ids) | context.lea_ids)
    )
    execute(f'DROP TABLE IF EXISTS "{import_type.row_model._meta.db_table}", blocked_part, staged_problem')


def _students_named(run: ImportRun, lines: Collection[int]) -> set[int]:
    """Students whom the plan or the report of these lines names."""
    named = (
        model.objects.filter(run=run, line__in=lines, student_id__isnull=False).values_list("student_id", flat=True)
        for model in (ImportChange, ImportIssue)
    )
    return {pk for found in named for pk in found if pk is not None}


def _absent(context: RunContext, freed: Collection[int]) -> int:
    """Update the list *in our records, not in this file*: a student for whom a line was accepted is in the file, and no longer is
    when that is taken back; the student whose number that line holds is not."""
    run_id = context.run.pk
    if context.lines is None:
        execute("DELETE FROM imports_absentlist WHERE run_id = %s", [run_id])
        return planning.list_absent(context)
    planning.put_back_absent(context, freed)
    planning.take_out_named(context)
    return absent.size(run_id)
