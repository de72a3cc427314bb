"""The embedded PostgreSQL: starts, joins, stops and recovers. Every test starts real servers in a folder of its own."""

import contextlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from sisimport.runtime import postgres
from sisimport.runtime.postgres_paths import find_place

ROOT = Path(__file__).resolve().parents[2]
HOLD = """
import signal
import sys
from sisimport.runtime import postgres
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts what runs in the background without Ctrl-C
with postgres.running(sys.argv[1]) as url:
    print(url, flush=True)
    sys.stdin.readline()
"""


@contextlib.contextmanager
def open_folder() -> Iterator[Path]:
    """A temporary folder that everyone may enter (pytest's own are closed), removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="sis", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def fresh_dir() -> Iterator[Path]:
    """A data directory that does not exist yet."""
    with open_folder() as folder:
        yield folder / "var"
        if (folder / "var").exists():
            end_server(folder / "var")


@pytest.fixture(scope="module")
def warm_dir() -> Iterator[Path]:
    with open_folder() as folder:
        end_server(folder / "var")
        yield folder / "var"


@pytest.fixture
def data_dir(warm_dir: Path) -> Iterator[Path]:
    """A data directory with a cluster whose server is down."""
    yield warm_dir
    end_server(warm_dir)


@pytest.fixture
def hold() -> Iterator[Callable[[Path], subprocess.Popen[str]]]:
    """Start another process that holds the server of a data directory until its input is closed."""
    holders: list[subprocess.Popen[str]] = []

    def start(data_dir: Path) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", HOLD, str(data_dir)]
        holder = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        holders.append(holder)
        return holder

    yield start
    for holder in holders:
        holder.kill()
        holder.communicate()


def url_of(holder: subprocess.Popen[str]) -> str:
    """What a holder says once it holds a running server."""
    assert holder.stdout
    url = holder.stdout.readline().strip()
    assert url
    return url


def end_server(data_dir: Path) -> None:
    """Leave no server behind, whatever a test did to it."""
    with contextlib.suppress(postgres.EmbeddedError), postgres.running(data_dir):
        pass


def postmaster_pid(data_dir: Path) -> int:
    return int((find_place(data_dir.resolve()).cluster / "postmaster.pid").read_text().split()[0])


def is_stopped(data_dir: Path) -> bool:
    return not (find_place(data_dir.resolve()).cluster / "postmaster.pid").exists()


def ask(url: str, query: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
    return row and row[0]


def write_mark(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("DROP TABLE IF EXISTS mark")
        connection.execute("CREATE TABLE mark AS SELECT 7 AS value")


def kill_server(data_dir: Path) -> int:
    """Kill the postmaster as the system's out-of-memory killer would; returns once it is gone."""
    pid = postmaster_pid(data_dir)
    os.kill(pid, signal.SIGKILL)
    while is_postmaster(pid):
        time.sleep(0.01)
    return pid


def is_postmaster(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return b"postgres" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


def test_a_first_start_makes_a_utf8_database_that_speaks_to_its_socket_only(fresh_dir: Path) -> None:
    with postgres.running(fresh_dir) as url:
        assert ask(url, "SHOW server_encoding") == "UTF8"
        assert ask(url, "SHOW listen_addresses") == ""
        assert ask(url, "SHOW fsync") == "on"
        assert ask(url, "SELECT upper('é')") == "É"

    assert is_stopped(fresh_dir)


def test_a_second_start_finds_what_the_first_one_wrote(data_dir: Path) -> None:
    with postgres.running(data_dir) as url:
        write_mark(url)

    with postgres.running(data_dir) as url:
        assert ask(url, "SELECT value FROM mark") == 7


def test_the_address_is_known_before_a_start_and_stays(fresh_dir: Path) -> None:
    before = postgres.database_url(fresh_dir)

    with postgres.running(fresh_dir) as url:
        assert url == before
    assert postgres.database_url(fresh_dir) == before
    assert postgres.database_url(fresh_dir / ".." / "var") == before


def test_a_running_server_is_joined_and_the_last_one_out_stops_it(
    data_dir: Path, hold: Callable[[Path], subprocess.Popen[str]]
) -> None:
    with postgres.running(data_dir):
        first = postmaster_pid(data_dir)
        other = hold(data_dir)
        url_of(other)
    assert not is_stopped(data_dir)
    assert postmaster_pid(data_dir) == first

    other.communicate("\n")

    assert is_stopped(data_dir)


@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGINT])
def test_a_terminated_holder_stops_its_server(
    data_dir: Path, hold: Callable[[Path], subprocess.Popen[str]], asked: signal.Signals
) -> None:
    holder = hold(data_dir)
    url_of(holder)

    holder.send_signal(asked)
    holder.wait(timeout=60)

    assert is_stopped(data_dir)


def test_the_lease_of_a_killed_holder_dies_with_it(
    data_dir: Path, hold: Callable[[Path], subprocess.Popen[str]]
) -> None:
    holder = hold(data_dir)
    url_of(holder)
    left_behind = postmaster_pid(data_dir)
    holder.kill()
    holder.wait()

    with postgres.running(data_dir):
        assert postmaster_pid(data_dir) == left_behind

    assert is_stopped(data_dir)


def test_a_server_that_killed_holders_left_running_can_be_stopped_and_one_in_use_cannot(
    data_dir: Path, hold: Callable[[Path], subprocess.Popen[str]]
) -> None:
    holder = hold(data_dir)
    url = url_of(holder)

    postgres.stop_unused(data_dir)
    assert ask(url, "SELECT 1") == 1
    holder.kill()
    holder.wait()
    postgres.stop_unused(data_dir)

    assert is_stopped(data_dir)
    postgres.stop_unused(data_dir)  # nothing left to do


def test_a_forked_child_that_leaves_does_not_stop_the_server(data_dir: Path) -> None:
    with postgres.running(data_dir) as url:
        script = (
            "import os, sys\nfrom sisimport.runtime import postgres\n"
            "with postgres.running(sys.argv[1]):\n    child = os.fork()\n    if child: os.waitpid(child, 0)\n"
        )
        subprocess.run([sys.executable, "-c", script, str(data_dir)], cwd=ROOT, check=True)

        assert ask(url, "SELECT 1") == 1


def test_a_killed_server_is_recovered_with_its_data(data_dir: Path) -> None:
    with postgres.running(data_dir) as url:
        write_mark(url)
        killed = kill_server(data_dir)

        with postgres.running(data_dir) as again:
            assert postmaster_pid(data_dir) != killed
            assert ask(again, "SELECT value FROM mark") == 7


def test_a_killed_server_is_recovered_while_one_of_its_sessions_is_still_busy(data_dir: Path) -> None:
    def be_busy() -> None:
        with contextlib.suppress(psycopg.Error), psycopg.connect(url) as connection:
            connection.execute("SELECT count(*) FROM generate_series(1, 1e12)")

    with postgres.running(data_dir) as url:
        busy = threading.Thread(target=be_busy)
        busy.start()
        while not ask(
            url, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%1e12%' AND pid <> pg_backend_pid()"
        ):
            time.sleep(0.01)
        kill_server(data_dir)

        with postgres.running(data_dir) as again:
            assert ask(again, "SELECT 1") == 1
        busy.join(timeout=60)


def test_a_stale_pid_file_naming_a_living_stranger_does_not_hinder_a_start(data_dir: Path) -> None:
    with postgres.running(data_dir):
        pid_file = find_place(data_dir.resolve()).cluster / "postmaster.pid"
        lines = pid_file.read_text().splitlines()
    owner = pid_file.parent.stat()
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    os.chown(pid_file, owner.st_uid, owner.st_gid)

    with postgres.running(data_dir) as url:
        assert ask(url, "SELECT 1") == 1


def test_processes_that_start_at_the_same_moment_share_one_server(
    fresh_dir: Path, hold: Callable[[Path], subprocess.Popen[str]]
) -> None:
    holders = [hold(fresh_dir) for _ in range(4)]
    urls = {url_of(holder) for holder in holders}
    assert urls == {postgres.database_url(fresh_dir)}
    assert ask(urls.pop(), "SELECT 1") == 1

    for holder in holders:
        holder.communicate("\n")

    assert [holder.returncode for holder in holders] == [0, 0, 0, 0]
    assert is_stopped(fresh_dir)


def test_a_path_too_long_for_a_socket_gets_a_short_private_folder_for_it(fresh_dir: Path) -> None:
    deep = fresh_dir / ("d" * 100) / "var"

    with postgres.running(deep) as url:
        folder = find_place(deep).socket_folder
        assert ask(url, "SELECT 1") == 1
        assert len(str(folder)) < 40
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert find_place(deep).cluster.is_relative_to(deep)

    folder.rmdir()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_socket_folder_of_somebody_else_is_refused(fresh_dir: Path) -> None:
    deep = fresh_dir / ("d" * 100) / "var"
    folder = find_place(deep).socket_folder
    folder.mkdir()
    os.chown(folder, 1, 1)

    with pytest.raises(postgres.EmbeddedError, match="does not belong"), postgres.running(deep):
        pass

    folder.rmdir()


def test_a_cluster_opened_or_copied_with_the_clone_is_made_private_again(data_dir: Path) -> None:
    home = find_place(data_dir.resolve()).home
    for path in (home, *home.rglob("*")):
        path.chmod(path.stat().st_mode | 0o055)
        os.chown(path, os.geteuid(), os.getegid())

    with postgres.running(data_dir) as url:
        assert ask(url, "SELECT 1") == 1
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has folders that PostgreSQL's user cannot enter")
def test_below_a_folder_of_root_alone_the_cluster_moves_and_says_so(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    tmp_path.chmod(0o700)
    data_dir = tmp_path / "var"
    before = postgres.database_url(data_dir)

    with postgres.running(data_dir) as url:
        write_mark(url)
    with postgres.running(data_dir) as url:
        assert ask(url, "SELECT value FROM mark") == 7

    place = find_place(data_dir)
    assert url == before
    assert not place.home.is_relative_to(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700
    assert str(place.home) in capfd.readouterr().err.splitlines()[0]
    shutil.rmtree(place.home)
    shutil.rmtree(place.socket_folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root hands the server to another user")
def test_for_root_the_server_runs_as_an_unprivileged_user(data_dir: Path) -> None:
    with postgres.running(data_dir):
        assert Path(f"/proc/{postmaster_pid(data_dir)}").stat().st_uid != 0


def test_the_log_never_shows_the_values_of_a_failed_statement(data_dir: Path) -> None:
    with postgres.running(data_dir) as url, psycopg.connect(url) as connection:
        with pytest.raises(psycopg.errors.InvalidTextRepresentation, match="Quintana"):
            connection.execute("SELECT CAST('Quintana' AS integer)")

        assert "Quintana" not in find_place(data_dir.resolve()).log.read_text()


def test_missing_binaries_are_reported_in_plain_words(fresh_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PG_BIN", "/nowhere")

    with (
        pytest.raises(postgres.EmbeddedError, match="PG_BIN is /nowhere, which does not contain initdb"),
        postgres.running(fresh_dir),
    ):
        pass
