"""Shared by all tests: with no DATABASE_URL, the embedded PostgreSQL of the test data directory runs while they do."""

import contextlib
import fcntl
import gc
import itertools
import json
import signal
import unittest.mock
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.db.backends.base.creation import BaseDatabaseCreation
from django.db.backends.base.operations import BaseDatabaseOperations
from django.utils import translation
from psycopg import sql
from psycopg.errors import DeadlockDetected

from sisimport.imports.definition import registry
from sisimport.runtime import postgres
from tests import fast
from tests.chromium import axe, browser  # noqa: F401 - fixtures for all
from tests.fast import few_journeys  # noqa: F401 - a fixture for all
from tests.figures import figure, pytest_terminal_summary  # noqa: F401 - a fixture for all, and a hook of pytest
from tests.longer import FAST
from tests.template_database import template_database


def pytest_configure() -> None:
    """Ended by SIGTERM, the session cleans up as after Ctrl-C, instead of counting it as one test's error."""
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """Thousands of tests and all modules stay as they are until the end: the garbage collector need not look at them again
    and again (a tenth of a second each time)."""
    gc.collect()
    gc.freeze()


def _flush_patiently(self: BaseDatabaseOperations, sql_list: list[str]) -> None:
    """Empty the tables after a test that committed; a worker that is kept may look at two of them at that very moment."""
    letting = "SET LOCAL sisimport.audit_purge = 'on'"  # the record of access refuses to be emptied
    for tries_left in (4, 3, 2, 1, 0):
        try:
            return _flush(self, [letting, *sql_list])
        except OperationalError as error:
            if not tries_left or not isinstance(error.__cause__, DeadlockDetected):
                raise
    return None


_flush = BaseDatabaseOperations.execute_sql_flush
BaseDatabaseOperations.execute_sql_flush = _flush_patiently  # type: ignore[method-assign]


def _serialize_without_record(self: BaseDatabaseCreation) -> str:
    """What `serialized_rollback` brings back, but the record of access: loading it would be changing it."""
    rows = json.loads(_serialize(self))
    return json.dumps([row for row in rows if not row["model"].startswith("audit.")])


_serialize = BaseDatabaseCreation.serialize_db_to_string
BaseDatabaseCreation.serialize_db_to_string = _serialize_without_record  # type: ignore[method-assign]


def pytest_unconfigure(config: pytest.Config) -> None:
    """xdist kills its processes when the session is interrupted: the server they would have stopped is stopped here."""
    if not hasattr(config, "workerinput") and settings.EMBEDDED and settings.DATA_DIR.exists():
        postgres.stop_unused(settings.DATA_DIR)


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


@pytest.fixture(autouse=True)
def _own_uploads(request: pytest.FixtureRequest, tmp_path: Path, settings: Any) -> None:
    """Uploaded files of a test go into its own folder, unless processes of their own are to read them."""
    if request.node.get_closest_marker("processes"):
        return
    storages = dict(settings.STORAGES)
    storages["default"] = storages["default"] | {"OPTIONS": {"location": str(tmp_path / "uploads")}}
    settings.STORAGES = storages


@pytest.fixture(autouse=True)
def _as_a_new_process() -> None:
    """What the last test's pages left in this process: their language, and import types added to a database that is gone.

    Before the test, not after the last one: a browser's last request may come after its test has cleaned up.
    """
    translation.deactivate()
    registry._added, registry._stale = {}, False


@pytest.fixture(autouse=True)
def _groups_and_permissions(request: pytest.FixtureRequest) -> None:
    """A transactional test finds groups and permissions, whatever the one before it left.

    Django makes them again after it emptied the tables, but not behind a test with `serialized_rollback`, which brings
    its own copy.
    """
    marker = request.node.get_closest_marker("django_db")
    given = marker.kwargs if marker else {}
    if given.get("serialized_rollback"):
        return
    if not given.get("transaction") and not {"transactional_db", "live_server"} & set(request.fixturenames):
        return
    request.getfixturevalue("transactional_db")
    from django.contrib.auth.models import Group, Permission
    from django.contrib.contenttypes.models import ContentType
    from django.core.management.sql import emit_post_migrate_signal

    from sisimport.accounts.access import GROUPS

    if Group.objects.filter(name__in=GROUPS).count() < len(GROUPS) or not Permission.objects.exists():
        ContentType.objects.clear_cache()
        emit_post_migrate_signal(verbosity=0, interactive=False, db="default")


@pytest.fixture
def other_session(django_db_setup: None) -> Iterator[psycopg.Connection]:
    """A database session that is not ours: a worker's, or that of somebody who edits records."""
    parameters = connection.get_connection_params()
    for name in ("cursor_factory", "context", "prepare_threshold"):
        parameters.pop(name, None)
    with psycopg.connect(**parameters, autocommit=True) as session:
        yield session


@pytest.fixture(autouse=FAST)
def _fast(request: pytest.FixtureRequest) -> None:
    if FAST:
        request.getfixturevalue("few_journeys")


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Iterator[None]:
    """A test that commits leaves empty tables and groups made anew under other numbers: only one that asks for
    `serialized_rollback` finds what migrations wrote, and none of those may follow one that does not ask (but browsers', last).
    """
    for item in items:
        names = getattr(item, "fixturenames", ())
        asked = [mark for mark in item.iter_markers("django_db") if mark.kwargs.get("serialized_rollback")]
        looks = item.get_closest_marker("browser") or "browser" in item.nodeid
        if "transactional_db" in names and not asked and not looks:
            raise pytest.UsageError(
                f"{item.nodeid} commits: mark it django_db(transaction=True, serialized_rollback=True)"
            )
    yield
    if FAST:  # of what the markers left
        items[:], left = fast.first_cases(items)
        config.hook.pytest_deselected(items=left)
