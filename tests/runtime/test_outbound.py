"""CALLED_HOSTS: what is not on the list is not called, whichever library asks, and what is on it is."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from sisimport.runtime.outbound import Allowed, hosts_in

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("hooks.example.org", True),
        ("HOOKS.example.org.", True),
        ("other.example.org", False),
        ("a.sftp.example.org", True),
        ("sftp.example.org", False),
        ("hooks.example.org.evil.example", False),
        ("10.20.3.4", True),
        ("10.21.0.1", False),
        ("::ffff:10.20.3.4", True),
        ("169.254.169.254", False),
        ("203.0.113.7", True),
        ("203.0.113.8", False),
        ("127.0.0.1", True),
        ("localhost", True),
        ("", True),
    ],
)
def test_names_patterns_addresses_and_networks_are_listed(host: str, allowed: bool) -> None:
    listed = Allowed(["hooks.example.org", "*.sftp.example.org", "10.20.0.0/16", "203.0.113.7"])
    assert listed.allows(host) is allowed


def test_an_address_is_called_where_a_name_on_the_list_led_to_it() -> None:
    listed = Allowed(["hooks.example.org"])
    assert not listed.allows("192.0.2.9")
    listed.note(["192.0.2.9"])
    assert listed.allows("192.0.2.9")


def test_hosts_of_settings_are_read_from_their_addresses() -> None:
    assert hosts_in(
        "postgres://web:password@db.example.org:5432/sis",
        "s3://bucket?endpoint=https://store.example.org:9000&region=x",
        "tcp://scan.example.org:3310",
        "unix:/run/clamd.ctl",
        "rediss://:secret@[2001:db8::1]:6379/0",
    ) == ["db.example.org", "bucket", "store.example.org", "scan.example.org", "[2001:db8::1]"]


CALLS = {
    "webhook": "from sisimport.automation import requests_out as r; r.post('https://other.example.org/x', b'', {})",
    "its address, typed on a page": "from sisimport.automation import requests_out as r; r.check_url('https://other.example.org/x')",
    "urllib": "import urllib.request as u; u.urlopen('http://other.example.org/', timeout=5)",
    "urllib, by address": "import urllib.request as u; u.urlopen('http://192.0.2.9/', timeout=5)",
    "requests": "import requests; requests.get('http://other.example.org/', timeout=5)",
    "object store": "import boto3; boto3.client('s3', endpoint_url='http://other.example.org', region_name='x',"
    " aws_access_key_id='a', aws_secret_access_key='b').list_buckets()",
    "SFTP": "import paramiko; paramiko.SSHClient().connect('other.example.org', timeout=5)",
    "mail": "import smtplib; smtplib.SMTP('other.example.org', timeout=5)",
    "socket": "import socket; socket.socket().connect(('192.0.2.9', 80))",
    "datagram": "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'', ('192.0.2.9', 80))",
}
# One process for all: each tells what its call ended with.
PROGRAM = """
import django; django.setup()
for name, call in {calls!r}.items():
    try:
        exec(call)
        print(name, '->', 'called')
    except BaseException as error:
        texts = []
        while error is not None:
            texts.append(str(error)); error = error.__cause__ or error.__context__
        print(name, '->', 'refused' if any('CALLED_HOSTS' in text for text in texts) else texts)
"""


class Answering(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_what: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Answering) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def answers(calls: dict[str, str], hosts: str, tmp_path: Path) -> dict[str, str]:
    environment = os.environ | {
        "CALLED_HOSTS": hosts,
        "EMAIL_URL": "smtp://mail.invalid:25",
        "SISIMPORT_DATA_DIR": str(tmp_path / "data"),
        "DATABASE_URL": "postgres://nobody@db.invalid/none",
        "DJANGO_SETTINGS_MODULE": "sisimport.settings",
        "AWS_MAX_ATTEMPTS": "1",
        "no_proxy": "*",
    }
    command = [sys.executable, "-c", PROGRAM.format(calls=calls)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=240)
    lines = [line.partition(" -> ") for line in done.stdout.splitlines() if " -> " in line]
    assert len(lines) == len(calls), done.stderr[-2000:]
    return {name: answer for name, _arrow, answer in lines}


@pytest.mark.long
def test_nothing_but_the_list_is_called_whichever_library_asks(port: int, tmp_path: Path) -> None:
    local = socket.gethostbyname("localhost")
    calls = CALLS | {
        "this machine": f"import urllib.request as u; u.urlopen('http://{local}:{port}/', timeout=5)",
        "mail server of the settings": "from sisimport.runtime import outbound; outbound.check('mail.invalid')",
        "listed": "from sisimport.runtime import outbound; outbound.check('hooks.example.org')",
    }
    found = answers(calls, "hooks.example.org", tmp_path)
    assert found == dict.fromkeys(CALLS, "refused") | dict.fromkeys(calls.keys() - CALLS.keys(), "called")


@pytest.mark.long
def test_without_a_list_nothing_is_asked(tmp_path: Path) -> None:
    calls = {"other": "from sisimport.runtime import outbound; outbound.check('other.example.org')"}
    assert answers(calls, "", tmp_path) == {"other": "called"}
