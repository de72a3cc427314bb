"""Programs that are kept running and ended together."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

ROOT = Path(__file__).resolve().parents[2]
STEADY_SECONDS = 10.0  # a child that ran this long was healthy: its next death restarts the count
MAX_QUICK_DEATHS = 5
END_SECONDS = 8.0  # for work in progress; an interrupted run is resumed at the next start
PR_SET_PDEATHSIG = 1
# The kind of this process, set before the settings are read: "web" and "worker" have limits on their database sessions.
kind = ""


def say(text: str, stream: TextIO | None = None) -> None:
    """Write a line, to standard output unless told otherwise. Never raises: the output may be a file on a full disk."""
    stream = stream or sys.stdout
    with contextlib.suppress(OSError):
        stream.write(f"{text}\n")
        stream.flush()


@dataclass
class Child:
    """A program that is kept running."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    quick_deaths: int = 0

    def start(self) -> None:
        self.started_at = time.monotonic()
        self.process = subprocess.Popen(
            self.command,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
            start_new_session=True,  # Ctrl-C reaches only us: we end the children in order
            preexec_fn=end_with_parent,  # noqa: PLW1509 (this process has one thread)
        )

    def look_after(self, *, patient: bool = False) -> None:
        """Restart it if it died. Raises SystemExit if it keeps dying, unless `patient`: something it needs is expected to come
        back."""
        if self.process is None or self.process.poll() is None:
            return
        lived = time.monotonic() - self.started_at
        self.quick_deaths = self.quick_deaths + 1 if lived < STEADY_SECONDS else 0
        if self.quick_deaths > MAX_QUICK_DEATHS and not patient:
            raise SystemExit(f"The {self.name} keeps ending (exit code {self.process.returncode}); giving up.")
        say(f"The {self.name} ended (exit code {self.process.returncode}); starting it again.")
        self.signal(signal.SIGKILL)  # the work of its own children is resumed later
        time.sleep(min(self.quick_deaths, 3) * 0.5)
        self.start()

    def signal(self, signum: int) -> None:
        if self.process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signum)


@contextlib.contextmanager
def kept_running(children: Sequence[Child]) -> Iterator[None]:
    """Start the children; on leaving, end them all, first by request, then by force."""
    try:
        for child in children:
            child.start()
        yield
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C would interrupt the shutdown
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        for child in children:
            if child.process:
                child.process.terminate()
        deadline = time.monotonic() + END_SECONDS
        for child in children:
            with contextlib.suppress(subprocess.TimeoutExpired):
                if child.process:
                    child.process.wait(max(0.0, deadline - time.monotonic()))
            child.signal(signal.SIGKILL)


def end_with_parent() -> None:
    """In a child, before its program: ask Linux for a SIGTERM if the parent is killed. Does nothing on other systems."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
