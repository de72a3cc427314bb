"""School years, which begin in July."""

import datetime as dt

from django.utils import timezone

NEW_YEAR_MONTH = 7


def school_year_of(day: dt.date) -> str:
    """`2025-2026` for days from July 2025 to June 2026."""
    first = day.year if day.month >= NEW_YEAR_MONTH else day.year - 1
    return f"{first}-{first + 1}"


def current_school_year() -> str:
    return school_year_of(timezone.localdate())
