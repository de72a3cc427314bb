"""The whole database into a stream and back, with PostgreSQL's own pg_dump and pg_restore from the wheel.

Their output is never passed on: errors of a restore quote rows. Independent of Django.
"""

import contextlib
import os
import shutil
import subprocess
import threading
from collections.abc import Mapping, Sequence
from typing import IO, Any, cast

from sisimport.runtime.backup_file import BackupError
from sisimport.runtime.postgres_paths import binaries

_CHUNK = 1 << 20
_ENVIRONMENT = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "dbname": "PGDATABASE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
}
_DISK_FULL = "53100"

# Removes everything the migrations made, so that nothing conflicts; extensions come back with the dump.
_EMPTY = b"""
BEGIN;
DO $$ DECLARE name text; BEGIN
  FOR name IN SELECT nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema' LOOP
    EXECUTE format('DROP SCHEMA %I CASCADE', name);
  END LOOP;
END $$;
CREATE SCHEMA public;
"""


def write_dump(out: IO[bytes], *, parameters: Mapping[str, Any], snapshot: str, without: Sequence[str] = ()) -> None:
    """Write the database as an exported snapshot sees it. `without`: tables whose rows are left out. Raises BackupError."""
    words = [_program("pg_dump"), "--format=custom", "--no-owner", "--no-acl", f"--snapshot={snapshot}"]
    words += [f"--exclude-table-data={table}" for table in without]
    with subprocess.Popen(
        words, env=_environment(parameters), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        out_of, errors = cast(IO[bytes], process.stdout), _Said(cast(IO[bytes], process.stderr))
        try:
            shutil.copyfileobj(out_of, out, _CHUNK)
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        raise BackupError(f"The database could not be dumped ({errors.code()}). See the log of PostgreSQL.")


def read_dump(dump: IO[bytes], *, parameters: Mapping[str, Any], rows: Mapping[str, int]) -> None:
    """Replace all data with the dump, in one transaction. `rows`: how many each table must have afterwards.

    Raises BackupError; the database is then unchanged.
    """
    environment = _environment(parameters)
    unpack = [_program("pg_restore"), "--no-owner", "--no-acl", "--exit-on-error", "--file=-"]
    run = [_program("psql"), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--set=VERBOSITY=sqlstate"]
    with (
        subprocess.Popen(
            run, env=environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        ) as database,
        subprocess.Popen(
            unpack, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as unpacking,
    ):
        into, plain = cast(IO[bytes], database.stdin), cast(IO[bytes], unpacking.stdout)
        errors = _Said(cast(IO[bytes], database.stderr))
        feeding = _Feeding(dump, cast(IO[bytes], unpacking.stdin))
        try:
            with contextlib.suppress(BrokenPipeError):  # psql ended with an error and reported it
                into.write(_EMPTY)
                shutil.copyfileobj(plain, into, _CHUNK)
                feeding.join()
                # Without this final command psql ends at the end of its input, and the server rolls everything back.
                if not feeding.failed and unpacking.wait() == 0:
                    into.write(_compared(rows) + b"COMMIT;\n")
                into.close()
        except BaseException:
            database.kill()
            unpacking.kill()
            raise
        plain.close()
    if feeding.failed:
        raise feeding.failed[0]
    if database.returncode or unpacking.returncode:
        code = errors.code()
        if code == _DISK_FULL:
            raise BackupError("The disk of the database is full: make room, then restore again. Nothing was changed.")
        raise BackupError(f"The database refused the dump ({code}). Nothing was changed; see the log of PostgreSQL.")


def _compared(rows: Mapping[str, int]) -> bytes:
    """Statements that abort the transaction unless every table has as many rows as when it was dumped."""
    checks = "\n".join(
        f"IF (SELECT count(*) FROM {table}) <> {int(count)} THEN RAISE data_exception; END IF;"
        for table, count in rows.items()
    )
    return f"DO $check$ BEGIN\n{checks}\nEND $check$;\n".encode()


class _Feeding(threading.Thread):
    """Writes a stream into a program while another thread reads its output."""

    def __init__(self, source: IO[bytes], target: IO[bytes]) -> None:
        super().__init__(name="feeding", daemon=True)
        self._source, self._target = source, target
        self.failed: list[BaseException] = []
        self.start()

    def run(self) -> None:
        try:
            with contextlib.suppress(BrokenPipeError), self._target:
                shutil.copyfileobj(self._source, self._target, _CHUNK)
        except BaseException as error:  # noqa: BLE001 - raised in the thread that waits
            self.failed.append(error)


class _Said:
    """Reads a program's output until it ends; only a five-character code is ever passed on."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._text = b""
        self._thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self._thread.start()

    def _read(self, stream: IO[bytes]) -> None:
        with contextlib.suppress(ValueError, OSError):
            self._text = stream.read()

    def code(self) -> str:
        self._thread.join(5)
        words = (word.strip(":").rstrip() for word in self._text.decode(errors="replace").split())
        codes = (
            word for word in words if len(word) == 5 and word.isalnum() and word.upper() == word and word[:2].isdigit()
        )
        return next(codes, "it gave no code")


def _environment(parameters: Mapping[str, Any]) -> dict[str, str]:
    """The address as environment variables, where other users of this machine cannot see its password."""
    given = {name: str(parameters[key]) for key, name in _ENVIRONMENT.items() if parameters.get(key)}
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG") or name == "PG_BIN"}
    return kept | given | {"PGCLIENTENCODING": "UTF8"}


def _program(name: str) -> str:
    """A program of PostgreSQL. Raises BackupError."""
    found = binaries(None) / name
    if found.exists():
        return str(found)
    if elsewhere := shutil.which(name):
        return elsewhere
    raise BackupError(f"{name} is not here: install the client programs of PostgreSQL, or set PG_BIN to their folder.")
