"""Keeping the embedded PostgreSQL of `script/server` up, on disks that fill up too.

On a full disk PostgreSQL stops (it cannot write its log), and what it recovers from needs room as well. That is not a reason
to end: it is reported once, and the start is tried again until there is room.
"""

import contextlib
import errno
import os
import time
from collections.abc import Callable, Iterator

from sisimport.runtime import disk, postgres

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 5.0  # seconds; so soon after there is room the site is back


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
        """Whether the server is down and cannot be started: what depends on it may fail meanwhile."""
        return bool(self._cause)

    @contextlib.contextmanager
    def running(self) -> Iterator[str]:
        """As `embedded.running`, but waits for room on the disk. Raises EmbeddedError when anything else is wrong."""
        with contextlib.ExitStack() as stack:
            while True:
                try:
                    self._refuse_full_disk()  # PostgreSQL may start on one and then take no session
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
            self._say("PostgreSQL had ended; it was started again.")
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
            self._say(f"PostgreSQL ended and cannot be started; it is tried again until it can. {error}")

    def _lacks_room(self, error: Exception) -> bool:
        """The program says so, or the disk does: a full one may have kept PostgreSQL from writing down why it ended."""
        return disk.says_full(error) or disk.text_says_full(str(error)) or self._is_full()

    def _is_full(self) -> bool:
        with contextlib.suppress(OSError):
            return disk.room_at(postgres.server_folder(self._data_dir)).is_full
        return False
