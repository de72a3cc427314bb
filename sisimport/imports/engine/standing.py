"""Which changes of a run still stand and which ones later runs wrote over, so which of them a Revert may put back.

Runs that write the same values form a stack. A Revert takes back only what lies on top; a change under a later run's is kept
until that run is reverted, and is put back with it. So reverts in any order end in the same state as in the right order.
"""

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Q

from sisimport.imports.definition.change_kinds import ChangeKind, all_kinds, get_kind
from sisimport.imports.engine.linking import pointing_at
from sisimport.imports.engine.sql import execute, fetch_all, fetch_one
from sisimport.imports.engine.statistics import hash_joins_only
from sisimport.imports.models import ImportRun, Reverted, RunStatus, SetAsideReason, Work

REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Journal:
    """The changes that a run wrote: those of its plan that it did not set aside. `reverts`: runs that put some of them back."""

    run_id: int
    plan_run_id: int
    reverts: tuple[int, ...]

    @classmethod
    def of(cls, run: ImportRun) -> "Journal":
        """A running Revert counts only in its own transaction: others do not see its changes yet."""
        reverts = run.reverted_by.filter(status__in=[RunStatus.COMPLETED, RunStatus.RUNNING])
        return cls(run.pk, run.plan_run_id, tuple(reverts.order_by("pk").values_list("pk", flat=True)))

    def standing(self, alias: str) -> str:
        """SQL condition: change `alias` of the plan was written and has not been put back since."""
        written = f"{alias}.run_id = {int(self.plan_run_id)} AND {not_set_aside(str(int(self.run_id)), alias)}"
        return f"{written} AND NOT {self.undone(alias)}" if self.reverts else written

    def undone(self, alias: str) -> str:
        """SQL condition: a Revert put change `alias` back, or found that it had already been put back."""
        if not self.reverts:
            return "false"
        numbers = ", ".join(str(int(pk)) for pk in self.reverts)
        return undone_by(f"ANY(ARRAY[{numbers}]::bigint[])", alias)


def not_set_aside(run: str, alias: str) -> str:
    return (
        f"NOT EXISTS (SELECT 1 FROM imports_setaside sa WHERE sa.run_id = {run}"
        f" AND sa.line = {alias}.line AND sa.seq = {alias}.seq)"
    )


def undone_by(reverts: str, alias: str) -> str:
    """SQL condition: one of these reverts has the inverse of change `alias` in its plan and did not keep it."""
    return (
        f"EXISTS (SELECT 1 FROM imports_importchange rv WHERE rv.run_id = {reverts} AND rv.line = {alias}.line"
        f" AND rv.seq = {alias}.seq AND NOT EXISTS (SELECT 1 FROM imports_setaside kept"
        f" WHERE kept.run_id = rv.run_id AND kept.run_id = {reverts}"  # stated twice so that only one range of runs is read
        f" AND kept.line = rv.line AND kept.seq = rv.seq AND kept.reason <> '{SetAsideReason.DONE.value}'))"
    )


def how_reverted(run: ImportRun) -> str:
    """Whether all, part or none ("") of what the run wrote was put back."""
    journal = Journal.of(run)
    # The planner has no statistics yet on rows just written, and would otherwise compare every change with every other.
    with hash_joins_only():
        stands, undone = fetch_one(
            f"""
            SELECT EXISTS (SELECT 1 FROM imports_importchange c WHERE {journal.standing("c")}),
              EXISTS (SELECT 1 FROM imports_importchange c WHERE c.run_id = {int(journal.plan_run_id)} AND {journal.undone("c")})
            """
        )
    if not stands:
        return Reverted.WHOLLY
    return Reverted.PARTLY if undone else ""


def later_runs(run: ImportRun) -> list[ImportRun]:
    """Runs of the same districts that were applied after this one and may have standing changes."""
    later = ImportRun.objects.filter(
        ~Q(pk=run.pk),
        work__in=[Work.UPDATE, Work.IMPORT],
        status=RunStatus.COMPLETED,
        applied_order__gt=run.applied_order or 0,
        lea_ids__overlap=run.lea_ids,
    )
    return list(later.exclude(reverted=Reverted.WHOLLY).order_by("applied_order"))


def set_aside_what_later_runs_lie_on(revert: ImportRun, present: Collection[tuple[str, str]]) -> None:
    """Set aside the changes of a Revert's plan that later runs wrote over or start from, and note the newest such run.

    `present`: kinds and operations of the plan. One statement for each kind.
    """
    execute("DROP TABLE IF EXISTS later_change")
    execute("CREATE TEMP TABLE later_change (line integer, seq smallint, later_run bigint) ON COMMIT DROP")
    assert revert.reverts is not None  # noqa: S101 - a database constraint says so
    later = later_runs(revert.reverts)
    if not later:
        return
    with hash_joins_only():
        _compare_with(later, revert, present)


def _compare_with(later: list[ImportRun], revert: ImportRun, present: Collection[tuple[str, str]]) -> None:
    _list_later_changes(revert, later)
    for kind in (get_kind(key) for key in sorted({key for key, _operation in present})):
        _note(revert, f"n.kind = c.kind AND n.object_id = c.object_id AND {_same_fields(kind)}", kind)
        if (kind.key, REMOVE) in present:
            for child, column in pointing_at(kind):
                _note(revert, f"n.kind = '{child.key}' AND (n.before->>'{column}')::bigint = c.object_id", kind)
    execute(
        "INSERT INTO imports_setaside (run_id, line, seq, reason)"
        f" SELECT DISTINCT %s::bigint, line, seq, '{SetAsideReason.LATER.value}' FROM later_change",
        [revert.pk],
    )


def _list_later_changes(revert: ImportRun, later: list[ImportRun]) -> None:
    """List the standing changes of later runs to the same students in a table of their own, with which every kind is compared."""
    execute("DROP TABLE IF EXISTS standing_change")
    execute(
        "CREATE TEMP TABLE standing_change"
        " (kind text, object_id bigint, before jsonb, after jsonb, applied_order bigint, writer bigint) ON COMMIT DROP"
    )
    for run in later:
        execute(
            "INSERT INTO standing_change SELECT n.kind, n.object_id, n.before, n.after, %s, %s FROM imports_importchange n"
            f" WHERE {Journal.of(run).standing('n')} AND (n.student_id IS NULL OR n.student_id IN ("
            "SELECT c.student_id FROM imports_importchange c WHERE c.run_id = %s) OR jsonb_exists_any(n.before, %s::text[]))",
            [run.applied_order, run.pk, revert.pk, _columns_that_point()],
        )
    execute("CREATE INDEX ON standing_change (kind, object_id)")
    execute("ANALYZE standing_change")


def _note(revert: ImportRun, touches: str, kind: ChangeKind) -> None:
    execute(
        f"""
        INSERT INTO later_change (line, seq, later_run)
        SELECT DISTINCT ON (c.line, c.seq) c.line, c.seq, n.writer
        FROM imports_importchange c JOIN standing_change n ON {touches}
        WHERE c.run_id = %s AND c.kind = %s
        ORDER BY c.line, c.seq, n.applied_order DESC
        """,
        [revert.pk, kind.key],
    )


def _same_fields(kind: ChangeKind) -> str:
    """SQL condition: the later change `n` wrote something that the inverse change `c` would put back."""
    if kind.writer is not None:
        return kind.writer.overlap("n.after", "c.before")
    return "(c.after IS NULL OR EXISTS (SELECT 1 FROM jsonb_object_keys(n.after) AS k WHERE jsonb_exists(c.before, k)))"


def _columns_that_point() -> list[str]:
    """Columns by which changes point at objects that other kinds of change create, regardless of the student."""
    return sorted({column for kind in all_kinds() for _child, column in pointing_at(kind)})


def older_reverts_to_finish(run: ImportRun) -> list[ImportRun]:
    """Earlier runs of the same districts whose own Revert kept something; changes under this run's may be put back with it."""
    kept = ImportRun.objects.filter(
        work__in=[Work.UPDATE, Work.IMPORT],
        status=RunStatus.COMPLETED,
        applied_order__lt=run.applied_order or 0,
        lea_ids__overlap=run.lea_ids,
        reverted_by__status=RunStatus.COMPLETED,
    )
    return list(kept.exclude(reverted=Reverted.WHOLLY).distinct().order_by("-applied_order"))


def later_runs_named(revert: ImportRun) -> list[int]:
    """Runs on top of changes that this Revert kept, newest first."""
    rows = fetch_all(
        "SELECT DISTINCT l.later_run FROM later_change l JOIN imports_setaside a"
        " ON a.run_id = %s AND a.line = l.line AND a.seq = l.seq ORDER BY 1 DESC",
        [revert.pk],
    )
    return [pk for (pk,) in rows]
