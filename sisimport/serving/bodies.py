"""An incoming body: kept until all of it has arrived, never more than allowed, and never for longer than allowed."""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]

IN_MEMORY = 1 << 16
PIECE = 1 << 20  # written in one piece: the event loop leaves the disk to a thread


class TooLargeError(Exception):
    """More arrived than was allowed."""


class TooSlowError(Exception):
    """It did not arrive in time."""


class DisconnectedError(Exception):
    """The client left before the end."""


class Body:
    """What has arrived of a request's body. Small ones stay in memory; larger ones go to a file without a name in `folder`."""

    def __init__(self, folder: Path, disk: Executor, receive: Receive) -> None:
        self.size = 0
        self.file: Any = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY, dir=str(folder))  # noqa: SIM115
        self._disk = disk
        self._receive = receive
        self._waiting = bytearray()
        self.complete = False

    async def take(self, *, limit: int, seconds: float, idle_seconds: float) -> None:
        """Receive until the end. May be called again with a higher limit after TooLargeError: nothing is lost.

        `seconds` limits the whole body, `idle_seconds` each piece. Raises TooLargeError, TooSlowError, DisconnectedError.
        """
        deadline = time.monotonic() + seconds
        while not self.complete:
            if self.size > limit:
                raise TooLargeError
            patience = min(idle_seconds, deadline - time.monotonic())
            try:
                message = await asyncio.wait_for(self._receive(), max(patience, 0))
            except TimeoutError as late:
                raise TooSlowError from late
            if message["type"] != "http.request":
                raise DisconnectedError
            data = message.get("body", b"")
            self.size += len(data)
            self._waiting += data
            self.complete = not message.get("more_body", False)
            if len(self._waiting) >= PIECE or (self.complete and self.size > IN_MEMORY):
                await asyncio.get_running_loop().run_in_executor(self._disk, self._flush)
        if self.size > limit:
            raise TooLargeError
        self._flush()
        self.file.seek(0)

    def _flush(self) -> None:
        self.file.write(self._waiting)
        self._waiting.clear()

    async def discard_rest(self, seconds: float) -> None:
        """Keep reading for a moment without storing anything, so that a client that is still sending sees our answer."""
        deadline = time.monotonic() + seconds
        while not self.complete and (patience := deadline - time.monotonic()) > 0:
            try:
                message = await asyncio.wait_for(self._receive(), patience)
            except TimeoutError:
                return
            self.complete = message["type"] != "http.request" or not message.get("more_body", False)

    def close(self) -> None:
        self.file.close()
