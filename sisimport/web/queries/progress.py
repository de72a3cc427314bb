"""A run's progress over all its phases: one bar of parts, records out of a total, elapsed and expected time."""

import datetime as dt
from dataclasses import dataclass

from django.utils import timezone

from sisimport.imports.models import ImportRun, RunStatus, Work

# Phases of each work, and their measured share of the whole time: only estimates, so the bar is never full before the
# end.
_PARTS = {
    Work.TEST: {"reading": 35, "matching": 10, "checking": 30, "planning": 25},
    Work.IMPORT: {"reading": 20, "matching": 5, "checking": 20, "planning": 15, "applying": 35, "finishing": 5},
    Work.UPDATE: {"applying": 90, "finishing": 10},
    Work.REVERT: {"reverting": 90, "finishing": 10},
    Work.CONVERT: {"converting": 80, "keeping": 20},
}
_MOST = 99  # percent before the end


@dataclass(frozen=True, slots=True)
class Part:
    """One phase in the bar of 100: `state` is done, now or blank; `filled`: how much of its width is filled."""

    name: str
    state: str
    x: int
    width: int
    filled: float


@dataclass(frozen=True, slots=True)
class Progress:
    """`total`: expected records, 0 if unknown; `about`: it is an estimate. Times in whole seconds, 0 if unknown."""

    parts: tuple[Part, ...]
    percent: int
    done: int
    total: int
    about: bool
    elapsed: int
    expected: int


def progress_of(run: ImportRun, now: dt.datetime | None = None) -> Progress:
    """The progress of an active run. Two small queries: how long the same file, or files of the type, took before."""
    total, about, expected = _expected(run)
    elapsed = int(((now or timezone.now()) - run.started_at).total_seconds()) if run.started_at else 0
    weights = _PARTS[Work(run.work)]
    names = list(weights)
    phase = {"indexing": "reading", "waiting": names[0]}.get(run.phase, run.phase)
    at = names.index(phase) if phase in names and run.status == RunStatus.RUNNING else -1
    within = min(run.progress_done / total, 1) if total and phase == "reading" else 0
    parts, x = [], 0
    for number, (name, width) in enumerate(weights.items()):
        state = "done" if number < at else "now" if number == at else ""
        filled = width if state == "done" else width * within if state == "now" else 0
        parts.append(Part(name, state, x, width, round(filled, 1)))
        x += width
    percent = min(int(sum(part.filled for part in parts)), _MOST)
    return Progress(tuple(parts), percent, run.progress_done, total, about, max(elapsed, 0), expected)


def _expected(run: ImportRun) -> tuple[int, bool, int]:
    """Records of the file, whether that is an estimate, and expected seconds of the run, based on earlier runs."""
    if run.file is None:
        return 0, False, 0
    done = ImportRun.objects.filter(import_type=run.import_type, status=RunStatus.COMPLETED, record_count__gt=0)
    same = (
        done.filter(file__sha256=run.file.sha256, work__in=[Work.TEST, Work.IMPORT])
        .values_list("record_count", flat=True)
        .first()
    )
    last = (
        done.filter(work=run.work, started_at__isnull=False, finished_at__isnull=False).select_related("file").first()
    )
    size = last.file.size if last and last.file else 0
    total = same or (round(last.record_count * run.file.size / size) if last and size else 0)
    if last is None or last.started_at is None or last.finished_at is None or not total:
        return total, not same, 0
    took = (last.finished_at - last.started_at).total_seconds()
    return total, not same, max(round(took * total / last.record_count), 1)
