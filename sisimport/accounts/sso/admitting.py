"""Whether a person of the directory is admitted, and with which rights. All others get the same page, for any reason.

    1  an account is already linked to this person
    2  or one account has the address that the provider verified: invited, or in use     (then it is linked)
    3  or a group of the directory gives a role: an account is made                       (then it is linked)

Roles and schools from groups are set again at each sign-in, and removed when no group gives any. A person invited manually keeps
the rights people gave, unless a group says otherwise. A group makes a superuser only if SSO_GROUPS says `superuser`, and one made
manually is never changed.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.db.models import Q

from sisimport.accounts import people
from sisimport.accounts.access import GROUPS, capabilities
from sisimport.accounts.models import DirectoryAccess
from sisimport.accounts.sso.configuration import SUPERUSER, GroupAccess
from sisimport.accounts.sso.identity import Identity
from students.models import School

logger = logging.getLogger(__name__)


class NotAdmittedError(Exception):
    """This person is not admitted. The message is for the log and names no one."""


@dataclass(frozen=True)
class Given:
    """The roles and schools that a person's groups give, as far as they exist here."""

    roles: tuple[str, ...] = ()
    schools: tuple[School, ...] = ()
    all_schools: bool = False
    superuser: bool = False


def given_by(groups: Iterable[str]) -> Given:
    """Roles and schools of all these groups together (SSO_GROUPS). Schools that are not on record are left out, and logged."""
    mapping: dict[str, GroupAccess] = settings.SSO_GROUPS
    fitting = [mapping[group] for group in groups if group in mapping]
    roles = frozenset().union(*(one.roles for one in fitting))
    codes = frozenset().union(*(one.schools for one in fitting))
    schools = tuple(School.objects.filter(code__in=codes).order_by("pk")) if codes else ()
    if missing := len(codes - {school.code for school in schools}):
        logger.warning("single sign-on: %s school codes of SSO_GROUPS are not on record", missing)
    return Given(
        roles=tuple(role for role in GROUPS if role in roles),
        schools=schools,
        all_schools=any(one.all_schools for one in fitting),
        superuser=SUPERUSER in roles,
    )


def admit(provider: str, identity: Identity) -> Any:
    """The account of this person, its roles updated from the directory. Raises NotAdmittedError.

    Roles that the directory removes are gone even then: the two are not in one transaction.
    """
    given = given_by(identity.groups)
    tied = SocialAccount.objects.filter(provider=provider, uid=identity.uid).select_related("user").first()
    person = tied.user if tied else _by_address(provider, identity) or _new(identity, given)
    if not person.is_active and not people.waits_for_invitation(person):
        raise NotAdmittedError(f"user {person.pk} is deactivated")
    _keep_in_step(person, given)
    if not person.is_active:
        people.accept_by_directory(person=person)
    if not capabilities(reloaded_person(person.pk)):
        raise NotAdmittedError(f"user {person.pk} has no role")
    if tied is None:
        SocialAccount.objects.get_or_create(
            provider=provider, uid=identity.uid, defaults={"user": person, "extra_data": {"issuer": identity.issuer}}
        )
        logger.warning("single sign-on: user %s was linked to an account at %s", person.pk, provider)
    return person


def reloaded_person(pk: int) -> Any:
    """The account as currently on record, without cached values."""
    return get_user_model()._default_manager.get(pk=pk)


def _by_address(provider: str, identity: Identity) -> Any | None:
    """The only account with this address. Raises NotAdmittedError if there are two, or if it is linked to another person:
    directories reuse addresses for new employees. People decide such cases (on the person's page)."""
    email = identity.email
    if not email:
        return None
    found = list(get_user_model()._default_manager.filter(Q(username__iexact=email) | Q(email__iexact=email))[:2])
    if len(found) > 1:
        raise NotAdmittedError("several accounts have the address")
    if not found:
        return None
    if SocialAccount.objects.filter(user=found[0], provider=provider, extra_data__issuer=identity.issuer).exists():
        raise NotAdmittedError(f"user {found[0].pk} is linked to another person in the directory")
    return found[0]


def _new(identity: Identity, given: Given) -> Any:
    """Make an account for a person to whom the directory gives a role."""
    if not identity.email:
        raise NotAdmittedError("no address is proven")
    if not (given.superuser or (given.roles and (given.schools or given.all_schools))):
        raise NotAdmittedError("no one invited this person, and no group gives a role with a school")
    first, last = identity.name
    made: dict[str, Any] = {"email": identity.email, "first_name": first[:150], "last_name": last[:150]}
    made["password"] = make_password(None)  # unusable password
    person, _made = get_user_model()._default_manager.get_or_create(username=identity.email, defaults=made)
    logger.warning("single sign-on: user %s was created for a person in the directory", person.pk)
    return person


@transaction.atomic
def _keep_in_step(person: Any, given: Given) -> None:
    """Set the rights the groups give; remove those they gave before and no longer give."""
    kept = DirectoryAccess.objects.filter(user=person).first()
    if person.is_superuser and not (kept and kept.superuser) and not given.superuser:
        return  # given manually: no directory removes that
    if not (given.roles or given.superuser):
        if kept is not None:
            people.take_all(person=person)
            kept.delete()
        return
    if given.superuser or (kept and kept.superuser):
        person.is_superuser = given.superuser
        person.save(update_fields=["is_superuser"])
    people.give_by_directory(
        person=person, roles=given.roles, schools=given.schools, all_schools=given.all_schools or given.superuser
    )
    DirectoryAccess.objects.update_or_create(user=person, defaults={"superuser": given.superuser})
