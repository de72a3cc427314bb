"""What was reverted of a run, and what was not: for its own page and the pages of its reverts."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Prefetch

from sisimport.imports.models import UNDECIDED, ImportRun, Reverted, RunStatus, SetAsideReason, Work

_WHY = {
    SetAsideReason.LATER: "a later run has written the same data",
    SetAsideReason.CHANGED: "edited since",
    SetAsideReason.IN_USE: "other records now use it",
    SetAsideReason.TAKEN: "another record now has its place",
}


@dataclass(frozen=True, slots=True)
class Kept:
    """What one Revert kept: lines with something kept, how many of them only in part, why, and the later runs that
    caused it."""

    lines: int
    partly: int
    reasons: tuple[tuple[str, int], ...]
    later_runs: tuple[int, ...]


def kept_by(revert: ImportRun, openable: Collection[int] | None = None) -> Kept | None:
    """What a completed Revert kept, if anything. `openable`: only these runs are named (None: all)."""
    held = (revert.facts or {}).get("kept")
    if not held:
        return None
    reasons = tuple((_WHY.get(SetAsideReason(reason), reason), n) for reason, n in held["reasons"].items())
    later = tuple(pk for pk in held["later_runs"] if openable is None or pk in openable)
    return Kept(held["lines"], held["partly"], reasons, later)


@dataclass(frozen=True, slots=True)
class RevertState:
    """Reverts of one run: the active one, those that ended (newest first), and whether another may restore more."""

    active: ImportRun | None
    done: tuple[ImportRun, ...]
    left: bool


def reverts_of(run: ImportRun) -> RevertState:
    runs = list(
        run.reverted_by.exclude(status__in=[RunStatus.FAILED, RunStatus.CANCELLED])
        .select_related("created_by")
        .order_by("-id")
    )
    active = next((one for one in runs if one.is_active), None)
    done = tuple(one for one in runs if one.status == RunStatus.COMPLETED)
    left = run.applied and run.work != Work.REVERT and run.reverted != Reverted.WHOLLY and active is None
    return RevertState(active, done, left)


def updates_of(test: ImportRun) -> list[ImportRun]:
    """Updates or Imports that apply or applied a Test, newest first, each with the reverts that undid it as `undone_by`."""
    live = test.updates.filter(status__in=[*UNDECIDED, RunStatus.COMPLETED]).order_by("-id")
    done = ImportRun.objects.filter(status=RunStatus.COMPLETED).order_by("pk")
    return list(live.prefetch_related(Prefetch("reverted_by", queryset=done, to_attr="undone_by")))
