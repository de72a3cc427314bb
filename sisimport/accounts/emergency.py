"""Signing in when nothing else works: a link for a superuser, made on the server by a command, valid once and for minutes.

Nothing is stored: the code is signed and contains the person's last sign-in time, so signing in invalidates it.
"""

import logging
from typing import Any

from django.contrib.auth import get_user_model
from django.core import signing

MINUTES = 15
_SALT = "sisimport.accounts.emergency"

logger = logging.getLogger(__name__)


class EmergencyRefusedError(Exception):
    """No such link can be made for this person. The message says what to do."""


def make_code(name: str) -> str:
    """A code for the superuser of this name or address. Raises EmergencyRefusedError."""
    people = get_user_model()._default_manager.filter(is_superuser=True, is_active=True)
    person = people.filter(username=name).first() or people.filter(email__iexact=name, email__gt="").first()
    if person is None:
        raise EmergencyRefusedError(
            f"There is no active superuser {name}: name one, or make one with `script/manage createsuperuser`."
        )
    logger.warning("emergency sign-in: a command made a link for user %s", person.pk)
    return signing.dumps({"user": person.pk, "seen": _seen(person)}, salt=_SALT)


def person_of(code: str) -> Any | None:
    """The person the code is for; None if it is too old, used, or not ours."""
    try:
        content = signing.loads(code.strip(), salt=_SALT, max_age=MINUTES * 60)
    except signing.BadSignature:
        return None
    person = get_user_model()._default_manager.filter(pk=content["user"], is_superuser=True, is_active=True).first()
    return person if person is not None and _seen(person) == content["seen"] else None


def _seen(person: Any) -> str:
    return person.last_login.isoformat() if person.last_login else ""
