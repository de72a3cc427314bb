"""Ending the sessions of a person: one who was signed out or whose permissions changed has to sign in again."""

from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.utils import timezone


def end_sessions(person: Any, *, but: str | None = None) -> int:
    """End all sessions of a person on all devices, except the one with the key `but`; the number that ended.

    A session names its user in its data, so all open ones are searched: as many as there are people signed in.
    """
    open_now = Session.objects.filter(expire_date__gt=timezone.now()).exclude(pk=but).iterator(chunk_size=500)
    theirs = [one.pk for one in open_now if one.get_decoded().get(SESSION_KEY) == str(person.pk)]
    Session.objects.filter(pk__in=theirs).delete()
    return len(theirs)
