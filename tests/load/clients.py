"""Clients of a running site, hundreds at once in one event loop: people who browse, and senders who never end."""

import asyncio
import contextlib
import random
import time
from dataclasses import dataclass, field


@dataclass
class Measured:
    """What a kind of client met: seconds of each answer, and what went wrong."""

    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def percentile(self, share: float) -> float:
        """E.g. 0.95; infinite when there was no answer at all."""
        ordered = sorted(self.seconds)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else float("inf")


async def get(port: int, path: str, cookie: str = "", timeout: float = 60.0) -> tuple[int, bytes]:
    """Status and body of a page, over a connection of its own."""
    async with asyncio.timeout(timeout):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            lines = [
                f"GET {path} HTTP/1.1",
                "Host: 127.0.0.1",
                "Connection: close",
                *([f"Cookie: {cookie}"] if cookie else []),
            ]
            writer.write("\r\n".join([*lines, "", ""]).encode())
            answer = await reader.read()
        finally:
            writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split(b" ", 2)[1]), body


async def browse(port: int, cookie: str, pages: list[str], until: float, measured: Measured) -> None:
    """One person: a click, then one to three seconds of reading, until that moment of the monotonic clock."""
    await asyncio.sleep(random.uniform(0, 2))
    while time.monotonic() < until:
        await ask(port, random.choice(pages), cookie, measured)
        await asyncio.sleep(random.uniform(1, 3))


async def ask(port: int, path: str, cookie: str, measured: Measured) -> None:
    """One page, timed. Anything but 200 is an error."""
    started = time.monotonic()
    try:
        status, _body = await get(port, path, cookie)
    except (OSError, TimeoutError, IndexError, ValueError) as error:
        measured.errors.append(f"{path}: {type(error).__name__}")
        return
    measured.seconds.append(time.monotonic() - started)
    if status != 200:
        measured.errors.append(f"{path}: {status}")


async def send_slowly(port: int, path: str, cookie: str, until: float, *, size: int = 50_000_000) -> bytes:
    """A multipart upload of which a few bytes come each second. Returns the beginning of the answer, if one came."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie or 'csrftoken=' + 'x' * 32}\r\n"
        f"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {size}\r\n\r\n"
        '--b\r\nContent-Disposition: form-data; name="file"; filename="slow.txt"\r\n\r\n'
    )
    with contextlib.suppress(OSError):
        writer.write(head.encode())
        while time.monotonic() < until and not reader.at_eof():
            writer.write(b"x" * 64)
            await writer.drain()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    return await reader.read(64)
    writer.close()
    return b""
