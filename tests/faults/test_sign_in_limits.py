"""Limits of signing in, counted by several processes behind a real proxy (S3 of the security review)."""

import contextlib
import http.client
import shutil
import subprocess
import sys
import urllib.parse
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.conf import global_settings

from sisimport.runtime.processes import ROOT, end_with_parent
from tests.factories import PASSWORD, UserFactory
from tests.faults.conftest import wait_until
from tests.faults.site import Site, free_port, site

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

STRANGER, ROSA, MARIA = "127.0.0.2", "127.0.0.3", "127.0.0.4"
NGINX = """
daemon off; master_process off; error_log {folder}/error.log; pid {folder}/nginx.pid;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder}; uwsgi_temp_path {folder};
    scgi_temp_path {folder};
    upstream site {{ {servers} }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://site;
            proxy_set_header Host 127.0.0.1;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        }}
    }}
}}
"""


@contextlib.contextmanager
def proxy(kind: str, sites: list[Site], folder: Path) -> Iterator[int]:
    """The port of a real reverse proxy in front of these sites, which take turns."""
    port = free_port()
    if kind == "nginx":
        config = folder / "nginx.conf"
        servers = " ".join(f"server 127.0.0.1:{each.port};" for each in sites)
        config.write_text(NGINX.format(folder=folder, servers=servers, port=port))
        command = ["nginx", "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(config)]
    else:
        command = [sys.executable, "-m", "tests.faults.proxy", str(port), *(str(each.port) for each in sites)]
    process = subprocess.Popen(command, cwd=ROOT, preexec_fn=end_with_parent)  # noqa: PLW1509
    try:
        wait_until(lambda: answers(port), lambda: f"{kind} does not answer")
        yield port
    finally:
        process.kill()
        process.wait()


def answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", "/health/")
        return connection.getresponse().status == 200
    return False


def sign_in(port: int, name: str, password: str, address: str, forged: str = "") -> str:
    """One sign-in from this address of ours: "in", "wrong" or "too many"."""
    token = "a" * 32
    form = urllib.parse.urlencode({"login": name, "password": password, "csrfmiddlewaretoken": token})
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": f"csrftoken={token}"}
    if forged:
        headers["X-Forwarded-For"] = forged
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60, source_address=(address, 0))
    connection.request("POST", "/accounts/login/", form, headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    if answer.status == 302:
        return "in"
    return "too many" if "Too many failed" in text else "wrong" if "not correct" in text else f"{answer.status}"


NO_NGINX = pytest.mark.skipif(not shutil.which("nginx"), reason="no nginx here")
KINDS = ["own", pytest.param("nginx", marks=[NO_NGINX, pytest.mark.load])]  # hashing 30 passwords takes its time


@pytest.mark.faults
@pytest.mark.parametrize("kind", KINDS)
def test_s3_tries_are_counted_by_name_and_address_over_processes_and_restarts(
    kind: str, database_url: str, tmp_path: Path, settings: Any
) -> None:
    settings.PASSWORD_HASHERS = global_settings.PASSWORD_HASHERS  # those of the site's processes, not of the tests
    for name in ("rosa", "maria", "ann"):
        UserFactory(username=name)
    with contextlib.ExitStack() as running:

        def start(number: int) -> Site:
            return running.enter_context(site(database_url, tmp_path / f"data{number}", TRUSTED_PROXY_COUNT="1"))

        first, second = start(1), start(2)
        port = running.enter_context(proxy(kind, [first, second], tmp_path))

        def try_rosa(number: int) -> str:
            return sign_in(port, "rosa", f"guess {number}", STRANGER, forged=f"10.1.1.{number}")

        with ThreadPoolExecutor(8) as people:
            tried = list(people.map(try_rosa, range(16)))
        # Exactly five, whichever of the four processes they met and whatever address the stranger claims to have.
        assert sorted(tried) == ["too many"] * 11 + ["wrong"] * 5
        assert sign_in(port, "rosa", PASSWORD, STRANGER) == "too many"
        # It locks nobody else out: not Rosa at her own place, not other people at the stranger's.
        assert sign_in(port, "rosa", PASSWORD, ROSA) == "in"
        assert [sign_in(port, f"nobody{n}", "x", STRANGER) for n in range(12)] == ["wrong"] * 12
        assert sign_in(port, "maria", PASSWORD, STRANGER) == "in"
        assert sign_in(port, "ann", PASSWORD, MARIA) == "in"

        for each in (first, second):
            each.restart()
        assert sign_in(port, "rosa", PASSWORD, STRANGER) == "too many"
        assert sign_in(port, "rosa", PASSWORD, ROSA) == "in"
