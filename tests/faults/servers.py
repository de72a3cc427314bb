"""PostgreSQL servers of a test's own, with the programs of the embedded one: a primary over TCP, and its standbys."""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from django.db import connection, connections
from psycopg import sql

from sisimport.runtime.postgres_paths import Account, binaries
from sisimport.runtime.processes import end_with_parent
from tests.faults.site import PATIENCE, free_port

NETWORK = "10.231"  # of the machines of tests (machines.py)
_USER, _DATABASE = "sisimport", "sisimport"
_SETTINGS = ("fsync=off", "full_page_writes=off", "wal_level=replica", "hot_standby=on", "unix_socket_directories=")


def _account() -> Account | None:
    """PostgreSQL does not run as root."""
    if os.geteuid() != 0:
        return None
    import pwd

    entry = pwd.getpwnam("nobody")
    return Account(entry.pw_uid, entry.pw_gid, entry.pw_name)


class Server:
    """One server, in a folder of its own."""

    def __init__(self, folder: Path, name: str, *settings: str) -> None:
        self.account = _account()
        self.programs = binaries(self.account)
        self.data, self.log = folder / name, folder / f"{name}.log"
        self.port = free_port()
        self.settings = (*_SETTINGS, *settings)
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"postgres://{_USER}@127.0.0.1:{self.port}/{_DATABASE}"

    def run(self, program: str, *arguments: str, stdin: Any = None) -> None:
        """One of the server's programs, as the server's user."""
        command = [str(self.programs / program), *arguments]
        subprocess.run(command, stdin=stdin, stdout=subprocess.DEVNULL, check=True, timeout=300, **self._as_account())

    def _as_account(self) -> dict[str, Any]:
        return {"user": self.account.uid, "group": self.account.gid, "extra_groups": []} if self.account else {}

    def make(self) -> None:
        """An empty cluster that every user of this machine may connect to and copy."""
        self.run(
            "initdb", "-D", str(self.data), "-U", _USER, "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"
        )
        with (self.data / "pg_hba.conf").open("a") as rules:
            rules.write(f"host all all {NETWORK}.0.0/16 trust\n")

    def copy(self, primary: "Server") -> None:
        """Become a standby of it."""
        self.run("pg_basebackup", "-D", str(self.data), "-d", primary.url, "-R", "--checkpoint=fast", "--no-sync")

    def start(self) -> None:
        arguments = [f"-p{self.port}", "-c", "listen_addresses=*"]
        for setting in self.settings:
            arguments += ["-c", setting]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [str(self.programs / "postgres"), "-D", str(self.data), *arguments],
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=end_with_parent,  # noqa: PLW1509 (a killed pytest must not leave it)
                **self._as_account(),
            )
        deadline = time.monotonic() + PATIENCE
        while not self.answers():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)

    def answers(self) -> bool:
        with contextlib.suppress(psycopg.Error), self.session("postgres"):
            return True
        return False

    def session(self, database: str = _DATABASE) -> "psycopg.Connection[Any]":
        url = self.url.rsplit("/", 1)[0] + f"/{database}"
        return psycopg.connect(url, autocommit=True, connect_timeout=5)

    def ask(self, query: str) -> Any:
        with self.session() as session:
            row = session.execute(query.encode()).fetchone()
            return row[0] if row else None

    def stop(self, number: signal.Signals = signal.SIGQUIT) -> None:
        """SIGQUIT: at once, as after a power cut; all that was connected is cut off."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(PATIENCE)


def _make_roles_of(source_url: str, primary: Server) -> None:
    """The roles that rights and policies of the source are for: an earlier test may have made them."""
    with psycopg.connect(source_url) as source:
        query = "SELECT rolname FROM pg_roles WHERE starts_with(rolname, current_database() || '_')"
        names = [name for (name,) in source.execute(query)]
    with primary.session("postgres") as session:
        for name in names:
            session.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(name)))


@contextlib.contextmanager
def servers(source_url: str, *, standbys: int = 1) -> Iterator[list[Server]]:
    """A primary with a copy of the database at `source_url`, then its standbys, all running."""
    folder = Path(tempfile.mkdtemp(prefix="sisimport-", dir="/tmp"))
    made: list[Server] = []
    try:
        primary = Server(folder, "primary")
        if primary.account:
            os.chown(folder, primary.account.uid, primary.account.gid)
        made.append(primary)
        primary.make()
        primary.start()
        with primary.session("postgres") as session:
            session.execute(f"CREATE DATABASE {_DATABASE}".encode())
        _make_roles_of(source_url, primary)
        with tempfile.TemporaryFile() as dump:
            subprocess.run([str(primary.programs / "pg_dump"), "-d", source_url], stdout=dump, check=True, timeout=300)
            dump.seek(0)
            primary.run("psql", "-q", "-v", "ON_ERROR_STOP=1", "-d", primary.url, stdin=dump)
        for number in range(standbys):
            standby = Server(folder, f"standby{number}")
            standby.copy(primary)
            standby.start()
            made.append(standby)
        yield made
    finally:
        for server in made:
            server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def this_process_on(url: str) -> Iterator[None]:
    """Models of this process are read and written there while the block runs. `url` may name several hosts."""
    hosts, ports = [], []
    for host in urlsplit(url).netloc.rpartition("@")[2].split(","):
        name, _colon, port = host.partition(":")
        hosts.append(name)
        ports.append(port)
    usual = dict(connection.settings_dict)
    connections.close_all()
    options = {**usual["OPTIONS"], **({"target_session_attrs": "read-write"} if len(hosts) > 1 else {})}
    connection.settings_dict.update(
        HOST=",".join(hosts), PORT=",".join(ports), NAME=_DATABASE, USER=_USER, PASSWORD="", OPTIONS=options
    )
    try:
        yield
    finally:
        connections.close_all()
        connection.settings_dict.update(usual)
