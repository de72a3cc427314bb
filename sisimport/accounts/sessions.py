"""How long a session lasts: it ends after a period without requests, and after some hours in any case."""

import datetime as dt
import time
from collections.abc import Callable
from typing import Any

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import SESSION_KEY, logout
from django.contrib.sessions.models import Session
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from students.sessions import end_sessions

_BEGAN, _SEEN, _ENDED = "began", "seen", "ended"
_NOTED_EVERY = 60  # seconds, so that activity is not written at every request
# Requested automatically by an open page, not by its reader.
_BY_ITSELF = frozenset({"run_status"})


class SessionLimits:
    """Ends a session that was idle for SESSION_IDLE_SECONDS or is older than SESSION_COOKIE_AGE. 0 means no limit."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if SESSION_KEY in request.session and (why := self._over(request)):
            logout(request)
            request.session[_ENDED] = why
        return self.get_response(request)

    def _over(self, request: HttpRequest) -> str:
        now, kept = time.time(), request.session
        idle, most = settings.SESSION_IDLE_SECONDS, settings.SESSION_COOKIE_AGE
        if _BEGAN not in kept:
            return ""  # just begun, or begun before an update: noted below
        if idle and now - kept.get(_SEEN, now) > idle:
            return "idle"
        return "age" if most and now - kept[_BEGAN] > most else ""

    def process_view(self, request: HttpRequest, *_view: Any) -> None:
        if not settings.SESSION_IDLE_SECONDS or SESSION_KEY not in request.session or not request.user.is_authenticated:
            return
        match, now, kept = request.resolver_match, time.time(), request.session
        if match is None or match.url_name in _BY_ITSELF:
            return
        if _BEGAN not in kept:
            kept[_BEGAN] = now
            UserSession.objects.create_from_request(request)
        if now - kept.get(_SEEN, 0) > _NOTED_EVERY:
            kept[_SEEN] = now
            UserSession.objects.filter(session_key=kept.session_key).update(last_seen_at=timezone.now())


def why_ended(request: HttpRequest) -> str:
    """Why the session before this one ended automatically: `idle`, `age`, or nothing. Reported once."""
    return str(request.session.pop(_ENDED, ""))


def end_others_after_change(request: HttpRequest, user: Any, **_signal: Any) -> None:
    """A second factor was added or removed: the user's other sessions must sign in again, with it."""
    end_sessions(user, but=request.session.session_key)


def remove_ended(before: dt.datetime, dry_run: bool) -> int:
    """Remove sessions that ended before that moment, or count them. Returns how many."""
    ended = Session.objects.filter(expire_date__lt=before)
    if dry_run:
        return ended.count()
    removed = ended.delete()[0]
    UserSession.objects.filter(last_seen_at__lt=before).exclude(session_key__in=Session.objects.values("pk")).delete()
    return removed
