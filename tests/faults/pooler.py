"""PgBouncer in front of a database of the tests, in a process of its own."""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from django.conf import settings

from sisimport.runtime.databases import connect_query
from sisimport.runtime.processes import end_with_parent
from tests.faults.site import PATIENCE, free_port


def require_pgbouncer() -> str:
    """The program; skips the test where there is none."""
    found = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        pytest.skip("PgBouncer is missing (Debian: apt install pgbouncer)")
    return found


@contextlib.contextmanager
def pooler(
    database_url: str, *, mode: str = "transaction", sessions: int = 4, limits: bool = True, more: str = ""
) -> Iterator[str]:
    """The address of a pooler that shares so many sessions of this database. `limits`: with those of the web; `more`: lines of
    its configuration."""
    there = _Server.of(database_url)
    asked = f" connect_query='{connect_query(settings.SESSION_LIMITS['web'])}'" if limits else ""
    password = f" password={there.password}" if there.password else ""
    port = free_port()
    text = (
        f"[databases]\n{there.name} = host={there.host} port={there.port} user={there.user}{password}{asked}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n"
        f"pool_mode = {mode}\ndefault_pool_size = {sessions}\nmax_client_conn = 500\n{more}\n"
    )
    with _started(text, url := f"postgres://{there.user}@127.0.0.1:{port}/{there.name}"):
        yield url


@contextlib.contextmanager
def pooler_with(config: str, database_url: str, *, password: str, people: str, certificates: Path) -> Iterator[str]:
    """One with the configuration that comes with the product, in which only the places are ours. `people`: its list of users."""
    there, port = _Server.of(database_url), free_port()
    for before, after in (
        ("host=postgres port=5432", f"host={there.host} port={there.port}"),
        ("listen_addr = *", "listen_addr = 127.0.0.1"),
        ("listen_port = 6432", f"listen_port = {port}"),
    ):
        assert config.count(before) == 1, before
        config = config.replace(before, after)
    with _started(
        config, url := f"postgres://{there.user}:{password}@127.0.0.1:{port}/{there.name}", people, certificates
    ):
        yield url


@dataclass(frozen=True)
class _Server:
    host: str
    port: int
    user: str
    password: str
    name: str

    @classmethod
    def of(cls, url: str) -> Self:
        parts = urlsplit(url)
        host = parts.hostname or parse_qs(parts.query)["host"][0]
        return cls(host, parts.port or 5432, parts.username or "", parts.password or "", parts.path.strip("/"))


@contextlib.contextmanager
def _started(text: str, url: str, people: str = "", certificates: Path | None = None) -> Iterator[None]:
    program = require_pgbouncer()
    # It refuses root, and the socket of an embedded server that root started is nobody's.
    account = pwd.getpwnam("nobody").pw_name if os.geteuid() == 0 else ""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:  # the account must get there
        Path(folder).chmod(0o755)
        config, log, users = (Path(folder, name) for name in ("pgbouncer.ini", "pgbouncer.log", "userlist.txt"))
        users.write_text(people)
        if certificates:
            shutil.copytree(certificates, Path(folder, "certificates"))
            for file in Path(folder, "certificates").iterdir():
                file.chmod(0o644)
        config.write_text(
            text.replace("/tmp/userlist.txt", str(users)).replace("/certificates", f"{folder}/certificates")
        )
        with log.open("wb") as output:
            process = subprocess.Popen(
                [program, *(["-u", account] if account else []), str(config)],
                stdout=output,
                stderr=output,
                preexec_fn=end_with_parent,  # noqa: PLW1509 (a killed pytest must not leave it)
            )
        try:
            deadline = time.monotonic() + PATIENCE
            while not _answers(url):
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.05)
            yield
        finally:
            process.kill()
            process.wait()


def _answers(url: str) -> bool:
    with contextlib.suppress(psycopg.Error), psycopg.connect(url, prepare_threshold=None) as session:
        return session.execute("SELECT 1").fetchone() == (1,)
    return False
