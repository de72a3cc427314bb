"""The application that gunicorn's event loop calls, around Django's WSGI handler.

    /health/                    -> a thread of its own, never queued behind the others
    a small body or none        -> received, then Django in a thread
    a large body                -> Django first checks its announced size (sisimport.web.bodies): refused unread,
                                   or received

Django runs in a fixed number of long-lived threads, so that its database sessions are kept from one request to the next.
"""

import asyncio
import contextvars
import io
import logging
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from sisimport.serving.bodies import Body, DisconnectedError, Message, Receive, TooLargeError, TooSlowError
from sisimport.serving.environ import environ_of, header
from sisimport.serving.spool import ClientGoneError, Page

Send = Callable[[Message], Awaitable[None]]
Scope = dict[str, Any]
WSGIApplication = Callable[[dict[str, Any], Any], Iterable[bytes]]

HEALTH = "/health/"
HEALTH_SECONDS = 5.0
ANNOUNCED = "sisimport.announced"  # in the environment: the announced size, for Django to allow or refuse
ALLOWED = "X-Body-Allowed"  # in the answer: the allowed size
FORM_BYTES = 64 * 1024  # a body up to this size is received from any client before any check
FORM_SECONDS = 30.0
IDLE_SECONDS = 30.0
LINGER_SECONDS = 2.0
PIECE_SECONDS = 60.0  # for a client to receive 64 kB of a page

logger = logging.getLogger(__name__)


class Front:
    """An ASGI application. `folder` holds data too large for memory; it must exist and be accessible only to us."""

    def __init__(self, django: WSGIApplication, *, folder: Path, threads: int, upload_seconds: float) -> None:
        self.django = django
        self.folder = folder
        self.upload_seconds = upload_seconds
        self.workers = ThreadPoolExecutor(threads, "request")
        self.health = ThreadPoolExecutor(1, "health")
        self.disk = ThreadPoolExecutor(2, "disk")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "http":
            body = Body(self.folder, self.disk, receive)
            try:
                await self._serve(scope, body, send)
            except DisconnectedError:
                pass
            finally:
                body.close()
        else:
            await send({"type": "websocket.close"})

    async def _serve(self, scope: Scope, body: Body, send: Send) -> None:
        if scope["path"] == HEALTH and scope["method"] in ("GET", "HEAD"):
            await self._say_health(scope, body, send)
            return
        announced = _announced(scope)
        try:
            if announced is not None and announced > FORM_BYTES:
                raise TooLargeError
            await body.take(limit=FORM_BYTES, seconds=FORM_SECONDS, idle_seconds=IDLE_SECONDS)
        except TooLargeError:
            if not await self._take_large(scope, body, send, announced):
                return
        except TooSlowError:
            await _say_briefly(send, 408, b"The request did not arrive in time.")
            return
        await self._answer(environ_of(scope, body.file, body.size), body, send)

    async def _take_large(self, scope: Scope, body: Body, send: Send, announced: int | None) -> bool:
        """Receive a body that Django allows; False if an answer was sent instead."""
        question = environ_of(scope, io.BytesIO(), announced or 0)
        question[ANNOUNCED] = announced or body.size
        page = await self._call(question, self.workers)
        allowed = next((int(value) for name, value in page.headers if name == ALLOWED.lower().encode()), None)
        if allowed is None:
            await self._send_page(page, body, send)
            return False
        page.close()
        try:
            await body.take(limit=allowed, seconds=self.upload_seconds, idle_seconds=IDLE_SECONDS)
        except TooLargeError:  # its size was not announced
            question[ANNOUNCED] = body.size
            await self._answer(question, body, send)
        except TooSlowError:
            await _say_briefly(send, 408, b"The file did not arrive in time.")
        except OSError as error:
            logger.error("an upload could not be kept: %s", error.strerror)
            await _say_briefly(send, 507, b"There is no room for this file at the moment. Tell your administrator.")
        else:
            return True
        return False

    async def _say_health(self, scope: Scope, body: Body, send: Send) -> None:
        try:
            page = await asyncio.wait_for(self._call(environ_of(scope, io.BytesIO(), 0), self.health), HEALTH_SECONDS)
        except TimeoutError:
            await _say_briefly(send, 503, b"The database does not answer.")
        else:
            await self._send_page(page, body, send)

    # ---- between the loop and the threads ----

    async def _answer(self, environ: dict[str, Any], body: Body, send: Send) -> None:
        await self._send_page(await self._call(environ, self.workers), body, send)

    async def _call(self, environ: dict[str, Any], threads: Executor) -> Page:
        """Run Django in a thread; returns as soon as status and headers are known."""
        loop = asyncio.get_running_loop()
        page, started = Page(self.folder, loop), asyncio.Event()
        run = partial(contextvars.copy_context().run, self._run, environ, page, lambda: _wake(loop, started))
        work = loop.run_in_executor(threads, run)
        try:
            await asyncio.wait([work, waiting := asyncio.ensure_future(started.wait())], return_when="FIRST_COMPLETED")
        except asyncio.CancelledError:
            work.cancel()  # if it was still waiting for a thread, it no longer needs one
            page.close()
            raise
        finally:
            waiting.cancel()
        if not page.status:
            work.result()  # raises the error, if any
        return page

    def _run(self, environ: dict[str, Any], page: Page, started: Callable[[], None]) -> None:
        """In a thread: make the page."""
        head: list[Any] = []
        result = None
        try:
            result = self.django(environ, lambda status, headers, _error=None: head.extend((status, headers)))
            page.headers = [
                (name.lower().encode("latin-1"), value.strip().encode("latin-1")) for name, value in head[1]
            ]
            page.status = int(head[0].split(" ", 1)[0])
            started()
            for data in result:
                page.write(data)
        except ClientGoneError:
            pass
        except Exception as error:  # an error of Django itself, or in a page that is partly sent
            page.broken = True
            logger.error("a response was cut off: %s", type(error).__name__)
            if not page.status:
                raise
        finally:
            close = getattr(result, "close", None)
            if close:
                close()
            page.end()

    async def _send_page(self, page: Page, body: Body, send: Send) -> None:
        try:
            await send({"type": "http.response.start", "status": page.status, "headers": page.headers})
            while piece := await page.read():
                more = {"type": "http.response.body", "body": piece, "more_body": True}
                await asyncio.wait_for(send(more), PIECE_SECONDS)
            if page.broken:
                raise ConnectionAbortedError  # the client must not think it complete
            await body.discard_rest(LINGER_SECONDS)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            page.close()


def _wake(loop: asyncio.AbstractEventLoop, event: asyncio.Event) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(event.set)


def _announced(scope: Scope) -> int | None:
    """The body's size as announced by the sender; None if not announced (or there is no body)."""
    value = header(scope, b"content-length")
    return int(value) if value and value.isdigit() else None


async def _say_briefly(send: Send, status: int, text: bytes) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(text)).encode())]
    headers += [(b"cache-control", b"no-store"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text, "more_body": False})


async def _live(receive: Receive, send: Send) -> None:
    """ASGI lifespan of the server's process: nothing to do at its start or end."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
