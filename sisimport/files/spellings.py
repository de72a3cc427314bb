"""Everyday spellings of codes (K for KN, Female for F), and those too ambiguous to be read: tables in spellings.toml."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

_TABLES: Final = Path(__file__).with_name("spellings.toml")
_OF_FIELD: Final = "of_field"
_EXTENDS: Final = "extends"
_GRADE: Final = "grade 1"
_NOTHING: Final[Mapping[str, str]] = MappingProxyType({})


@cache
def _tables() -> dict[str, dict[str, str]]:
    return tomllib.loads(_TABLES.read_text(encoding="utf-8"))


def set_of(codes: str | None, field: str | None) -> str | None:
    """The code set whose spellings a column uses: its own, or the one declared for its field."""
    return codes or _tables()[_OF_FIELD].get(field or "")


def is_grade(spellings: Mapping[str, str]) -> bool:
    """Are these the spellings of a column of grades?"""
    return _GRADE in spellings


@cache
def word_of(name: str, code: str) -> str:
    """The usual word for a code of the set `name` ("language", "pan" -> "Punjabi"); the code itself if none is known."""
    words = (word for word, meant in _tables().get(name, {}).items() if meant == code and len(word) > len(code))
    return next(words, code)


def spellings_of(
    name: str | None, codes: Mapping[str, str] | None, own: Mapping[str, Mapping[str, str]]
) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Spelling -> code, and ambiguous spelling -> its choices, both by casefolded spelling.

    `codes` are those that the column knows: spellings lead only to these. `own` are a district's code sets.
    """
    if name is None:
        return _NOTHING, _NOTHING
    spelled: dict[str, str] = {}
    unclear: dict[str, str] = {}
    for table in _with_extended(name):
        spelled |= {**_tables().get(table, {}), **own.get(f"{table}_spellings", {})}
        unclear |= {**_tables().get(f"{table}_unclear", {}), **own.get(f"{table}_unclear", {})}
    code_of = {text.casefold(): code for text, code in spelled.items() if codes is None or code in codes}
    doubtful = {text.casefold(): choices for text, choices in unclear.items()}
    return MappingProxyType(code_of), MappingProxyType({t: c for t, c in doubtful.items() if t not in code_of})


def _with_extended(name: str) -> list[str]:
    """The set, preceded by the set that it extends."""
    wider = _tables()[_EXTENDS].get(name)
    return [wider, name] if wider else [name]
