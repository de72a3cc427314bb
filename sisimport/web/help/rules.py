"""Which rules of which import types report which code, read from the declarations that runs use."""

import functools
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.core.cache import cache

from sisimport.files.issues import Severity, codes
from sisimport.imports.definition.import_type import ImportType
from sisimport.imports.definition.registry import get_type, listed_types
from sisimport.imports.reference import rules_of

_PLACE = re.compile(r"\{(\w+)[^{}]*\}")
_NAMES = {"found": "what the file has", "expected": "what is expected"}
_SOMETIMES = {"hint_text", "warning"}  # not always part of the message


def with_names(message: str) -> str:
    """The template of a message with a name in each placeholder: `[what the file has]`, `[field]`."""

    def name(place: re.Match[str]) -> str:
        return "" if place[1] in _SOMETIMES else f"[{_NAMES.get(place[1], place[1].replace('_', ' '))}]"

    named = _PLACE.sub(name, message).strip()
    return named[:1].upper() + named[1:]


@dataclass(frozen=True, slots=True)
class Raised:
    """A rule as used by one import type."""

    import_type: ImportType
    code: str
    number: str
    severity: Severity

    @property
    def title(self) -> str:
        return codes.get(self.code).title if self.code in codes else self.code


@dataclass(frozen=True, slots=True)
class Grouped:
    """A rule that several import types share: one row of a table."""

    number: str
    severity: Severity
    code: str
    title: str
    import_types: Sequence[ImportType]


def raised_by(import_type: ImportType) -> list[Raised]:
    """The rules of a type, in the order of their numbers."""
    found = [Raised(import_type, code, number, Severity(level)) for code, number, level in _known(import_type.key)]
    return sorted(found, key=lambda raised: (raised.number, -raised.severity, raised.code))


def all_raised() -> list[Raised]:
    """The rules of every type on the screens."""
    return [raised for import_type in listed_types() for raised in raised_by(import_type)]


def grouped(found: Sequence[Raised]) -> list[Grouped]:
    """One row for each rule, severity and code, with the types that use it."""
    rows: dict[tuple[str, Severity, str], list[Raised]] = defaultdict(list)
    for raised in found:
        rows[raised.number, raised.severity, raised.code].append(raised)
    return [
        Grouped(number, severity, code, same[0].title, [raised.import_type for raised in same])
        for (number, severity, code), same in sorted(rows.items(), key=lambda row: (row[0][0], -row[0][1], row[0][2]))
    ]


def numbers() -> dict[str, str]:
    """Every rule's number with the issues it reports, for the index and the search."""
    titles: dict[str, dict[str, None]] = defaultdict(dict)
    for raised in all_raised():
        if raised.number:
            titles[raised.number][raised.title] = None
    return {number: "; ".join(texts) for number, texts in sorted(titles.items())}


# ---- finding them out ----

# This runs the declarations of a type for every choice of its options, two seconds for all types, so it is done once
# for all processes.
_Said = tuple[str, str, int]  # code, number, severity
_kept: dict[str, list[_Said]] = {}  # of this process, by import type


def _known(type_key: str) -> list[_Said]:
    if type_key not in _kept:
        shared = cache.get_many([_cache_key(kind.key) for kind in listed_types()])
        for kind in listed_types():
            if _cache_key(kind.key) in shared:
                _kept[kind.key] = shared[_cache_key(kind.key)]
    if type_key not in _kept:
        _kept[type_key] = [(rule.code, rule.number, int(rule.severity)) for rule in rules_of(get_type(type_key))]
        cache.set(_cache_key(type_key), _kept[type_key], _KEPT_SECONDS)
    return _kept[type_key]


def _cache_key(type_key: str) -> str:
    return f"help-rules-{_edition()}-{type_key}"


@functools.cache
def _edition() -> str:
    """A text that changes with every release, and with every unreleased change of the code."""
    paths = (path for app in _APPS for path in Path(settings.BASE_DIR, app).rglob("*.py"))
    return f"{max((path.stat().st_mtime for path in paths), default=0):.0f}"


_APPS = ("sisimport", "ssid", "assessments")
_KEPT_SECONDS = 30 * 24 * 3600
