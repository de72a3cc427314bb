"""Options of an import type in words."""

from typing import Any

from students.models import School

_NAMED_SCHOOLS = 3


def option_text(option: Any, value: str) -> str:
    if option.picks_schools:
        return _school_names(value)
    return next((choice.label for choice in option.choices if choice.value == value), value or "none")


def _school_names(codes: str) -> str:
    """`Cedar High, Elm Middle and 3 more`."""
    chosen = codes.split(",") if codes else []
    if not chosen:
        return "all"
    names = dict(School.objects.filter(code__in=chosen).values_list("code", "name"))
    shown = sorted(names.get(code) or code for code in chosen)
    more = len(shown) - _NAMED_SCHOOLS
    return ", ".join(shown[:_NAMED_SCHOOLS]) + (f" and {more} more" if more > 0 else "")
