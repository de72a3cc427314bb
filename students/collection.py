"""SSID collection: the policy, annual enrollment forms, and how many SSIDs are missing (rules M-1 to M-8)."""

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.db import connection, transaction
from django.db.models import Q, Sum
from django.utils import timezone

from students import headcounts
from students.models import SSID, AnnualEnrollment, CollectionPolicy, MissingSnapshot, Student

Status = AnnualEnrollment.Status


class EnrollmentRefusedError(Exception):
    """An enrollment form that cannot take this step; the text is for the user. `needs_ssid`: because the SSID is missing."""

    def __init__(self, text: str, *, needs_ssid: bool = False) -> None:
        super().__init__(text)
        self.needs_ssid = needs_ssid


def get_policy() -> CollectionPolicy:
    """The policy of this installation; the mildest one if none was set."""
    return CollectionPolicy.objects.filter(pk=1).first() or CollectionPolicy(pk=1)


def has_ssid(student: Student) -> bool:
    return SSID.objects.filter(student=student, retired_at__isnull=True).exists()


# ---- annual enrollment ----


@transaction.atomic
def submit_enrollment(*, student: Student, school_year: str, user: AbstractBaseUser, online: bool) -> AnnualEnrollment:
    """Mark the student's form of a year as submitted. Raises EnrollmentRefusedError for one that is already
    approved."""
    form, _created = AnnualEnrollment.objects.select_for_update().get_or_create(
        student=student, school_year=school_year
    )
    if form.status == Status.APPROVED:
        raise EnrollmentRefusedError(
            "The enrollment form of this year is approved already. Change the student's record instead."
        )
    form.status = Status.SUBMITTED
    form.online, form.submitted_at, form.submitted_by = online, timezone.now(), user  # type: ignore[assignment]
    form.save()
    return form


@transaction.atomic
def approve_enrollment(
    *, form: AnnualEnrollment, user: AbstractBaseUser, skip_ssid: bool = False, today: dt.date | None = None
) -> AnnualEnrollment:
    """Approve a submitted form (rule M-3).

    Without an SSID: only with `skip_ssid` before the required day, and not at all from that day on. Raises
    EnrollmentRefusedError.
    """
    form = AnnualEnrollment.objects.select_for_update().select_related("student").get(pk=form.pk)
    if form.status != Status.SUBMITTED:
        raise EnrollmentRefusedError("Only a submitted form can be approved. Check the form again.")
    missing = not has_ssid(form.student)
    if missing and get_policy().is_required_on(today or timezone.localdate()):
        raise EnrollmentRefusedError("The SSID is required: enter it, then approve the form.", needs_ssid=True)
    if missing and not skip_ssid:
        raise EnrollmentRefusedError("The student has no SSID yet. Enter it, or approve without it.", needs_ssid=True)
    form.status, form.without_ssid = Status.APPROVED, missing
    form.approved_at, form.approved_by = timezone.now(), user  # type: ignore[assignment]
    form.save()
    return form


@transaction.atomic
def return_enrollment(*, form: AnnualEnrollment) -> AnnualEnrollment:
    """Send a submitted form back: a draft again. Raises EnrollmentRefusedError for an approved one."""
    form = AnnualEnrollment.objects.select_for_update().get(pk=form.pk)
    if form.status == Status.APPROVED:
        raise EnrollmentRefusedError("An approved form is not sent back. Change the student's record instead.")
    form.status, form.online, form.submitted_at, form.submitted_by = Status.DRAFT, False, None, None
    form.save()
    return form


# ---- how many are missing ----


class _Share:
    """Counts of students, and of those without SSID."""

    __slots__ = ()
    students: int
    missing: int

    @property
    def percent(self) -> int:
        """Share of students with an SSID, rounded down: 100 means all of them."""
        return 100 if not self.students else (self.students - self.missing) * 100 // self.students


@dataclass(frozen=True, slots=True)
class MissingCount(_Share):
    """Students enrolled now in one school and grade, those without SSID, and those of them whose family gave a number."""

    school_id: int | None
    school: str
    school_code: str
    grade: str
    students: int
    missing: int
    reported: int


# Students and those without SSID are sums of stored changes; families' numbers, few at any time, are looked up.
_COUNTS = """
    SELECT e.school_id, e.grade, sum(e.students)::bigint AS students, sum(e.missing)::bigint AS missing,
      sum(e.reported)::bigint AS reported
    FROM (
      SELECT h.school_id, h.grade, h.students, h.without_ssid AS missing, 0 AS reported
      FROM students_headcount h WHERE {counted}
      UNION ALL
      SELECT w.school_id, w.grade, 0, 0, 1 FROM students_withoutssid w
      WHERE w.student_id = ANY (ARRAY(SELECT r.student_id FROM students_reportedssid r)) AND {here}
    ) AS e
    GROUP BY e.school_id, e.grade HAVING sum(e.students) > 0
"""


def _counts(schools: Collection[int] | None) -> tuple[str, dict[str, Any]]:
    counted, params = headcounts.counted_sql(schools)
    at_school = "w.school_id IS NOT NULL" if schools is None else "w.school_id = ANY(%(schools)s)"
    here = f"{at_school} AND (w.last_day IS NULL OR w.last_day >= %(today)s)"
    return _COUNTS.format(counted=counted, here=here), params


def count_missing(schools: Collection[int] | None) -> list[MissingCount]:
    """Students with and without SSID by school and grade. `schools`: ids, None for all. One query."""
    counts, params = _counts(schools)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT c.school_id, coalesce(nullif(k.name, ''), k.code, ''), coalesce(k.code, ''), c.grade, c.students,
              c.missing, c.reported
            FROM ({counts}) AS c LEFT JOIN students_school k ON k.id = c.school_id
            ORDER BY 2, 3, c.grade
            """,
            params,
        )
        return [MissingCount(*row) for row in cursor.fetchall()]


@dataclass(frozen=True, slots=True)
class SchoolMissing(_Share):
    """A school's students enrolled now, those without SSID, and those of them whose family gave a number."""

    school_id: int
    school: str
    school_code: str
    students: int
    missing: int
    reported: int


def by_school(counts: Iterable[MissingCount]) -> list[SchoolMissing]:
    """The counts of `count_missing` summed up for each school, in their order."""
    found: dict[int, SchoolMissing] = {}
    for one in counts:
        if one.school_id is not None:
            of = found.get(one.school_id) or SchoolMissing(one.school_id, one.school, one.school_code, 0, 0, 0)
            sums = (of.students + one.students, of.missing + one.missing, of.reported + one.reported)
            found[one.school_id] = SchoolMissing(of.school_id, of.school, of.school_code, *sums)
    return list(found.values())


def record_missing(day: dt.date | None = None) -> int:
    """Store today's counts, replacing earlier ones of the same day. Safe to call at any time; returns the number of
    rows stored."""
    counts, params = _counts(None)
    params |= {"day": day or timezone.localdate(), "lock": _SNAPSHOT_LOCK}
    with transaction.atomic(), connection.cursor() as cursor:
        # With two concurrent callers, the second waits, then replaces.
        cursor.execute("SELECT pg_advisory_xact_lock(%(lock)s, 0)", params)
        cursor.execute("DELETE FROM students_missingsnapshot WHERE day = %(day)s", params)
        cursor.execute(
            "INSERT INTO students_missingsnapshot (day, school_id, grade, students, without_ssid)"
            f" SELECT %(day)s, c.school_id, c.grade, c.students, c.missing FROM ({counts}) AS c",
            params,
        )
        return int(cursor.rowcount)


_SNAPSHOT_LOCK = 0x5349_0006


@dataclass(frozen=True, slots=True)
class ShareOfDay:
    """How complete the SSIDs were on a day."""

    day: dt.date
    students: int
    missing: int

    @property
    def percent(self) -> float:
        return 100.0 if not self.students else 100 * (self.students - self.missing) / self.students


def days_kept() -> list[dt.date]:
    """The days of a year that have counts, oldest first: one index lookup for each, not a scan of all schools and
    grades."""
    today = timezone.localdate()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT d.day::date FROM generate_series(%(since)s::date, %(today)s::date, interval '1 day') AS d (day)
            CROSS JOIN LATERAL (SELECT FROM students_missingsnapshot m WHERE m.day = d.day::date LIMIT 1) AS found
            ORDER BY 1
            """,
            {"since": today - dt.timedelta(days=366), "today": today},
        )
        return [day for (day,) in cursor.fetchall()]


EACH_DAY, EACH_WEEK = 14, 91  # days back: the chart has each day, then one per week, before that one per four weeks


def share_over_time(schools: Collection[int] | None, days: list[dt.date] | None = None) -> list[ShareOfDay]:
    """The stored counts of these schools, oldest day first; of the stored `days`, those that a line of 600 pixels can
    show."""
    today = timezone.localdate()
    shown: dict[tuple[int, int], dt.date] = {}
    for day in days_kept() if days is None else days:  # the newest of a span stays
        ago = (today - day).days
        span = 1 if ago < EACH_DAY else 7 if ago < EACH_WEEK else 28
        shown[span, ago // span] = day
    kept = MissingSnapshot.objects.filter(day__in=shown.values())
    if schools is not None:
        kept = kept.filter(Q(school_id__in=list(schools)))
    rows = kept.values("day").annotate(all=Sum("students"), missing=Sum("without_ssid")).order_by("day")
    return [ShareOfDay(row["day"], row["all"], row["missing"]) for row in rows]
