"""Numbers of results as pages write them."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django import template
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from assessments.results.beside import BesideRow, Figure
from assessments.results.shapes import LevelOf
from students.school_years import year_label

register = template.Library()
_BANDS = 4
_MINUS = "−"


@register.filter
def between_words(text: str) -> SafeString:
    """The text, breakable after a slash too: `Somewhat/Moderately` is wider than a year's column."""
    return format_html_join(SafeString("/<wbr>"), "{}", ((part,) for part in str(text).split("/")))


@register.filter
def school_year(year: int) -> str:
    return year_label(year)


@register.filter
def elapsed(since: dt.date, unit: str) -> str:
    """`108 days`, `6 years`: full units from a day until today."""
    today = timezone.localdate()
    years = today.year - since.year - ((today.month, today.day) < (since.month, since.day))
    n = (today - since).days if unit == "days" else years
    return f"{n:,} {unit.removesuffix('s') if n == 1 else unit}"


@register.filter
def percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f}%"


@register.filter
def tenths(value: float | None) -> str:
    return "–" if value is None else f"{value:,.1f}"


@register.filter
def signed(value: float | None) -> str:
    """`+8.4`, `−3.1`: with a real minus sign."""
    if value is None:
        return "–"
    rounded = round(value, 1)
    return f"{_MINUS if rounded < 0 else '+' if rounded > 0 else ''}{abs(rounded):.1f}"


@register.filter
def signed_points(value: int) -> str:
    """`+12 points`, `−3 points`."""
    return f"{_MINUS if value < 0 else '+'}{abs(value)} {'point' if abs(value) == 1 else 'points'}"


@register.filter
def band(level: LevelOf, levels: Sequence[LevelOf]) -> int:
    """The color of a level: the two lowest of five share one."""
    return min(max(1, level.number - 1) if len(levels) > _BANDS else level.number, _BANDS)


@register.simple_tag
def delta(change: float | None, unit: str) -> SafeString | str:
    """A change with its direction as a sign and a word, not only by color."""
    if change is None:
        return ""
    rounded = round(change, 1)
    if not rounded:
        return format_html('<span class="delta">{}</span>', "no change")
    kind, sign, word = ("up", "▲", "up") if rounded > 0 else ("down", "▼", "down")
    return format_html(
        '<span class="delta {}"><span aria-hidden="true">{}</span><span class="visually-hidden">{}</span> {}{}</span>',
        kind,
        sign,
        word,
        f"{abs(rounded):.1f}",
        f" {unit}" if unit else "",
    )


@register.filter
def figures(row: BesideRow, places: Sequence[str]) -> list[tuple[str, Figure | None]]:
    """The figures of a row, each with its place."""
    return list(zip(places, row.figures, strict=True))


@register.simple_tag
def students_number(number: Any) -> SafeString | str:
    """A number of students, linked to their list; `value` is None if it is hidden."""
    if number.value is None:
        return format_html('<span class="hidden-cell">{}</span>', "Hidden")
    return format_html('<a href="{}">{}</a>', number.url, f"{number.value:,}") if number.url else f"{number.value:,}"
