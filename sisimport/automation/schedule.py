"""Due times: a first one, then at an interval of minutes. Whole days keep the hour of the district's clock."""

import datetime as dt

from django.utils import timezone

DAY = 24 * 60


def last_due(first_at: dt.datetime, every_minutes: int, now: dt.datetime) -> dt.datetime | None:
    """The last due time that has passed; None before the first."""
    passed = _passed(first_at, every_minutes, now)
    return None if passed < 0 else _due(first_at, every_minutes, passed)


def next_due(first_at: dt.datetime, every_minutes: int, now: dt.datetime) -> dt.datetime:
    """The first due time after now."""
    return _due(first_at, every_minutes, max(0, _passed(first_at, every_minutes, now) + 1))


def first_due(at: dt.time | None, now: dt.datetime) -> dt.datetime:
    """The next time the district's clock shows this time of day; now if none is given."""
    if at is None:
        return now
    today = timezone.make_aware(dt.datetime.combine(timezone.localdate(now), at))
    return today if today >= now else _due(today, DAY, 1)


def _passed(first_at: dt.datetime, every_minutes: int, now: dt.datetime) -> int:
    """How many intervals have passed; less than 0 before the first."""
    guess = (now - first_at) // dt.timedelta(minutes=every_minutes) + 1  # an hour more or less if the clock was changed
    while guess >= 0 and _due(first_at, every_minutes, guess) > now:
        guess -= 1
    return guess


def _due(first_at: dt.datetime, every_minutes: int, count: int) -> dt.datetime:
    pause = dt.timedelta(minutes=every_minutes) * count
    if every_minutes % DAY:
        return first_at + pause
    return timezone.make_aware(timezone.make_naive(first_at) + pause)
