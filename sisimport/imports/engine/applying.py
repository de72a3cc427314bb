"""apply: one transaction that compares every planned change with the current data and writes those that still hold.

Used by Update, Import and Revert. A change that no longer holds is set aside, never forced. Changes of one record that belong
together (the same line and part) are written together or not at all.
"""

from sisimport.imports.engine.change_sql import CREATE, REMOVE, UPDATE, Plan
from sisimport.imports.engine.change_writing import Write, creating, let_go, removing, updating, write_rows
from sisimport.imports.engine.set_aside import keep_parts_together, record_set_aside
from sisimport.imports.models import ImportRun, Work

ORDER = (REMOVE, UPDATE, CREATE)
WRITES = {REMOVE: removing, UPDATE: updating, CREATE: creating}


def apply(run: ImportRun, plan_run_id: int, present: set[tuple[str, str]]) -> bool:
    """Write the plan of `plan_run_id` on behalf of `run`. The caller holds the transaction and the LEAs' update lock, and
    has given the query planner the size of the plan (statistics.py).

    `present`: kinds and operations that the plan holds. Returns whether any change was set aside or found already done.
    """
    work = Plan(run=run, plan_run_id=plan_run_id, present=present)
    aside = _judge(work)
    # Rows are removed before others take their place: a retired SSID before its replacement.
    before: dict[str, list[Write]] = {}  # of kinds whose operations are one statement
    for number, operation in enumerate(ORDER):
        for kind in work.kinds(operation):
            if kind.writer is not None:
                kind.writer.write(run=run, plan_run_id=plan_run_id, operation=operation, aside=aside)
                continue
            if operation == REMOVE:
                let_go(work, kind, aside=aside)
            writes = [*before.pop(kind.key, ()), WRITES[operation](work, kind, aside=aside)]
            if kind.at_once and any((kind.key, later) in present for later in ORDER[number + 1 :]):
                before[kind.key] = writes
            else:
                write_rows(writes)
    return aside


def _judge(work: Plan) -> bool:
    """Set aside every change that no longer holds or that depends on one set aside; repeats until no more are found.

    Returns whether anything is set aside or found already done.
    """
    kept = -1
    while True:
        for operation in (UPDATE, REMOVE, CREATE):
            for kind in work.kinds(operation):
                if kind.writer is not None:
                    kind.writer.set_aside(run=work.run, plan_run_id=work.plan_run_id, operation=operation)
                else:
                    record_set_aside(work, kind, operation)
        anything, not_done = keep_parts_together(work, parts_only=work.run.work == Work.REVERT)
        if not_done in (0, kept):
            return anything
        kept = not_done
