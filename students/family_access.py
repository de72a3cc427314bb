"""How long an account of a family sees a student: until a yearly date of the district, unless the school renews it.

No job has to run on that day: the dates decide on each request whether an account is open. An account opened or renewed
shortly before the date lasts until the next year's. Families see the date on their page and get a mail, which the
workers send once a day (ssid/collection/family_notices.py).
"""

import datetime as dt
from collections.abc import Iterable

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import Q, QuerySet
from django.utils import timezone

from sisimport.runtime.row_scope import across_schools
from students.missing import enrolled_today
from students.models import DistrictSettings, FamilyMember, School, Student
from students.models.districts import FAMILY_END

NEW_DAYS = 60  # opened or renewed this shortly before the date: good for another year
NOTICE_DAYS = 30


def yearly_ends() -> tuple[str, dict[int, str]]:
    """The default month and day for districts that have not chosen one, and those of the others; blank: accounts do not
    end."""
    return FAMILY_END, dict(DistrictSettings.objects.values_list("lea_id", "family_accounts_end"))


def in_year(month_day: str, year: int) -> dt.date:
    return dt.date(year, int(month_day[:2]), int(month_day[3:]))


def last_end(month_day: str, today: dt.date) -> dt.date:
    """The latest such day that is not in the future."""
    this_year = in_year(month_day, today.year)
    return this_year if this_year <= today else in_year(month_day, today.year - 1)


def end_of(member: FamilyMember, month_day: str) -> dt.date | None:
    """The day from which the account no longer sees the student; None: never. `member.renewed_at` decides."""
    if not month_day:
        return None
    since = timezone.localtime(member.renewed_at).date() + dt.timedelta(days=NEW_DAYS)
    this_year = in_year(month_day, since.year)
    return this_year if this_year > since else in_year(month_day, since.year + 1)


def still_open(members: QuerySet[FamilyMember], *, today: dt.date | None = None) -> QuerySet[FamilyMember]:
    """Members whose account still sees the student."""
    today = today or timezone.localdate()
    usual, chosen = yearly_ends()
    condition = ~Q(student__lea_id__in=list(chosen)) & _renewed_since(usual, today)
    for month_day in set(chosen.values()):
        leas = [lea for lea, end in chosen.items() if end == month_day]
        condition |= Q(student__lea_id__in=leas) & _renewed_since(month_day, today)
    return members.filter(condition)


def _renewed_since(month_day: str, today: dt.date) -> Q:
    if not month_day:
        return Q(pk__isnull=False)
    first = last_end(month_day, today) - dt.timedelta(days=NEW_DAYS)
    return Q(renewed_at__gte=timezone.make_aware(dt.datetime.combine(first, dt.time())))


def ends(members: Iterable[FamilyMember]) -> dict[int, dt.date | None]:
    """Member -> the day its account ends; for members read with `student`."""
    usual, chosen = yearly_ends()
    return {member.pk: end_of(member, chosen.get(member.student.lea_id, usual)) for member in members}


def of_account(user: AbstractBaseUser | AnonymousUser) -> list[tuple[FamilyMember, dt.date | None]]:
    """The students of an account, including those it no longer sees, with the day it ends."""
    with across_schools():  # those who are no longer seen are named
        members = list(FamilyMember.objects.filter(user_id=user.pk or 0).select_related("student", "student__school"))
    until = ends(members)
    return [(member, until[member.pk]) for member in members]


def ends_soon(end: dt.date | None, today: dt.date | None = None) -> bool:
    """Whether it is time for the notice: not ended yet, and fewer than NOTICE_DAYS days are left."""
    today = today or timezone.localdate()
    return end is not None and today < end <= today + dt.timedelta(days=NOTICE_DAYS)


def renew_school(school: School) -> int:
    """Let the accounts of a school's enrolled students last until the next yearly date; returns how many there are."""
    students = enrolled_today(Student.objects.filter(school=school)).values("pk")
    return FamilyMember.objects.filter(student_id__in=students).update(renewed_at=timezone.now())
