"""The template that test databases are copied from: never stale, never half made, shared by sessions."""

import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest
from django.db import connection

from tests import template_database
from tests.template_database import MAKING, PREFIX, migrations_digest

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120
SESSION = """
import sys
from unittest import mock
import django
django.setup()
from tests import template_database
with (
    mock.patch.object(template_database, "migrations_digest", return_value=sys.argv[2]),
    template_database.template_database(sys.argv[1]) as name,
):
    print(name, flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def server(django_db_setup: None, database_server: str) -> Iterator[psycopg.Connection]:
    """A session beside that of the tests (which holds its own template: nothing here may drop that)."""
    with psycopg.connect(database_server, autocommit=True) as session:
        yield session


@pytest.fixture
def start(database_server: str) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Start another test session, as far as its template: it prints its name and stays until its input is closed."""
    sessions: list[subprocess.Popen[str]] = []

    def start_session(digest: str) -> subprocess.Popen[str]:
        sessions.append(
            subprocess.Popen(
                [sys.executable, "-c", SESSION, database_server, digest],
                cwd=ROOT,
                env=os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
        return sessions[-1]

    yield start_session
    for session in sessions:
        session.kill()
        session.communicate()


def databases(server: psycopg.Connection) -> dict[str, int]:
    """Names and identities of the templates, half-made ones too."""
    return dict(server.execute("SELECT datname, oid FROM pg_database WHERE starts_with(datname, %s)", [PREFIX]))


def name_of(session: subprocess.Popen[str]) -> str:
    assert session.stdout
    return session.stdout.readline().strip()


def test_a_changed_a_new_and_a_renamed_migration_each_ask_for_another_template(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = SimpleNamespace(label="app", path=str(tmp_path))
    monkeypatch.setattr(template_database, "apps", SimpleNamespace(get_app_configs=lambda: [app]))
    migration = tmp_path / "migrations" / "0001_initial.py"
    migration.parent.mkdir()
    migration.write_text("first")
    digests = [migrations_digest()]

    migration.write_text("changed")
    digests.append(migrations_digest())
    migration.with_name("0002_more.py").write_text("first")
    digests.append(migrations_digest())
    migration.rename(migration.with_name("0001_start.py"))
    digests.append(migrations_digest())

    assert len(set(digests)) == 4
    assert migrations_digest() == digests[-1]


def test_the_test_database_is_a_copy_with_every_migration(server: psycopg.Connection) -> None:
    assert connection.settings_dict["TEST"]["TEMPLATE"] in databases(server)


@pytest.mark.faults
@pytest.mark.long
def test_sessions_share_one_template_and_a_killed_one_leaves_nothing_in_the_way(
    server: psycopg.Connection, start: Callable[[str], subprocess.Popen[str]]
) -> None:
    digest, ours = uuid.uuid4().hex[:24], connection.settings_dict["TEST"]["TEMPLATE"]
    killed = start(digest)
    deadline = time.monotonic() + PATIENCE
    while MAKING not in databases(server):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    killed.kill()
    killed.wait()

    both = [start(digest), start(digest)]
    assert {name_of(session) for session in both} == {PREFIX + digest}
    made = databases(server)
    assert MAKING not in made
    assert ours in made

    later = start(uuid.uuid4().hex[:24])
    latest = name_of(later)
    assert made[PREFIX + digest] == databases(server)[PREFIX + digest], "one in use was dropped"
    for session in both:
        session.communicate("\n")
    last = start(latest.removeprefix(PREFIX))

    assert name_of(last) == latest
    assert PREFIX + digest not in databases(server), "one that nobody uses was kept"
    assert ours in databases(server)
