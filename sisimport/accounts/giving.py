"""Who may give which role to whom: checks for the People pages, besides the rules on schools and permissions in
students.granting.

A user holds a role if they hold everything it allows: an import admin may do all that a registrar may, and can give that role
without having it. In the admin, a group is a set of permissions that any user with that right may change: there, users can give
only their own.
"""

from typing import Any

from django.contrib.auth.models import Group

from sisimport.accounts.access import GROUPS, IMPORT_ADMIN, SSID_STAFF, capabilities
from students.access import User
from students.granting import has_schools_of, permissions_to_give
from students.models import StaffAccess

ROLES_OF_ADMIN = frozenset({IMPORT_ADMIN, SSID_STAFF})  # part of their work is in the admin's pages


def own_permissions(giver: User) -> set[int]:
    """Ids of the permissions that the giver holds."""
    return set(permissions_to_give(giver).values_list("pk", flat=True))


def has_more(person: Any, giver: Any, own: set[int]) -> bool:
    """Does the person, whose groups and permissions are loaded, hold what the giver (of `own` permissions) does not?

    For a person who cannot sign in, what they could do if they were able to.
    """
    if person.is_superuser or (person.is_staff and not giver.is_staff):
        return True
    groups = list(person.groups.all())
    held = {permission.pk for permission in person.user_permissions.all()}
    held |= {permission.pk for group in groups for permission in group.permissions.all()}
    may = frozenset().union(*(GROUPS.get(group.name, frozenset()) for group in groups))
    return not (may <= capabilities(giver) and held <= own)


def roles_to_give(giver: Any) -> list[str]:
    """The roles that the giver may give, in the order of GROUPS. `giver`: None for the command line, which gives all."""
    if giver is None or giver.is_superuser:
        return list(GROUPS)
    own, may = own_permissions(giver), capabilities(giver)
    groups = {group.name: group for group in Group.objects.filter(name__in=GROUPS).prefetch_related("permissions")}
    return [
        role
        for role, allowed in GROUPS.items()
        if role in groups
        and allowed <= may
        and (giver.is_staff or role not in ROLES_OF_ADMIN)
        and own.issuperset(permission.pk for permission in groups[role].permissions.all())
    ]


def may_manage(giver: Any, person: Any) -> bool:
    """May the giver change this person's roles and schools, or whether they may sign in? Never their own, nor those of a person
    with more rights."""
    if giver.pk == person.pk:
        return False
    if giver.is_superuser:
        return True
    access = StaffAccess.objects.filter(user_id=person.pk).first()
    return not has_more(person, giver, own_permissions(giver)) and (access is None or has_schools_of(giver, access))
