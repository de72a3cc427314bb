"""Fault 13: the thread that looks for runs survives whatever goes wrong in a look, or ends its process visibly."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError

from sisimport.imports.models import ImportRun, RunStatus, Work
from sisimport.imports.runs import reconciler as reconcilers
from sisimport.imports.runs.queueing import Lane
from sisimport.imports.runs.reconciler import Reconciler
from tests.faults.conftest import wait_until
from tests.longer import every_pair

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.django_db(transaction=True)

ERRORS = [OSError("no folder"), OperationalError("gone"), RuntimeError("a bug"), MemoryError(), KeyError("x")]


@pytest.fixture
def enqueued() -> list[int]:
    return []


@pytest.fixture
def run() -> ImportRun:
    return ImportRun.objects.create(import_type="ssid-download", work=Work.TEST, status=RunStatus.RUNNING, attempts=1)


def told_to(enqueued: list[int]) -> Callable[[int, Lane], bool]:
    def enqueue(run_id: int, _lane: Lane) -> bool:
        enqueued.append(run_id)
        return True

    return enqueue


def breaks_once(error: BaseException, then: Callable[..., Any]) -> Callable[..., Any]:
    left = [error]

    def broken(*args: Any, **kwargs: Any) -> Any:
        if left:
            raise left.pop()
        return then(*args, **kwargs)

    return broken


@pytest.mark.parametrize(
    ("error", "part"),
    every_pair(ERRORS, ["due", "keep_counts", "remove_leftovers", "close_all"]),
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,
)
def test_an_error_in_one_look_is_reported_and_the_next_look_enqueues(
    error: BaseException, part: str, run: ImportRun, enqueued: list[int], monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    reconciler = Reconciler(told_to(enqueued), look_seconds=0.01)
    owner: Any = {"remove_leftovers": reconcilers, "close_all": reconcilers.connections}.get(part, reconciler)
    monkeypatch.setattr(owner, part, breaks_once(error, getattr(owner, part)))

    reconciler.start()
    try:
        wait_until(lambda: enqueued == [run.pk], lambda: f"enqueued {enqueued}")
        wait_until(lambda: type(error).__name__ in caplog.text, lambda: "nothing was said")
        assert reconciler.is_alive()
    finally:
        reconciler.end()
        reconciler.join()


def test_a_heartbeat_that_cannot_be_written_keeps_no_run_waiting(
    run: ImportRun, enqueued: list[int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: Any
) -> None:
    monkeypatch.setenv("SISIMPORT_HEARTBEAT", str(tmp_path / "gone" / "heartbeat"))
    reconciler = Reconciler(told_to(enqueued), look_seconds=0.01)

    reconciler.start()
    try:
        wait_until(lambda: "FileNotFoundError" in caplog.text, lambda: "nothing was said")
        wait_until(lambda: enqueued == [run.pk], lambda: f"enqueued {enqueued}")
        (tmp_path / "gone").mkdir()
        wait_until((tmp_path / "gone" / "heartbeat").exists, lambda: "no heartbeat after the folder came back")
    finally:
        reconciler.end()
        reconciler.join()


@pytest.mark.processes
def test_a_reconciler_that_ends_takes_its_process_along() -> None:
    program = """
import os, threading, django
django.setup()
from sisimport.imports.runs.reconciler import Reconciler
from tests.longer import every_pair
reconciler = Reconciler(lambda run_id, lane: True)
def ends():
    raise SystemExit(0)
reconciler._look_once = ends
reconciler.start()
threading.Event().wait(60)
"""
    ended = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
    )

    assert ended.returncode == reconcilers.EXIT_WITHOUT_RECONCILER
    assert "The reconciler ended (SystemExit)" in ended.stderr


def test_no_reconciler_thread_outlives_its_test() -> None:
    assert [thread for thread in threading.enumerate() if thread.name == "reconciler"] == []
