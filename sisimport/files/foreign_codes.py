"""Translation of other systems' codes (OneRoster, PowerSchool, Aeries, ISO 639) into ours: tables in foreign_codes.toml.

`spellings.toml` has spellings that mean the same everywhere. These tables have those specific to one system's files: PS is
postsecondary in OneRoster and preschool at the state. A file's values must be translated by its system's table before they are
read as codes.
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
    """One table of a system, by casefolded code. `codes`: our code, "" for not known; `unclear`: the choices for an ambiguous
    code."""

    codes: Mapping[str, str] = field(default_factory=dict)
    unclear: Mapping[str, str] = field(default_factory=dict)

    def read(self, text: str) -> str | None:
        """Our code ("" for the system's word for not known); the text itself if it is not in the table.

        None: the code is ambiguous; see `unclear_choices`.
        """
        folded = text.strip().casefold()
        return None if folded in self.unclear else self.codes.get(folded, text.strip())

    def unclear_choices(self, text: str) -> str:
        """The possible meanings of a code, for a message; blank for an unambiguous one."""
        return self.unclear.get(text.strip().casefold(), "")


@cache
def _tables() -> dict[str, dict[str, dict[str, Any]]]:
    return tomllib.loads(_TABLES.read_text(encoding="utf-8"))


def systems() -> list[str]:
    """Keys of the systems that have tables."""
    return sorted(_tables())


@cache
def foreign_codes(system: str, what: str) -> ForeignCodes:
    """The table of a system ("oneroster") for a kind of code ("grade", "gender", "language"); an empty table if there is none."""
    tables = _tables().get(system, {})
    return ForeignCodes(_folded(tables.get(what, {})), _folded(tables.get(f"{what}{_UNCLEAR}", {})))


def _folded(table: Mapping[str, str]) -> Mapping[str, str]:
    return MappingProxyType({code.casefold(): meant for code, meant in table.items()})
