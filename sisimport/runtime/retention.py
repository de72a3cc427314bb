"""Retention periods: each app declares the data it keeps, for how many days by settings, and how older data is removed.

    register_kept(Kept("mails", "kept mails", days=lambda: settings.KEEP_MAILS_DAYS, remove=remove_old))

Independent of all apps. The removal is done by `sisimport.imports.storage.retention`.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kept:
    """One kind of data with a retention period.

    days: how many; 0 for permanently
    remove: removes data older than a moment, or with `dry_run` only counts it; returns how much that is
    """

    kind: str
    label: str
    days: Callable[[], int]
    remove: Callable[[dt.datetime, bool], int]

    def limit(self, now: dt.datetime) -> dt.datetime | None:
        """Data older than this is to be removed; None: never."""
        days = self.days()
        return now - dt.timedelta(days=days) if days > 0 else None

    def until(self, since: dt.datetime | None) -> dt.datetime | None:
        """Until when data from that moment is kept; None: permanently."""
        days = self.days()
        return since + dt.timedelta(days=days) if since is not None and days > 0 else None


_kept: dict[str, Kept] = {}


def register_kept(kept: Kept) -> None:
    """Register data to remove after its period. Raises ValueError for a name that is taken."""
    if kept.kind in _kept:
        raise ValueError(f"kept kind {kept.kind!r} is registered twice")
    _kept[kept.kind] = kept


def all_kept() -> list[Kept]:
    return list(_kept.values())


def kept_kind(kind: str) -> Kept:
    """Raises KeyError."""
    return _kept[kind]
