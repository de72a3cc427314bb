"""Fault 12: whatever a full disk leaves in the folders of the filesystem broker, no worker ends by it and messages continue."""

import errno
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
from kombu import Connection
from kombu.exceptions import ChannelError

from sisimport import celery as wiring
from sisimport.runtime.broker import Channel

assert wiring.app  # names our transport as `filesystem`


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "broker").mkdir()
    return tmp_path


def connect(folder: Path) -> Connection:
    paths = {"data_folder_in": "broker", "data_folder_out": "broker", "control_folder": "control"}
    options = {name: str(folder / path) for name, path in paths.items()}
    return Connection("filesystem://localhost", transport_options=options)


def put(folder: Path, value: str) -> None:
    with connect(folder) as connection, connection.SimpleQueue("small") as queue:
        queue.put({"value": value})


def take(folder: Path) -> str:
    with connect(folder) as connection, connection.SimpleQueue("small", no_ack=True) as queue:
        return str(queue.get(block=False).payload["value"])


def messages(folder: Path) -> list[Path]:
    return sorted(path for path in (folder / "broker").iterdir() if path.suffix == ".msg")


def test_a_message_goes_through(folder: Path) -> None:
    put(folder, "message")

    assert take(folder) == "message"
    assert list((folder / "broker").iterdir()) == []


@pytest.mark.parametrize("content", [b"", b'{"body": "e30=', b"\xff\xfe\x00", b"null"[:2]])
def test_an_empty_or_half_message_is_removed_and_the_next_one_delivered(folder: Path, content: bytes) -> None:
    put(folder, "message")
    damaged = messages(folder)[0].with_name("0_00000000-0000-0000-0000-000000000000.small.msg")
    damaged.write_bytes(content)

    assert take(folder) == "message"
    assert messages(folder) == []
    with pytest.raises(Empty):
        take(folder)


@pytest.mark.parametrize("content", [b"", b'[["small", "', b"5"])
def test_a_damaged_exchange_is_written_again_by_the_next_who_enqueues(folder: Path, content: bytes) -> None:
    put(folder, "first")
    (folder / "control" / "small.exchange").write_bytes(content)

    put(folder, "second")

    assert {take(folder), take(folder)} == {"first", "second"}


def test_on_a_full_disk_enqueuing_fails_as_a_whole_and_leaves_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(folder, "before")
    write = Path.write_bytes

    def half(path: Path, data: bytes) -> int:
        write(path, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(ChannelError):
        put(folder, "message")
    monkeypatch.undo()

    assert take(folder) == "before"
    assert list((folder / "broker").iterdir()) == []


def test_the_product_uses_this_transport() -> None:
    with Connection("filesystem://localhost") as connection:
        assert connection.transport.Channel is Channel


def test_two_processes_that_bind_at_once_are_both_bound(folder: Path) -> None:
    with connect(folder) as connection:
        channel: Any = connection.channel()
        channel._queue_bind("messages", "a", "", "a")
        channel._queue_bind("messages", "b", "", "b")
        channel._queue_bind("messages", "a", "", "a")

        assert sorted(bound.queue for bound in channel.get_table("messages")) == ["a", "b"]
