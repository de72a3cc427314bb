"""Pick-up over SFTP from a real server: key sign-in, a pinned host key, and a connection that is cut at any point."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from sisimport.automation.adding import add_place
from sisimport.automation.models import PickedFile, PickUpPlace
from sisimport.automation.picking import look_at
from sisimport.imports.models import ImportRun, RunStatus
from tests.faults.site import free_port
from tests.files.samples import line
from tests.imports.journey import finish, make_district

pytestmark = pytest.mark.django_db
HOST = "127.0.0.1"
GOOD = line() + "\n"


class SftpServer:
    """An SFTP server over a folder, in a thread of this process. `authorized`: lines of keys that may sign in."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.key = asyncssh.generate_private_key("ssh-ed25519")
        self.authorized: list[str] = []
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self.listening = self.run(self._listen())

    def run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    async def _listen(self) -> Any:
        outer = self

        class Door(asyncssh.SSHServer):
            def begin_auth(self, _username: str) -> bool:
                return True

            def public_key_auth_supported(self) -> bool:
                return True

            def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
                shown = " ".join(key.export_public_key().decode().split()[:2])
                return username == "sis" and any(shown in line for line in outer.authorized)

        return await asyncssh.create_server(
            Door,
            HOST,
            self.port,
            server_host_keys=[self.key],
            sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=str(self.folder)),
        )

    @property
    def fingerprint(self) -> str:
        return str(self.key.get_fingerprint())

    def close(self) -> None:
        self.listening.close()
        self.run(self._end())
        self.loop.call_soon_threadsafe(self.loop.stop)

    async def _end(self) -> None:
        await self.listening.wait_closed()
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SftpServer]:
    (tmp_path / "out").mkdir()
    made = SftpServer(tmp_path)
    yield made
    made.close()


@pytest.fixture
def here(server: SftpServer) -> PickUpPlace:
    make_district().student()
    made = add_place(
        name="state", sftp=f"sftp://sis@{HOST}:{server.port}/out", host_key=server.fingerprint, work="update"
    )
    server.authorized.append(made.public_key)
    return made


def finish_runs() -> None:
    for run in ImportRun.objects.filter(status=RunStatus.QUEUED):
        finish(run)


def through(here: PickUpPlace) -> None:
    for _step in range(4):
        assert look_at(here).errors == []
        finish_runs()


def names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir() if one.is_file()) if folder.is_dir() else []


def test_a_file_of_a_server_is_applied_and_moved_with_its_report(server: SftpServer, here: PickUpPlace) -> None:
    out = server.folder / "out"
    (out / "ssid.txt").write_text(GOOD)
    (out / "other").mkdir()

    through(here)

    assert names(out) == []
    assert names(out / "done") == ["ssid.txt", "ssid.txt.report.json"]
    assert [run.work for run in ImportRun.objects.order_by("pk")] == ["test", "update"]


def test_a_server_with_another_key_is_asked_nothing_and_stops_the_place(server: SftpServer, here: PickUpPlace) -> None:
    PickUpPlace.objects.update(host_key="SHA256:" + "A" * 43)
    (server.folder / "out" / "ssid.txt").write_text(GOOD)

    look = look_at(here)

    assert f"The server shows the key {server.fingerprint}" in look.errors[0]
    here.refresh_from_db()
    assert not here.active
    assert look.found == []


def test_a_key_that_the_server_does_not_take_is_said(server: SftpServer, here: PickUpPlace) -> None:
    server.authorized.clear()
    assert "does not take the key" in look_at(here).errors[0]
    here.refresh_from_db()
    assert here.active


def test_a_server_that_is_not_there_is_said(server: SftpServer, here: PickUpPlace) -> None:
    PickUpPlace.objects.update(port=free_port())
    assert "could not be reached" in look_at(here).errors[0]


def test_a_folder_that_is_not_there_is_said(server: SftpServer, here: PickUpPlace) -> None:
    PickUpPlace.objects.update(path="/nowhere")
    assert "not there" in look_at(here).errors[0]


class Cutter:
    """Passes bytes on to a server, and cuts the connection after so many."""

    def __init__(self, port: int, after: int) -> None:
        self.server = socket.create_server((HOST, 0))
        self.port: int = self.server.getsockname()[1]
        self.target, self.left = port, after
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _address = self.server.accept()
            except OSError:
                return
            other = socket.create_connection((HOST, self.target))
            for one, two in ((client, other), (other, client)):
                threading.Thread(target=self._pass, args=(one, two), daemon=True).start()

    def _pass(self, one: socket.socket, two: socket.socket) -> None:
        try:
            while data := one.recv(4096):
                self.left -= len(data)
                if self.left < 0:
                    break
                two.sendall(data)
        except OSError:
            pass
        for end in (one, two):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.server.close()


def test_a_connection_that_is_cut_at_any_point_loses_nothing(server: SftpServer, here: PickUpPlace) -> None:
    """From the first bytes of the handshake to the last of the move: in the end one Test, one Update, one file in done."""
    out = server.folder / "out"
    (out / "ssid.txt").write_text(GOOD)
    cuts = 0
    for after in range(500, 14_000, 900):
        cutter = Cutter(server.port, after)
        PickUpPlace.objects.update(port=cutter.port, next_look_at=None)
        cuts += bool(look_at(here).errors)
        cutter.close()
        finish_runs()
    PickUpPlace.objects.update(port=server.port)
    through(here)
    assert cuts >= 3, "the cuts must hit"
    assert names(out) == []
    assert names(out / "done") == ["ssid.txt", "ssid.txt.report.json"]
    assert [run.work for run in ImportRun.objects.order_by("pk")] == ["test", "update"]
    assert PickedFile.objects.get().state == "done"
