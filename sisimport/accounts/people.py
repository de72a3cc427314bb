"""People who sign in: invite them, change their rights, deactivate them. Used by both the pages and the command.

    invite          an account that cannot sign in yet, with its roles and schools, and an invitation with a code
    accept          the invited person chooses a password: the account can sign in, the code is used up
                    (accept_by_directory: or signs in by single sign-on)
    change_person   roles and schools
    deactivate, reactivate, sign_out_everywhere

Permissions are checked here (sisimport.accounts.giving, students.granting), regardless of what a page offered.
"""

import datetime as dt
import logging
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from allauth.socialaccount.models import SocialAccount
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from sisimport.accounts.access import GROUPS
from sisimport.accounts.giving import ROLES_OF_ADMIN, may_manage, roles_to_give
from sisimport.accounts.models import StaffInvitation
from students.access import User, visible_school_ids
from students.families import code_hash, new_code
from students.granting import ALL_SCHOOLS, MORE_THAN_YOURS, OWN
from students.models import School, StaffAccess
from students.sessions import end_sessions

INVITATION_DAYS = 7
MOST_DAYS = 60

logger = logging.getLogger(__name__)


class PeopleError(Exception):
    """The request cannot be carried out; the message tells the user why. `field`: the form field it is about."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field


class InvitationRefusedError(Exception):
    """An invitation that cannot be used. Unknown, used, withdrawn and expired ones are all refused in the same way."""


@dataclass(frozen=True)
class Invited:
    """An invitation and its code, which is not stored and cannot be shown again."""

    invitation: StaffInvitation
    code: str


def people_seen_by(viewer: User) -> QuerySet[Any]:
    """Staff accounts, for an import admin: all of them, or those with one of the admin's schools or with all schools."""
    people = get_user_model()._default_manager.filter(
        Q(is_superuser=True) | Q(is_staff=True) | Q(access__isnull=False) | Q(groups__name__in=list(GROUPS))
    )
    ids = visible_school_ids(viewer)
    if ids is not None:
        people = people.filter(
            Q(is_superuser=True) | Q(access__all_schools=True) | Q(access__schools__in=sorted(ids)) | Q(pk=viewer.pk)
        )
    return people.distinct()


# ---- invitations ----


def invite(
    *,
    email: str,
    roles: Collection[str],
    schools: Collection[School],
    all_schools: bool = False,
    name: str = "",
    giver: Any,
    days: int = INVITATION_DAYS,
) -> Invited:
    """Make an account for this address, without a password yet, and an invitation. `giver`: None for the command line.

    Raises PeopleError: the address has an account, or the giver cannot give this.
    """
    email = email.strip().lower()
    _check_days(days)
    people = get_user_model()._default_manager
    first, _blank, last = " ".join(name.split()).partition(" ")
    with transaction.atomic():
        if people.filter(Q(username__iexact=email) | Q(email__iexact=email)).exists():
            raise PeopleError("Someone with this address already has an account: look for it in the list.", "email")
        person: Any = people.create(
            username=email, email=email, is_active=False, first_name=first[:150], last_name=last[:150]
        )
        person.set_unusable_password()
        person.save(update_fields=["password"])
        _give(person, roles=roles, schools=schools, all_schools=all_schools, giver=giver)
        invited = _new_invitation(person, giver, days)
    _note(giver, "invited", person)
    return invited


def invite_again(*, person: Any, giver: Any, days: int = INVITATION_DAYS) -> Invited:
    """A new code for a person who has not signed in yet; the previous code becomes invalid. Raises PeopleError."""
    _check_manages(giver, person)
    _check_days(days)
    if not waits_for_invitation(person):
        raise PeopleError("This person has signed in before: a forgotten password is reset on the sign-in page.")
    with transaction.atomic():
        _withdraw(person)
        invited = _new_invitation(person, giver, days)
    _note(giver, "invited again", person)
    return invited


def waits_for_invitation(person: Any) -> bool:
    """Was this person invited but has not signed in yet? False for an account deactivated before that."""
    newest = StaffInvitation.objects.filter(user_id=person.pk).first()
    return bool(newest and not person.is_active and newest.used_at is None and newest.withdrawn_at is None)


def find_invitation(code: str) -> StaffInvitation | None:
    """The open invitation with this code, regardless of how its groups are separated."""
    found = StaffInvitation.objects.filter(code_hash=code_hash(code)).first()
    return found if found is not None and found.is_open else None


def open_invitation(pk: object) -> StaffInvitation | None:
    """The invitation that a session refers to, if it is still open. `pk`: what the session kept, or None."""
    found = StaffInvitation.objects.filter(pk=pk).first() if isinstance(pk, int) else None
    return found if found is not None and found.is_open else None


@transaction.atomic
def accept(*, invitation: StaffInvitation, password: str) -> Any:
    """Choose the password of the account; once. Returns the user. Raises InvitationRefusedError."""
    invitation = StaffInvitation.objects.select_for_update().get(pk=invitation.pk)
    if not invitation.is_open:
        raise InvitationRefusedError
    person: Any = invitation.user
    person.set_password(password)
    person.is_active = True
    person.save(update_fields=["password", "is_active"])
    invitation.used_at = timezone.now()
    invitation.save(update_fields=["used_at"])
    return person


def accept_by_directory(*, person: Any) -> None:
    """The invited person signed in by single sign-on: the district's directory confirms that the address is theirs."""
    person.is_active = True
    person.save(update_fields=["is_active"])
    now = timezone.now()
    StaffInvitation.objects.filter(user_id=person.pk, used_at__isnull=True, withdrawn_at__isnull=True).update(
        used_at=now
    )


def _new_invitation(person: Any, giver: Any, days: int) -> Invited:
    code = new_code()
    expires = timezone.now() + dt.timedelta(days=days)
    made = StaffInvitation.objects.create(user=person, code_hash=code_hash(code), created_by=giver, expires_at=expires)
    return Invited(made, code)


def _withdraw(person: Any) -> None:
    StaffInvitation.objects.filter(user_id=person.pk, used_at__isnull=True, withdrawn_at__isnull=True).update(
        withdrawn_at=timezone.now()
    )


def _check_days(days: int) -> None:
    if not 0 < days <= MOST_DAYS:
        raise PeopleError(f"An invitation is good for 1 to {MOST_DAYS} days.", "days")


# ---- a person's rights ----


@transaction.atomic
def change_person(
    *, person: Any, roles: Collection[str], schools: Collection[School], all_schools: bool, giver: Any
) -> None:
    """Assign roles and schools; a person whose rights changed must sign in again.

    Raises PeopleError, also for a person with schools that the giver does not see.
    """
    _check_manages(giver, person)
    before = _what(person)
    _give(person, roles=roles, schools=schools, all_schools=all_schools, giver=giver)
    if _what(person) != before:
        end_sessions(person)
    _note(giver, "changed the roles or schools of", person)


def _give(person: Any, *, roles: Collection[str], schools: Collection[School], all_schools: bool, giver: Any) -> None:
    if not roles:
        raise PeopleError("Choose a role.", "roles")
    if kept_back := sorted(set(roles) - set(roles_to_give(giver))):
        raise PeopleError(f"You cannot give roles you do not have: {', '.join(kept_back)}.", "roles")
    seen = None if giver is None else visible_school_ids(giver)
    if all_schools and seen is not None:
        raise PeopleError(ALL_SCHOOLS, "schools")
    if seen is not None and not {school.pk for school in schools} <= seen:
        raise PeopleError("You can only give your own schools.", "schools")
    if not all_schools and not schools:
        raise PeopleError("Choose a school: without one, a person sees no students.", "schools")
    _set(person, roles=roles, schools=schools, all_schools=all_schools)


def _set(person: Any, *, roles: Collection[str], schools: Collection[School], all_schools: bool) -> None:
    person.groups.remove(*person.groups.filter(name__in=list(GROUPS)))
    person.groups.add(*(Group.objects.get_or_create(name=role)[0] for role in roles))
    person.is_staff = person.is_superuser or bool(ROLES_OF_ADMIN & set(roles))
    person.save(update_fields=["is_staff"])
    access, _made = StaffAccess.objects.get_or_create(user=person)
    access.all_schools = all_schools
    access.save(update_fields=["all_schools"])
    access.schools.set([] if all_schools else schools)


@transaction.atomic
def give_by_directory(*, person: Any, roles: Collection[str], schools: Collection[School], all_schools: bool) -> None:
    """Assign the roles and schools that groups of the district's directory give, at each sign-in. If they changed, other sessions
    of the person end."""
    before = _what(person)
    _set(person, roles=roles, schools=schools, all_schools=all_schools)
    if _what(person) != before:
        end_sessions(person)
        _note(None, "by the directory: changed the roles or schools of", person)


@transaction.atomic
def take_all(*, person: Any) -> None:
    """Remove all rights: no group of the directory gives this person anything any more."""
    person.is_superuser = False
    person.save(update_fields=["is_superuser"])
    _set(person, roles=[], schools=[], all_schools=False)
    end_sessions(person)
    _note(None, "by the directory: took all roles of", person)


def _what(person: Any) -> tuple[Any, ...]:
    """A person's rights, for comparison."""
    access = StaffAccess.objects.filter(user_id=person.pk).first()
    schools = set() if access is None else set(access.schools.values_list("pk", flat=True))
    roles = set(person.groups.filter(name__in=list(GROUPS)).values_list("name", flat=True))
    return roles, schools, bool(access and access.all_schools), person.is_superuser


@transaction.atomic
def deactivate(*, person: Any, giver: Any) -> None:
    """Deactivate a person: sessions end now, and an open invitation becomes invalid. Records keep the name. Raises
    PeopleError."""
    _check_manages(giver, person)
    person.is_active = False
    person.save(update_fields=["is_active"])
    StaffAccess.objects.filter(user_id=person.pk).update(
        ended_on=None
    )  # not one of the accounts that ended, which can be renewed
    _withdraw(person)
    end_sessions(person)
    _note(giver, "deactivated", person)


@transaction.atomic
def reactivate(*, person: Any, giver: Any) -> Invited | None:
    """Reactivate a person, with a new invitation if they never chose a password. Raises PeopleError."""
    _check_manages(giver, person)
    _note(giver, "reactivated", person)
    if not person.has_usable_password():
        return _new_invitation(person, giver, INVITATION_DAYS)
    person.is_active = True
    person.save(update_fields=["is_active"])
    StaffAccess.objects.filter(user_id=person.pk).update(renewed_at=timezone.now(), ended_on=None)
    return None


def sign_out_everywhere(*, person: Any, giver: Any) -> int:
    """End all sessions of a person, on all devices; returns how many ended. Raises PeopleError."""
    _check_manages(giver, person)
    ended = end_sessions(person)
    _note(giver, "signed out everywhere", person)
    return ended


@transaction.atomic
def untie(*, person: Any, giver: Any) -> None:
    """Remove the account's link to a person of the district's directory: the next person with its address there gets it. Raises
    PeopleError."""
    _check_manages(giver, person)
    SocialAccount.objects.filter(user_id=person.pk).delete()
    end_sessions(person)
    _note(giver, "unlinked from the directory", person)


def _check_manages(giver: Any, person: Any) -> None:
    if giver is not None and not may_manage(giver, person):
        raise PeopleError(OWN if giver.pk == person.pk else MORE_THAN_YOURS)


def _note(giver: Any, what: str, person: Any) -> None:
    logger.warning("people: %s %s user %s", f"user {giver.pk}" if giver else "a command", what, person.pk)
