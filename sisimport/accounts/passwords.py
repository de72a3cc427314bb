"""Who signs in with a password. Staff may be told to come by single sign-on alone (STAFF_PASSWORDS); families always may."""

from django.conf import settings

from students.access import User
from students.families import is_family


def may_use_password(user: User) -> bool:
    """Does a password let this person in?"""
    return bool(settings.STAFF_PASSWORDS) or is_family(user)
