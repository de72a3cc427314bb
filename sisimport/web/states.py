"""The states of a run as people read them: label, color and sign, for every page, the admin and the filters.

A state says what is true now: an undone run is no longer called completed, and a Test says what happened to it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet

from sisimport.imports.models import ImportRun, Reverted, RunStatus, Work


@dataclass(frozen=True, slots=True)
class State:
    """`tone`: the class of the badge's color (ok, warn, bad, info or none); `sign`: says the same without color."""

    key: str
    label: str
    tone: str
    sign: str


QUEUED = State("queued", "Queued", "info", "…")
RUNNING = State("running", "Running", "info", "▸")
HELD = State("held", "Held for approval", "warn", "‖")
COMPLETED = State("completed", "Completed", "ok", "✓")
APPLIED = State("applied", "Applied", "ok", "✓")
REVERTED = State("reverted", "Reverted", "undone", "↶")
PARTLY_REVERTED = State("partly", "Reverted in part", "warn", "↶")
PUT_BACK = State("put_back", "All put back", "ok", "✓")
KEPT_SOME = State("kept_some", "Put back in part", "warn", "!")
KEPT_ALL = State("kept_all", "Nothing put back", "warn", "!")
REJECTED = State("rejected", "Rejected", "bad", "✕")
FAILED = State("failed", "Failed", "bad", "✕")
CANCELLED = State("cancelled", "Cancelled", "", "–")

ALL = (
    QUEUED,
    RUNNING,
    HELD,
    COMPLETED,
    APPLIED,
    REVERTED,
    PARTLY_REVERTED,
    PUT_BACK,
    KEPT_SOME,
    KEPT_ALL,
    REJECTED,
    FAILED,
    CANCELLED,
)
_OF_STATUS = {RunStatus(state.key): state for state in ALL if state.key in RunStatus.values}
_OF_REVERTED = {Reverted.WHOLLY: REVERTED, Reverted.PARTLY: PARTLY_REVERTED}

# What the list of runs can be filtered by.
FILTERS = (QUEUED, RUNNING, HELD, COMPLETED, APPLIED, REVERTED, PARTLY_REVERTED, REJECTED, FAILED, CANCELLED)

_SPENT, _UNDONE = "applications", "undone"
_QUARTER = 25  # percent


def icon_of(run: ImportRun, percent: int = 0) -> str:
    """The browser tab's icon for a run: its progress, or how it ended. A path below static/."""
    if run.is_active:
        return f"img/icon-run-{min(max(percent, 0) // _QUARTER, 3)}.svg"
    if run.status == RunStatus.COMPLETED:
        return "img/icon-warn.svg" if run.refused_count or run.set_aside_count else "img/icon-done.svg"
    return "img/icon.svg" if run.status == RunStatus.CANCELLED else "img/icon-bad.svg"


def ending_of(run: ImportRun) -> str:
    """How a run ended, in one line for a notification outside the browser's window: no file name, no personal data."""
    if run.status != RunStatus.COMPLETED:
        return f"Run {run.pk}: {run.get_status_display().lower()}"
    if run.work == Work.CONVERT:
        return f"Run {run.pk}: the workbook is converted"
    counts = [f"{count:,} {name.replace('_', ' ')}" for name, count in run.outcome_counts.items() if count]
    outcome = ", ".join(counts) or "no lines"
    if run.work == Work.TEST:
        outcome = outcome.replace(" imported", " to import", 1)
    return f"Run {run.pk}, {run.get_work_display()}: {outcome}"


def with_applications(runs: QuerySet[ImportRun]) -> QuerySet[ImportRun]:
    """The same runs with the Updates and reverts that `state_of` and `undone_by` read: one query each for a whole
    list."""
    done = ImportRun.objects.filter(status=RunStatus.COMPLETED)
    reverts = done.only("pk", "reverts_id", "status").order_by("-pk")
    undone = Prefetch("reverted_by", queryset=reverts, to_attr=_UNDONE)
    updates = done.only("pk", "test_run_id", "status", "reverted", "work").order_by("-pk").prefetch_related(undone)
    return runs.prefetch_related(Prefetch("updates", queryset=updates, to_attr=_SPENT), undone)


def undone_by(run: ImportRun) -> list[ImportRun]:
    """The reverts that undid what a run of a list wrote, or the newest Update of a Test; newest first."""
    wrote = applications(run)[:1] if run.work == Work.TEST else [run]
    return [revert for one in wrote if one.reverted for revert in getattr(one, _UNDONE, ())]


def applications(run: ImportRun) -> list[ImportRun]:
    """Completed Updates or Imports of a Test, newest first."""
    if run.work != Work.TEST:
        return []
    if not hasattr(run, _SPENT):
        setattr(run, _SPENT, list(run.updates.filter(status=RunStatus.COMPLETED).order_by("-pk")))
    found: list[ImportRun] = getattr(run, _SPENT)
    return found


def state_of(run: ImportRun) -> State:
    """The one state of a run, taking its reverts and applications into account."""
    if run.status != RunStatus.COMPLETED:
        return _OF_STATUS[RunStatus(run.status)]
    if run.work == Work.REVERT:
        return _of_revert(run)
    if run.work == Work.TEST:
        applied = applications(run)
        return _of_writing(applied[0], APPLIED) if applied else COMPLETED
    return _of_writing(run, COMPLETED)


def _of_writing(run: ImportRun, standing: State) -> State:
    return _OF_REVERTED[Reverted(run.reverted)] if run.reverted else standing


def _of_revert(run: ImportRun) -> State:
    kept = (run.facts or {}).get("kept") or {}
    if not kept.get("lines"):
        return PUT_BACK
    return KEPT_SOME if run.import_count or kept.get("partly") else KEPT_ALL


def in_state(runs: QuerySet[ImportRun], key: str) -> QuerySet[ImportRun]:
    """Runs to which `state_of` gives this state, by a database condition."""
    done = Q(status=RunStatus.COMPLETED)
    applied = ImportRun.objects.filter(test_run=OuterRef("pk"), status=RunStatus.COMPLETED)
    newest = applied.order_by("-pk").values("reverted")[:1]
    if key in Reverted.values or key == REVERTED.key:
        wanted = Reverted.WHOLLY if key == REVERTED.key else key
        return runs.annotate(newest_reverted=newest).filter(
            done, Q(reverted=wanted) | Q(work=Work.TEST, newest_reverted=wanted)
        )
    if key == APPLIED.key:
        return runs.annotate(newest_reverted=newest).filter(done, work=Work.TEST, newest_reverted="")
    if key == COMPLETED.key:
        return runs.filter(done, ~Q(work=Work.TEST) | ~Exists(applied), reverted="")
    return runs.filter(status=key)


# ---- what happened to the lines ----


@dataclass(frozen=True, slots=True)
class Outcome:
    """One part of the bar of outcomes. `name` is the class of its color."""

    name: str
    label: str
    count: int


_LABELS = {"unchanged": "Unchanged", "refused": "Refused", "set_aside": "Set aside", "skipped": "Skipped"}


def reverted_lines(run: ImportRun, reverts: Iterable[ImportRun]) -> int:
    """How many of the lines that a run wrote were reverted since."""
    if run.reverted == Reverted.WHOLLY:
        return run.import_count
    return min(sum(revert.import_count for revert in reverts), run.import_count) if run.reverted else 0


def outcomes(run: ImportRun, reverts: Iterable[ImportRun] = ()) -> list[Outcome]:
    """What happened to the lines of a run, in the order of the bar; the counts add up to its records.

    `reverts`: the completed ones of this run.
    """
    counts = run.outcome_counts
    if run.work == Work.REVERT:
        return [
            Outcome("imported", "Put back", counts["imported"]),
            Outcome("unchanged", "Put back before", counts["unchanged"] + counts["refused"] + counts["skipped"]),
            Outcome("set_aside", "Kept", counts["set_aside"]),
        ]
    undone = reverted_lines(run, reverts) if run.writes else 0
    wrote = run.writes and run.status != RunStatus.HELD
    first = [Outcome("imported", "Imported" if wrote else "To import", counts["imported"] - undone)]
    if undone:
        first.append(Outcome("reverted", "Reverted", undone))
    return first + [Outcome(name, label, counts[name]) for name, label in _LABELS.items()]


def still_imported(run: ImportRun) -> int:
    """The Import Count of a list: lines that the run wrote and that were not fully reverted."""
    return 0 if run.reverted == Reverted.WHOLLY else run.import_count
