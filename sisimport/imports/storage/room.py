"""Disk room for runs and uploads: what a run needs, whether it is available, and what administrators see of it."""

from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from sisimport.runtime import disk, postgres

# Staged rows, plan, issues and the database's log of them, for each byte of the file (measured: docs/how-to/deploy.md).
RUN_FACTOR = 15
LOW = 1 << 30  # administrators are warned below this, or below a tenth of a smaller disk


@dataclass(frozen=True, slots=True)
class Place:
    """A disk that the product writes to. `low`: administrators should free space."""

    label: str
    room: disk.Room
    holds_database: bool = False

    @property
    def low(self) -> bool:
        return self.room.free < min(LOW, self.room.total // 10)

    @property
    def free(self) -> str:
        return disk.shown(self.room.free)

    @property
    def total(self) -> str:
        return disk.shown(self.room.total)


def places() -> list[Place]:
    """The disks of uploads and of the embedded database, without duplicates. A database elsewhere cannot be seen from here."""
    folders = {"uploaded files": Path(settings.DATA_DIR)}
    if settings.EMBEDDED:
        folders["the database"] = postgres.server_folder(settings.DATA_DIR)
    found: dict[int, Place] = {}
    for label, folder in folders.items():
        try:
            room = disk.room_at(folder)
            device = room.path.stat().st_dev
        except OSError:
            continue
        before = found.get(device)
        both = f"{before.label} and {label}" if before else label
        found[device] = Place(both, room, holds_database=label == "the database")
    return list(found.values())


def run_needs(size: int) -> int:
    """Estimated bytes that a run of a file of this size may take while it is executed."""
    return RUN_FACTOR * size


def lack_for_run(size: int) -> str:
    """A sentence if there is no room to run a file of `size` bytes, else blank."""
    return _lack([place for place in places() if place.holds_database], run_needs(size), "this run needs about")


def lack_for_upload(size: int) -> str:
    """Like `lack_for_run`, for keeping an upload."""
    return _lack(places(), size, "the file needs")


def full_sentence() -> str:
    """The message about a disk that is full, or was a moment ago."""
    place = min(places(), key=lambda place: place.room.free, default=None)
    free = f" ({place.free} of {place.total} free)" if place else ""
    return f"The server's disk is full{free}. Your administrator has to make room."


def is_full() -> bool:
    return any(place.room.is_full for place in places())


def _lack(among: list[Place], needed: int, what: str) -> str:
    for place in among:
        if place.room.free < needed + place.room.reserve:
            wanted = disk.shown(needed + place.room.reserve)
            return (
                f"The server's disk has no room: {place.free} of {place.total} are free for {place.label}, and {what} "
                f"{wanted}. Your administrator has to make room."
            )
    return ""
