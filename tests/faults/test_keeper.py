"""Fault 12 wherever no small disk can be mounted: what the keeper of PostgreSQL, runs and words do when there is no room."""

import contextlib
import errno
import io
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from sisimport.imports.models import ImportRun, RunStatus, WaitsFor, Work
from sisimport.imports.runs import execution, hindrances
from sisimport.imports.runs.execution import InterruptedRunError, execute_run
from sisimport.imports.runs.services import start_run, start_update
from sisimport.imports.runs.uploads import RunRefusedError, keep_file
from sisimport.imports.storage import room
from sisimport.imports.storage.room import Place
from sisimport.runtime import disk, postgres
from sisimport.runtime.disk import MEBIBYTE, Room
from sisimport.runtime.postgres_keeper import Keeper
from sisimport.runtime.processes import Child, say
from students.models import SSID
from tests.factories import UserFactory
from tests.files.samples import line
from tests.imports.journey import District, drop_temporary_tables, make_district

FULL = postgres.EmbeddedError("PostgreSQL did not start; the end of the log says:\nFATAL: No space left on device")
BROKEN = postgres.EmbeddedError("PostgreSQL did not start; the end of the log says:\nFATAL: bad configuration")


# ---- the keeper ----


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def keeper(said: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Keeper:
    monkeypatch.setattr("sisimport.runtime.postgres_keeper.FIRST_PAUSE", 0.0)
    monkeypatch.setattr("sisimport.runtime.postgres_keeper.LONGEST_PAUSE", 0.0)
    return Keeper(tmp_path, said.append)


def answers(monkeypatch: pytest.MonkeyPatch, *answers: bool | Exception) -> None:
    left = list(answers)

    def revive(_data_dir: Any) -> bool:
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(postgres, "revive", revive)


@pytest.mark.parametrize("error", [FULL, OSError(errno.ENOSPC, "No space left on device")])
def test_a_server_that_stopped_on_a_full_disk_is_tried_again_with_one_sentence(
    keeper: Keeper, said: list[str], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    answers(monkeypatch, False, error, error, error, True, False)

    keeper.look_after()
    assert (said, keeper.waits) == ([], False)
    for _look in range(3):
        keeper.look_after()
    assert len(said) == 1
    assert "The disk is full" in said[0]
    assert keeper.waits
    keeper.look_after()
    keeper.look_after()

    assert said[1:] == ["PostgreSQL had stopped; it was started again."]
    assert not keeper.waits


def test_whatever_else_keeps_it_from_starting_is_reported_and_tried_again(
    keeper: Keeper, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    answers(monkeypatch, BROKEN, BROKEN, FULL, True)

    for _look in range(4):
        keeper.look_after()

    assert ["bad configuration" in text for text in said] == [True, False, False]
    assert "The disk is full" in said[1]


def test_between_two_tries_there_is_a_pause(said: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keeper = Keeper(tmp_path, said.append)
    answers(monkeypatch, FULL)

    keeper.look_after()
    keeper.look_after()  # asks nothing: there is one answer only

    assert len(said) == 1


def test_the_first_start_waits_for_room_too_and_nothing_else(
    keeper: Keeper, said: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[Exception] = [FULL, FULL]

    @contextlib.contextmanager
    def running(_data_dir: Any) -> Iterator[str]:
        if left:
            raise left.pop()
        yield "postgres://"

    monkeypatch.setattr(postgres, "running", running)
    with keeper.running() as url:
        assert url == "postgres://"
    assert len(said) == 1

    left.append(BROKEN)
    with pytest.raises(postgres.EmbeddedError, match="bad configuration"), keeper.running():
        pass


@pytest.mark.long
def test_a_child_that_keeps_ending_is_kept_while_the_database_waits_for_room() -> None:
    child = Child("nothing", ["false"])
    child.start()
    try:
        for _look in range(3):
            assert child.process
            child.process.wait()
            child.quick_deaths = max(child.quick_deaths, 6)
            child.look_after(patient=True)
        assert child.process
        child.process.wait()
        with pytest.raises(SystemExit, match="giving up"):
            child.look_after()
    finally:
        assert child.process
        child.process.wait()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_saying_something_into_a_full_disk_ends_nothing(said: list[str]) -> None:
    with contextlib.suppress(OSError), Path("/dev/full").open("w") as stream:  # closing it fails, as it should
        say("The disk is full", stream)
        said.append("and went on")
    assert said == ["and went on"]


@pytest.mark.parametrize(
    ("total", "free", "most", "least"),
    [
        (252 << 30, 75 << 30, "4096MB", "80MB"),
        (20 << 30, 15 << 30, "1280MB", "80MB"),
        (252 << 30, 2 << 30, "512MB", "80MB"),
        (100 << 20, 60 << 20, "64MB", "32MB"),
    ],
)
def test_the_log_of_postgresql_fits_the_disk(
    total: int, free: int, most: str, least: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "room_at", lambda path: Room(path, free, total))

    assert postgres._log_sizes(tmp_path) == {"max_wal_size": most, "min_wal_size": least}


# ---- runs ----


@pytest.fixture
def district(db: None) -> District:
    made = make_district()
    made.student()
    return made


def start() -> ImportRun:
    kept = keep_file(stream=io.BytesIO(line().encode()), name="ssid.txt", user=None)
    return start_run(
        file=kept, import_type="ssid-download", work=Work.TEST, options={}, user=None, schools=None, enqueue=False
    )


def disk_full_of_postgresql() -> Exception:
    error = OperationalError("could not extend file")
    error.__cause__ = psycopg.errors.DiskFull("could not extend file")
    return error


ERRORS: dict[WaitsFor, list[Callable[[], Exception]]] = {
    WaitsFor.DISK: [
        disk_full_of_postgresql,
        lambda: psycopg.errors.DiskFull("could not extend file"),
        lambda: OSError(errno.ENOSPC, "No space left on device"),
        lambda: OSError(errno.EDQUOT, "Disk quota exceeded"),
    ],
    WaitsFor.DATABASE: [
        lambda: OperationalError("server closed the connection unexpectedly"),
        lambda: psycopg.errors.AdminShutdown("terminating connection due to administrator command"),
        lambda: psycopg.errors.CrashShutdown("terminating connection because of crash of another server process"),
    ],
}
CASES = [(what, make) for what, makers in ERRORS.items() for make in makers]


@pytest.fixture
def no_closing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The session of the test holds its transaction: it must not be closed under it."""
    monkeypatch.setattr(connection, "close", lambda: None)


@pytest.mark.parametrize(("what", "make"), CASES)
@pytest.mark.parametrize("work", [Work.TEST, Work.UPDATE])
def test_a_run_that_lacked_something_waits_uses_no_attempt_and_is_done_afterwards(
    what: WaitsFor,
    make: Callable[[], Exception],
    work: Work,
    district: District,
    no_closing: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = start()
    if work == Work.UPDATE:
        execute_run(run.pk)
        drop_temporary_tables()
        run.refresh_from_db()
        run = start_update(test_run=run, user=None, enqueue=False)
    perform = execution._perform
    for times in range(1, 6):  # more often than a run may kill its worker

        def lacks(*_given: Any) -> None:
            raise make()

        monkeypatch.setattr(execution, "_perform", lacks)
        with pytest.raises(InterruptedRunError):
            execute_run(run.pk)
        run.refresh_from_db()
        assert (run.status, run.waits_for, run.message) == (RunStatus.QUEUED, what, "")
        assert (run.attempts, run.interruptions) == (times, times)
        assert run.held_until
        assert run.waits_since
        assert run.held_until > run.waits_since
        assert not execute_run(run.pk)  # held: a message in between does nothing
        ImportRun.objects.filter(pk=run.pk).update(held_until=run.waits_since)

    monkeypatch.setattr(execution, "_perform", perform)
    assert execute_run(run.pk)
    run.refresh_from_db()
    assert (run.status, run.waits_for, run.held_until) == (RunStatus.COMPLETED, "", None)
    assert SSID.objects.count() == (1 if work == Work.UPDATE else 0)


SHORT: list[Callable[[], Exception]] = [
    MemoryError,
    lambda: OSError(errno.EMFILE, "Too many open files"),
    lambda: OSError(errno.ENFILE, "Too many open files in system"),
    lambda: OSError(errno.EAGAIN, "Resource temporarily unavailable"),
    lambda: OSError(errno.ENOMEM, "Cannot allocate memory"),
    lambda: OSError(errno.EFBIG, "File too large"),
    lambda: FileNotFoundError(errno.ENOENT, "No such file or directory", f"{settings.SCRATCH_DIR}/tmp123"),
]


def failing(make: Callable[[], Exception]) -> Callable[..., None]:
    def fails(*_given: Any) -> None:
        try:
            raise make()
        except Exception as cause:
            raise ValueError("what a library makes of it") from cause

    return fails


@pytest.mark.parametrize(("memory", "status"), [(1, RunStatus.FAILED), (1 << 62, RunStatus.QUEUED)])
def test_without_memory_a_run_is_tried_again_whatever_a_library_calls_it(
    memory: int, status: RunStatus, district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = start()
    monkeypatch.setattr(hindrances, "PROBE_BYTES", memory)
    monkeypatch.setattr(execution, "_perform", failing(lambda: RuntimeError("can't start new thread")))
    with contextlib.suppress(InterruptedRunError):
        execute_run(run.pk)
    run.refresh_from_db()
    assert (run.status, run.waits_for) == (status, WaitsFor.MACHINE if status == RunStatus.QUEUED else "")


@pytest.mark.parametrize("make", SHORT)
def test_a_run_whose_server_is_short_of_something_is_tried_again_and_done(
    make: Callable[[], Exception], district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = start()
    perform = execution._perform
    monkeypatch.setattr(execution, "_perform", failing(make))
    closed: list[str] = []
    monkeypatch.setattr(connection, "close", lambda: closed.append("closed"))
    with pytest.raises(InterruptedRunError):
        execute_run(run.pk)
    assert closed == []  # without open files there is no second session
    run.refresh_from_db()
    assert (run.status, run.waits_for, run.message) == (RunStatus.QUEUED, WaitsFor.MACHINE, "")
    assert (run.attempts, run.interruptions, run.crash, run.crash_attempt) == (1, 0, "error", 1)
    assert "short of memory, open files" in hindrances.sentence(run)
    assert run.held_until
    assert not execute_run(run.pk)

    ImportRun.objects.filter(pk=run.pk).update(held_until=run.waits_since)
    monkeypatch.setattr(execution, "_perform", perform)
    assert execute_run(run.pk)
    run.refresh_from_db()
    assert (run.status, run.attempts, run.waits_for) == (RunStatus.COMPLETED, 2, "")


def test_a_file_missed_elsewhere_is_not_a_shortage_of_the_server(db: None) -> None:
    connection.ensure_connection()  # without a session it would be the database that is down
    assert hindrances.hindrance_of(FileNotFoundError(errno.ENOENT, "No such file", "/elsewhere/tmp123")) is None
    assert hindrances.hindrance_of(PermissionError(errno.EACCES, "Permission denied")) is None


def test_a_scratch_folder_taken_away_in_the_middle_is_made_again(
    district: District, no_closing: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(settings, "SCRATCH_DIR", tmp_path / "scratch")
    run = start()
    perform = execution._test_or_import

    def cleared(*given: Any) -> None:
        monkeypatch.setattr(execution, "_test_or_import", perform)
        (tmp_path / "scratch").rmdir()
        with tempfile.TemporaryFile(dir=tmp_path / "scratch"):
            perform(*given)

    monkeypatch.setattr(execution, "_test_or_import", cleared)
    with pytest.raises(InterruptedRunError):
        execute_run(run.pk)
    ImportRun.objects.filter(pk=run.pk).update(held_until=None)
    assert execute_run(run.pk)
    run.refresh_from_db()
    assert (run.status, run.attempts) == (RunStatus.COMPLETED, 2)


def test_a_run_whose_server_is_short_of_something_each_time_fails_and_says_why(
    district: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = start()
    monkeypatch.setattr(execution, "_perform", failing(MemoryError))
    pauses = []
    for _attempt in range(execution.MAX_ATTEMPTS):
        with pytest.raises(InterruptedRunError):
            execute_run(run.pk)
        run.refresh_from_db()
        assert run.held_until
        assert run.waits_since
        pauses.append(round((run.held_until - run.waits_since).total_seconds()))
        ImportRun.objects.filter(pk=run.pk).update(held_until=run.waits_since, waits_since=None)
    assert pauses == [5, 10, 20]

    assert not execute_run(run.pk)
    run.refresh_from_db()
    assert run.status == RunStatus.FAILED
    assert "short of memory, open files or scratch space 3 times" in run.message
    assert "Nothing was changed" in run.message


def test_the_pause_grows_to_a_minute_and_no_further(district: District) -> None:
    run = start()
    pauses = []
    for attempt in range(1, 9):
        ImportRun.objects.filter(pk=run.pk).update(attempts=attempt, waits_since=None)
        hindrances.hold(run.pk, attempt, WaitsFor.DISK)
        run.refresh_from_db()
        assert run.held_until
        assert run.waits_since
        pauses.append(round((run.held_until - run.waits_since).total_seconds()))

    assert pauses == [5, 10, 20, 40, 60, 60, 60, 60]


def test_a_run_that_takes_the_database_down_again_and_again_fails_in_the_end(district: District) -> None:
    run = start()
    most = execution.MAX_INTERRUPTIONS
    ImportRun.objects.filter(pk=run.pk).update(attempts=most, interruptions=most, waits_for=WaitsFor.DATABASE)

    assert not execute_run(run.pk)

    run.refresh_from_db()
    assert run.status == RunStatus.FAILED
    assert "The database went away" in run.message


def test_noting_what_a_run_lacked_does_not_disturb_another_attempt_that_began_since(district: District) -> None:
    run = start()
    ImportRun.objects.filter(pk=run.pk).update(status=RunStatus.RUNNING, attempts=2)

    hindrances.hold(run.pk, 1, WaitsFor.DATABASE)

    run.refresh_from_db()
    assert (run.status, run.attempts, run.interruptions, run.waits_for) == (RunStatus.RUNNING, 2, 1, "")


# ---- room before a run starts, and what is shown of it ----


@pytest.fixture
def little_room(monkeypatch: pytest.MonkeyPatch) -> None:
    little = Room(Path("/"), free=6 * MEBIBYTE, total=100 * MEBIBYTE)
    monkeypatch.setattr(room, "places", lambda: [Place("uploaded files and the database", little, holds_database=True)])


def make_large(run: ImportRun) -> None:
    assert run.file
    run.file.size = 10 * MEBIBYTE
    run.file.save()


def test_the_page_of_a_run_says_that_the_server_is_short_of_something(district: District, client: Client) -> None:
    client.force_login(UserFactory(import_admin=True))
    run = start()
    ImportRun.objects.filter(pk=run.pk).update(waits_for=WaitsFor.MACHINE, waits_since=timezone.now())

    text = client.get(reverse("run", args=[run.pk])).content.decode()

    assert "Waiting for server resources" in text
    assert "It is tried again automatically in a moment; nothing has been changed so far." in text


def test_a_run_without_room_does_not_start_and_its_page_names_the_disk(
    district: District, little_room: None, client: Client
) -> None:
    client.force_login(UserFactory(import_admin=True))
    run = start()
    make_large(run)

    assert not execute_run(run.pk)

    run.refresh_from_db()
    assert (run.status, run.attempts, run.waits_for) == (RunStatus.QUEUED, 0, WaitsFor.DISK)
    text = client.get(reverse("run", args=[run.pk])).content.decode()
    assert "Waiting for disk space" in text
    assert "6.0 MB of 100 MB are free" in text
    assert "worker" not in hindrances.sentence(run)


def test_an_upload_without_room_is_refused_before_it_is_kept(district: District, little_room: None) -> None:
    with pytest.raises(RunRefusedError, match="The server's disk has no room"):
        keep_file(stream=io.BytesIO(b"x" * 2 * MEBIBYTE), name="ssid.txt", user=None)


@pytest.mark.parametrize("page", ["home", "runs"])
def test_administrators_see_the_room_and_others_do_not(page: str, little_room: None, client: Client, db: None) -> None:
    client.force_login(UserFactory(import_admin=True))
    assert "nearly full" in client.get(reverse(page)).content.decode()
    client.force_login(UserFactory(registrar=True, all_schools=True))
    assert "nearly full" not in client.get(reverse(page)).content.decode()


def test_the_real_disk_is_shown_to_administrators(client: Client, db: None) -> None:
    client.force_login(UserFactory(import_admin=True))

    assert "free for uploaded files" in client.get(reverse("home")).content.decode()


def test_an_error_page_names_a_full_disk(client: Client, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    client.force_login(UserFactory(import_admin=True))
    client.raise_request_exception = False

    def broken(*_args: Any, **_kwargs: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("sisimport.web.views.home._home_context", broken)

    answer = client.get(reverse("home"))

    assert answer.status_code == 500
    assert "disk is full" in answer.content.decode()


def test_a_run_that_cannot_keep_what_it_makes_waits_for_the_disk(little_room: None) -> None:
    with pytest.raises(RunRefusedError) as caught:
        keep_file(stream=io.BytesIO(b"x" * 2 * MEBIBYTE), name="workbook.txt", user=None)

    assert hindrances.hindrance_of(caught.value) == WaitsFor.DISK
