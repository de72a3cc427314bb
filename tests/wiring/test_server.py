"""`script/server` as a newcomer runs it: one command, a site to sign in to, and nothing left behind."""

import base64
import contextlib
import http.cookiejar
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from sisimport.runtime import postgres
from tests.installed import install
from tests.longer import first_of

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.processes
PATIENCE = 240  # seconds: a busy machine is slow, not wrong


class Server:
    """`python -m sisimport.server` of a data directory, on a port of its own."""

    def __init__(self, data_dir: Path, *options: str, logs: Path | None = None, port: int = 0) -> None:
        self.data_dir = data_dir
        with socket.socket() as probe:
            if not port:
                probe.bind(("127.0.0.1", 0))
            self.port = port or int(probe.getsockname()[1])
        unset = {"DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE"}
        environment = {name: value for name, value in os.environ.items() if name not in unset}
        # One for each server: another may get the same port, and must not be taken for this one.
        folder = logs or data_dir.parent
        self.log = folder / f"server{len(list(folder.glob('server*.log')))}.log"
        with self.log.open("xb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "sisimport.server", *options],
                cwd=ROOT,
                env=environment | {"SISIMPORT_DATA_DIR": str(data_dir), "PORT": str(self.port)},
                stdout=log,
                stderr=log,
            )

    @property
    def said(self) -> str:
        return self.log.read_text()

    def wait_until(self, true: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not true():
            assert self.process.poll() is None, self.said
            assert time.monotonic() < deadline, self.said
            time.sleep(0.05)

    def wait_ready(self) -> None:
        self.wait_until(lambda: "Press Ctrl-C" in self.said)

    def answers(self) -> bool:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health/", timeout=10).close()
        except OSError:
            return False
        return True

    def children(self) -> dict[str, int]:
        """Process ids of what it keeps running."""
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        commands = {pid: Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ") for pid in listed}
        names = {"worker": b"sisimport.worker", "web": b"gunicorn", "postgres": b"postgres -D"}
        return {name: int(pid) for pid, text in commands.items() for name, mark in names.items() if mark in text}

    def end(self) -> None:
        """Ask it to stop; all of it must be gone."""
        children = self.children()
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(timeout=30) == 0
        assert not any(is_alive(pid) for pid in children.values())

    def ask(self, query: str) -> object:
        with psycopg.connect(postgres.database_url(self.data_dir)) as session:
            row = session.execute(query.encode()).fetchone()
        return row and row[0]


def is_alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())  # a zombie has none
    return False


@pytest.fixture
def data_dir() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="sis", dir="/tmp"))
    folder.chmod(0o755)
    yield folder / "var"
    with contextlib.suppress(postgres.EmbeddedError), postgres.running(folder / "var"):
        pass
    shutil.rmtree(folder)


@pytest.fixture
def migrated(data_dir: Path) -> None:
    """A database is there: making one is tried once, in `script/test faults`."""
    install(data_dir)


@pytest.fixture
def serve(data_dir: Path) -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(*options: str, port: int = 0) -> Server:
        servers.append(Server(data_dir, *options, port=port))
        return servers[-1]

    yield start
    for server in servers:
        if server.process.poll() is None:
            server.process.terminate()
            server.process.wait(timeout=30)


def signs_in(server: Server, name: str, password: str) -> bool:
    """Whether the sign-in form takes this name and password."""
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    address = f"http://127.0.0.1:{server.port}/accounts/login/"
    with opener.open(address) as page:
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.read().decode())
    assert token
    form = urllib.parse.urlencode(
        {"login": name, "password": password, "csrfmiddlewaretoken": token.group(1), "next": "/admin/"}
    )
    try:
        with opener.open(urllib.request.Request(address, form.encode(), {"Referer": address})) as page:
            return not page.url.startswith(address)
    except urllib.error.HTTPError as error:
        return not error.url.startswith(address)


# On a migrated database without anybody; on none at all, and then once more. What a second start must leave alone,
# tests/wiring/test_first_people.py looks at too.
@pytest.mark.parametrize("is_whole", first_of([False, True]), ids=["once", "from nothing and twice"])
def test_a_first_start_serves_a_district_with_a_test_and_an_update_and_a_sign_in(
    is_whole: bool, data_dir: Path, serve: Callable[..., Server]
) -> None:
    if not is_whole:
        install(data_dir)
    server = serve()
    server.wait_ready()

    said = re.search(r"Sign in as (\w+).*, password (\S+)", server.said)
    assert said
    assert signs_in(server, said.group(1), said.group(2))
    assert not signs_in(server, said.group(1), "wrong")
    runs = "SELECT string_agg(work || ' ' || status, ', ' ORDER BY id) FROM imports_importrun"
    assert server.ask(runs) == "test completed, update completed"
    if is_whole:
        server.end()
        told, server = said.group(0), serve()
        server.wait_ready()
        assert told in server.said
        assert server.ask(runs) == "test completed, update completed"
    is_killed_with_its_worker_and_web_server(server)


def is_killed_with_its_worker_and_web_server(server: Server) -> None:
    children = server.children()
    assert {"web", "worker"} <= children.keys()

    server.process.kill()
    server.process.wait()

    deadline = time.monotonic() + 30
    while is_alive(children["web"]) or is_alive(children["worker"]):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.faults
@pytest.mark.usefixtures("migrated")
def test_in_production_it_needs_no_command_before_its_first_page(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each page was a failure until somebody had run `collectstatic`."""
    given = {"SISIMPORT_PRODUCTION": "1", "ALLOWED_HOSTS": "127.0.0.1", "SECRET_KEY": "invented-" * 8}
    for name, value in {**given, "FILE_KEYS": base64.b64encode(b"k" * 32).decode()}.items():
        monkeypatch.setenv(name, value)
    server = serve("--no-demo")
    server.wait_ready()

    address = f"http://127.0.0.1:{server.port}/accounts/login/"
    with urllib.request.urlopen(urllib.request.Request(address, headers={"X-Forwarded-Proto": "https"})) as page:
        text, cookies = page.read().decode(), page.headers.get_all("Set-Cookie")

    (style,) = re.findall(r'href="(/static/[^"]+\.[0-9a-f]{12}\.css)"', text)[:1]
    with urllib.request.urlopen(
        urllib.request.Request(f"http://127.0.0.1:{server.port}{style}", headers={"X-Forwarded-Proto": "https"})
    ) as sheet:
        assert sheet.status == 200
    assert all(cookie.startswith("__Host-") for cookie in cookies)
    server.end()


@pytest.mark.faults
@pytest.mark.usefixtures("migrated")
def test_whatever_dies_is_started_again(serve: Callable[..., Server]) -> None:
    server = serve("--no-demo")
    server.wait_ready()
    for name in ("web", "worker", "postgres"):
        before = server.children()[name]
        os.kill(before, signal.SIGKILL)
        server.wait_until(lambda name=name, before=before: server.children().get(name, before) != before)
        server.wait_until(server.answers)
    server.end()


def test_a_port_in_use_is_reported_before_anything_starts(data_dir: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        result = subprocess.run(
            [sys.executable, "-m", "sisimport.server"],
            cwd=ROOT,
            env=os.environ | {"SISIMPORT_DATA_DIR": str(data_dir), "PORT": port},
            capture_output=True,
            text=True,
            check=False,
        )

    assert result.returncode == 1
    assert f"Port {port}" in result.stderr
    assert not (data_dir / "postgres").exists()


@pytest.mark.faults
@pytest.mark.usefixtures("migrated")
def test_killed_and_started_at_once_on_the_same_port_it_comes_up(serve: Callable[..., Server]) -> None:
    first = serve("--no-demo")
    first.wait_ready()
    first.process.kill()
    first.process.wait()

    again = serve("--no-demo", port=first.port)

    again.wait_ready()
    assert again.answers()
    again.end()


@pytest.mark.usefixtures("migrated")
def test_a_port_that_somebody_else_uses_is_refused_at_once(serve: Callable[..., Server]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        server = serve("--no-demo", port=int(taken.getsockname()[1]))

        assert server.process.wait(timeout=60) == 1

    assert "cannot be used" in server.said
