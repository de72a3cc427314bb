"""Yearly ends of staff accounts: on a month and day set by the district, accounts that were not renewed are deactivated.

Unlike a family's (students/family_access.py), such an end is stored, by the workers once a day or by a command: passwords, single
sign-on, tokens and sessions all check whether an account is active. An account opened or renewed in the 60 days before lasts
until the next year's date. Never ended are the last import admin of a school if there is no superuser, superusers, programs
(accounts without a way to sign in), and people whose roles the district's directory assigns.
"""

import datetime as dt
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.cache import cache
from django.core.mail import EmailMessage
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from sisimport.accounts.access import IMPORT_ADMIN
from sisimport.accounts.addresses import site_address
from sisimport.accounts.giving import may_manage
from sisimport.accounts.outbox import send_now
from sisimport.accounts.people import PeopleError, people_seen_by
from students.access import User
from students.family_access import NEW_DAYS, ends_soon, in_year
from students.granting import MORE_THAN_YOURS, OWN
from students.models import LEA, DistrictSettings, StaffAccess
from students.sessions import end_sessions

_MARK_SECONDS = 2 * 86_400

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Outcome:
    """What was done, or would be done: people notified, without an address, ended, and kept as the last admin."""

    notified: int = 0
    without_address: int = 0
    ended: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Ends:
    """Month and day of each district; for a person with several, the latest counts, and one district without an end means
    none."""

    of_lea: dict[int, str]
    leas: frozenset[int]

    @classmethod
    def now(cls) -> "Ends":
        of_lea = DistrictSettings.objects.exclude(staff_accounts_end="").values_list("lea_id", "staff_accounts_end")
        return cls(dict(of_lea), frozenset(LEA.objects.values_list("pk", flat=True)))

    def of(self, access: StaffAccess) -> dt.date | None:
        """The day from which the account is deactivated; None: never. `access` must be loaded with its schools."""
        leas = self.leas if access.all_schools else {school.lea_id for school in access.schools.all()}
        days = [self.of_lea.get(lea, "") for lea in leas]
        if not days or not all(days):
            return None
        since = timezone.localtime(access.renewed_at).date() + dt.timedelta(days=NEW_DAYS)
        return max(_next(day, since) for day in days)


def _next(month_day: str, after: dt.date) -> dt.date:
    this_year = in_year(month_day, after.year)
    return this_year if this_year > after else in_year(month_day, after.year + 1)


def who_may_end(*users: int) -> list[StaffAccess]:
    """People who can sign in, by a password or through the directory; limited to `users` if given."""
    tied = get_user_model().objects.filter(pk=OuterRef("user_id"), socialaccount__isnull=False)
    directory = get_user_model().objects.filter(pk=OuterRef("user_id"), directory_access__isnull=False)
    found = StaffAccess.objects.filter(~Exists(directory), user__is_active=True, user__is_superuser=False)
    found = found.annotate(is_tied=Exists(tied)).select_related("user").prefetch_related("schools", "user__groups")
    if users:
        found = found.filter(user_id__in=users)
    return [one for one in found.order_by("user__last_login", "pk") if one.is_tied or one.user.has_usable_password()]


def notify_and_end(*, site: str = "", only_look: bool = False) -> Outcome:
    """Mail people whose account ends within 30 days, once per end, and end accounts whose day has come."""
    ends, today, outcome = Ends.now(), timezone.localdate(), Outcome()
    if not ends.of_lea:
        return outcome
    people = [(one, ends.of(one)) for one in who_may_end()]
    for access, end in people:
        if ends_soon(end, today) and access.told_end != end:
            _notify(access, end, outcome, site="" if only_look else site, only_look=only_look)
    _end([(one, end) for one, end in people if end is not None and end <= today], outcome, only_look=only_look)
    return outcome


def _notify(access: StaffAccess, end: Any, outcome: Outcome, *, site: str, only_look: bool) -> None:
    if not access.user.email:
        outcome.without_address += 1
        return
    # Noted first, so that two processes doing this at once notify a person only once. Mail that cannot be sent is kept, not lost.
    mine = StaffAccess.objects.filter(pk=access.pk).exclude(told_end=end)
    if only_look or mine.update(told_end=end):
        outcome.notified += 1
        if not only_look:
            send_now(_notice(access.user.email, end, site))


def _notice(address: str, end: dt.date, site: str) -> EmailMessage:
    day = date_format(end, "DATE_FORMAT")
    link = f"{site}{reverse('people')}" if site else ""
    text = render_to_string("people/ends.txt", {"day": day, "link": link, "site_name": settings.SITE_NAME})
    return EmailMessage(f"Your account for {settings.SITE_NAME} ends on {day}", text, to=[address])


def _end(due: Sequence[tuple[StaffAccess, Any]], outcome: Outcome, *, only_look: bool) -> None:
    stay = _Admins()
    for access, end in due:  # the longest time without a sign-in first
        name = access.user.get_username()
        if not stay.may_do_without(access):
            outcome.kept.append(name)
            continue
        outcome.ended.append(name)
        if only_look:
            continue
        with transaction.atomic():
            user: Any = access.user
            user.is_active = False
            user.save(update_fields=["is_active"])
            StaffAccess.objects.filter(pk=access.pk).update(ended_on=end)
            end_sessions(user)
        logger.warning("people: the yearly end of user %s", user.pk)


class _Admins:
    """The active import admins, while others are ended one by one."""

    def __init__(self) -> None:
        users = get_user_model()._default_manager
        self.is_superuser_there = any(
            one.has_usable_password() for one in users.filter(is_active=True, is_superuser=True)
        )
        admins = StaffAccess.objects.filter(user__is_active=True, user__groups__name=IMPORT_ADMIN)
        self._left = {one.pk: one for one in admins.prefetch_related("schools")}

    def may_do_without(self, access: StaffAccess) -> bool:
        """Remove this one if another admin is left for each of its schools; returns whether it was removed."""
        if access.pk in self._left and not self.is_superuser_there:
            others = [one for pk, one in self._left.items() if pk != access.pk]
            if not any(one.all_schools for one in others) and (access.all_schools or not _covers(others, access)):
                return False
        self._left.pop(access.pk, None)
        return True


def _covers(others: Iterable[StaffAccess], access: StaffAccess) -> bool:
    seen = {school.pk for one in others for school in one.schools.all()}
    return {school.pk for school in access.schools.all()} <= seen


def once_a_day() -> Outcome | None:
    """The workers' chore: the first one on a day does it; None for the others."""
    mark = f"staff-ends-{timezone.localdate():%Y-%m-%d}"
    if not cache.add(mark, True, _MARK_SECONDS):
        return None
    try:
        return notify_and_end(site=site_address())
    except BaseException:
        cache.delete(mark)
        raise


# -- renewing ------------------------------------------------------------------------------------------------------------


def renew(accesses: Iterable[StaffAccess]) -> int:
    """Extend these accounts to the next yearly date; those already ended are reactivated. Returns how many."""
    renewed = 0
    for access in accesses:
        with transaction.atomic():
            if access.ended_on is not None:
                access.user.is_active = True
                access.user.save(update_fields=["is_active"])
            access.renewed_at, access.ended_on = timezone.now(), None
            access.save(update_fields=["renewed_at", "ended_on"])
        renewed += 1
    return renewed


def renew_one(*, person: Any, giver: Any) -> None:
    """Raises PeopleError."""
    if not may_manage(giver, person):
        raise PeopleError(OWN if giver.pk == person.pk else MORE_THAN_YOURS)
    renew(StaffAccess.objects.filter(user_id=person.pk).select_related("user"))


def end_of(person: Any) -> dt.date | None:
    """When this person's account ends, if it is one of those that do."""
    access = next(iter(who_may_end(person.pk)), None)
    return Ends.now().of(access) if access is not None else None


def to_renew(viewer: User) -> list[StaffAccess]:
    """Accounts the viewer may renew: those that end within 30 days, or ended this year."""
    ends, today = Ends.now(), timezone.localdate()
    if not ends.of_lea:
        return []
    seen = StaffAccess.objects.filter(user__in=people_seen_by(viewer).values("pk")).select_related("user")
    seen = seen.prefetch_related("schools", "user__groups__permissions", "user__user_permissions")
    due = [one for one in seen if one.ended_on or (one.user.is_active and ends_soon(ends.of(one), today))]
    return [one for one in due if may_manage(viewer, one.user)]
