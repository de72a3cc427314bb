"""A forgotten password with real mail servers: one that works, one that refuses, one that hangs, none at all (S4)."""

import email
import email.policy
import http.client
import re
import socket
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from tests.factories import UserFactory
from tests.faults.conftest import wait_until
from tests.faults.site import Site, free_port, site

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

TOKEN = "a" * 32


class Postbox:
    """A mail server's side: keeps what it takes, or refuses each recipient."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.refuses = refuses
        self.mails: list[Any] = []

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802 - called by this name
        if self.refuses:
            return "550 no such person"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        self.mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 OK"


@pytest.fixture
def hanging_port() -> Iterator[int]:
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def post(port: int, path: str, **form: str) -> tuple[int, str]:
    """Status and where it leads."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": f"csrftoken={TOKEN}"}
    connection.request("POST", path, urllib.parse.urlencode(form | {"csrfmiddlewaretoken": TOKEN}), headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, answer.headers.get("Location", "")


def ask(web: Site, address: str) -> tuple[int, str]:
    return post(web.port, "/accounts/password/reset/", email=address)


ASKED = (302, "/accounts/password/reset/done/")


def test_the_link_comes_by_mail(database_url: str, tmp_path: Path) -> None:
    user = UserFactory(username="rosa", email="rosa@example.org")
    box = Postbox()
    controller = Controller(box, hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        url = f"smtp://127.0.0.1:{controller.port}"
        with site(database_url, tmp_path / "data", EMAIL_URL=url, DEFAULT_FROM_EMAIL="sis@example.org") as web:
            assert [ask(web, address) for address in (user.email, "nobody@example.org")] == [ASKED] * 2
            wait_until(lambda: box.mails, lambda: f"no mail came: {web.log.read_text()}")
            (mail,) = box.mails
            link = re.search(r"http://127\.0\.0\.1:\d+(/\S+)", mail.get_body().get_content())
            assert link
            assert web.answers(link.group(1))
            assert (mail["To"], mail["From"]) == ("rosa@example.org", "sis@example.org")
            assert not list((web.folder / "mail").glob("*")) if (web.folder / "mail").exists() else True
    finally:
        controller.stop()


@pytest.mark.faults
def test_a_mail_server_that_is_down_or_refuses_costs_nobody_a_page_and_the_mail_is_kept(
    database_url: str, tmp_path: Path
) -> None:
    user = UserFactory(email="rosa@example.org")
    controller = Controller(Postbox(refuses=True), hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        for name, port in {"away": free_port(), "refuses": controller.port}.items():
            with site(database_url, tmp_path / name, EMAIL_URL=f"smtp://127.0.0.1:{port}") as web:
                assert ask(web, user.email) == ASKED
                assert ask(web, "nobody@example.org") == ASKED
                kept = web.folder / "mail"
                wait_until(lambda kept=kept: list(kept.glob("*.eml")), lambda web=web: web.log.read_text())
                assert "rosa" not in web.log.read_text()
    finally:
        controller.stop()


@pytest.mark.faults
def test_a_mail_server_that_hangs_holds_no_page(database_url: str, tmp_path: Path, hanging_port: int) -> None:
    user = UserFactory(email="paula@example.org")  # not asked for by the tests above: the site counts
    with site(database_url, tmp_path / "data", EMAIL_URL=f"smtp://127.0.0.1:{hanging_port}") as web:
        started = time.monotonic()
        assert [ask(web, user.email) for _time in range(4)] == [ASKED] * 4
        assert time.monotonic() - started < 60  # each page would wait that long for the three tries
        assert web.answers("/accounts/login/")
        web.ask_to_end()
        assert len(list((web.folder / "mail").glob("*.eml"))) == 4  # kept by the processes as they ended
