"""Clients of a running site, hundreds at once in one event loop: people who browse, and senders who never come to an end."""

import asyncio
import contextlib
import http.cookiejar
import random
import re
import time
import urllib.parse
import urllib.request
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

    def told(self, name: str) -> str:
        figures = ", ".join(f"p{int(share * 100)} {self.percentile(share):.3f} s" for share in (0.5, 0.95, 0.99))
        return f"{name}: {len(self.seconds)} answers, {len(self.errors)} errors, {figures}"


def sign_in(port: int, name: str, password: str) -> str:
    """The Cookie header of somebody who signed in by the form."""
    jar = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    address = f"http://127.0.0.1:{port}/accounts/login/"
    with opener.open(address) as page:
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.read().decode())
    assert token
    form = {"login": name, "password": password, "csrfmiddlewaretoken": token.group(1)}
    opener.open(urllib.request.Request(address, urllib.parse.urlencode(form).encode(), {"Referer": address})).close()
    cookies = {cookie.name: cookie.value for cookie in jar}
    assert "sessionid" in cookies, f"{name} could not sign in"
    return "; ".join(f"{key}={value}" for key, value in cookies.items())


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
