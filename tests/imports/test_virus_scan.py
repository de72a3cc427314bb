"""A virus scanner looks at every upload before anything reads it; here a small stand-in that speaks clamd's protocol."""

import contextlib
import io
import shutil
import socket
import socketserver
import struct
import subprocess
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from assessments.new_year import services as new_year
from sisimport.api.tokens import make_token
from sisimport.automation.adding import add_place
from sisimport.automation.models import PickedFile
from sisimport.automation.picking import look_at
from sisimport.files.issues import FileError
from sisimport.imports.models import ImportFile, ImportRun
from sisimport.imports.runs import uploads
from sisimport.runtime import virus_scan
from sisimport.runtime.processes import ROOT
from tests.factories import UserFactory
from tests.files.samples import line
from tests.imports.journey import make_district

pytestmark = pytest.mark.django_db
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR" + b"-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
GOOD = (line() + "\n").encode()
ROOM = 1_000_000  # bytes that the stand-in takes


class Scanner(socketserver.ThreadingUnixStreamServer):
    """Takes INSTREAM; looks into zips as clamd does."""

    daemon_threads = True
    seen: list[int]


class Asked(socketserver.StreamRequestHandler):
    server: Scanner

    def handle(self) -> None:
        assert self.rfile.read(10) == b"zINSTREAM\0"
        data = b""
        while size := struct.unpack("!I", self.rfile.read(4))[0]:
            data += self.rfile.read(size)
            if len(data) > ROOM:
                self.wfile.write(b"INSTREAM size limit exceeded. ERROR\0")
                return
        self.server.seen.append(len(data))
        if data.startswith(b"PK"):
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                data = b"".join(archive.read(name) for name in archive.namelist())
        self.wfile.write(b"stream: Win.Test.EICAR_HDB-1 FOUND\0" if EICAR in data else b"stream: OK\0")


@pytest.fixture
def scanner(tmp_path: Path, settings: Any) -> Iterator[Scanner]:
    address = tmp_path / "c"
    made = Scanner(str(address), Asked)
    made.seen = []
    threading.Thread(target=made.serve_forever, daemon=True).start()
    settings.CLAMD_ADDRESS = f"unix:{address}"
    yield made
    made.shutdown()
    made.server_close()


def zipped(data: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ssid.txt", data)
    return stream.getvalue()


@pytest.mark.parametrize("data", [EICAR, GOOD + EICAR, zipped(EICAR)])
def test_what_it_finds_is_refused_before_it_is_read_or_kept(data: bytes, scanner: Scanner) -> None:
    refused = pytest.raises(FileError, match=r"found Win\.Test\.EICAR_HDB-1\. None of it was read")
    with refused, uploads.unpacked(io.BytesIO(data)):
        raise AssertionError("nothing may read it")
    assert not ImportFile.objects.exists()


def test_a_clean_file_is_taken_whole(scanner: Scanner) -> None:
    with uploads.unpacked(io.BytesIO(GOOD * 3)) as inner:
        assert inner.stream.read() == GOOD * 3
    assert scanner.seen == [len(GOOD) * 3]


@pytest.mark.parametrize("address", ["unix:/nowhere/clamd.ctl", "tcp://127.0.0.1:1", "nonsense", "tcp://host"])
def test_without_an_answer_nothing_is_taken(address: str, settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    settings.CLAMD_ADDRESS = address
    with pytest.raises(FileError, match="did not say whether the file is clean"), uploads.unpacked(io.BytesIO(GOOD)):
        pass
    assert "was not scanned" in caplog.text
    settings.CLAMD_REQUIRED = False
    with uploads.unpacked(io.BytesIO(GOOD)) as inner:
        assert inner.stream.read() == GOOD


def test_a_file_that_is_too_large_for_it_is_not_taken(scanner: Scanner, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(FileError), uploads.unpacked(io.BytesIO(b"x" * (3 * ROOM))):
        pass
    assert "StreamMaxLength" in caplog.text


@pytest.mark.parametrize(
    "said", [b"COMMAND READ TIMED OUT\0", b"stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND\0"]
)
def test_an_answer_that_is_not_a_verdict_is_none(said: bytes) -> None:
    server = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        connection, _address = server.accept()
        connection.recv(100)
        connection.sendall(said)
        connection.close()

    threading.Thread(target=answer, daemon=True).start()
    with pytest.raises(virus_scan.NotScannedError):
        virus_scan.scan(io.BytesIO(b""), f"tcp://127.0.0.1:{server.getsockname()[1]}")
    server.close()


def test_every_way_in_asks_it(scanner: Scanner, client: Client, tmp_path: Path) -> None:
    """Pages, the part that is recognized, the API, pick-up and a new year's file."""
    make_district()
    user = UserFactory(import_admin=True)
    client.force_login(user)
    form = {"import_type": "ssid-download", "work": "test", "file": SimpleUploadedFile("ssid.txt", EICAR)}
    assert "EICAR_HDB" in client.post(reverse("upload", args=["calpads-ssid"]), form).text
    part = {"import_type": "ssid-download", "name": "a.txt", "size": "68", "part": SimpleUploadedFile("a.txt", EICAR)}
    assert "EICAR_HDB" in client.post(reverse("recognise", args=["calpads-ssid"]), part).text

    token = make_token(name="warehouse", scopes=["imports:test"], schools=None, user=user)
    sent = {"type": "auto", "work": "test", "file": SimpleUploadedFile("ssid.txt", EICAR)}
    answer = client.post("/api/v1/imports", sent, headers={"authorization": f"Bearer {token.secret}"})
    assert (answer.status_code, answer["Content-Type"]) == (422, "application/problem+json")
    assert "EICAR_HDB" in answer.json()["detail"]

    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "ssid.txt").write_bytes(EICAR)
    place = add_place(name="state", path=str(tmp_path / "in"))
    look_at(place)
    assert "EICAR_HDB" in look_at(place).errors[0]
    assert PickedFile.objects.get().state == "failed"

    with pytest.raises(FileError, match="EICAR_HDB"):
        new_year.take_look(io.BytesIO(EICAR))
    assert not ImportFile.objects.exists()
    assert not ImportRun.objects.exists()


@contextlib.contextmanager
def clamd(folder: Path, *lines: str) -> Iterator[str]:
    """Debian's, with a database of one signature, so that nothing has to be downloaded. Yields its address."""
    program = shutil.which("clamd")
    if program is None:
        pytest.skip("clamd is not installed")
    (folder / "db").mkdir()
    (folder / "db" / "test.ndb").write_text(f"Eicar-Test:0:*:{EICAR.hex()}\n")
    config = folder / "clamd.conf"
    config.write_text(
        f"LocalSocket {folder}/c\nDatabaseDirectory {folder}/db\nForeground yes\nUser root\n" + "\n".join(lines)
    )
    with subprocess.Popen([program, "-c", str(config)], stdout=subprocess.DEVNULL) as process:
        try:
            for _wait in range(600):
                if (folder / "c").exists():
                    break
                time.sleep(0.1)
            yield f"unix:{folder}/c"
        finally:
            process.terminate()


def test_debians_clamd_finds_it(tmp_path: Path) -> None:
    with clamd(tmp_path, "StreamMaxLength 2000M") as address:
        assert virus_scan.scan(io.BytesIO(EICAR), address).found.startswith("Eicar-Test")
        assert virus_scan.scan(io.BytesIO(GOOD), address).found == ""


def lines_of_the_guide() -> list[str]:
    guide = (ROOT / "docs" / "how-to" / "deploy.md").read_text()
    return guide.partition("In `clamd.conf`")[2].split("```")[1].split("\n")


@pytest.mark.parametrize("data", [GOOD * 40_000 + EICAR, zipped(GOOD * 40_000 + EICAR)], ids=["text", "zip"])
def test_what_debians_clamd_did_not_look_at_to_the_end_is_not_clean(
    data: bytes, tmp_path: Path, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """With the lines of the guide, and smaller sizes: without its last one clamd says OK of what it did not look at."""
    small = [line.replace("2000M", "100M" if "Stream" in line else "1M") for line in lines_of_the_guide()]
    assert "AlertExceedsMax yes" in small
    with clamd(tmp_path, *small) as settings.CLAMD_ADDRESS:
        with pytest.raises(FileError, match="did not say whether"), uploads.unpacked(io.BytesIO(data)):
            pass
        with uploads.unpacked(io.BytesIO(GOOD)) as inner:
            assert inner.stream.read() == GOOD
    assert "Limits.Exceeded" in caplog.text
