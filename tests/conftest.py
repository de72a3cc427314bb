"""Shared by all tests: with no DATABASE_URL, the embedded PostgreSQL of the test data directory runs while they do."""

import contextlib
import fcntl
import gc
import itertools
import os
import signal
import unittest.mock
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from django.utils import translation
from psycopg import sql

from sisimport.accounts import kept_mail
from sisimport.imports.definition import registry
from sisimport.imports.engine import kept_selects
from sisimport.runtime import postgres
from tests import as_roles, committed, fast, unseen
from tests.chromium import axe, browser  # noqa: F401 - fixtures for all
from tests.compiled import pytest_xdist_setupnodes  # noqa: F401 - a hook of pytest-xdist
from tests.fast import few_journeys  # noqa: F401 - a fixture for all
from tests.figures import figure, pytest_terminal_summary  # noqa: F401 - a fixture for all, and a hook of pytest
from tests.longer import FAST, mark_combinations
from tests.shared_selects import SharedSelects
from tests.template_database import template_database


def pytest_configure(config: pytest.Config) -> None:
    """Ended by SIGTERM, the session cleans up as after Ctrl-C, instead of counting it as one test's error."""
    if os.environ.get("SISIMPORT_TEST_ROLES"):
        config.pluginmanager.register(as_roles)
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """Thousands of tests and all modules stay as they are until the end: the garbage collector need not look at them again
    and again (a tenth of a second each time)."""
    gc.collect()
    gc.freeze()


if FAST:  # Schemathesis by itself is to be waited for
    collect_ignore = ["api/test_schemathesis.py"]
committed.install()
unseen.install()
# A worker has runs of a few kinds; a session of tests has all kinds, and composing a kind's statements is most of a run's work.
kept_selects.MOST = 500


def pytest_unconfigure(config: pytest.Config) -> None:
    """xdist kills its processes when the session is interrupted: the server they would have stopped is stopped here."""
    if not hasattr(config, "workerinput") and settings.EMBEDDED and settings.DATA_DIR.exists():
        postgres.stop_unused(settings.DATA_DIR)


@pytest.fixture(scope="session", autouse=True)
def _selects_of_all_processes(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What one process of this session composes, the others find: the folder above theirs is of this session alone."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        kept_selects._kept = SharedSelects(tmp_path_factory.getbasetemp().parent / "selects")


@pytest.fixture(scope="session", autouse=True)
def _mails_of_this_process() -> Iterator[None]:
    """Each xdist worker keeps its mails apart: a purge of another's test would remove them."""
    common, folder = settings.DATA_DIR, kept_mail.folder

    def own() -> Path:
        if common != settings.DATA_DIR:
            return folder()
        made: Path = common / "mails" / os.environ.get("PYTEST_XDIST_WORKER", "one")
        made.mkdir(mode=0o700, parents=True, exist_ok=True)
        return made

    with unittest.mock.patch.object(kept_mail, "folder", own):
        yield


@pytest.fixture(scope="session")
def database_server() -> Iterator[str]:
    """Address of a running PostgreSQL: the given one, or the embedded one, started or joined (by each xdist worker)."""
    if not settings.EMBEDDED:
        yield settings.DATABASE_URL
        return
    # Thrown away as the databases are. Emptying the tables after a test that commits makes some hundred files to wait for.
    quick = {"fsync": "off", "full_page_writes": "off"}
    with contextlib.ExitStack() as stack:
        with unittest.mock.patch.dict(postgres.SERVER_SETTINGS, quick):  # not for servers that tests start
            url = stack.enter_context(postgres.running(settings.DATA_DIR))
        yield url


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, database_server: str, django_db_blocker: Any
) -> Iterator[None]:
    """Called by pytest-django before it makes the test database: by then the server must be there with the migrated
    template to copy, and the name free.

    Sessions in one clone at the same time get a database each. What a killed session left is dropped, whoever (a worker
    of its own) may still be connected.
    """
    usual = connection.creation._get_test_db_name()
    settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
    for number in itertools.count():
        name = f"{usual}_{number}" if number else usual
        with (settings.DATA_DIR / f"{name}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            connection.settings_dict["TEST"]["NAME"] = name
            with psycopg.connect(database_server, autocommit=True) as session:
                session.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
            with contextlib.ExitStack() as stack:
                with django_db_blocker.unblock():
                    template = stack.enter_context(template_database(database_server))
                connection.settings_dict["TEST"]["TEMPLATE"] = template
                yield
            return


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> None:
    """pytest-django's; what is in a new database comes back after each test that commits. It has the limited roles, their rights
    and policies, as an installation has."""
    with django_db_blocker.unblock():
        committed.keep()
        as_roles.stand_up()


@pytest.fixture(scope="session")
def _own_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Names of folders, none of which is there."""
    base = tmp_path_factory.mktemp("uploads")
    return (base / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def _own_uploads(request: pytest.FixtureRequest, _own_folders: Iterator[Path], settings: Any) -> None:
    """Uploaded files of a test go into its own folder, unless processes of their own are to read them.

    `tmp_path` looks through the folders of all earlier tests for a free name: it is made only where a test asks for it.
    """
    if request.node.get_closest_marker("processes"):
        return
    folder = request.getfixturevalue("tmp_path") if "tmp_path" in request.fixturenames else next(_own_folders)
    storages = dict(settings.STORAGES)
    storages["default"] = storages["default"] | {"OPTIONS": {"location": str(folder / "uploads")}}
    settings.STORAGES = storages


@pytest.fixture(autouse=True)
def _as_a_new_process() -> None:
    """What the last test's pages left in this process: their language, and import types added to a database that is gone.

    Before the test, not after the last one: a browser's last request may come after its test has cleaned up.
    """
    translation.deactivate()
    registry._added, registry._stale = {}, False


@pytest.fixture
def other_session(django_db_setup: None) -> Iterator[psycopg.Connection]:
    """A database session that is not ours: a worker's, or that of somebody who edits records."""
    parameters = connection.get_connection_params()
    for name in ("cursor_factory", "context", "prepare_threshold"):
        parameters.pop(name, None)
    with psycopg.connect(**parameters, autocommit=True) as session:
        yield session


def pytest_runtest_setup(item: pytest.Item) -> None:
    if FAST:
        fast.skip_if_alike_was_left_out(item)


@pytest.fixture(autouse=FAST)
def _fast(request: pytest.FixtureRequest) -> None:
    if FAST:
        request.getfixturevalue("few_journeys")


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    mark_combinations(items)  # before pytest chooses by markers
    yield
    if FAST:  # of what the markers left
        items[:], left = fast.first_cases(items)
        config.hook.pytest_deselected(items=left)
    # A thousand of them last a few seconds: after all others, they fill up the process that is done first.
    items.sort(key=lambda item: item.nodeid.startswith("tests/files/"))
