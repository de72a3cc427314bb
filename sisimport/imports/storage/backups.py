"""Backup and restore of an installation: database, uploaded files, kept mails and layouts in one file; keys in another.

The database is dumped from one snapshot while runs continue, and the files that this snapshot names are copied. A run in progress
is in the backup as one that a worker took and did not finish, so after a restore it is done again, as after a crash.
"""

import contextlib
import datetime as dt
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone

from sisimport.imports.storage.files import hash_of
from sisimport.imports.storage.resealing import stored_names
from sisimport.imports.storage.stores import Store, uploads_store
from sisimport.runtime import file_keys, postgres
from sisimport.runtime.backup_file import BackupError, BackupReader, BackupWriter, reading, writing
from sisimport.runtime.database_dump import read_dump, write_dump
from sisimport.runtime.sealed_files import HEADER, MasterKey, is_sealed, key_ids

LEAVING_SECONDS = 20.0
_CHUNK = 1 << 20
_DUMP = "database.dump"
_FILES, _MAIL, _LAYOUTS = "files/", "mail/", "layouts/"
# Sessions and counters: a person who finds a backup must not be signed in by it.
NOT_KEPT = ("django_session", "shared_cache")
_PROOF_OF_USE = ("auth_user", "students_student", "imports_importrun")


@dataclass(frozen=True, slots=True)
class BackupReport:
    """Contents of a backup made or restored. `missing`: files on record that storage did not have."""

    file: str
    rows: int
    files: int
    missing: int
    encrypted: bool
    keys: str = ""

    def as_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


def make_backup(path: Path, *, recipient: str = "", keys: Path | None = None) -> BackupReport:
    """Write a backup of this installation to `path`.

    recipient: public key to encrypt it for; blank for none
    keys: where to put the keys, which are never in the backup itself: a person with both can read and sign in as anyone

    Raises BackupError, leaving no file.
    """
    if keys is not None and keys.exists():
        raise BackupError(f"{keys} exists. Keys are never overwritten: name another file.")
    with writing(path, recipient=recipient) as backup:
        rows, missing = _add_snapshot(backup)
        for prefix, folder in _folders().items():
            _add_folder(backup, prefix, folder)
        backup.finish(
            {
                "made_at": timezone.now().astimezone(dt.UTC).isoformat(timespec="seconds"),
                "migrations": sorted(".".join(key) for key in _migrations_applied()),
                "rows": rows,
                "missing_files": missing,
            }
        )
    if keys is not None:
        _write_keys(keys)
    files = sum(name.startswith(_FILES) for name in backup.members)
    return BackupReport(str(path), sum(rows.values()), files, missing, bool(recipient), str(keys or ""))


def _add_snapshot(backup: BackupWriter) -> tuple[dict[str, int], int]:
    """Add database and files as seen by one transaction. Returns rows per table and the number of missing files."""
    missing = 0
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SELECT pg_export_snapshot()")
        snapshot = str(cursor.fetchone()[0])
        rows = {table: _row_count(table) for table in _tables()}
        parameters = connection.get_connection_params()
        backup.add(
            _DUMP,
            lambda out: write_dump(out, parameters=parameters, snapshot=snapshot, without=NOT_KEPT),
            compressed=True,
        )
        store = uploads_store()
        for name in stored_names():
            try:
                stream = store.raw_open(name)  # as stored: encrypted, with its key in another file
            except FileNotFoundError:
                missing += 1
                continue
            with stream:
                _add_stream(backup, f"{_FILES}{name}", stream)
    return rows, missing


def _add_stream(backup: BackupWriter, name: str, stream: IO[bytes]) -> None:
    backup.add(name, lambda out: shutil.copyfileobj(stream, out, _CHUNK))


def _add_folder(backup: BackupWriter, prefix: str, folder: Path) -> None:
    for path in sorted(folder.rglob("*")) if folder.is_dir() else []:
        with contextlib.suppress(FileNotFoundError):  # an old mail that has been removed to make room
            if path.is_file() and not path.is_symlink():
                with path.open("rb") as stream:
                    _add_stream(backup, f"{prefix}{path.relative_to(folder).as_posix()}", stream)


def _folders() -> dict[str, Path]:
    """Folders of files kept outside the storage of uploads."""
    return {_MAIL: settings.DATA_DIR / "mail", _LAYOUTS: Path(settings.LAYOUT_DIR)}


def _tables() -> list[str]:
    """Every table with rows of its own that goes into a backup, quoted with its schema."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT format('%%I.%%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE c.relkind = 'r' AND n.nspname NOT LIKE 'pg\\_%%' AND n.nspname <> 'information_schema'"
            " AND c.relname <> ALL(%s) ORDER BY 1",
            [list(NOT_KEPT)],
        )
        return [str(name) for (name,) in cursor.fetchall()]


def _row_count(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        return int(cursor.fetchone()[0])


def _migrations_applied() -> set[tuple[str, str]]:
    return set(MigrationLoader(connection).applied_migrations)


# ---- keys ----


def _key_files() -> dict[str, Path]:
    """Keys that this installation made for itself; keys from the environment are kept by the person who set them."""
    folder = settings.DATA_DIR / "keys"
    kept = {"secret_key": settings.DATA_DIR / "secret_key"}
    if folder.is_dir():
        kept |= {f"keys/{path.name}": path for path in sorted(folder.iterdir()) if path.is_file()}
    return {name: path for name, path in kept.items() if path.is_file()}


def _write_keys(path: Path) -> None:
    with writing(path) as file:
        for name, key in _key_files().items():
            with key.open("rb") as stream:
                _add_stream(file, name, stream)
        file.finish({"made_at": timezone.now().astimezone(dt.UTC).isoformat(timespec="seconds")})


def _read_keys(keys: BackupReader) -> None:
    """Put the keys where they were; an existing key that differs is overwritten, because the backup's contents were made with the
    backup's key."""
    for name in keys.members:
        if name != "secret_key" and (PurePosixPath(name).parent.as_posix() != "keys" or ".." in name):
            raise BackupError("That is not a file of keys: give the one that was written with --keys.")
        target = settings.DATA_DIR / name
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        target.touch(mode=0o600)
        with keys.open(name) as source, target.open("wb") as out:
            shutil.copyfileobj(source, out)


# ---- restore ----


def restore_backup(
    path: Path, *, identity: Path | None = None, keys: Path | None = None, without_keys: bool = False
) -> BackupReport:
    """Restore a backup into this installation, which must be empty with no one working in it.

    without_keys: restore even without the key of its files, which then cannot be opened

    Every part is compared with the manifest before anything is written; the database comes last and in one transaction, so a
    restore that is killed leaves an empty installation, and the next one succeeds. Raises BackupError.
    """
    scratch = Path(settings.SCRATCH_DIR)
    with contextlib.ExitStack() as stack:
        backup = stack.enter_context(reading(path, scratch=scratch, identity=identity))
        key_file = stack.enter_context(reading(keys, scratch=scratch, identity=identity)) if keys else None
        _refuse_newer(backup)
        _refuse_use()
        backup.verify()
        if key_file:
            key_file.verify()
        if not without_keys:
            _refuse_locked(backup, key_file)
        files = _restore_files(backup)
        rows = cast(Mapping[str, int], backup.manifest["rows"])
        _restore_database(backup, rows)
        if key_file:
            _read_keys(key_file)
    return BackupReport(
        str(path),
        sum(rows.values()),
        files,
        int(backup.manifest["missing_files"]),
        identity is not None,
        str(keys or ""),
    )


def _refuse_locked(backup: BackupReader, key_file: BackupReader | None) -> None:
    """Raises BackupError for files that could not be opened here after the restore."""
    masters = {master.id for master in _keys_after(key_file)}
    for name in backup.members:
        if name.startswith((_FILES, _MAIL)):
            with backup.open(name) as stream:
                head = stream.read(HEADER)
            if len(head) == HEADER and is_sealed(head) and masters.isdisjoint(key_ids(head)):
                raise BackupError(
                    "The files in this backup are encrypted for a key that is not here: give the file of keys with --keys, or "
                    "set FILE_KEYS to the value used there. If the key is lost, --without-keys restores everything else."
                )


def _keys_after(key_file: BackupReader | None) -> list[MasterKey]:
    """The file keys that this installation will have."""
    try:
        if settings.FILE_KEYS:
            return file_keys.parsed(settings.FILE_KEYS)
        member = file_keys.FILE.as_posix()
        if key_file is not None and member in key_file.members:
            with key_file.open(member) as stream:
                return file_keys.parsed(stream.read().decode("ascii", "replace").split())
        if (settings.DATA_DIR / file_keys.FILE).exists():
            return file_keys.kept_keys(settings.DATA_DIR)
    except file_keys.FileKeyError as error:
        raise BackupError(str(error)) from None
    return []


def _refuse_newer(backup: BackupReader) -> None:
    ours = {".".join(key) for key in MigrationLoader(None, ignore_no_migrations=True).disk_migrations}
    try:
        newer = set(backup.manifest["migrations"]) - ours - _replaced_names()
    except KeyError:
        raise BackupError("That is a file of keys, not a backup: give the backup, and this one with --keys.") from None
    if newer:
        raise BackupError("The backup was made by a newer release than this one: install that release, then restore.")


def _replaced_names() -> set[str]:
    """Older migrations that current ones replace; an old database may have them on record."""
    loader = MigrationLoader(None, ignore_no_migrations=True)
    return {".".join(key) for migration in loader.disk_migrations.values() for key in migration.replaces}


def _refuse_use() -> None:
    """Raises BackupError for an installation that holds people or runs, or in which a process is working."""
    if any(_has_rows(table) for table in _PROOF_OF_USE):
        raise BackupError(
            "This installation is in use: a backup is never restored over people, students or runs. Set SISIMPORT_DATA_DIR "
            "to a new folder (or DATABASE_URL to an empty database) and restore there."
        )
    deadline = time.monotonic() + LEAVING_SECONDS
    while _others_are_connected():  # processes of a killed restore end on their own
        if time.monotonic() > deadline:
            raise BackupError("Someone is connected to this database: stop the server and its workers, then restore.")
        time.sleep(0.1)


def _has_rows(table: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [table])
        if not cursor.fetchone()[0]:
            return False
        cursor.execute(f"SELECT EXISTS (SELECT FROM {table})")
        return bool(cursor.fetchone()[0])


def _others_are_connected() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            " AND usesysid IS NOT NULL AND coalesce(backend_type, 'client backend') = 'client backend')"
        )
        return bool(cursor.fetchone()[0])


def _restore_files(backup: BackupReader) -> int:
    """Restore kept files, mails and layouts. Equal files written by an earlier attempt are kept."""
    store, folders, count = uploads_store(), _folders(), 0
    for name in backup.members:
        if name.startswith(_FILES):
            _restore_stored(backup, name, store)
            count += 1
            continue
        for prefix, folder in folders.items():
            if name.startswith(prefix):
                _restore_beside(backup, name, folder, folder / name.removeprefix(prefix))
    return count


def _restore_stored(backup: BackupReader, member: str, store: Store) -> None:
    name = member.removeprefix(_FILES)
    try:
        with backup.open(member) as stream:
            store.raw_save(name, stream)
    except FileExistsError:
        with store.raw_open(name) as there:
            same = hash_of(there) == backup.members[member]["sha256"]
        if not same:
            raise BackupError(
                "The folder of uploads contains other files with these names: restore into a new data directory."
            ) from None


def _restore_beside(backup: BackupReader, member: str, folder: Path, target: Path) -> None:
    if not target.resolve().is_relative_to(folder.resolve()):
        raise BackupError("The backup refers to a file outside its folder: use another backup.")
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    target.touch(mode=0o600)
    with backup.open(member) as source, target.open("wb") as out:
        shutil.copyfileobj(source, out)


def _restore_database(backup: BackupReader, rows: Mapping[str, int]) -> None:
    parameters = connection.get_connection_params()
    connection.close()
    if settings.EMBEDDED:
        postgres.forget_migrations(settings.DATA_DIR)
    with backup.open(_DUMP) as dump:
        read_dump(dump, parameters=parameters, rows=rows)
    call_command("migrate", interactive=False, verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


__all__ = ["BackupError", "BackupReport", "make_backup", "restore_backup"]
