"""The event loop's side of the web server, around a small WSGI application: no client, however slow, keeps a thread."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from sisimport.serving import front as front_module
from sisimport.serving.front import ALLOWED, ANNOUNCED, FORM_BYTES, Front

Answer = tuple[int, bytes]
PATIENCE = 30.0


def run_apart(scene: Coroutine[Any, Any, Any]) -> Any:
    """The result of a scene, run by a loop in a thread of its own: a browser test before may have left one in this thread."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(asyncio.run, scene).result()


class Client:
    """One request to an ASGI application: pieces of a body come as the test gives them, the answer is collected."""

    def __init__(self, front: Front, method: str = "POST", path: str = "/form/", length: int | None = None) -> None:
        headers = [(b"host", b"localhost"), (b"x_forwarded_for", b"1.2.3.4")]
        if length is not None:
            headers.append((b"content-length", str(length).encode()))
        self.pieces: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.asked_for_body = 0
        self.read = asyncio.Event()
        self.read.set()
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = b""
        scope = {
            "type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b"a=1",
            "http_version": "1.1", "headers": headers, "client": ("10.0.0.9", 5), "server": ("localhost", 80),
        }  # fmt: skip
        self.task = asyncio.create_task(front(scope, self.receive, self.send))

    def gives(self, data: bytes, *, more: bool = False) -> None:
        self.pieces.put_nowait({"type": "http.request", "body": data, "more_body": more})

    async def receive(self) -> dict[str, Any]:
        self.asked_for_body += 1
        return await self.pieces.get()

    async def send(self, message: dict[str, Any]) -> None:
        await self.read.wait()
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message["headers"])
        else:
            self.body += message.get("body", b"")

    async def answer(self) -> Answer:
        await asyncio.wait_for(self.task, PATIENCE)
        return self.status, self.body


def small_site(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Says what arrived. Allows 200 kB under /upload/; knows a long page, a page that breaks, and one that takes its time."""
    path = environ["PATH_INFO"]
    allowed = 200_000 if path == "/upload/" else FORM_BYTES
    announced = environ.get(ANNOUNCED)
    if announced is not None:
        headers = [(ALLOWED, str(allowed))] if announced <= allowed else []
        start_response("204 No Content" if headers else "413 Too Large", headers)
        return [b"" if headers else b"refused"]
    start_response("200 OK", [("Set-Cookie", " a=b")])
    if path == "/long/":
        return (b"x" * 100_000 for _number in range(100))
    if path == "/breaks/":
        return (bytes(1 // (3 - number)) for number in range(5))
    if path == "/slow/":
        time.sleep(0.5)
    return [f"{len(environ['wsgi.input'].read())} {environ['CONTENT_LENGTH']}".encode()]


@pytest.fixture
def site(tmp_path: Path) -> Front:
    return Front(small_site, folder=tmp_path, threads=1, upload_seconds=PATIENCE)


def test_a_small_body_reaches_the_application_whole(site: Front) -> None:
    async def scene() -> Answer:
        client = Client(site, length=10)
        client.gives(b"12345", more=True)
        client.gives(b"67890")
        return await client.answer()

    assert run_apart(scene()) == (200, b"10 10")


def test_a_header_with_an_underscore_is_not_taken_for_the_proxys(tmp_path: Path) -> None:
    seen: list[dict[str, Any]] = []

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        seen.append(environ)
        start_response("200 OK", [])
        return []

    async def scene() -> None:
        client = Client(Front(application, folder=tmp_path, threads=1, upload_seconds=1), "GET")
        client.gives(b"")
        await client.answer()

    run_apart(scene())
    assert "HTTP_X_FORWARDED_FOR" not in seen[0]
    assert (seen[0]["REMOTE_ADDR"], seen[0]["QUERY_STRING"]) == ("10.0.0.9", "a=1")


def test_a_large_body_that_is_not_allowed_is_refused_before_any_of_it_is_read(site: Front) -> None:
    async def scene() -> tuple[Answer, bytes, int]:
        client = Client(site, length=FORM_BYTES + 1)
        while not client.body:
            await asyncio.sleep(0.01)
        body_before_reading = client.body
        asked = client.asked_for_body
        client.gives(b"", more=False)
        return await client.answer(), body_before_reading, asked

    answer, told_early, asked = run_apart(scene())

    assert answer == (413, b"refused")
    assert told_early == b"refused"
    assert asked <= 1  # only to throw away what comes while the answer goes out


def test_an_allowed_upload_is_received_and_kept_in_no_named_file(site: Front, tmp_path: Path) -> None:
    async def scene() -> Answer:
        client = Client(site, path="/upload/", length=150_000)
        client.gives(b"x" * 75_000, more=True)
        await asyncio.sleep(0.2)
        assert list(tmp_path.iterdir()) == []
        client.gives(b"x" * 75_000)
        return await client.answer()

    assert run_apart(scene()) == (200, b"150000 150000")


@pytest.mark.parametrize(
    ("path", "size", "status"),
    [("/form/", 150_000, 413), ("/upload/", 150_000, 200), ("/upload/", 300_000, 413)],
)
def test_a_body_of_undeclared_size_is_counted_as_it_comes(site: Front, path: str, size: int, status: int) -> None:
    async def scene() -> tuple[Answer, int]:
        client = Client(site, path=path)
        for number in range(size // 10_000):
            client.gives(b"x" * 10_000, more=number < size // 10_000 - 1)
        return await client.answer(), client.pieces.qsize()

    answer, _left = run_apart(scene())
    assert answer[0] == status
    if status == 200:
        assert answer[1] == b"%d %d" % (size, size)


def test_what_comes_too_slowly_is_ended(site: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front_module, "FORM_SECONDS", 0.4)
    site.upload_seconds = 0.4

    async def scene() -> list[int]:
        clients = [Client(site, length=100), Client(site, path="/upload/", length=150_000), Client(site)]
        for client in clients:
            client.gives(b"x", more=True)
            client.gives(b"x", more=True)
        return [(await client.answer())[0] for client in clients]

    assert run_apart(scene()) == [408, 408, 408]


def test_a_hundred_unfinished_bodies_leave_the_only_thread_free(site: Front) -> None:
    async def scene() -> Answer:
        held = [Client(site, path=path, length=length) for path, length in [("/form/", 99), ("/upload/", 150_000)] * 50]
        for client in held:
            client.gives(b"x", more=True)
        await asyncio.sleep(0.2)
        other = Client(site, length=1)
        other.gives(b"x")
        answer = await other.answer()
        for client in held:
            client.pieces.put_nowait({"type": "http.disconnect"})
            await client.answer()
        return answer

    assert run_apart(scene()) == (200, b"1 1")


def test_a_client_that_does_not_read_its_page_leaves_the_only_thread_free(site: Front) -> None:
    async def scene() -> tuple[Answer, int]:
        slow = Client(site, "GET", "/long/")
        slow.gives(b"")
        slow.read.clear()
        other = Client(site, length=1)
        other.gives(b"x")
        answer = await other.answer()
        slow.read.set()
        await slow.answer()
        return answer, len(slow.body)

    assert run_apart(scene()) == ((200, b"1 1"), 10_000_000)


def test_a_page_that_breaks_half_way_is_not_passed_off_as_complete(site: Front) -> None:
    async def scene() -> None:
        client = Client(site, "GET", "/breaks/")
        client.gives(b"")
        await client.answer()

    with pytest.raises(ConnectionAbortedError):
        run_apart(scene())


def test_health_does_not_wait_for_the_threads(site: Front) -> None:
    async def scene() -> bool:
        slow = Client(site, path="/slow/", length=0)
        slow.gives(b"")
        await asyncio.sleep(0.1)
        probe = Client(site, "GET", "/health/")
        probe.gives(b"")
        await probe.answer()
        first = not slow.task.done()
        await slow.answer()
        return first and probe.status == 200

    assert run_apart(scene())


def test_health_answers_503_when_the_database_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front_module, "HEALTH_SECONDS", 0.2)

    def hangs(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        time.sleep(1)
        start_response("200 OK", [])
        return []

    async def scene() -> Answer:
        probe = Client(Front(hangs, folder=tmp_path, threads=1, upload_seconds=1), "GET", "/health/")
        probe.gives(b"")
        return await probe.answer()

    assert run_apart(scene())[0] == 503


def test_a_request_whose_client_left_while_it_waited_is_not_worked_on(tmp_path: Path) -> None:
    worked: list[str] = []

    def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        worked.append(environ["PATH_INFO"])
        time.sleep(0.5)
        start_response("200 OK", [])
        return []

    async def scene() -> None:
        site = Front(application, folder=tmp_path, threads=1, upload_seconds=1)
        first, left = Client(site, path="/first/", length=0), Client(site, path="/left/", length=0)
        for client in (first, left):
            client.gives(b"")
        await asyncio.sleep(0.2)
        left.task.cancel()  # what gunicorn does when a connection is lost
        await first.answer()
        await asyncio.sleep(0.3)

    run_apart(scene())
    assert worked == ["/first/"]
