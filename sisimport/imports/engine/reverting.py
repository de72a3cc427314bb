"""revert: the journal of an applied run is inverted into a plan of its own, which is then applied like any other."""

from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.utils import timezone

from sisimport.imports.engine import counting, standing, writing
from sisimport.imports.engine.sql import execute, fetch_all, fetch_one
from sisimport.imports.models import ImportRun, Reverted, RunStatus, SetAsideReason, Work


def plan_revert(run: ImportRun, *, near: Collection[int] = ()) -> None:
    """Write the inverse of every change that the reverted run wrote and that still stands. Guards are dropped: the only question
    is whether the row is still as the run left it.

    `near`: reverts executed before; only changes they may have uncovered are planned: those of the same students or objects, and
    those without a student (schools, set-ups).
    """
    applied = run.reverts
    assert applied is not None  # noqa: S101 - a database constraint says so
    touched, params = "", list[list[int]]()
    if near:
        touched = """AND (c.student_id IS NULL OR c.student_id IN (
            SELECT n.student_id FROM imports_importchange n WHERE n.run_id = ANY(%s))
          OR (c.kind, c.object_id) IN (
            SELECT n.kind, n.object_id FROM imports_importchange n WHERE n.run_id = ANY(%s)))"""
        params = [list(near), list(near)]
    if lines := only_lines(run):
        touched += " AND c.line = ANY(%s)"
        params.append(lines)
    execute(
        f"""
        INSERT INTO imports_importchange (run_id, line, seq, part, kind, object_id, student_id, guard, before, after)
        SELECT %s, c.line, c.seq, c.part, c.kind, c.object_id, c.student_id, NULL, c.after, c.before
        FROM imports_importchange c WHERE {standing.Journal.of(applied).standing("c")} {touched}
        """,
        [run.pk, *params],
    )


def only_lines(revert: ImportRun) -> list[int]:
    """The lines of the file that a Revert is limited to; empty: it puts back everything the run wrote."""
    return [int(line) for line in (revert.facts or {}).get("only_lines", ())]


def kept_facts(run: ImportRun) -> dict[str, Any]:
    """What an executed Revert kept, for its page: lines kept whole and in part, how many changes for which reason, and the later
    runs on top of them. Empty when it kept nothing."""
    rows = fetch_all(
        "SELECT reason, count(*) FROM imports_setaside WHERE run_id = %s AND reason <> %s GROUP BY reason ORDER BY reason",
        [run.pk, SetAsideReason.DONE.value],
    )
    if not rows:
        return {}
    lines, partly = fetch_one(
        """
        SELECT count(*) FILTER (WHERE kept), count(*) FILTER (WHERE kept AND undone) FROM (
          SELECT c.line, bool_or(a.reason <> %s) AS kept, bool_or(a.line IS NULL) AS undone
          FROM imports_importchange c
          LEFT JOIN imports_setaside a ON a.run_id = c.run_id AND a.line = c.line AND a.seq = c.seq
          WHERE c.run_id = %s AND c.line > 0 GROUP BY c.line
        ) AS l
        """,
        [SetAsideReason.DONE.value, run.pk],
    )
    return {
        "lines": lines,
        "partly": partly,
        "reasons": dict(rows),
        "later_runs": standing.later_runs_named(run),
    }


def put_something_back(run: ImportRun) -> bool:
    """Whether an executed Revert wrote anything."""
    rows = fetch_all(
        f"SELECT 1 FROM imports_importchange c WHERE c.run_id = %s AND {standing.not_set_aside('c.run_id', 'c')} LIMIT 1",
        [run.pk],
    )
    return bool(rows)


def undo(run: ImportRun, *, near: Collection[int] = ()) -> dict[str, Any]:
    """Put back what the run named by this Revert wrote. Returns the values that complete the Revert."""
    applied = run.reverts
    assert applied is not None  # noqa: S101 - a database constraint says so
    plan_revert(run, near=near)
    changes, planned = counting.changes_by_kind(run.pk)
    counts = dict.fromkeys(writing.COUNTS, 0) | {"record_count": planned, "planned_count": planned}
    totals = writing.write_plan(run, run.pk, counting.Totals(counts=counts, changes=changes))
    kept, lines = kept_facts(run), only_lines(run)
    # After a Revert that planned every standing change and kept none, there is nothing left to look for.
    wholly = not (near or lines or kept)
    reverted = Reverted.WHOLLY if wholly else standing.how_reverted(applied)
    ImportRun.objects.filter(pk=applied.pk).update(reverted=reverted)
    return {
        "layout": applied.layout,
        "lea_ids": applied.lea_ids,
        "summary": totals.summary,
        "facts": ({"kept": kept} if kept else {}) | ({"only_lines": lines} if lines else {}),
        **totals.counts,
    }


def finish_older(older: ImportRun, *, along: ImportRun, near: Collection[int]) -> list[int]:
    """Put back what the Reverts `near` uncovered of an earlier run that was already reverted. Returns the run that did so, if
    there was anything to do."""
    now = timezone.now()
    with transaction.atomic():
        # Complete from the start: no one sees it before all of it is committed.
        run = ImportRun.objects.create(
            file=older.file,
            import_type=older.import_type,
            work=Work.REVERT,
            options=older.options,
            reverts=older,
            created_by=along.created_by,
            schools=older.schools,
            status=RunStatus.COMPLETED,
            started_at=now,
        )
        values = undo(run, near=near)
        if not put_something_back(run):
            transaction.set_rollback(True)
            return []
        values["facts"] |= {"along_with": along.pk}
        ImportRun.objects.filter(pk=run.pk).update(finished_at=timezone.now(), applied_order=next_in_order(), **values)
    return [run.pk]


def next_in_order() -> int:
    """The position of a run among those that write, drawn while it holds its LEAs' lock: the clocks of two workers may differ."""
    (place,) = fetch_one("SELECT nextval('imports_applied_order')")
    return int(place)
