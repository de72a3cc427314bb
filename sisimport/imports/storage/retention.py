"""Removing data past its retention period: uploads, plans and issues, lists of absent students, and kinds other apps registered.

Data that a run wrote into student records stays; the data to show and undo it is removed with its plan. Nothing that a run in
progress, a held run or an open Test's Update may still need is touched. Every step is committed separately, so after a purge is
killed, the next one continues.
"""

import datetime as dt
import logging
from collections.abc import Iterator

from django.conf import settings
from django.db import OperationalError, models, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from sisimport.imports.models import UNDECIDED, AbsentList, ImportFile, ImportRun, RunStatus
from sisimport.imports.storage import run_ranges
from sisimport.runtime.retention import Kept, all_kept, kept_kind, register_kept
from sisimport.runtime.session_locks import session_lock

logger = logging.getLogger(__name__)

UPLOADS, REFUSED, PLANS, ABSENT = "uploads", "refused_uploads", "plans", "absent_lists"
_LOCK = (7_316_200, 1)  # one purge at a time, across all workers


def register() -> None:
    """Register the kinds of data that the engine keeps."""
    register_kept(Kept(UPLOADS, "uploaded files", days=lambda: settings.KEEP_UPLOADS_DAYS, remove=_remove_uploads))
    register_kept(
        Kept(
            REFUSED,
            "uploaded files that were rejected",
            days=lambda: settings.KEEP_REFUSED_UPLOADS_DAYS,
            remove=_remove_refused,
        )
    )
    register_kept(
        Kept(PLANS, "changes and issues, by run", days=lambda: settings.KEEP_PLANS_DAYS, remove=_remove_plans)
    )
    register_kept(
        Kept(ABSENT, "lists of absent students", days=lambda: settings.KEEP_ABSENT_DAYS, remove=_remove_absent)
    )


def purge(*, dry_run: bool = False, now: dt.datetime | None = None) -> dict[str, int]:
    """Remove data kept for longer than its days. Returns how much was (or would be) removed by kind; empty if another purge is
    running."""
    now = now or timezone.now()
    with session_lock(*_LOCK) as mine:
        if not mine:
            return {}
        removed = {
            kept.kind: kept.remove(limit, dry_run) if (limit := kept.limit(now)) is not None else 0
            for kept in all_kept()
        }
    if any(removed.values()) and not dry_run:
        logger.info("purged %s", ", ".join(f"{count} {kind}" for kind, count in removed.items() if count))
    return removed


class PlanRemovedError(Exception):
    """A run's plan was removed after its retention period in the settings; the text is for the user."""


def require_plan(plan: ImportRun, *, lost: str) -> None:
    """Raise PlanRemovedError when the plan of this run is gone. `lost`: the sentence for the user, with {day}."""
    if plan.plan_removed_at is not None:
        raise PlanRemovedError(lost.format(day=f"{timezone.localdate(plan.plan_removed_at):%m/%d/%Y}"))


NO_UPDATE = "What this Test planned was removed on {day}. Upload the file again and test it."
NO_REVERT = (
    "What this run changed was removed on {day}, so it can no longer be reverted. Correct the records by hand, or import a file "
    "with the right values."
)


# ---- until when ----


def file_kept_until(run: ImportRun) -> dt.datetime | None:
    """When the bytes of the run's file are removed; None: never, or it has none."""
    if run.file is None or run.file.removed_at is not None:
        return None
    dates = [kept_kind(UPLOADS).until(run.file.uploaded_at)]
    if run.status == RunStatus.REJECTED:
        dates.append(kept_kind(REFUSED).until(run.finished_at))
    return min((date for date in dates if date is not None), default=None)


def plan_kept_until(run: ImportRun) -> dt.datetime | None:
    """Until when its changes and issues are shown and its writes can be reverted; None: permanently, or they are already
    removed."""
    if run.finished_at is None or run.plan_removed_at is not None:
        return None
    return kept_kind(PLANS).until(run.finished_at)


def absent_kept_until(run: ImportRun) -> dt.datetime | None:
    return kept_kind(ABSENT).until(run.finished_at)


# ---- uploads ----


def _remove_uploads(before: dt.datetime, dry_run: bool) -> int:
    return _remove_bytes(ImportFile.objects.filter(uploaded_at__lt=before), dry_run=dry_run)


def _remove_refused(before: dt.datetime, dry_run: bool) -> int:
    """Remove files whose runs were all rejected, the last one before that moment."""
    runs = ImportRun.objects.filter(file=OuterRef("pk"))
    files = ImportFile.objects.filter(
        Exists(runs.filter(status=RunStatus.REJECTED)),
        ~Exists(runs.exclude(status=RunStatus.REJECTED, finished_at__lt=before)),
    )
    return _remove_bytes(files, dry_run=dry_run)


def _remove_bytes(files: QuerySet[ImportFile], *, dry_run: bool) -> int:
    """Remove from storage the files that no undecided run reads; their records stay, with hash and size."""
    needed = ImportRun.objects.filter(status__in=UNDECIDED).filter(
        Q(file=OuterRef("pk")) | Q(made_file=OuterRef("pk")) | Q(test_run__file=OuterRef("pk"))
    )
    found = files.filter(removed_at__isnull=True).exclude(file="").filter(~Exists(needed))
    if dry_run:
        return found.count()
    return sum(_remove_one(pk, found) for pk in list(found.values_list("pk", flat=True)))


def _remove_one(pk: int, found: QuerySet[ImportFile]) -> bool:
    with transaction.atomic():
        file = found.filter(pk=pk).select_for_update(of=("self",)).first()
        if file is None:
            return False
        storage, name = file.file.storage, str(file.file.name)
        ImportFile.objects.filter(pk=pk).update(file="", removed_at=timezone.now(), line_index=[])
        # A process that dies before this leaves bytes without a record: leftovers.py finds them a day later.
        transaction.on_commit(lambda: storage.delete(name))
    return True


# ---- plans and issues ----


def _remove_plans(before: dt.datetime, dry_run: bool) -> int:
    """Remove rows by line of runs that ended before, along with all runs that follow from them: a plan stays as long as its
    Updates."""
    later = Q(status__in=UNDECIDED) | Q(finished_at__gte=before) | Q(finished_at__isnull=True)
    follow_ups = ImportRun.objects.filter(Q(test_run=OuterRef("pk")) | Q(reverts=OuterRef("pk")))
    found = ImportRun.objects.filter(finished_at__lt=before, plan_removed_at__isnull=True).filter(
        ~Q(status__in=UNDECIDED), ~Exists(follow_ups.filter(later))
    )
    if dry_run:
        return found.count()
    of_ranges = sum(_remove_range(one, found) for one in run_ranges.ranges())
    return of_ranges + sum(_remove_plan(pk, found) for pk in list(found.order_by("pk").values_list("pk", flat=True)))


def _remove_range(one: run_ranges.RunRange, found: QuerySet[ImportRun]) -> int:
    """Drop the partitions of a range if all plans left in it are due; returns how many. Otherwise do nothing: its runs are
    handled one by one, and the range is dropped after the last of them."""
    kept = ImportRun.objects.filter(pk__gte=one.first, pk__lt=one.until, plan_removed_at__isnull=True)
    if kept.exclude(pk__in=found.values("pk")).exists():
        return 0
    try:
        with transaction.atomic():
            going = list(kept.select_for_update(of=("self",)).order_by("pk").values_list("pk", flat=True))
            if found.filter(pk__in=going).count() < len(going):
                return 0
            ImportRun.objects.filter(pk__in=going).update(plan_removed_at=timezone.now())
            if not run_ranges.drop(one):  # a future run may still fall into the range
                transaction.set_rollback(True)
                return 0
            for model in _by_line():
                model._default_manager.filter(run_id__in=going).delete()
    except OperationalError:  # another process is working on these tables
        return 0
    return len(going)


def _remove_plan(pk: int, found: QuerySet[ImportRun]) -> bool:
    with transaction.atomic():
        # Locked before it is checked again: an Update started now finds the whole plan or none, never half of one.
        if (
            ImportRun.objects.select_for_update(of=("self",)).filter(pk=pk).first() is None
            or not found.filter(pk=pk).exists()
        ):
            return False
        for model in _by_line():
            model._default_manager.filter(run_id=pk).delete()
        ImportRun.objects.filter(pk=pk).update(plan_removed_at=timezone.now())
    return True


def _by_line() -> Iterator[type[models.Model]]:
    """Every model, in any app, that keeps data for single lines of a run and is removed with the run."""
    for relation in ImportRun._meta.related_objects:
        model = relation.related_model
        names = {field.name for field in model._meta.concrete_fields}
        if relation.on_delete is models.CASCADE and relation.field.name == "run" and "line" in names:
            yield model


def _remove_absent(before: dt.datetime, dry_run: bool) -> int:
    """Remove the lists of runs that ended before; the number of students stays on the run."""
    lists = AbsentList.objects.filter(run__finished_at__lt=before)
    return lists.count() if dry_run else lists.delete()[0]
