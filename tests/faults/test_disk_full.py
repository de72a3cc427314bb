"""Fault 12 on a real full disk: `script/server` continues, runs wait without using attempts, and all is done once there is room.

In the long part; what runs and keeper make of the error itself is in test_keeper.py.
"""

import contextlib
import json
import os
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from sisimport.runtime import postgres
from tests.faults.small_disk import SmallDisk, small_disk
from tests.installed import install
from tests.wiring.test_server import Server, is_alive

pytestmark = [pytest.mark.processes, pytest.mark.faults]

DISK_MB = 320
PATIENCE = 150
FILE = {"id": 1, "name": "kept.txt", "member": "", "sha256": "0" * 64, "size": 4, "line_index": [], "notices": []}


class Site:
    """`script/server` on a small disk, with its demo district or without; asked and prodded by SQL, as its pages would do it."""

    def __init__(self, disk: SmallDisk, logs: Path, *options: str) -> None:
        self.disk = disk
        self.logs = logs
        install(disk.folder / "var")
        self.server = Server(disk.folder / "var", *options, logs=logs)

    def wait_until(self, true: Callable[[], object], otherwise: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not true():
            assert self.server.process.poll() is None, f"script/server ended: {self.server.said}"
            assert time.monotonic() < deadline, f"{otherwise}\n{self.server.said}"
            time.sleep(0.1)

    def session(self) -> psycopg.Connection[Any]:
        return psycopg.connect(postgres.database_url(self.server.data_dir), autocommit=True)

    def ask(self, query: str) -> Any:
        """The answer in one row; None while the database is down."""
        try:
            with self.session() as session:
                return session.execute(query.encode()).fetchone()
        except psycopg.OperationalError:
            return None

    def queue_like(self, run_id: int, **values: Any) -> int:
        """Another run like this one, queued: the reconciler finds it."""
        fresh = {"status": "queued", "attempts": 0, "finished_at": None, "started_at": None, "import_count": 0} | values
        with self.session() as session:
            row = session.execute(
                """
                INSERT INTO imports_importrun SELECT (jsonb_populate_record(r, %s::jsonb ||
                  jsonb_build_object('id', nextval(pg_get_serial_sequence('imports_importrun', 'id'))))).*
                FROM imports_importrun r WHERE id = %s RETURNING id
                """,
                [json.dumps(fresh), run_id],
            ).fetchone()
        assert row is not None
        return int(row[0])

    def state(self, run_id: int) -> dict[str, Any]:
        row = self.ask(f"SELECT to_jsonb(r) FROM imports_importrun r WHERE id = {run_id}")
        return row[0] if row else {}

    def wait_for_end(self, run_id: int) -> dict[str, Any]:
        ended = ("completed", "failed", "rejected", "cancelled")
        self.wait_until(lambda: self.state(run_id).get("status") in ended, f"run {run_id} did not end")
        return self.state(run_id)

    @property
    def uploads(self) -> Path:
        return self.server.data_dir / "uploads" / "imports"

    def run_of(self, work: str) -> int:
        return int(self.ask(f"SELECT id FROM imports_importrun WHERE work = '{work}' ORDER BY id LIMIT 1")[0])

    def sums(self) -> Any:
        """What the records say, whatever their numbers and times."""
        return self.ask(
            "SELECT count(*), sum(hashtext(s.local_number || n.ssid)::bigint) FROM students_ssid n"
            " JOIN students_student s ON s.id = n.student_id WHERE n.retired_at IS NULL"
        )

    def answers(self) -> bool:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.server.port}/health/", timeout=10).close()
        except urllib.error.HTTPError as error:
            return error.code < 500
        except OSError:
            return False
        return True

    def stop(self) -> None:
        self.disk.make_room()
        if self.server.process.poll() is None:
            self.server.process.terminate()
            self.server.process.wait(timeout=60)


@contextlib.contextmanager
def site_on_a_small_disk(logs: Path, *options: str) -> Iterator[Site]:
    with small_disk(DISK_MB) as disk:
        site = Site(disk, logs, *options)
        try:
            site.server.wait_ready()
            yield site
        finally:
            site.stop()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site_on_a_small_disk(tmp_path_factory.mktemp("logs")) as site:
        yield site


@pytest.fixture
def site_with_a_file(tmp_path: Path) -> Iterator[Site]:
    """Without the demo district, which takes longer than the test: one uploaded file."""
    with site_on_a_small_disk(tmp_path, "--no-demo") as site:
        kept = site.uploads / "kept.txt"
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text("kept")
        with site.session() as session:
            session.execute(
                "INSERT INTO imports_importfile SELECT (jsonb_populate_record(NULL::imports_importfile,"
                " %s::jsonb || jsonb_build_object('uploaded_at', now()))).*",
                [json.dumps(FILE | {"file": f"imports/{kept.name}"})],
            )
        yield site


def held_at(site: Site, run_id: int, table: str) -> psycopg.Connection[Any]:
    """A session that holds a table which the run, in the middle of its work, has reached."""
    barrier = psycopg.connect(postgres.database_url(site.server.data_dir))
    barrier.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE".encode())
    waiting = f"SELECT 1 FROM pg_stat_activity WHERE {barrier.info.backend_pid} = ANY(pg_blocking_pids(pid))"
    site.wait_until(lambda: site.ask(waiting), f"run {run_id} did not come to {table}: {site.state(run_id)}")
    return barrier


def write_log_until_postgresql_stops(site: Site) -> None:
    """The write-ahead log comes to need another segment, and finds no room for it."""
    with contextlib.suppress(psycopg.Error):
        session = site.session()
        while not session.closed:
            session.execute("SELECT pg_logical_emit_message(false, 'fill', repeat('x', 100000), true)")
            session.execute("SELECT pg_switch_wal()")
    site.wait_until(lambda: site.ask("SELECT 1") is None, "PostgreSQL did not stop")


def test_a_test_that_fills_the_disk_waits_uses_no_attempt_and_is_done_when_there_is_room(site: Site) -> None:
    first = site.run_of("test")
    planned = site.state(first)["planned_count"]
    run = site.queue_like(first, options={"again": "1"})
    barrier = held_at(site, run, "imports_importissue")
    site.disk.fill()
    barrier.rollback()
    barrier.close()

    site.wait_until(lambda: site.state(run).get("waits_for") == "disk", f"the run does not wait: {site.state(run)}")
    waiting = site.state(run)
    assert (waiting["status"], waiting["message"]) == ("queued", "")
    time.sleep(9)  # long enough for three attempts as they were burned before
    if later := site.state(run):  # PostgreSQL may have stopped for lack of room: what it kept is read below
        assert later["status"] == "queued"
        assert later["attempts"] - later["interruptions"] <= 0
    site.disk.make_room()

    site.wait_until(lambda: site.state(run), "PostgreSQL does not come back")
    later = site.state(run)
    assert later["attempts"] - later["interruptions"] <= 1
    ended = site.wait_for_end(run)
    assert ended["status"] == "completed"
    assert ended["waits_for"] == ""
    assert ended["record_count"] == site.state(first)["record_count"]
    assert planned >= ended["planned_count"]


def test_postgresql_that_stops_on_a_full_disk_in_an_update_comes_back_and_the_update_is_applied_once(
    site: Site,
) -> None:
    update = site.run_of("update")
    before = site.sums()
    site.wait_for_end(site.queue_like(update, work="revert", test_run_id=None, reverts_id=update))
    again = site.queue_like(update, held_until="2000-01-01T00:00:00Z")
    barrier = held_at(site, again, "imports_setaside")
    children = site.server.children()
    site.disk.fill()
    write_log_until_postgresql_stops(site)
    barrier.close()

    site.wait_until(lambda: "The disk is full" in site.server.said, "nothing is reported about the disk")
    time.sleep(6)
    assert site.server.said.count("The disk is full") == 1
    assert "Traceback" not in site.server.said
    site.disk.make_room()

    ended = site.wait_for_end(again)
    assert (ended["status"], ended["import_count"]) == ("completed", site.state(update)["import_count"])
    # One attempt did it. The one cut off is not counted, unless the run was done before its worker could say so.
    assert 1 <= ended["attempts"] - ended["interruptions"] <= 2
    assert site.sums() == before
    assert "PostgreSQL had stopped; it was started again." in site.server.said
    site.wait_until(site.answers, "the site does not answer")
    assert is_alive(children["worker"])


def test_killed_on_a_full_disk_it_starts_again_waits_for_room_and_leaves_nothing_over(
    site_with_a_file: Site,
) -> None:
    site = site_with_a_file
    port = site.server.port
    site.disk.fill()
    postmaster = site.server.children()["postgres"]
    site.server.process.kill()
    os.kill(postmaster, signal.SIGKILL)
    site.server.process.wait()
    site.server = Server(site.server.data_dir, logs=site.logs, port=port)  # at once, on the same port

    site.wait_until(lambda: "The disk is full" in site.server.said, "nothing is reported about the disk")
    site.disk.make_room()
    site.server.wait_ready()

    broker = site.server.data_dir / "broker"
    assert [path for path in broker.iterdir() if path.name.endswith(".aside") or not path.stat().st_size] == []
    recorded = site.ask("SELECT count(*) FROM imports_importfile")[0]
    uploads = [path for path in site.uploads.iterdir() if path.is_file()]
    assert len(uploads) == recorded == 1
