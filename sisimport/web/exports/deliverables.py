"""What can leave as a file without anybody asking for it each time: domains offer it in modules named `deliverables`.

A deliverable writes its file and puts it on record; when, and to which place, is decided elsewhere (sisimport.automation).
"""

import datetime as dt
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import IO, Any

from django.utils.module_loading import autodiscover_modules

from sisimport.imports.engine.sql import fetch_one


class ExportRefusedError(Exception):
    """The export cannot be made as asked; the text says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is asked for, by whom. schools: internal ids, None for all. school_year: as 2023-24; empty: all.

    since, until: the period, of a deliverable that is `since_last`. options: its choices, those left out as usual.
    """

    user: Any
    schools: Collection[int] | None
    school_year: str = ""
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Counts:
    """Of a file that was written."""

    rows: int
    students: int


@dataclass(frozen=True, slots=True)
class Choice:
    """An option: `values` with their words, or any text. The first value, or `usual`, is taken when it is left out."""

    key: str
    label: str
    values: tuple[tuple[str, str], ...] = ()
    usual: str = ""
    hint: str = ""

    @property
    def default(self) -> str:
        return self.values[0][0] if self.values else self.usual


@dataclass(frozen=True, kw_only=True)
class Deliverable:
    """An export. endings: of its files, the usual one first. by_year: can be narrowed to a school year.

    since_last: holds what changed since the last one. write: into a stream, by ending, the way it leaves for the record; raises
    ExportRefusedError.
    """

    key: str
    label: str
    endings: tuple[str, ...]
    write: Callable[[Asked, IO[bytes], str, str], Counts]
    by_year: bool = True
    since_last: bool = False
    choices: tuple[Choice, ...] = ()
    order: int = 50


_offered: dict[str, Deliverable] = {}


def register_deliverable(*offers: Deliverable) -> None:
    """Raises ValueError for a key that is taken."""
    for offer in offers:
        if offer.key in _offered:
            raise ValueError(f"deliverable {offer.key!r} is registered twice")
        _offered[offer.key] = offer


@cache
def deliverables() -> Mapping[str, Deliverable]:
    """By key, in the order in which they are listed."""
    autodiscover_modules("deliverables")
    return {one.key: one for one in sorted(_offered.values(), key=lambda one: (one.order, one.label))}


def settled_until() -> dt.datetime:
    """A moment before which everything that was written can be read: whoever still writes began later.

    Asked with the rights of the tables' owner (migration 0004 of the record of access); where that one may not see the sessions
    of other database roles, they get five minutes.
    """
    (moment,) = fetch_one("SELECT sis_settled_until()", [])
    settled: dt.datetime = moment
    return settled
