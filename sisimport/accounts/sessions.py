"""Sign-ins on record."""

import datetime as dt

from django.contrib.sessions.models import Session


def remove_ended(before: dt.datetime, dry_run: bool) -> int:
    """Remove sessions that ended before that moment, or count them. Returns how many that is."""
    ended = Session.objects.filter(expire_date__lt=before)
    return ended.count() if dry_run else ended.delete()[0]
