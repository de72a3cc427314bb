"""The filesystem broker, as Kombu's, but for disks that fill up: a message is there whole or not at all.

Kombu writes a message in place. On a full disk that is an empty file, which ends whoever reads it, again and again; an
exchange written so ends whoever declares its queue. Here both are written aside and renamed, what cannot be read is
removed (a lost message costs seconds), and a message is taken within its own folder instead of the system's temporary one.
"""

import contextlib
import fcntl
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.exceptions import ChannelError
from kombu.transport import filesystem, virtual
from kombu.utils.json import dumps, loads

ASIDE = ".aside"  # ending of files being written or taken; what a killed process left of them is swept


class Channel(filesystem.Channel):
    """Messages and exchanges as files of JSON, each complete."""

    def _put(self, queue: Any, payload: Any, **_kwargs: Any) -> None:  # type: ignore[override]
        name = f"{round(time.monotonic() * 1000)}_{uuid.uuid4()}.{queue}.msg"
        _write(Path(self.data_folder_out) / name, payload)

    def _get(self, queue: Any, timeout: Any = None) -> Any:  # noqa: ARG002 - Kombu's
        """The next message of the queue that can be read. Raises Empty."""
        folder = Path(self.data_folder_in)
        for name in sorted(path.name for path in folder.iterdir()):
            if name.partition(".")[2] != f"{queue}.msg":
                continue
            claimed = folder / f".{name}{ASIDE}"
            try:
                (folder / name).rename(claimed)
                text = claimed.read_bytes()
                claimed.unlink()
            except OSError:  # somebody else was quicker, or took the folder away
                continue
            with contextlib.suppress(ValueError):  # empty or half: of a disk that was full
                return loads(text.decode())
        raise Empty

    def get_table(self, exchange: str) -> list[Any]:
        """Queues bound to an exchange; none if its file is damaged: the next binding rewrites it."""
        try:
            return list(super().get_table(exchange))
        except (ValueError, TypeError):
            return []

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        bound = filesystem.exchange_queue_t(routing_key or "", pattern or "", queue or "")
        self.control_folder.mkdir(exist_ok=True)
        with _alone(self.control_folder / ".lock"):
            bindings = self.get_table(exchange)
            if bound not in bindings:
                _write(self.control_folder / f"{exchange}.exchange", [bound, *bindings])


class Transport(filesystem.Transport):
    """What `filesystem://` means in this product (celery.py says so)."""

    Channel = Channel

    def __init__(self, client: Any, **kwargs: Any) -> None:
        super().__init__(client, **kwargs)
        # Each connection binds again. Kombu lets a process remember what it bound once: of files that were damaged or taken
        # away since it would never know, and its messages would be lost.
        self.state = virtual.BrokerState()


def _write(path: Path, value: Any) -> None:
    """The file complete, or none. Raises ChannelError."""
    aside = path.with_name(f".{path.name}.{uuid.uuid4()}{ASIDE}")
    try:
        try:
            aside.write_bytes(dumps(value).encode())
            aside.replace(path)
        finally:
            aside.unlink(missing_ok=True)
    except OSError as error:
        raise ChannelError(f"Cannot write {path}") from error


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold a lock file while the block runs."""
    with path.open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
