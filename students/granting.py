"""Who may give whom which access, on the pages of people who sign in: decided only here.

- Users cannot change their own access: not the schools, groups, permissions or flags, and not by deleting them.
- Users cannot give what they do not have: schools they do not see, groups they are not in, permissions they lack.
- Users cannot change the account of a person who has more access: a new password would be a way in.

A superuser has everything, so only the first rule applies.
"""

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.db.models import QuerySet

from students.access import visible_school_ids
from students.models import StaffAccess

OWN = "You cannot change your own access: ask another administrator."
ALL_SCHOOLS = "You see only some schools: someone who sees all schools can give access to all of them."
MORE_THAN_YOURS = "This person has more access than you: someone with as much access can change this."


def has_schools_of(giver: Any, access: StaffAccess) -> bool:
    """Does the giver see every school of this access?"""
    ids = visible_school_ids(giver)
    if ids is None:
        return True
    return not access.all_schools and set(access.schools.values_list("pk", flat=True)) <= ids


def may_change_access(giver: Any, access: StaffAccess) -> bool:
    """May the giver change or delete which schools this person sees?"""
    return access.user_id != giver.pk and has_schools_of(giver, access)


def groups_to_give(giver: Any) -> QuerySet[Group]:
    return Group.objects.all() if giver.is_superuser else Group.objects.filter(user=giver)


def permissions_to_give(giver: Any) -> QuerySet[Permission]:
    """The permissions that the giver holds, directly or through a group."""
    if giver.is_superuser:
        return Permission.objects.all()
    own = Permission.objects.filter(user=giver) | Permission.objects.filter(group__user=giver)
    return Permission.objects.filter(pk__in=own.values("pk"))


def has_as_much_as(giver: Any, person: Any) -> bool:
    """Does the giver have all that this person has: the flags, groups, permissions and schools?"""
    if giver.is_superuser:
        return True
    if person.is_superuser or (person.is_staff and not giver.is_staff):
        return False
    if person.groups.exclude(pk__in=groups_to_give(giver).values("pk")).exists():
        return False
    if person.user_permissions.exclude(pk__in=permissions_to_give(giver).values("pk")).exists():
        return False
    access = StaffAccess.objects.filter(user=person).first()
    return access is None or has_schools_of(giver, access)


def may_change_group(giver: Any, group: Group) -> bool:
    """May the giver change what a group holds, or delete it? For a member, the group's access is their own access."""
    if giver.is_superuser:
        return True
    if giver.groups.filter(pk=group.pk).exists():
        return False
    return not group.permissions.exclude(pk__in=permissions_to_give(giver).values("pk")).exists()
