"""PgBouncer in front of a database of the tests, in a process of its own."""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
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
    program = require_pgbouncer()
    parts = urlsplit(database_url)
    host = parts.hostname or parse_qs(parts.query)["host"][0]
    user, name, port = parts.username, parts.path.strip("/"), free_port()
    asked = f" connect_query='{connect_query(settings.SESSION_LIMITS['web'])}'" if limits else ""
    password = f" password={parts.password}" if parts.password else ""
    target = f"host={host} port={parts.port or 5432} user={user}{password}{asked}"
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:  # the account it runs as must get there
        Path(folder).chmod(0o755)
        config, log = Path(folder, "pgbouncer.ini"), Path(folder, "pgbouncer.log")
        config.write_text(
            f"[databases]\n{name} = {target}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
            f"auth_type = any\npool_mode = {mode}\ndefault_pool_size = {sessions}\nmax_client_conn = 500\n{more}\n"
        )
        account = (
            pwd.getpwnam("nobody").pw_name if os.geteuid() == 0 else ""
        )  # it refuses root; the socket is nobody's too
        with log.open("wb") as output:
            process = subprocess.Popen(
                [program, *(["-u", account] if account else []), str(config)],
                stdout=output,
                stderr=output,
                preexec_fn=end_with_parent,  # noqa: PLW1509 (a killed pytest must not leave it)
            )
        url = f"postgres://{user}@127.0.0.1:{port}/{name}"
        try:
            deadline = time.monotonic() + PATIENCE
            while not _answers(url):
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.05)
            yield url
        finally:
            process.kill()
            process.wait()


def _answers(url: str) -> bool:
    with contextlib.suppress(psycopg.Error), psycopg.connect(url, prepare_threshold=None) as session:
        return session.execute("SELECT 1").fetchone() == (1,)
    return False
