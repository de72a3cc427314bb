"""Fixtures of page tests: a district, people who sign in, and a browser where there is one."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from tests.factories import UserFactory
from tests.imports.commandline import CommandLine
from tests.imports.journey import District, make_district


@pytest.fixture
def district(db: None) -> District:
    return make_district()


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(capsys)


@pytest.fixture
def registrar(client: Client, db: None) -> Any:
    """A registrar of all schools, signed in with `client`."""
    user = UserFactory(registrar=True, all_schools=True, username="rosa", first_name="Rosa", last_name="Vega")
    client.force_login(user)
    return user


@pytest.fixture
def worker(transactional_db: None) -> Iterator[None]:
    """Executes the runs that pages start, as a worker does, in a thread of this process."""
    from django.db import connection

    from sisimport.imports.runs.execution import execute_run
    from sisimport.imports.runs.queueing import waiting

    ended = threading.Event()

    def work() -> None:
        try:
            while not ended.is_set():
                for entry in waiting():
                    execute_run(entry.run_id)
                time.sleep(0.05)
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    ended.set()
    thread.join()
