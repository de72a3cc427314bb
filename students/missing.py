"""Students enrolled today without an SSID: the one definition behind every page, list, request and chart.

A student is enrolled today who has a school and has not left: an enrollment without exit date, or with one that is not
past; also a student without any enrollment on record, since some districts bring none. Students who left are counted
only where a page says so.
"""

import datetime as dt
from collections.abc import Collection
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from students.models import LastDay, WithoutSSID


def _has_left(today: dt.date | None) -> Exists:
    return Exists(LastDay.objects.filter(student=OuterRef("pk"), day__lt=today or timezone.localdate()))


def enrolled_today(students: QuerySet[Any], *, today: dt.date | None = None) -> QuerySet[Any]:
    """The rows, of students or of students without SSID, whose student is enrolled."""
    return students.filter(~_has_left(today), school__isnull=False)


def gone(students: QuerySet[Any], *, today: dt.date | None = None) -> QuerySet[Any]:
    """The others: students who have left, or have no school."""
    return students.filter(Q(_has_left(today)) | Q(school__isnull=True))


def missing_today(schools: Collection[int] | None) -> QuerySet[WithoutSSID]:
    """Students of these schools (None: all) who are enrolled today and have no current SSID."""
    rows = WithoutSSID.objects.all() if schools is None else WithoutSSID.objects.filter(school_id__in=sorted(schools))
    return enrolled_today(rows)


# ---- counts ----


def count_up_to(schools: Collection[int] | None, most: int) -> int:
    """How many students of these schools (None: all) have no SSID today, but no more than `most`: only the first rows
    are read."""
    return missing_today(schools)[:most].count()
