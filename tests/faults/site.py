"""A real web server over the test database, and clients that try to stop it."""

import contextlib
import os
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.test import Client

from sisimport.runtime.processes import ROOT, end_with_parent
from sisimport.server import web

PATIENCE = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Site:
    """The web server as `script/server` starts it, with a data directory of its own."""

    def __init__(self, database_url: str, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.port = free_port()
        kept = {
            name: value for name, value in os.environ.items() if name not in {"DJANGO_SETTINGS_MODULE", "REDIS_URL"}
        }
        given = {"DATABASE_URL": database_url, "SISIMPORT_DATA_DIR": str(folder), "SECRET_KEY": settings.SECRET_KEY}
        self.environment = kept | given | environment
        self.log = folder / f"web{self.port}.log"
        folder.mkdir(parents=True, exist_ok=True)
        self.process = self._start()

    def _start(self) -> "subprocess.Popen[bytes]":
        with self.log.open("ab") as log:
            return subprocess.Popen(
                web("127.0.0.1", self.port).command,
                cwd=ROOT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=end_with_parent,  # noqa: PLW1509 (a killed pytest must not leave it)
            )

    def restart(self) -> None:
        self.end()
        self.process = self._start()
        self.wait_ready()

    def wait_ready(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while not self.answers("/health/"):
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.1)

    def answers(self, path: str, timeout: float = 10.0) -> bool:
        """Whether this page comes at all, with a status below 500."""
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=timeout).close()
        except urllib.error.HTTPError as error:
            return error.code < 500
        except OSError:
            return False
        return True

    def connect(self, sent: bytes) -> socket.socket:
        """A connection on which so much was sent; the answer is not waited for."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
        connection.sendall(sent)
        return connection

    def ask_to_end(self) -> None:
        """As an operator would; returns when it did."""
        self.process.terminate()
        self.process.wait(PATIENCE)

    def end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextlib.contextmanager
def site(database_url: str, folder: Path, **environment: str) -> Iterator[Site]:
    """A web server that answers; ended at the end."""
    started = Site(database_url, folder, **environment)
    try:
        started.wait_ready()
        yield started
    finally:
        started.end()


def cookie_of(user: Any) -> str:
    """The Cookie header of somebody who is signed in on a site with our secret key."""
    client = Client()
    client.force_login(user)
    return f"sessionid={client.cookies['sessionid'].value}"


def unfinished_upload(path: str, cookie: str = "", size: int = 50_000_000) -> bytes:
    """The beginning of a multipart upload whose rest never comes."""
    token = "x" * 32
    cookies = "; ".join(filter(None, [f"csrftoken={token}", cookie]))
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookies}\r\nX-CSRFToken: {token}\r\n"
        f"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {size}\r\n\r\n"
    )
    part = '--b\r\nContent-Disposition: form-data; name="file"; filename="slow.txt"\r\n\r\n'
    return (head + part + "x" * 1000).encode()
