"""A real SFTP server over a folder, and a wire to it that is cut after so many bytes."""

import asyncio
import contextlib
import socket
import threading
from pathlib import Path
from typing import Any

import asyncssh

from tests.faults.site import free_port

HOST = "127.0.0.1"


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
