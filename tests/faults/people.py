"""Somebody who is signed in on a real web server, with a browser's cookies."""

from typing import Any

import requests

from tests.faults.site import PATIENCE, cookie_of


class Visitor:
    """Asks for pages and sends forms; follows where they lead."""

    def __init__(self, port: int, user: Any, *, host: str = "127.0.0.1") -> None:
        self.user = user
        self._site = f"http://{host}:{port}"
        self._token = "x" * 32  # of the CSRF check: the same in the cookie and in the head
        self._cookies = f"{cookie_of(user)}; csrftoken={self._token}"

    def get(self, path: str) -> requests.Response:
        return requests.get(f"{self._site}{path}", headers={"Cookie": self._cookies}, timeout=PATIENCE)

    def post(
        self, path: str, form: dict[str, str] | None = None, files: dict[str, tuple[str, bytes]] | None = None
    ) -> requests.Response:
        heads = {"Cookie": self._cookies, "X-CSRFToken": self._token, "Referer": self._site}
        return requests.post(f"{self._site}{path}", data=form or {}, files=files, headers=heads, timeout=PATIENCE)
