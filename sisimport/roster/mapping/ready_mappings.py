"""Mappings that come with the product, for exports of common systems: no one has to choose their columns.

They lack what no file of such a system contains: the district, and which school each of its numbers means.
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
    """The ready mapping whose columns are all in the header, spelled as that system spells them; of several, the one
    with the most columns."""
    names = {name.strip().casefold() for name in header}
    fitting = [one for one in all_ready() if names.issuperset(name.casefold() for name in one.columns.values())]
    return max(fitting, key=lambda one: len(one.columns), default=None)


def column_in(header: Iterable[str], name: str) -> str | None:
    """The column of the header with this name, as the header spells it."""
    plain = normalise_header(name)
    return next((one for one in header if normalise_header(one) == plain), None)
