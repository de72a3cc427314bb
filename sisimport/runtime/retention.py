"""How long things are kept: each app says what it keeps, for how many days by settings, and how what is older is removed.

    register_kept(Kept("mails", "kept mails", days=lambda: settings.KEEP_MAILS_DAYS, remove=remove_old))

Knows no app. Who removes, and when: `sisimport.imports.storage.retention`.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kept:
    """One kind of thing that is kept for a while.

    days: how many; 0 for good
    remove: removes what is older than a moment, or with `dry_run` only counts it; returns how much that is
    """

    kind: str
    label: str
    days: Callable[[], int]
    remove: Callable[[dt.datetime, bool], int]

    def limit(self, now: dt.datetime) -> dt.datetime | None:
        """What is older is to be removed; None: nothing ever is."""
        days = self.days()
        return now - dt.timedelta(days=days) if days > 0 else None

    def until(self, since: dt.datetime | None) -> dt.datetime | None:
        """Until when something of that moment is kept; None: for good."""
        days = self.days()
        return since + dt.timedelta(days=days) if since is not None and days > 0 else None


_kept: dict[str, Kept] = {}


def register_kept(kept: Kept) -> None:
    """Have it removed when its time has come. Raises ValueError for a name that is taken."""
    if kept.kind in _kept:
        raise ValueError(f"kept kind {kept.kind!r} is registered twice")
    _kept[kept.kind] = kept


def all_kept() -> list[Kept]:
    return list(_kept.values())


def kept_kind(kind: str) -> Kept:
    """Raises KeyError."""
    return _kept[kind]
