"""School years, which begin in July: `spring` is the calendar year in which one ends."""

import datetime as dt
import re
from typing import Final

from django.utils import timezone

_NEW_YEAR_MONTH: Final = 7
FIRST_YEAR, LAST_YEAR = 2010, 2099  # by their spring: anything before or after is a typo
_WRITTEN = re.compile(r"([0-9]{4})-([0-9]{2}|[0-9]{4})")


class NotASchoolYearError(ValueError):
    """The text names no school year; it says how to write one."""


def spring_of(day: dt.date) -> int:
    """2026 for days from July 2025 to June 2026."""
    return day.year + (day.month >= _NEW_YEAR_MONTH)


def school_year_of(day: dt.date) -> str:
    """`2025-2026` for days from July 2025 to June 2026."""
    return full_label(spring_of(day))


def current_school_year() -> str:
    return school_year_of(timezone.localdate())


def last_day_of_next(today: dt.date) -> dt.date:
    """The last day of the next school year, for which students are enrolled ahead."""
    return dt.date(spring_of(today) + 1, 6, 30)


def full_label(spring: int) -> str:
    """2026 -> `2025-2026`."""
    return f"{spring - 1}-{spring}"


def year_label(spring: int) -> str:
    """2026 -> `2025-26`."""
    return f"{spring - 1}-{spring % 100:02d}"


def read_school_year(text: str) -> int:
    """`2025-26` or `2025-2026` -> 2026. Raises NotASchoolYearError."""
    match = _WRITTEN.fullmatch(text.strip())
    if match:
        spring = int(match[1]) + 1
        if text.strip() in {year_label(spring), full_label(spring)} and FIRST_YEAR <= spring <= LAST_YEAR:
            return spring
    raise NotASchoolYearError(f"{text[:20]} is not a school year. Enter it as 2025-26.")
