"""Exports that can be made as a file without a person asking each time: domains offer them in modules named
`deliverables`.

A deliverable writes its file and logs it in the record of access; when and where to is decided elsewhere
(sisimport.automation).
"""

import datetime as dt
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import IO, Any

from django.utils.module_loading import autodiscover_modules

from sisimport.imports.engine.sql import fetch_one


class ExportRefusedError(Exception):
    """The export cannot be made as requested; the text says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is requested, and by whom. schools: internal ids, None for all. school_year: as 2023-24; empty: all.

    since, until: the period, for a deliverable that is `since_last`. options: its choices; those left out take the
    default.
    """

    user: Any
    schools: Collection[int] | None
    school_year: str = ""
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Counts:
    """Counts of a written file."""

    rows: int
    students: int


@dataclass(frozen=True, slots=True)
class Choice:
    """An option: `values` with their labels, or any text. The first value, or `usual`, is the default."""

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
    """An export. endings: of its files, the default first. by_year: can be limited to a school year.

    since_last: contains what changed since the last one. write: into a stream, by ending; the last argument says for
    the log how it leaves; raises ExportRefusedError.
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
    """By key, in listing order."""
    autodiscover_modules("deliverables")
    return {one.key: one for one in sorted(_offered.values(), key=lambda one: (one.order, one.label))}


def settled_until() -> dt.datetime:
    """A time before which everything written can be read: all transactions still writing began later.

    Queried with the rights of the tables' owner (migration 0004 of the record of access); if the owner may not see the
    sessions of other database roles, those are given five minutes.
    """
    (moment,) = fetch_one("SELECT sis_settled_until()", [])
    settled: dt.datetime = moment
    return settled
