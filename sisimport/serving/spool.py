"""An outgoing page: written by a thread as fast as it is made, read by the event loop as fast as the client receives it."""

import asyncio
import tempfile
import threading
from pathlib import Path
from typing import Any

IN_MEMORY = 1 << 20
PIECE = 1 << 16


class ClientGoneError(Exception):
    """The client left: the code that makes the page can stop."""


class Page:
    """Bytes between a thread and the event loop: the first megabyte in memory, the rest in a file without a name.

    `folder` is where that file goes: an export is student data, so it must not be the system's temporary folder.
    """

    def __init__(self, folder: Path, loop: asyncio.AbstractEventLoop) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self._loop = loop
        self._lock = threading.Lock()
        self._changed = asyncio.Event()
        self._file: Any = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY, dir=str(folder))  # noqa: SIM115
        self._written = self._read = 0
        self._ended = self._gone = False
        self.broken = False  # it ended prematurely

    # ---- the thread's side ----

    def write(self, data: bytes) -> None:
        """Keep `data` for the client. Raises ClientGoneError if the client is gone, OSError if the disk is full."""
        with self._lock:
            if self._gone:
                raise ClientGoneError
            self._file.seek(self._written)
            self._file.write(data)
            self._written += len(data)
        self._wake()

    def end(self) -> None:
        """Nothing more will be written."""
        self._ended = True
        self._wake()

    def _wake(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._changed.set)

    # ---- the event loop's side ----

    async def read(self) -> bytes:
        """The next piece; empty at the end."""
        while True:
            self._changed.clear()
            ended = self._ended
            with self._lock:
                self._file.seek(self._read)
                piece: bytes = self._file.read(PIECE)
            if piece or ended:
                self._read += len(piece)
                return piece
            await self._changed.wait()

    def close(self) -> None:
        """The client has received everything, or left."""
        with self._lock:
            self._gone = True
            self._file.close()
