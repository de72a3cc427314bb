"""Codes of other systems (OneRoster, PowerSchool, Aeries, ISO 639) as ours: tables in foreign_codes.toml.

`spellings.toml` knows what means the same everywhere. Here stands what means one thing in the files of one system: PS is
postsecondary in OneRoster and preschool at the state. Read a file's values by the table of its system before they are read
as codes.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

_TABLES: Final = Path(__file__).with_name("foreign_codes.toml")
_UNCLEAR: Final = "_unclear"


@dataclass(frozen=True, slots=True)
class ForeignCodes:
    """One table of a system, by casefolded code. `codes`: ours, "" for not known; `unclear`: the choices that one leaves."""

    codes: Mapping[str, str] = field(default_factory=dict)
    unclear: Mapping[str, str] = field(default_factory=dict)

    def read(self, text: str) -> str | None:
        """Our code ("" for the system's word for not known); the text itself where the table does not name it.

        None: the code leaves a choice, which `unclear_choices` says.
        """
        folded = text.strip().casefold()
        return None if folded in self.unclear else self.codes.get(folded, text.strip())

    def unclear_choices(self, text: str) -> str:
        """What a code may mean, for a message; blank for one that is clear."""
        return self.unclear.get(text.strip().casefold(), "")


@cache
def _tables() -> dict[str, dict[str, dict[str, Any]]]:
    return tomllib.loads(_TABLES.read_text(encoding="utf-8"))


def systems() -> list[str]:
    """Keys of the systems that have tables."""
    return sorted(_tables())


@cache
def foreign_codes(system: str, what: str) -> ForeignCodes:
    """The table of a system ("oneroster") for a kind of code ("grade", "gender", "language"); an empty one where none is."""
    tables = _tables().get(system, {})
    return ForeignCodes(_folded(tables.get(what, {})), _folded(tables.get(f"{what}{_UNCLEAR}", {})))


def _folded(table: Mapping[str, str]) -> Mapping[str, str]:
    return MappingProxyType({code.casefold(): meant for code, meant in table.items()})
