"""write: apply a plan and report the outcome of its lines."""

from dataclasses import replace

from sisimport.files.issues import Severity
from sisimport.imports.definition.change_kinds import all_kinds
from sisimport.imports.engine import applying, counting, standing, statistics
from sisimport.imports.engine.sql import execute, fetch_one
from sisimport.imports.models import ImportRun, SetAsideReason, Work

CHANGED_SINCE_TEST = "CHANGED-SINCE-TEST"
_ASIDE_SEQ = 1000  # an Import's own issues come first
# Fields of a run that come from its plan; the others give the outcome.
COUNTS = (
    "record_count",
    "planned_count",
    "unchanged_count",
    "refused_count",
    "skipped_count",
    "error_count",
    "warning_count",
    "notice_count",
)


def write_plan(run: ImportRun, plan_run_id: int, totals: counting.Totals) -> counting.Totals:
    """Apply a plan with these totals, and report the outcome of its lines."""
    if run.work == Work.REVERT:
        standing.set_aside_what_later_runs_lie_on(run, totals.present)
    with statistics.measured_plan(plan_run_id):
        return _write_measured(run, plan_run_id, totals)


def _write_measured(run: ImportRun, plan_run_id: int, totals: counting.Totals) -> counting.Totals:
    counts = totals.counts
    planned = counts["planned_count"]
    if not applying.apply(run, plan_run_id, totals.present):
        return replace(totals, counts=counts | {"import_count": planned, "set_aside_count": 0})
    imported, aside = _count_applied(run, plan_run_id)
    values = {"import_count": imported, "set_aside_count": aside}
    done = planned - imported - aside
    if done:
        # Lines whose data already was as planned count as unchanged, unless another part of the line was refused.
        refused = _refused_among_done(run, plan_run_id)
        values["refused_count"] = counts["refused_count"] + refused
        values["unchanged_count"] = counts["unchanged_count"] + done - refused
    totals = replace(totals, counts=counts | values)
    # A line counts as imported when one of its parts was written; set-aside parts of it are still reported.
    if _report_set_aside(run, plan_run_id):
        totals = totals.with_issues(counting.issues_by_cause(list({run.pk, plan_run_id})))
    return totals


def _refused_among_done(run: ImportRun, plan_run_id: int) -> int:
    (count,) = fetch_one(
        """
        SELECT count(*) FROM (
          SELECT c.line FROM imports_importchange c
          LEFT JOIN imports_setaside a ON a.run_id = %s AND a.line = c.line AND a.seq = c.seq
          WHERE c.run_id = %s AND c.line > 0 GROUP BY c.line HAVING bool_and(coalesce(a.reason = 'done', false))
        ) AS l WHERE EXISTS (SELECT 1 FROM imports_importissue i WHERE i.run_id = %s AND i.line = l.line AND i.severity = %s)
        """,
        [run.pk, plan_run_id, plan_run_id, int(Severity.ERROR)],
    )
    return int(count)


def _report_set_aside(run: ImportRun, plan_run_id: int) -> bool:
    """Write one issue per line with something set aside, so that the report names it. Returns whether there is any."""
    labels = " ".join(f"WHEN '{kind.key}' THEN '{kind.label}'" for kind in all_kinds())
    what = f"CASE c.kind {labels} END"
    reason, later = "jsonb_build_object('reason', min(a.reason))", ""
    if run.work == Work.REVERT:
        reason = _why_kept()
        later = "LEFT JOIN later_change l ON l.line = a.line AND l.seq = a.seq"
    written = execute(
        f"""
        INSERT INTO imports_importissue
          (run_id, line, seq, severity, code, part, field, found, expected, params, student_id, school_id)
        SELECT %s, c.line, {_ASIDE_SEQ} + min(c.seq), {int(Severity.ERROR)}, '{CHANGED_SINCE_TEST}', min(c.part), '', '', '',
          {reason} || jsonb_build_object('kinds', string_agg(DISTINCT {what}, ', ')), c.student_id, s.school_id
        FROM imports_setaside a {later}
        JOIN imports_importchange c ON c.run_id = %s AND c.line = a.line AND c.seq = a.seq
        LEFT JOIN students_student s ON s.id = c.student_id
        WHERE a.run_id = %s AND a.reason <> 'done' GROUP BY c.line, c.student_id, s.school_id
        """,
        [run.pk, plan_run_id, run.pk],
    )
    return written > 0


_WHY_KEPT = {
    SetAsideReason.LATER: "Run {run} wrote it later: revert that run, and this is put back too.",
    SetAsideReason.IN_USE: "Other records now use it.",
    SetAsideReason.TAKEN: "Another record now has its place.",
    SetAsideReason.CHANGED: "It has been edited since.",
}


def _why_kept() -> str:
    """SQL of the parameters that say why a Revert kept part of a line: the reason that can be fixed comes first."""
    cases = "".join(
        f" WHEN bool_or(a.reason = '{reason.value}') THEN jsonb_build_object('reason', '{reason.value}', 'why_text', "
        + ("' ' || " + f"replace('{text}', '{{run}}', coalesce(max(l.later_run)::text, ''))")
        + ")"
        for reason, text in _WHY_KEPT.items()
    )
    return f"CASE{cases} ELSE '{{}}'::jsonb END"


def _count_applied(run: ImportRun, plan_run_id: int) -> tuple[int, int]:
    """Lines written and lines set aside. A line with one part written counts as imported; in a Revert, only if nothing of the
    line was kept."""
    partly = "aside" if run.work == Work.REVERT else "NOT applied AND aside"
    (imported, aside) = fetch_one(
        f"""
        SELECT count(*) FILTER (WHERE applied AND NOT ({partly})), count(*) FILTER (WHERE {partly}) FROM (
          SELECT c.line, bool_or(a.line IS NULL) AS applied, coalesce(bool_or(a.reason <> 'done'), false) AS aside
          FROM imports_importchange c
          LEFT JOIN imports_setaside a ON a.run_id = %s AND a.line = c.line AND a.seq = c.seq
          WHERE c.run_id = %s AND c.line > 0 GROUP BY c.line
        ) AS l
        """,
        [run.pk, plan_run_id],
    )
    return imported, aside
