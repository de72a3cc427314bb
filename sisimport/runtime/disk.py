"""Room on the disks that the product writes to, and which errors mean that a disk is full. Independent of Django."""

import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
SQLSTATE_DISK_FULL = "53100"
NO_ROOM_TEXTS = ("No space left on device", "Disk quota exceeded")
MEBIBYTE = 1 << 20
# Space kept free for work in progress: PostgreSQL stops when it cannot write its log. A twentieth of small volumes.
MOST_RESERVED = 64 * MEBIBYTE


@dataclass(frozen=True, slots=True)
class Room:
    """A disk as seen from one folder, in bytes. `reserve`: with less than that free it counts as full."""

    path: Path
    free: int
    total: int

    @property
    def reserve(self) -> int:
        return min(MOST_RESERVED, self.total // 20)

    @property
    def is_full(self) -> bool:
        return self.free < self.reserve


def room_at(path: Path) -> Room:
    """The disk of a folder, or of the nearest one above it that exists."""
    while not path.exists() and path != path.parent:
        path = path.parent
    found = os.statvfs(path)
    return Room(path, free=found.f_bavail * found.f_frsize, total=found.f_blocks * found.f_frsize)


def says_full(error: BaseException) -> bool:
    """Whether an error, or one of its causes, means that a disk is full, ours or PostgreSQL's."""
    return any(
        (isinstance(one, OSError) and one.errno in NO_ROOM)
        or (getattr(one, "sqlstate", None) or getattr(one, "pgcode", None)) == SQLSTATE_DISK_FULL
        for one in causes(error)
    )


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and its causes."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def text_says_full(text: str) -> bool:
    """Whether a program's log says that a disk is full."""
    return any(words in text for words in NO_ROOM_TEXTS)


def shown(size: int) -> str:
    """`3.1 MB`; in whole numbers from ten on."""
    for unit, factor in (("GB", 1 << 30), ("MB", 1 << 20)):
        if size >= factor:
            value = size / factor
            return f"{value:.0f} {unit}" if value >= 10 else f"{value:.1f} {unit}"
    return f"{size / 1024:.0f} kB"
