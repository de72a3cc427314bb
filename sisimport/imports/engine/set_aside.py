"""Which changes of a plan no longer hold: they are set aside with the reason, and the data is never overwritten."""

import re
from typing import Any

from django.db import models

from sisimport.imports.definition.change_kinds import STUDENT_KIND, ChangeKind, all_kinds
from sisimport.imports.engine.change_sql import (
    CREATE,
    OPERATION_SQL,
    REMOVE,
    UPDATE,
    Plan,
    about_new_row,
    becoming_unique,
    constraint_condition,
    holds_sql,
    join_student,
    new_value_sql,
    of_kind,
    untouched_sql,
    value_sql,
)
from sisimport.imports.engine.sql import execute, fetch_one, quoted
from sisimport.imports.engine.statistics import MEASURE_FROM, hash_joins
from sisimport.imports.models import SetAsideReason


def _stays(work: Plan, alias: str) -> str:
    """SQL condition: change `alias` of the plan was set aside, so it will not be written."""
    return (
        f"EXISTS (SELECT 1 FROM imports_setaside sa WHERE sa.run_id = {int(work.run.pk)} AND sa.line = {alias}.line"
        f" AND sa.seq = {alias}.seq AND sa.reason <> 'done')"
    )


def record_set_aside(work: Plan, kind: ChangeKind, operation: str) -> None:
    """Record the changes of one kind and operation that no longer hold, with the reason."""
    joins, reasons = [join_student()], []
    target = f"LEFT JOIN {quoted(kind.table)} t ON t.{quoted(kind.pk)} = c.object_id"
    guard = "c.guard IS NOT NULL AND s.identity_hash IS DISTINCT FROM c.guard"
    if operation == CREATE:
        reasons = _create_reasons(work, kind, joins)
        reasons.append((guard, SetAsideReason.CHANGED))
    else:
        joins.append(target)
        missing = f"t.{quoted(kind.pk)} IS NULL"
        if operation == REMOVE:
            reasons = [(missing, SetAsideReason.DONE), (f"NOT ({untouched_sql(kind)})", SetAsideReason.CHANGED)]
            reasons += [(sql, SetAsideReason.IN_USE) for sql in _dependents(work, kind)]
        else:
            reasons = [
                (missing, SetAsideReason.CHANGED),
                (f"({holds_sql(kind, 'after')})", SetAsideReason.DONE),
                (f"NOT ({holds_sql(kind, 'before')})", SetAsideReason.CHANGED),
                (guard, SetAsideReason.CHANGED),
                *((sql, SetAsideReason.TAKEN) for sql in _update_conflicts(work, kind)),
                *((sql, SetAsideReason.CHANGED) for sql in _missing_parents(work, kind, update=True)),
            ]
    cases = " ".join(f"WHEN {sql} THEN '{reason.value}'" for sql, reason in reasons)
    execute(
        f"""
        INSERT INTO imports_setaside (run_id, line, seq, reason)
        SELECT DISTINCT ON (q.line, q.seq) %s, q.line, q.seq, q.reason FROM (
          SELECT c.line, c.seq, CASE {cases} END AS reason
          FROM imports_importchange c {" ".join(joins)}
          WHERE c.run_id = %s AND {of_kind(kind)} AND {OPERATION_SQL[operation]}
        ) AS q WHERE q.reason IS NOT NULL ORDER BY q.line, q.seq, q.reason ON CONFLICT DO NOTHING
        """,
        [work.run.pk, work.plan_run_id],
    )


def _create_reasons(work: Plan, kind: ChangeKind, joins: list[str]) -> list[tuple[str, SetAsideReason]]:
    """A row to be created may already exist, or conflict with one that this plan does not move out of the way."""
    leaving = ""
    if {(kind.key, UPDATE), (kind.key, REMOVE)} & work.present:
        leaving = (
            f" AND NOT EXISTS (SELECT 1 FROM imports_importchange m WHERE m.run_id = {int(work.plan_run_id)}"
            f" AND m.kind = '{kind.key}' AND m.before IS NOT NULL AND m.object_id = {{alias}}.{quoted(kind.pk)}"
            f" AND NOT {_stays(work, 'm')})"
        )
    reasons: list[tuple[str, SetAsideReason]] = []
    uniques: list[tuple[tuple[str, ...], str]] = [((kind.pk,), "")]
    for constraint in kind.model._meta.constraints:
        if isinstance(constraint, models.UniqueConstraint) and constraint.fields:
            columns = tuple(str(kind.model._meta.get_field(name).column) for name in constraint.fields)  # type: ignore[union-attr]
            uniques.append((columns, constraint_condition(kind, constraint)))
    for number, (columns, where) in enumerate(uniques):
        alias = f"u{number}"
        source = f"(SELECT * FROM {quoted(kind.table)}{' WHERE ' + where if where else ''})"
        same = " AND ".join(f"{alias}.{quoted(column)} = {new_value_sql(kind, column)}" for column in columns)
        if where:
            # A partial constraint applies to the new row only if its condition holds for that row too (a former SSID).
            same += f" AND ({about_new_row(kind, where)})"
        joins.append(f"LEFT JOIN {source} {alias} ON {same}{leaving.format(alias=alias)}")
        there = f"{alias}.{quoted(kind.pk)} IS NOT NULL"
        equal = holds_sql(kind, "after", alias)
        if kind.student_column:
            equal += f" AND {alias}.{quoted(kind.student_column)} = c.student_id"
        if kind.same_as and kind is not STUDENT_KIND:
            # A school or set-up with that key is the planned one, even if its other values differ by now.
            of_that_key = re.sub(r"\bt\.", f"{alias}.", kind.same_as)
            equal = f"({equal} OR {of_that_key})"
        reasons.append((f"{there} AND {equal}", SetAsideReason.DONE))
        reasons.append((there, SetAsideReason.TAKEN))
    reasons += [(sql, SetAsideReason.CHANGED) for sql in _missing_parents(work, kind)]
    if kind.student_column and (STUDENT_KIND.key, CREATE) not in work.present:
        # Rows that runs fill have no constraint on their student; all students are checked together, under the LEA's lock.
        reasons.append(("s.id IS NULL", SetAsideReason.CHANGED))
    return reasons


def _update_conflicts(work: Plan, kind: ChangeKind) -> list[str]:
    """An update may need a unique value that another row has taken since."""
    conflicts = []
    for constraint in kind.model._meta.constraints:
        if not isinstance(constraint, models.UniqueConstraint):
            continue
        columns = [str(kind.model._meta.get_field(name).column) for name in constraint.fields]  # type: ignore[union-attr]
        becoming = becoming_unique(constraint)
        changing = " OR ".join(
            [f"jsonb_exists(c.after, '{column}')" for column in columns if column in kind.fields] + becoming
        )
        if not changing:
            continue
        where = constraint_condition(kind, constraint)
        same = " AND ".join(
            f"o.{quoted(column)} = coalesce({value_sql(kind, column, 'after')}, t.{quoted(column)})"
            for column in columns
        )
        conflicts.append(
            f"({changing}) AND EXISTS (SELECT 1 FROM (SELECT * FROM {quoted(kind.table)}"
            f"{' WHERE ' + where if where else ''}) o WHERE {same}"
            # NOT IN is computed once and hashed. A join here would be repeated for every change.
            f" AND o.{quoted(kind.pk)} <> c.object_id AND o.{quoted(kind.pk)} NOT IN (SELECT m.object_id"
            f" FROM imports_importchange m WHERE m.run_id = {int(work.plan_run_id)} AND m.kind = '{kind.key}'"
            f" AND m.before IS NOT NULL AND NOT {_stays(work, 'm')}))"
        )
    return conflicts


def _missing_parents(work: Plan, kind: ChangeKind, *, update: bool = False) -> list[str]:
    """A foreign key of a row to be created, or one that an update sets, must point at a row that exists or that this plan
    creates."""
    by_model = {k.model: k for k in all_kinds() if update or (k.key, CREATE) in work.present}
    missing = []
    for f in kind.model._meta.concrete_fields:
        column = str(f.column)
        if not isinstance(f, models.ForeignKey) or f.related_model not in by_model:
            continue
        if update and column not in kind.fields:
            continue
        parent = by_model[f.related_model]
        value = value_sql(kind, column, "after")
        missing.append(
            f"{value} IS NOT NULL AND NOT EXISTS (SELECT 1 FROM {quoted(parent.table)} p WHERE p.{quoted(parent.pk)} = {value})"
            f" AND NOT EXISTS (SELECT 1 FROM imports_importchange pc WHERE pc.run_id = {int(work.plan_run_id)}"
            f" AND {of_kind(parent, 'pc')} AND pc.before IS NULL AND pc.object_id = {value} AND NOT EXISTS ("
            f"SELECT 1 FROM imports_setaside ps WHERE ps.run_id = {int(work.run.pk)} AND ps.line = pc.line AND ps.seq = pc.seq))"
        )
    return missing


def pointing_here(kind: ChangeKind) -> "list[tuple[type[models.Model], models.ForeignKey[Any, Any]]]":
    """Foreign keys in all tables to rows of this kind, including many-to-many tables."""
    relations = kind.model._meta.get_fields(include_hidden=True)
    fields = [r.field for r in relations if isinstance(r, models.ManyToOneRel)]
    return [(f.model, f) for f in fields if isinstance(f, models.ForeignKey) and f.model._meta.managed]


def lets_go(f: "models.ForeignKey[Any, Any]") -> bool:
    """Does a row survive the removal of the row it points at (such as the record of who looked at a student)?"""
    return bool(f.remote_field.on_delete is models.SET_NULL)


def _dependents(work: Plan, kind: ChangeKind) -> list[str]:
    """A row is not removed while others point at it, unless this plan also removes those or points them elsewhere."""
    by_model = {k.model: k for k in all_kinds()}
    conditions = []
    for model, f in pointing_here(kind):
        child = by_model.get(model)
        if lets_go(f):
            continue
        if not getattr(f, "db_constraint", True) and (child is None or not child.holds_student):
            continue  # a row that outlives its target does not keep it from being removed
        also_removed = ""
        if child is not None and child.writer is not None:
            if child.student_column != str(f.column):
                conditions.append(child.writer.dependents(run=work.run))
                continue
        elif child is not None:
            leaves = "d.after IS NULL"
            if str(f.column) in child.fields:  # or this plan repoints it
                leaves = f"(d.after IS NULL OR d.before IS NOT NULL AND jsonb_exists(d.after, '{f.column}'))"
            also_removed = (
                f" AND NOT EXISTS (SELECT 1 FROM imports_importchange d WHERE d.run_id = {int(work.plan_run_id)}"
                f" AND d.kind = '{child.key}' AND {leaves} AND d.object_id = r.{quoted(child.pk)} AND NOT {_stays(work, 'd')})"
            )
        conditions.append(
            f"EXISTS (SELECT 1 FROM {quoted(model._meta.db_table)} r"
            f" WHERE r.{quoted(str(f.column))} = c.object_id{also_removed})"
        )
    return conditions


def keep_parts_together(work: Plan, *, parts_only: bool) -> tuple[bool, int]:
    """When one change of a line and part is set aside, so are its siblings. Returns whether anything is set aside at all, and how
    many changes no longer hold.

    A revert restores what it can of a whole record (parts_only): a later edit of one field keeps only that field.
    """
    changed = "SELECT count(*), count(*) FILTER (WHERE reason <> 'done') FROM imports_setaside WHERE run_id = %s"
    (anything, not_done) = fetch_one(changed, [work.run.pk])
    if anything > MEASURE_FROM:
        hash_joins()
    if not not_done:
        return bool(anything), 0
    named_parts = "AND x.part <> 'record'" if parts_only else ""
    added = execute(
        f"""
        INSERT INTO imports_setaside (run_id, line, seq, reason)
        SELECT DISTINCT ON (c.line, c.seq) %(run)s, c.line, c.seq, {"a.reason" if parts_only else "%(changed)s"}
        FROM imports_setaside a
        JOIN imports_importchange x ON x.run_id = %(plan)s AND x.line = a.line AND x.seq = a.seq
        JOIN imports_importchange c ON c.run_id = %(plan)s AND c.line = x.line AND c.part = x.part AND c.seq <> x.seq
        WHERE a.run_id = %(run)s AND a.reason <> %(done)s {named_parts} ORDER BY c.line, c.seq, a.reason
        ON CONFLICT (run_id, line, seq) DO UPDATE SET reason = EXCLUDED.reason WHERE imports_setaside.reason = %(done)s
        """,
        {  # type: ignore[arg-type]
            "run": work.run.pk,
            "plan": work.plan_run_id,
            "changed": SetAsideReason.CHANGED.value,
            "done": SetAsideReason.DONE.value,
        },
    )
    return True, not_done + added
