"""Backup and restore of an installation: database, uploaded files, kept mails and layouts in one file; keys in another.

The database is dumped as one snapshot sees it, while runs go on, and the files that this snapshot names are copied: a run in
mid-work is in the backup as one that a worker took and did not finish, so after a restore it is done again like after a crash.
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
# Sessions and counters: nobody is signed in by a backup that somebody else found.
NOT_KEPT = ("django_session", "shared_cache")
_PROOF_OF_USE = ("auth_user", "students_student", "imports_importrun")


@dataclass(frozen=True, slots=True)
class BackupReport:
    """What went into a backup or came out of it. `missing`: files on record that storage did not have."""

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

    recipient: public key that it is encrypted for; blank for none
    keys: where the keys go, which are never in the backup itself: whoever has both can read and sign in as anybody

    Raises BackupError; no file is left then.
    """
    if keys is not None and keys.exists():
        raise BackupError(f"{keys} exists. Keys are never written over: name another file.")
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
    """Database and files as one transaction sees them. Returns rows per table, and how many files were not there."""
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
                stream = store.raw_open(name)  # as it is stored: encrypted, and its key is in another file
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
        with contextlib.suppress(FileNotFoundError):  # an old mail that made room meanwhile
            if path.is_file() and not path.is_symlink():
                with path.open("rb") as stream:
                    _add_stream(backup, f"{prefix}{path.relative_to(folder).as_posix()}", stream)


def _folders() -> dict[str, Path]:
    """What is kept beside the storage of uploads."""
    return {_MAIL: settings.DATA_DIR / "mail", _LAYOUTS: Path(settings.LAYOUT_DIR)}


def _tables() -> list[str]:
    """Every table with rows of its own that a backup keeps, quoted with its schema."""
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
    """Keys that this installation made for itself; those of the environment are in the keeping of who set them."""
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
    """Put the keys where they were; one that is there already is kept when it is the same, and written over when not:
    what the backup holds was made with the key of the backup."""
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
    """Bring a backup into this installation, which must be an empty one with nobody at work in it.

    without_keys: also where nobody has the key of its files, which then stay closed

    Every part is compared with the manifest before anything is written; the database comes last and in one transaction, so a
    restore that is killed leaves an empty installation, and the next one goes through. Raises BackupError.
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
    """Raises BackupError for files that nobody could open here after the restore."""
    masters = {master.id for master in _keys_after(key_file)}
    for name in backup.members:
        if name.startswith((_FILES, _MAIL)):
            with backup.open(name) as stream:
                head = stream.read(HEADER)
            if len(head) == HEADER and is_sealed(head) and masters.isdisjoint(key_ids(head)):
                raise BackupError(
                    "The files in this backup are encrypted for a key that is not here: give the file of keys with --keys, or "
                    "set FILE_KEYS as it was there. If the key is lost, --without-keys restores everything else."
                )


def _keys_after(key_file: BackupReader | None) -> list[MasterKey]:
    """The keys of files that this installation will have."""
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
    """Migrations that stand for older ones: those may be on record in an old database."""
    loader = MigrationLoader(None, ignore_no_migrations=True)
    return {".".join(key) for migration in loader.disk_migrations.values() for key in migration.replaces}


def _refuse_use() -> None:
    """Raises BackupError for an installation that holds people or runs, or in which somebody is at work."""
    if any(_has_rows(table) for table in _PROOF_OF_USE):
        raise BackupError(
            "This installation is in use: a backup is never restored over people, students or runs. Set SISIMPORT_DATA_DIR "
            "to a new folder (or DATABASE_URL to an empty database) and restore there."
        )
    deadline = time.monotonic() + LEAVING_SECONDS
    while _others_are_connected():  # programs of a restore that was killed end automatically
        if time.monotonic() > deadline:
            raise BackupError("Somebody is connected to this database: stop the server and its workers, then restore.")
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
    """Kept files, mails and layouts. What an earlier attempt wrote is kept when it is the same."""
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
                "The folder of uploads holds other files of these names: restore into a new data directory."
            ) from None


def _restore_beside(backup: BackupReader, member: str, folder: Path, target: Path) -> None:
    if not target.resolve().is_relative_to(folder.resolve()):
        raise BackupError("The backup names a file outside its folder: use another backup.")
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
