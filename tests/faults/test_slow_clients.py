"""Clients that begin a request and never end it: the site continues for everybody else (S2 of the security review)."""

import contextlib

import pytest
from django.urls import reverse

from sisimport.imports.definition.registry import tools
from tests.factories import SchoolFactory, UserFactory
from tests.faults.site import Site, cookie_of, unfinished_upload

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

HELD = 24  # three for each thread of the site
PAGES = ("/health/", "/accounts/login/")


def assert_alive(web: Site) -> None:
    for _turn in range(3):
        assert [path for path in PAGES if not web.answers(path)] == []


def test_unfinished_uploads_of_strangers_are_refused_and_hold_nothing(web: Site) -> None:
    with contextlib.ExitStack() as held:
        sent = unfinished_upload(reverse("account_login"))
        sockets = [held.enter_context(web.connect(sent)) for _number in range(HELD)]

        assert_alive(web)
        assert {connection.recv(1000).split(b" ")[1] for connection in sockets} == {b"413"}
    assert list((web.folder / "incoming").iterdir()) == []


def test_unfinished_uploads_of_uploaders_hold_no_thread(web: Site) -> None:
    cookie = cookie_of(UserFactory(registrar=True, schools=[SchoolFactory()]))
    with contextlib.ExitStack() as held:
        sent = unfinished_upload(reverse("upload", args=[tools()[0].key]), cookie)
        for _number in range(HELD):
            held.enter_context(web.connect(sent))

        assert_alive(web)


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ",
        b"POST /accounts/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 500\r\n\r\nlogin=a",
        b"POST /accounts/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nlogin\r\n",
    ],
    ids=["nothing", "half a header", "half a form", "a form in chunks"],
)
def test_unfinished_requests_of_any_kind_hold_no_thread(web: Site, sent: bytes) -> None:
    with contextlib.ExitStack() as held:
        for _number in range(HELD):
            held.enter_context(web.connect(sent))

        assert_alive(web)


def test_a_body_in_chunks_is_refused_once_it_is_larger_than_a_form(web: Site) -> None:
    head = b"POST /accounts/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    with web.connect(head + b"20000\r\n" + b"x" * 0x20000 + b"\r\n") as connection:
        assert connection.recv(1000).split(b" ")[1] == b"413"


def test_a_whole_upload_arrives(web: Site) -> None:
    """The other side of the coin: what a registrar sends is taken, of a few kB or a few MB, and read by the form."""
    cookie = cookie_of(UserFactory(registrar=True, schools=[SchoolFactory()]))
    for size in (3_000, 3_000_000):
        sent = unfinished_upload(reverse("upload", args=[tools()[0].key]), cookie, size)
        begun = len(sent.split(b"\r\n\r\n", 1)[1])
        end = b"\r\n--b--\r\n"
        with web.connect(sent + b"x" * (size - begun - len(end)) + end) as connection:
            assert connection.recv(1000).split(b" ")[1] == b"422"  # the form's: no type was chosen
