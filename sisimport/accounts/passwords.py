"""Passwords: who signs in with one, and which ones are accepted.

12 to 128 characters; not the user's own name or a local one (the site, a district, a school, PASSWORD_WORDS); no common or
breached word (the 20,000 of Django's list, on disk), even if lengthened: with digits and signs around it, with digits in place of
letters, or written several times.
"""

import re
from typing import Any

from django.conf import settings
from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from students.access import User
from students.families import is_family
from students.models import LEA, School

MOST_CHARACTERS = 128
_LETTERS = str.maketrans("0134578@$!", "oleastbasi")
_ROWS = ("abcdefghijklmnopqrstuvwxyz", "qwertyuiopasdfghjklzxcvbnm", "01234567890123456789")


def may_use_password(user: User) -> bool:
    """Does a password let this person in? Staff may have to use single sign-on (STAFF_PASSWORDS)."""
    return bool(settings.STAFF_PASSWORDS) or is_family(user)


class NotTooLong:
    """Refuses overlong passwords, which only cost hashing time."""

    def validate(self, password: str, user: Any = None) -> None:  # noqa: ARG002
        if len(password) > MOST_CHARACTERS:
            raise ValidationError(self.get_help_text(), code="password_too_long")

    def get_help_text(self) -> str:
        return _("A password has at most %(most)d characters.") % {"most": MOST_CHARACTERS}


class NoCommonWord(CommonPasswordValidator):
    """Refuses words of the list, also with something around them."""

    def validate(self, password: str, user: Any = None) -> None:  # noqa: ARG002
        if any(self._is_common(form) for form in _forms(password.lower().strip())):
            raise ValidationError(
                _("This password is a common word with something around it: use several words instead."),
                code="password_too_common",
            )

    def _is_common(self, form: str) -> bool:
        return form in self.passwords or _once(form) in self.passwords or _is_row(_once(form))


class NoWordOfThisPlace(NoCommonWord):
    """Refuses names of the site, districts and schools on record, and words of PASSWORD_WORDS, also with something around
    them."""

    def __init__(self) -> None:
        """Words are looked up when a password is set, because schools change."""

    @property
    def passwords(self) -> frozenset[str]:  # type: ignore[override]
        names = [settings.SITE_NAME, *settings.PASSWORD_WORDS]
        for model in (LEA, School):
            names += model._default_manager.values_list("name", flat=True)
        words = {name.lower().strip() for name in names}
        return frozenset(words | {re.sub(r"[\W_]+", "", word) for word in words}) - {""}

    def validate(self, password: str, user: Any = None) -> None:  # noqa: ARG002
        words = self.passwords
        forms = _forms(password.lower().strip())
        forms |= {re.sub(r"[\W_]+", "", form) for form in forms}
        if any(form in words or _once(form) in words for form in forms):
            raise ValidationError(
                _("This password is the name of a place here with something around it: use several words instead."),
                code="password_of_this_place",
            )

    def get_help_text(self) -> str:
        return _("A password can't be the name of a place here.")


def _forms(password: str) -> set[str]:
    """The password, its word without surrounding signs, and both with letters in place of digits and signs."""
    plain = {password, re.sub(r"^[\W\d_]+|[\W\d_]+$", "", password)}
    read = {form.translate(_LETTERS) for form in plain}
    return {form for form in plain | read | {re.sub(r"^[\W_]+|[\W_]+$", "", form) for form in read} if form}


def _once(form: str) -> str:
    """The repeated part of a text: `tiger` for `tigertiger`."""
    for length in range(1, len(form) // 2 + 1):
        if len(form) % length == 0 and form == form[:length] * (len(form) // length):
            return form[:length]
    return form


def _is_row(form: str) -> bool:
    """Is it one repeated character, or neighbors on the keyboard or in the alphabet?"""
    return len(form) == 1 or (len(form) > 3 and any(form in row or form in row[::-1] for row in _ROWS))
