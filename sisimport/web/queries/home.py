"""What the first page shows: what waits for a person, and where SSIDs are missing."""

import datetime as dt
import time
from dataclasses import dataclass

from django.core.cache import cache
from django.db.models import Count, Exists, FilteredRelation, OuterRef, Q, QuerySet
from django.utils import timezone

from sisimport.accounts.access import visible_runs
from sisimport.imports.models import ACTIVE, ImportRun, RunStatus, Work
from students.access import User, visible_school_ids
from students.models import School, Student

RECENT = dt.timedelta(days=30)
_SLOW = 0.15  # seconds: counts that took longer are kept for a while
_KEEP = 60  # seconds


def tests_to_update(user: User) -> QuerySet[ImportRun]:
    """Completed Tests with something to import that nobody applied: the newest of each file, of the last weeks."""
    taken = ImportRun.objects.filter(test_run=OuterRef("pk"), status__in=[*ACTIVE, RunStatus.COMPLETED])
    newer = ImportRun.objects.filter(
        file__sha256=OuterRef("file__sha256"),
        import_type=OuterRef("import_type"),
        work=Work.TEST,
        pk__gt=OuterRef("pk"),
    )
    return (
        visible_runs(user)
        .filter(
            work=Work.TEST, status=RunStatus.COMPLETED, planned_count__gt=0, created_at__gte=timezone.now() - RECENT
        )
        .filter(~Exists(taken), ~Exists(newer))
        .select_related("file", "created_by")
    )


def troubled_runs(user: User) -> QuerySet[ImportRun]:
    """Failed and parked runs of the last weeks that no later run of the same file made good."""
    later = ImportRun.objects.filter(file=OuterRef("file"), pk__gt=OuterRef("pk"), status=RunStatus.COMPLETED)
    return (
        visible_runs(user)
        .filter(status=RunStatus.FAILED, created_at__gte=timezone.now() - RECENT)
        .filter(~Exists(later))
        .select_related("file", "created_by")
    )


def active_runs(user: User) -> QuerySet[ImportRun]:
    return visible_runs(user).filter(status__in=ACTIVE).select_related("file", "created_by")


def last_runs(user: User, *, limit: int, tool_types: list[str] | None = None) -> list[ImportRun]:
    runs = visible_runs(user).select_related("file", "created_by")
    if tool_types is not None:
        runs = runs.filter(import_type__in=tool_types)
    return list(runs[:limit])


@dataclass(frozen=True, slots=True)
class SchoolCount:
    """How many of a school's students have no current SSID."""

    school: str
    school_id: int
    missing: int
    students: int


def missing_ssids_by_school(user: User) -> list[SchoolCount]:
    """Schools of the user with students without an SSID, most first."""
    ids = visible_school_ids(user)
    return [row for row in _count_missing() if ids is None or row.school_id in ids]


def _count_missing() -> list[SchoolCount]:
    kept: list[SchoolCount] | None = cache.get("missing-ssids")
    if kept is not None:
        return kept
    started = time.monotonic()
    rows = (
        Student.objects.filter(school__isnull=False)
        .annotate(current=FilteredRelation("ssids", condition=Q(ssids__retired_at__isnull=True)))
        .order_by()
        .values("school_id")
        .annotate(students=Count("id"), missing=Count("id", filter=Q(current__id__isnull=True)))
        .filter(missing__gt=0)
        .values_list("school_id", "missing", "students")
    )
    found = list(rows)
    names = {
        s.pk: s.name or s.code for s in School.objects.filter(pk__in=[row[0] for row in found]).only("name", "code")
    }
    counts = [SchoolCount(names[school], school, missing, students) for school, missing, students in found]
    counts.sort(key=lambda row: (-row.missing, row.school))
    if time.monotonic() - started > _SLOW:
        cache.set("missing-ssids", counts, _KEEP)
    return counts
