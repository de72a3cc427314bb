"""Images of others by digest: what is pinned, and the command that asks registries and writes the digests."""

import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sisimport import image_pins

ROOT = Path(__file__).resolve().parents[2]
DIGESTS = {"library/postgres": "a" * 64, "library/redis": "b" * 64, "rustfs/rustfs": "c" * 64}


def test_every_image_of_others_is_pinned_and_the_guide_says_what_it_is() -> None:
    found = image_pins.images()
    assert [image for image in found if not image.digest] == []
    digests: dict[str, set[str]] = {}
    for image in found:
        digests.setdefault(image.name, set()).add(image.digest)
    assert {name: held for name, held in digests.items() if len(held) > 1} == {}  # the same in all files
    guide = (ROOT / "docs" / "how-to" / "deploy.md").read_text()
    assert [name for name in sorted(digests) if f"| `{name}` |" not in guide] == []


def test_no_image_goes_by_a_tag_that_means_whatever_is_newest() -> None:
    assert [image for image in image_pins.images() if image.name.endswith(":latest")] == []


class Registry(BaseHTTPRequestHandler):
    """Gives a token to everybody, and digests to those who send it."""

    def do_GET(self) -> None:
        self._answer(200, b'{"token": "of-today"}')

    def do_HEAD(self) -> None:
        if self.headers.get("Authorization") != "Bearer of-today":
            realm = f"http://{self.headers['Host']}/token"
            self._answer(401, headers={"WWW-Authenticate": f'Bearer realm="{realm}",service="r",scope="pull"'})
            return
        repository = self.path.removeprefix("/v2/").partition("/manifests/")[0]
        digest = DIGESTS.get(repository, "d" * 64)
        self._answer(200, headers={"Docker-Content-Digest": f"sha256:{digest}"})

    def _answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_what: object) -> None:
        pass


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Registry) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("PIN_REGISTRY", f"http://127.0.0.1:{server.server_port}")
        yield
        server.shutdown()


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("docker-compose.yml", "Dockerfile"):
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "docs" / "kubernetes", tmp_path / "docs" / "kubernetes")
    monkeypatch.setattr(image_pins.pin, "__defaults__", (tmp_path,))
    monkeypatch.setattr(image_pins.images, "__defaults__", (tmp_path,))
    return tmp_path


def test_the_command_writes_what_the_registry_says_and_again_what_it_says_then(registry: None, copy: Path) -> None:
    assert image_pins.main([]) == 0
    compose = (copy / "docker-compose.yml").read_text()
    assert f"image: postgres:18@sha256:{'a' * 64}\n" in compose
    assert f"image: rustfs/rustfs:1.0.0@sha256:{'c' * 64}\n" in compose
    assert "image: sis-import\n" in compose  # ours
    assert f"FROM python:3.13-slim@sha256:{'d' * 64} AS build\n" in (copy / "Dockerfile").read_text()
    assert f"image: redis:8@sha256:{'b' * 64}\n" in (copy / "docs" / "kubernetes" / "redis.yaml").read_text()
    assert all(image.digest for image in image_pins.images())

    assert image_pins.pin({"redis:8": f"sha256:{'e' * 64}"}) == 2
    assert f"redis:8@sha256:{'e' * 64}" in (copy / "docker-compose.yml").read_text()


def test_nothing_is_written_when_a_registry_is_unavailable(
    copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PIN_REGISTRY", "http://127.0.0.1:9")
    before = (copy / "docker-compose.yml").read_text()
    assert image_pins.main([]) == 1
    assert "Nothing was written" in capsys.readouterr().err
    assert (copy / "docker-compose.yml").read_text() == before
