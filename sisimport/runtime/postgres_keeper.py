"""Keeping the embedded PostgreSQL of `script/server` running, even on disks that fill up.

On a full disk PostgreSQL stops (it cannot write its log), and its recovery also needs room. That is not a reason to exit: it is
reported once, and the start is retried until there is room.
"""

import contextlib
import errno
import os
import time
from collections.abc import Callable, Iterator

from sisimport.runtime import disk, postgres

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 5.0  # seconds; the site is back this soon after there is room


class Keeper:
    """Starts the server of a data directory, and again whenever it ended. `say`: takes one sentence."""

    def __init__(self, data_dir: str | os.PathLike[str], say: Callable[[str], None]) -> None:
        self._data_dir = data_dir
        self._say = say
        self._cause = ""
        self._pause = FIRST_PAUSE
        self._next_try = 0.0

    @property
    def waits(self) -> bool:
        """Whether the server is down and cannot be started: programs that depend on it may fail until then."""
        return bool(self._cause)

    @contextlib.contextmanager
    def running(self) -> Iterator[str]:
        """Like `embedded.running`, but waits for room on the disk. Raises EmbeddedError if anything else is wrong."""
        with contextlib.ExitStack() as stack:
            while True:
                try:
                    self._refuse_full_disk()  # PostgreSQL may start on one but then accept no session
                    url = stack.enter_context(postgres.running(self._data_dir))
                except (postgres.EmbeddedError, OSError) as error:
                    if not self._lacks_room(error):
                        raise
                    self._failed(error)
                    time.sleep(self._pause)
                else:
                    self._started()
                    break
            yield url

    def look_after(self) -> None:
        """Start the server again if it ended, unless the last try was a moment ago. Raises nothing."""
        if time.monotonic() < self._next_try:
            return
        try:
            revived = postgres.revive(self._data_dir)
        except (postgres.EmbeddedError, OSError) as error:
            self._failed(error)
            return
        if revived or self.waits:
            self._say("PostgreSQL had stopped; it was started again.")
        self._started()

    def _refuse_full_disk(self) -> None:
        if self._is_full():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def _started(self) -> None:
        self._cause, self._pause, self._next_try = "", FIRST_PAUSE, 0.0

    def _failed(self, error: Exception) -> None:
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
        self._next_try = time.monotonic() + self._pause
        cause = "room" if self._lacks_room(error) else str(error)
        if cause == self._cause:
            return
        self._cause = cause
        if cause == "room":
            room = disk.room_at(postgres.server_folder(self._data_dir))
            self._say(
                f"The disk is full ({disk.shown(room.free)} of {disk.shown(room.total)} free): PostgreSQL cannot run. "
                "It is started as soon as there is room; nothing is lost."
            )
        else:
            self._say(f"PostgreSQL stopped and cannot be started; this is tried again until it can. {error}")

    def _lacks_room(self, error: Exception) -> bool:
        """Whether the error or the disk itself shows a lack of room: a full disk may have kept PostgreSQL from logging why it
        ended."""
        return disk.says_full(error) or disk.text_says_full(str(error)) or self._is_full()

    def _is_full(self) -> bool:
        with contextlib.suppress(OSError):
            return disk.room_at(postgres.server_folder(self._data_dir)).is_full
        return False
