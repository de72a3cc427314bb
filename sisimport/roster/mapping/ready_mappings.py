"""Mappings that the product brings: exports of widespread systems, whose columns nobody has to choose.

They lack what no file of such a system says: the district, and which school a number of that system is.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from sisimport.files.layouts import normalise_header

_FOLDER: Final = Path(__file__).with_name("ready")


@dataclass(frozen=True, slots=True)
class Ready:
    """`columns`: field of the roster -> column of the file."""

    key: str
    title: str
    columns: Mapping[str, str]


@cache
def all_ready() -> tuple[Ready, ...]:
    found = []
    for path in sorted(_FOLDER.glob("*.toml")):
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        found.append(Ready(path.stem, data["title"], data["columns"]))
    return tuple(found)


def ready_for(header: Iterable[str]) -> Ready | None:
    """The ready mapping whose columns, spelled as that system spells them, all are in the header; the widest of several."""
    names = {name.strip().casefold() for name in header}
    fitting = [one for one in all_ready() if names.issuperset(name.casefold() for name in one.columns.values())]
    return max(fitting, key=lambda one: len(one.columns), default=None)


def column_in(header: Iterable[str], name: str) -> str | None:
    """The column of the header that is called so, as the header writes it."""
    plain = normalise_header(name)
    return next((one for one in header if normalise_header(one) == plain), None)
