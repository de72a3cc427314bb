"""One headless Chromium for all tests that need a browser, people who are signed in to it, and axe-core.

Without browser or axe-core these tests skip, and say so; in continuous integration (CI=true) that is a failure.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

# Playwright's synchronous interface runs an event loop in this thread; Django would take our queries for asynchronous ones.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/browser" in str(item.path):
            item.add_marker(pytest.mark.browser)


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
    program = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if program is None:
        _missing("a Chromium browser")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser: Any, live_server: Any) -> Iterator[Callable[..., Any]]:
    """`visit(user, width=…, scheme=…, scripts=…)` opens a browser window in which the user is signed in."""
    contexts = []

    def open_window(
        user: Any = None, *, width: int = 1280, scheme: str = "light", scripts: bool = True, language: str = ""
    ) -> Any:
        context = browser.new_context(
            base_url=live_server.url,
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            java_script_enabled=scripts,
            reduced_motion="reduce",
            locale="en-US",
        )
        contexts.append(context)
        cookies = []
        if user is not None:
            client = Client()
            client.force_login(user)
            cookies.append((settings.SESSION_COOKIE_NAME, client.cookies[settings.SESSION_COOKIE_NAME].value))
        if language:
            cookies.append((settings.LANGUAGE_COOKIE_NAME, language))
        context.add_cookies([{"name": name, "value": value, "url": live_server.url} for name, value in cookies])
        page = context.new_page()
        page.set_default_timeout(30_000)
        return page

    yield open_window
    for context in contexts:
        context.close()
