"""TLS to a real PostgreSQL and a real Redis with certificates of our own, and the database's roles made there by their command.

Both are Debian's programs: the embedded PostgreSQL listens on no network and knows no TLS.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from sisimport.runtime.certificates import make_certificates
from sisimport.runtime.processes import ROOT, end_with_parent
from sisimport.runtime.tls import unprotected
from tests.faults.servers import Server
from tests.faults.site import PATIENCE, free_port

REDIS_PASSWORD = "of-redis-1234"  # of the server that the test starts
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
ADMIN, ADMINS_PASSWORD = "sisimport", "of-the-admin-1234"


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Where everybody may enter: PostgreSQL does not run as root."""
    made = Path(tempfile.mkdtemp(prefix="sis", dir="/tmp"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def certificates(folder: Path) -> Path:
    make_certificates(folder / "certificates", ["postgres", "redis"])
    return folder / "certificates"


class TLSServer(Server):
    """Debian's newest PostgreSQL; only by TLS and with a password."""

    def __init__(self, folder: Path, certificates: Path, programs: Path) -> None:
        key = folder / "server.key"
        shutil.copy(certificates / "postgres.key", key)
        files = (f"ssl_cert_file={certificates / 'postgres.crt'}", f"ssl_key_file={key}")
        super().__init__(folder, "primary", "ssl=on", *files)
        self.programs = programs
        if self.account:
            os.chown(key, self.account.uid, self.account.gid)
        self.data.mkdir()
        if self.account:
            os.chown(self.data, self.account.uid, self.account.gid)

    @property
    def url(self) -> str:
        return self.address(ADMIN, ADMINS_PASSWORD)

    def make(self) -> None:
        words = self.data.parent / "words"
        words.write_text(ADMINS_PASSWORD)
        words.chmod(0o644)
        self.run(
            "initdb", "-D", str(self.data), "-U", ADMIN, "--auth=scram-sha-256", f"--pwfile={words}",
            "--encoding=UTF8", "--locale=C", "--no-sync",
        )  # fmt: skip
        (self.data / "pg_hba.conf").write_text("hostssl all all 127.0.0.1/32 scram-sha-256\n")

    def address(self, user: str, password: str, database: str = "sisimport") -> str:
        return f"postgres://{user}:{password}@127.0.0.1:{self.port}/{database}"


@pytest.fixture(scope="module")
def server(folder: Path, certificates: Path) -> Iterator[TLSServer]:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[4]))
    if not found:
        pytest.skip("needs Debian's postgresql: the embedded one knows no TLS")
    made = TLSServer(folder, certificates, found[-1].parent)
    made.make()
    try:
        made.start()
        with made.session("postgres") as session:
            session.execute("CREATE DATABASE sisimport")
        yield made
    finally:
        made.stop()


def manage(folder: Path, address: str, *words: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    """A command of a production installation on this database, with no setting of the test process or of an earlier command."""
    environment = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "FILE_KEYS") if name in os.environ} | {
        "DATABASE_URL": address,
        "SISIMPORT_DATA_DIR": str(folder / "var"),
        "SECRET_KEY": "k" * 50,
        "ALLOWED_HOSTS": "sis.example.org",
        "SISIMPORT_PRODUCTION": "1",
    }
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env=environment | settings,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


IS_TLS = (
    "from django.db import connection as c; cursor = c.cursor(); "
    "cursor.execute('SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()'); print(*cursor.fetchone())"
)


@pytest.mark.faults
@pytest.mark.long
def test_a_certificate_of_the_ca_is_taken_and_no_other(server: TLSServer, certificates: Path, folder: Path) -> None:
    address = server.address(ADMIN, ADMINS_PASSWORD)
    make_certificates(folder / "others", ["postgres"])
    ask = ("shell", "--no-imports", "-c", IS_TLS)

    good = manage(folder, address, *ask, DATABASE_CA=str(certificates / "ca.crt"))
    foreign = manage(folder, address, *ask, DATABASE_CA=str(folder / "others" / "ca.crt"))
    unwanted = manage(folder, f"{address}?sslmode=disable", *ask)

    assert (good.returncode, good.stdout) == (0, "True TLSv1.3\n"), good.stderr
    assert foreign.returncode == 3
    assert unwanted.returncode == 3
    assert ADMINS_PASSWORD not in foreign.stderr + unwanted.stderr


@pytest.mark.faults
@pytest.mark.processes
def test_a_database_of_one_user_is_handed_to_three_roles_by_a_command(
    server: TLSServer, certificates: Path, folder: Path
) -> None:
    """As compose does to an installation of 1.0.0. On a PostgreSQL that knows no right to measure, where it is older than 17."""
    ca = {"DATABASE_CA": str(certificates / "ca.crt")}
    before = manage(folder, server.address(ADMIN, ADMINS_PASSWORD), "migrate", "--no-input", "--verbosity=0", **ca)
    assert before.returncode == 0, before.stderr

    first = manage(
        folder, server.address(ADMIN, ADMINS_PASSWORD), "database_roles", "--json", POSTGRES_WEB_PASSWORD="w" * 20, **ca
    )
    again = manage(folder, server.address(ADMIN, ADMINS_PASSWORD), "database_roles", "--json", **ca)

    assert first.returncode == again.returncode == 0, first.stderr + again.stderr
    roles, kept = json.loads(first.stdout)["roles"], json.loads(again.stdout)["roles"]
    assert {kind: (one["role"], one["new"], "password" in one) for kind, one in roles.items()} == {
        "migrate": ("sisimport_migrate", True, True),
        "web": ("sisimport_web", True, False),
        "worker": ("sisimport_worker", True, True),
    }
    assert {kind: (one["new"], "password" in one) for kind, one in kept.items()} == dict.fromkeys(roles, (False, False))

    owner = server.address("sisimport_migrate", roles["migrate"]["password"])
    # The owner of now can do all that a release may ask of it, also making tables again.
    for step in (("migrate", "imports", "0022"), ("migrate",)):
        moved = manage(folder, owner, *step, "--no-input", "--verbosity=0", **ca)
        assert moved.returncode == 0, moved.stderr
    verified = {"sslmode": "verify-full", "sslrootcert": str(certificates / "ca.crt")}
    with psycopg.connect(owner, **verified) as session:
        others = session.execute(
            "SELECT relname FROM pg_class WHERE relnamespace IN ('public'::regnamespace, 'reporting'::regnamespace)"
            " AND relowner <> 'sisimport_migrate'::regrole"
            " UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
            " AND proowner <> 'sisimport_migrate'::regrole"
        ).fetchall()
        assert others == []
    for user, password, denied in (
        ("sisimport_web", "w" * 20, "DELETE FROM imports_importrun"),
        ("sisimport_worker", roles["worker"]["password"], "UPDATE auth_user SET is_superuser = true"),
    ):
        with psycopg.connect(server.address(user, password), **verified) as session:
            assert session.execute("SELECT count(*) FROM students_student").fetchone() == (0,)
            assert session.execute("SELECT sis_settled_until() > now() - interval '1 minute'").fetchone() == (True,)
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                session.execute(denied.encode())
    refused = manage(folder, server.address("sisimport_web", "w" * 20), "database_roles", **ca)
    assert refused.returncode == 2
    assert "Run it once with the address of the database administrator" in refused.stderr


# ---- Redis ----


@contextlib.contextmanager
def redis(folder: Path, certificates: Path, port: int) -> Iterator[str]:
    """Debian's redis-server with the words of docker-compose.yml. Yields its address."""
    program = shutil.which("redis-server") or pytest.skip("needs Debian's redis-server")
    words = [word.replace("/certificates", str(certificates)) for word in COMPOSE["services"]["redis"]["command"]]
    words[words.index("--tls-port") + 1] = str(port)
    words = [word.replace("${REDIS_PASSWORD:?set it in .env}", REDIS_PASSWORD) for word in words]
    with (folder / "redis.log").open("wb") as log:
        process = subprocess.Popen(
            [program, *words[1:]],
            cwd=folder,
            stdout=log,
            stderr=log,
            preexec_fn=end_with_parent,  # noqa: PLW1509 (a killed pytest must not leave it)
        )
    try:
        yield f"rediss://sisimport:{REDIS_PASSWORD}@localhost:{port}/0"
    finally:
        process.terminate()
        process.wait(PATIENCE)


SENDS = """
from sisimport.celery import app
with app.connection_for_write() as connection:
    connection.ensure_connection(max_retries=20, interval_start=0.2, interval_step=0.2)
    queue = connection.SimpleQueue("small")
    queue.put({"run": 1})
    message = queue.get(timeout=10)
    message.ack()
    channel = connection.default_channel
    channel.qos.restore_visible()  # the lock over messages that nobody acknowledged, by a script
    print(message.payload["run"])
    for words in (["FLUSHALL"], ["CONFIG", "GET", "*"], ["KEYS", "*"], ["ACL", "LIST"]):
        try:
            channel.client.execute_command(*words)
        except Exception as error:
            print(words[0], type(error).__name__)
"""


@pytest.mark.long
def test_messages_go_by_tls_and_the_user_of_redis_may_do_nothing_else(folder: Path, certificates: Path) -> None:
    port = free_port()
    make_certificates(folder / "others", ["postgres"])
    with redis(folder, certificates, port) as address:
        nobody = "postgres://nobody@127.0.0.1:1/none"
        ask = ("shell", "--no-imports", "-c", SENDS)
        good = manage(folder, nobody, *ask, REDIS_URL=address, REDIS_CA=str(certificates / "ca.crt"))
        foreign = manage(
            folder,
            nobody,
            "shell",
            "--no-imports",
            "-c",
            SENDS.replace("max_retries=20", "max_retries=1"),
            REDIS_URL=address,
            REDIS_CA=str(folder / "others" / "ca.crt"),
        )

    assert good.returncode == 0, good.stderr
    refusals = [f"{word} NoPermissionError" for word in ("FLUSHALL", "CONFIG", "KEYS", "ACL")]
    assert good.stdout.splitlines() == ["1", *refusals]
    assert foreign.returncode != 0


# ---- certificates, warnings ----


def test_certificates_are_kept_until_they_end_soon_and_keys_are_nobody_elses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sisimport.runtime import certificates

    assert make_certificates(tmp_path, ["postgres", "redis"], group=os.getgid()) == ["ca", "postgres", "redis"]
    assert make_certificates(tmp_path, ["postgres", "redis"]) == []
    assert {path.name: oct(path.stat().st_mode & 0o777) for path in tmp_path.glob("*.key")} == {
        "ca.key": "0o600",
        "postgres.key": "0o640",
        "redis.key": "0o640",
    }
    assert (
        subprocess.run(
            ["openssl", "verify", "-CAfile", tmp_path / "ca.crt", "-verify_hostname", "redis", tmp_path / "redis.crt"],
            check=False,
            capture_output=True,
        ).returncode
        == 0
    )
    monkeypatch.setattr(certificates, "RENEW_DAYS", certificates.SERVICE_DAYS + 1)
    assert make_certificates(tmp_path, ["postgres", "redis"]) == ["postgres", "redis"]


@pytest.mark.parametrize(
    ("host", "sslmode", "redis_url", "warned"),
    [
        ("/run/postgresql", "", "", []),
        ("127.0.0.1", "", "redis://localhost:6379/0", []),
        ("db.example.org", "verify-full", "rediss://:x@redis.example.org/0", []),
        ("db.example.org", "", "", ["PostgreSQL"]),
        ("127.0.0.1,db.example.org", "prefer", "", ["PostgreSQL"]),
        ("db.example.org", "require", "", ["PostgreSQL"]),
        ("", "", "redis://redis.example.org/0", ["Redis"]),
        ("", "", "rediss://redis.example.org/0?ssl_cert_reqs=none", ["Redis"]),
    ],
)
def test_a_connection_that_others_could_read_is_warned_of(
    host: str, sslmode: str, redis_url: str, warned: list[str]
) -> None:
    database: dict[str, Any] = {"HOST": host, "OPTIONS": {"sslmode": sslmode} if sslmode else {}}

    assert list(unprotected([database], redis_url)) == warned


@pytest.mark.parametrize("program", [["check", "--tag", "security"], ["check", "--deploy"]], ids=" ".join)
@pytest.mark.long
def test_production_says_so_at_its_start(program: list[str], tmp_path: Path) -> None:
    said = manage(
        tmp_path, "postgres://sisimport@db.example.org/sisimport", *program, REDIS_URL="redis://redis.example.org/0"
    )

    assert said.returncode == 0, said.stderr
    assert said.stderr.count("accounts.W003") == 2, said.stderr
    assert "Set DATABASE_CA" in said.stderr
