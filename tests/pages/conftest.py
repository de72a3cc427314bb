"""Fixtures of page tests: a district, people who sign in, and a browser where there is one."""

import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from tests.factories import UserFactory
from tests.imports.commandline import CommandLine
from tests.imports.journey import District, make_district

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
)


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


# ---- a browser ----


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """Headless Chromium. Without one the test is skipped and says so; in continuous integration it fails."""
    if not CHROMIUM:
        message = "NO CHROMIUM ON THIS MACHINE: the pages were not tried in a browser"
        pytest.fail(message) if os.environ.get("CI") == "true" else pytest.skip(message)
    # Playwright keeps an event loop in this thread; the tests ask the database beside it, which is safe.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def worker(transactional_db: None) -> Iterator[None]:
    """Executes the runs that pages start, as a worker does, in a thread of this process."""
    from django.db import connection

    from sisimport.imports.execution import active_run_ids_without_worker, execute_run

    ended = threading.Event()

    def work() -> None:
        try:
            while not ended.is_set():
                for run_id in active_run_ids_without_worker():
                    execute_run(run_id)
                time.sleep(0.05)
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    ended.set()
    thread.join()


@pytest.fixture
def axe() -> str:
    """Path of axe-core, which finds what people with assistive technology would stumble over."""
    path = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
    if not path.exists():
        message = "NO AXE-CORE (npm install axe-core): accessibility was not checked"
        pytest.fail(message) if os.environ.get("CI") == "true" else pytest.skip(message)
    return str(path)
