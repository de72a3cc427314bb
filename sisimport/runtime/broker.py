"""The filesystem broker, like Kombu's, but safe on disks that fill up: a message exists complete or not at all.

Kombu writes a message in place. On a full disk this leaves an empty file, which crashes every process that reads it; an exchange
written this way crashes every process that declares its queue. Here both are written to a temporary file and renamed, an
unreadable one is removed (a lost message costs seconds), and a message is taken within its own folder instead of the system's
temporary one.
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

ASIDE = ".aside"  # suffix of files being written or taken; those left by a killed process are swept


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
            except OSError:  # another process was quicker, or removed the folder
                continue
            with contextlib.suppress(ValueError):  # empty or partial, from a full disk
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
    """The transport for `filesystem://` in this product (set in celery.py)."""

    Channel = Channel

    def __init__(self, client: Any, **kwargs: Any) -> None:
        super().__init__(client, **kwargs)
        # Each connection binds again. With Kombu, a process remembers its bindings: it would not notice that the files were
        # damaged or removed since, and its messages would be lost.
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
