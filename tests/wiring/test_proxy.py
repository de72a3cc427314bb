"""The proxy's configuration that the guide gives: started as it is but for names, ports and the certificate, and asked."""

import contextlib
import http.client
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from django.urls import URLPattern, reverse

from sisimport.runtime.certificates import make_certificates
from sisimport.runtime.processes import end_with_parent
from tests.faults.conftest import wait_until
from tests.faults.site import free_port

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "docs" / "proxy" / "nginx.conf"
NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
needs_nginx = pytest.mark.skipif(not NGINX, reason="no nginx here (Debian: apt install nginx)")
WEAK = (
    "ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES256-SHA384:AES128-GCM-SHA256:AES256-SHA:DES-CBC3-SHA:NULL:eNULL:@SECLEVEL=0"
)


class Site(BaseHTTPRequestHandler):
    """Stands for the web container: tells what it was told."""

    def do_GET(self) -> None:
        told = "\n".join(f"{name}: {value}" for name, value in self.headers.items()).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *_what: object) -> None:
        pass


@dataclass
class Proxy:
    port: int
    plain_port: int
    ca: Path

    def handshake(self, lowest: ssl.TLSVersion, highest: ssl.TLSVersion, ciphers: str = "ALL:@SECLEVEL=0") -> str:
        """The version that both agreed on; blank where the proxy wants none of these."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.ca)
        context.set_ciphers(ciphers)
        context.minimum_version, context.maximum_version = lowest, highest
        try:
            with (
                socket.create_connection(("127.0.0.1", self.port), 10) as plain,
                context.wrap_socket(plain, server_hostname="sis.example.org") as secure,
            ):
                return secure.version() or ""
        except (ssl.SSLError, ConnectionError):
            return ""

    def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, str]:
        context = ssl.create_default_context(cafile=str(self.ca))
        connection = http.client.HTTPSConnection("localhost", self.port, timeout=30, context=context)
        with contextlib.closing(connection):
            connection.sock = context.wrap_socket(
                socket.create_connection(("127.0.0.1", self.port), 30), server_hostname="sis.example.org"
            )
            connection.request(method, path, body, {"X-Forwarded-For": "198.51.100.7", "Host": "sis.example.org"})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    folder = tmp_path_factory.mktemp("proxy")
    make_certificates(folder, ["sis.example.org"])
    site = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=site.serve_forever, daemon=True).start()
    made = Proxy(free_port(), free_port(), folder / "ca.crt")
    (folder / "nginx.conf").write_text(whole_configuration(folder, made, site.server_port))
    command = [str(NGINX), "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")]
    with subprocess.Popen(command, preexec_fn=end_with_parent) as process:  # noqa: PLW1509
        try:
            wait_until(
                lambda: made.handshake(ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3), lambda: "nginx is silent"
            )
            yield made
        finally:
            process.kill()
            site.shutdown()


def whole_configuration(folder: Path, proxy: Proxy, site_port: int) -> str:
    """The file of the guide in what Debian puts around it."""
    text = re.sub(
        r"/etc/letsencrypt/live/sis\.example\.org/fullchain\.pem", f"{folder}/sis.example.org.crt", FILE.read_text()
    )
    text = text.replace("/etc/letsencrypt/live/sis.example.org/privkey.pem", f"{folder}/sis.example.org.key")
    text = text.replace("127.0.0.1:8000", f"127.0.0.1:{site_port}")
    text = re.sub(r"listen \[::\].*", "", text)
    text = text.replace("listen 80;", f"listen 127.0.0.1:{proxy.plain_port};")
    text = text.replace("listen 443 ssl;", f"listen 127.0.0.1:{proxy.port} ssl;")
    places = "".join(f"{name}_temp_path {folder};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    return f"daemon off; master_process off; pid {folder}/nginx.pid; events {{}} http {{ access_log off; {places}\n{text} }}"


@needs_nginx
@pytest.mark.parametrize(
    ("version", "taken"),
    [("TLSv1", False), ("TLSv1_1", False), ("TLSv1_2", True), ("TLSv1_3", True)],
)
def test_the_proxy_of_the_guide_speaks_tls_1_2_and_newer(version: str, taken: bool, proxy: Proxy) -> None:
    wanted = ssl.TLSVersion[version]
    assert bool(proxy.handshake(wanted, wanted)) is taken


@needs_nginx
def test_the_proxy_of_the_guide_takes_good_ciphers_only(proxy: Proxy) -> None:
    old = ssl.TLSVersion.TLSv1_2
    assert proxy.handshake(old, old, WEAK) == ""
    assert proxy.handshake(old, old, "ECDHE-ECDSA-AES256-GCM-SHA384") == "TLSv1.2"


@needs_nginx
def test_the_proxy_of_the_guide_says_who_asked_and_by_what(proxy: Proxy) -> None:
    status, told = proxy.ask("GET", "/")
    assert status == 200
    assert "X-Forwarded-For: 198.51.100.7, 127.0.0.1" in told
    assert "X-Forwarded-Proto: https" in told
    assert "Host: sis.example.org" in told
    plain = http.client.HTTPConnection("127.0.0.1", proxy.plain_port, timeout=30)
    with contextlib.closing(plain):
        plain.request("GET", "/runs/")
        answer = plain.getresponse()
        assert (answer.status, answer.headers["Location"]) == (301, "https://sis.example.org/runs/")


@needs_nginx
def test_the_proxy_of_the_guide_passes_large_files_on_where_they_belong(proxy: Proxy) -> None:
    body = b"x" * 1_500_000
    assert proxy.ask("POST", "/accounts/login/", body)[0] == 413
    for path in file_pages():
        assert proxy.ask("POST", path, body)[0] == 200, path


def file_pages() -> list[str]:
    """Pages that take files (sisimport.web.bodies.takes_file), and the API's upload."""
    pages = [reverse(name, args=args) for name, args in PAGES.items()]
    return [*pages, "/api/v1/imports"]


PAGES: dict[str, tuple[str, ...]] = {
    "upload": ("calpads-ssid",), "choose_files": (), "recognise": ("calpads-ssid",), "added_layouts": (), "column_mappings": (),
}  # fmt: skip


def test_the_file_says_what_is_asked_of_tls() -> None:
    """Even where there is no nginx to ask."""
    text = FILE.read_text()
    assert re.findall(r"^ssl_protocols (.*);", text, re.MULTILINE) == ["TLSv1.2 TLSv1.3"]
    (ciphers,) = re.findall(r"^ssl_ciphers (.*);", text, re.MULTILINE)
    assert all(
        re.fullmatch(r"ECDHE-(ECDSA|RSA)-(AES(128|256)-GCM-SHA(256|384)|CHACHA20-POLY1305)", c)
        for c in ciphers.split(":")
    )
    assert {pattern.name for pattern in file_patterns()} == set(PAGES)


def file_patterns() -> list[URLPattern]:
    from sisimport.web.bodies import takes_files
    from tests.web.test_access import all_patterns

    return [pattern for _path, pattern, spaces in all_patterns() if not spaces and takes_files(pattern.callback)]
