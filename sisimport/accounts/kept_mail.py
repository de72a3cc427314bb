"""Mail that is not sent: kept in the data directory until an administrator passes it on to its recipient.

    EMAIL_URL is not set       -> every mail is kept
    a mail cannot be sent      -> it is kept after the last try (sisimport.accounts.outbox)

A mail may hold the link that sets a password: files are encrypted like uploads and removed after a week.
"""

import email
import email.policy
import logging
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.db.models.functions import Lower

from sisimport.accounts.access import Capability, can
from sisimport.accounts.giving import has_more, own_permissions
from sisimport.imports.storage.stores import mail_name, master_keys
from sisimport.runtime.sealed_files import DamagedError, UnknownKeyError, opened_bytes, sealed_bytes
from students.access import User, visible_school_ids

logger = logging.getLogger(__name__)
MOST_KEPT = 500
_UNREADABLE = (
    "The file of this mail is damaged, or was encrypted for a key that this server does not have. Have the person ask for "
    "a new link, or ask your administrator to add the key to FILE_KEYS again."
)


@dataclass(frozen=True)
class Kept:
    """A kept mail; `number` names it."""

    number: int
    to: tuple[str, ...]
    subject: str
    text: str

    @property
    def at(self) -> datetime:
        return datetime.fromtimestamp(self.number / 1e9, UTC)


class KeptMail(BaseEmailBackend):
    """A mail backend that keeps mail instead of sending it."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Raises OSError when the disk is full or not writable."""
        for message in email_messages:
            keep(message.message().as_bytes())
        return len(email_messages)


def folder() -> Path:
    made: Path = settings.DATA_DIR / "mail"
    made.mkdir(mode=0o700, parents=True, exist_ok=True)
    return made


def keep(message: bytes) -> None:
    """Write one mail, all or nothing; old ones are removed to make room."""
    place, newest = folder(), master_keys()[0]
    number = time.time_ns()
    while True:
        begun = place / f"{number}.new"
        try:
            with os.fdopen(os.open(begun, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(sealed_bytes(message, mail_name(f"{number}.eml"), newest))
            break
        except FileExistsError:
            number += 1
    begun.rename(place / f"{number}.eml")
    for old in _numbers(place)[MOST_KEPT:]:
        (place / f"{old}.eml").unlink(missing_ok=True)


def remove_old(before: datetime, dry_run: bool) -> int:
    """Remove mails kept since before that moment, or count them. Returns how many."""
    old = [number for number in _numbers(folder()) if number < before.timestamp() * 1e9]
    for number in () if dry_run else old:
        (folder() / f"{number}.eml").unlink(missing_ok=True)
    return len(old)


def _numbers(place: Path) -> list[int]:
    """Numbers of the kept mails, newest first."""
    return sorted((int(path.stem) for path in place.glob("*.eml") if path.stem.isdecimal()), reverse=True)


def may_read_mail(user: User) -> bool:
    """Only import admins of all schools: a person who reads these can set the password of the account a mail is for."""
    return can(user, Capability.SETTINGS) and visible_school_ids(user) is None


def kept_for(user: User) -> list[Kept]:
    """The mails this user may read, newest first: none addressed to a person with more rights than the user."""
    mails = list(_all_kept())
    hidden = _addresses_of_people_with_more(user, {address.lower() for mail in mails for address in mail.to})
    return [mail for mail in mails if hidden.isdisjoint(address.lower() for address in mail.to)]


def _all_kept() -> Iterator[Kept]:
    place, masters = folder(), master_keys()
    for number in _numbers(place):
        with suppress(FileNotFoundError):
            data = (place / f"{number}.eml").read_bytes()
            try:
                yield _parsed(number, opened_bytes(data, mail_name(f"{number}.eml"), masters))
            except (UnknownKeyError, DamagedError) as error:
                logger.warning("a kept mail cannot be read (%s)", type(error).__name__)
                yield Kept(number, (), "(cannot be read)", _UNREADABLE)


def _parsed(number: int, data: bytes) -> Kept:
    message: Any = email.message_from_bytes(data, policy=email.policy.default)
    body = message.get_body(("plain", "html"))
    addresses = message["To"].addresses if message["To"] else ()
    to = tuple(address.addr_spec for address in addresses)
    return Kept(number, to, str(message["Subject"] or ""), body.get_content() if body else "")


def _addresses_of_people_with_more(reader: User, addresses: set[str]) -> set[str]:
    """Those of the addresses (lower case) that belong to an account with a permission the reader lacks.

    A person who reads a password link can sign in as that account, so readers must not gain rights this way.
    """
    if getattr(reader, "is_superuser", False):
        return set()
    entries = EmailAddress.objects.annotate(address=Lower("email")).filter(address__in=addresses)
    pairs = list(entries.values_list("user_id", "address"))
    people = get_user_model()._default_manager.annotate(address=Lower("email"))
    pairs += people.filter(address__in=addresses).values_list("pk", "address")
    owners = people.filter(pk__in={pk for pk, _address in pairs})
    own = own_permissions(reader)
    loaded = owners.prefetch_related("groups__permissions", "user_permissions")
    more = {person.pk for person in loaded if has_more(person, reader, own)}
    return {address for pk, address in pairs if pk in more}


def remove_naming(names: Callable[[str], bool], *, dry_run: bool) -> int:
    """Remove mails whose text, subject or addresses match `names`, or count them (see sisimport.erasing)."""
    found = [mail.number for mail in _all_kept() if names("\n".join((mail.subject, mail.text, *mail.to)))]
    for number in () if dry_run else found:
        (folder() / f"{number}.eml").unlink(missing_ok=True)
    return len(found)
