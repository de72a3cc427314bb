"""Dates and times as screens write them: one American format, in the district's time zone (`TIME_ZONE`). Files keep ISO
8601."""

import datetime as dt
import re

from django.utils import timezone

_DAY = r"(\d{4})-(\d{2})-(\d{2})"
_ISO_DAY = re.compile(rf"(?<![\w./-]){_DAY}(?![\w/-])")
_ISO_MOMENT = re.compile(rf"{_DAY}[T ]\d{{2}}:\d{{2}}.*")


def local_day(value: dt.date | dt.datetime) -> dt.date:
    """The day in the district, which in the evening differs from that of UTC."""
    return timezone.localtime(value).date() if isinstance(value, dt.datetime) else value


def day_text(value: dt.date | dt.datetime) -> str:
    """`11/27/2026`."""
    day = local_day(value)
    return f"{day.month}/{day.day}/{day.year}"


def moment_text(value: dt.datetime) -> str:
    """`11/27/2026, 4:24 PM`."""
    local = timezone.localtime(value)
    return f"{day_text(value)}, {local.hour % 12 or 12}:{local:%M} {'AM' if local.hour < 12 else 'PM'}"


def screen_dates(text: str) -> str:
    """A text with its ISO dates rewritten in screen format, or an ISO date and time if the text is one. Anything that
    is not a date stays."""
    if _ISO_MOMENT.fullmatch(text):
        try:
            value = dt.datetime.fromisoformat(text)
        except ValueError:
            return text
        return moment_text(value if timezone.is_aware(value) else timezone.make_aware(value))
    return _ISO_DAY.sub(_american, text)


def _american(found: re.Match[str]) -> str:
    try:
        return day_text(dt.date(*map(int, found.groups())))
    except ValueError:
        return found[0]
