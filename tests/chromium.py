"""One headless Chromium for all tests of a process that need a browser, and axe-core. Fixtures; tests/conftest.py offers them.

Without browser or axe-core these tests skip, and say so; in continuous integration (CI=true) that is a failure.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

AXE = Path(__file__).resolve().parents[1] / "node_modules" / "axe-core" / "axe.min.js"
PATIENCE = 60_000  # milliseconds: a busy machine is slow, not wrong
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def _missing(what: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what} is missing, and in continuous integration the pages must be looked at")
    pytest.skip(f"NOT LOOKED AT: {what} is missing")


@pytest.fixture(scope="session")
def axe() -> str:
    """The source of axe-core (script/test installs it when npm is there)."""
    if not AXE.exists():
        _missing("axe-core (node_modules/axe-core)")
    return AXE.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """One for the process: Playwright refuses to be started a second time beside itself."""
    program = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if program is None:
        _missing("a Chromium browser")
    # Playwright keeps an event loop in this thread; Django would take our queries for asynchronous ones.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        # Nothing is drawn by a graphics card: no process for one, and no imitation of one.
        switches = ["--no-sandbox", "--disable-gpu", "--in-process-gpu", "--disable-software-rasterizer"]
        chromium = playwright.chromium.launch(executable_path=program, args=switches)
        yield chromium
        chromium.close()
