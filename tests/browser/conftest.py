"""Windows of the one headless Chromium (tests/chromium.py) in which somebody is signed in."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from tests.assessments.earlier_years import newest_is_2024_25  # noqa: F401 - a fixture
from tests.chromium import PATIENCE


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/browser" in str(item.path):
            item.add_marker(pytest.mark.browser)


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
        page.set_default_timeout(PATIENCE)
        return page

    yield open_window
    for context in contexts:
        context.close()
