"""Data of the home page: what waits for the user, and where SSIDs are missing."""

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from sisimport.accounts.access import visible_runs
from sisimport.imports.models import ACTIVE, UNDECIDED, ImportRun, RunStatus, Work
from sisimport.imports.runs import approvals
from sisimport.web.states import with_applications
from students.access import User, visible_school_ids
from students.collection import count_missing
from students.headcounts import count_without_ssid
from students.models import School

RECENT = dt.timedelta(days=30)


def tests_to_update(user: User) -> QuerySet[ImportRun]:
    """Completed Tests with something to import that were not applied: the newest of each file, from the last weeks."""
    updates = ImportRun.objects.filter(test_run=OuterRef("pk"), status__in=[*UNDECIDED, RunStatus.COMPLETED])
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
        .filter(~Exists(updates), ~Exists(newer))
        .select_related("file", "created_by")
    )


def troubled_runs(user: User) -> QuerySet[ImportRun]:
    """Failed runs of the last weeks that were not followed by a successful run of the same file."""
    later = ImportRun.objects.filter(file=OuterRef("file"), pk__gt=OuterRef("pk"), status=RunStatus.COMPLETED)
    return (
        visible_runs(user)
        .filter(status=RunStatus.FAILED, created_at__gte=timezone.now() - RECENT)
        .filter(~Exists(later))
        .select_related("file", "created_by")
    )


def held_runs(user: User) -> QuerySet[ImportRun]:
    """Runs that wait for a second person, the longest waiting first."""
    held: QuerySet[ImportRun] = approvals.waiting(visible_runs(user))
    return held


def active_runs(user: User) -> QuerySet[ImportRun]:
    return visible_runs(user).filter(status__in=ACTIVE).select_related("file", "created_by")


def last_runs(user: User, *, limit: int, tool_types: list[str] | None = None) -> list[ImportRun]:
    runs = with_applications(visible_runs(user).select_related("file", "created_by"))
    if tool_types is not None:
        runs = runs.filter(import_type__in=tool_types)
    return list(runs[:limit])


@dataclass(frozen=True, slots=True)
class SchoolCount:
    """How many of a school's students have no current SSID. `students`: all of them, if requested."""

    school: str
    school_id: int
    missing: int
    students: int = 0


def missing_ssids_by_school(user: User) -> list[SchoolCount]:
    """Schools of the user with students without an SSID, most first."""
    counts = count_without_ssid(visible_school_ids(user))
    names = {s.pk: s.name or s.code for s in School.objects.filter(pk__in=counts).only("name", "code")}
    found = [SchoolCount(names[school], school, n) for school, n in counts.items()]
    return sorted(found, key=lambda row: (-row.missing, row.school))


def with_students(rows: Sequence[SchoolCount]) -> list[SchoolCount]:
    """The same rows with the number of all enrolled students: counted only for the schools shown, not for a whole
    county."""
    students: dict[int | None, int] = defaultdict(int)
    for count in count_missing([row.school_id for row in rows]):
        students[count.school_id] += count.students
    return [replace(row, students=students[row.school_id]) for row in rows]
