"""Other ways to read a file into a staging table: COPY as in psql, polars, DuckDB, pandas.

After reading, the same SQL matches, checks and inserts: the hand-written script that an engineer would compare this
product with. They keep no journal, write no report, and cannot undo anything.
"""

import io
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.db import connection, transaction

from sisimport.imports.engine.sql import execute, quoted

STAGED = "staged"
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class DelimitedFile:
    """A file to read: all its columns in order, the wanted ones, no quotes."""

    columns: Sequence[str]
    wanted: Sequence[str]
    delimiter: str
    has_header: bool


Read = Callable[[Path, DelimitedFile], None]
Insert = Callable[[], int]  # from the table `staged` into the records; rows inserted


def by_copy(path: Path, file: DelimitedFile) -> None:
    """COPY of the file as it is, with all its columns, as psql's own \\copy does."""
    _make(file.columns)
    header = ", HEADER true" if file.has_header else ""
    with (
        path.open("rb") as source,
        connection.cursor() as cursor,
        cursor.copy(f"COPY {STAGED} FROM STDIN (DELIMITER '{file.delimiter}'{header})") as into,
    ):
        while block := source.read(_CHUNK):
            into.write(block)


def by_polars(path: Path, file: DelimitedFile) -> None:
    """polars reads the wanted columns, COPY writes them."""
    import polars as pl

    places = [list(file.columns).index(name) for name in file.wanted]
    frame = pl.read_csv(
        path, separator=file.delimiter, has_header=file.has_header, quote_char=None, infer_schema=False,
        columns=sorted(places),
    )  # fmt: skip
    # It returns rows in the file's order.
    frame = frame.select([frame.columns[sorted(places).index(place)] for place in places])
    text = io.BytesIO()
    frame.write_csv(text, include_header=False)
    text.seek(0)
    _make(file.wanted)
    _copy_csv(text)


def by_duckdb(path: Path, file: DelimitedFile) -> None:
    """DuckDB reads the wanted columns, COPY writes them."""
    import duckdb

    names = dict.fromkeys(file.columns, "VARCHAR")
    wanted = ", ".join(f"coalesce({quoted(name)}, '')" for name in file.wanted)
    with tempfile.NamedTemporaryFile(suffix=".csv") as made, duckdb.connect() as session:
        session.execute(
            f"COPY (SELECT {wanted} FROM read_csv($path, delim = $delimiter, header = $header, quote = '', escape = '',"
            f" columns = {names!r}, auto_detect = false)) TO '{made.name}' (HEADER false)",
            {"path": str(path), "delimiter": file.delimiter, "header": file.has_header},
        )
        _make(file.wanted)
        with Path(made.name).open("rb") as text:
            _copy_csv(text)


def by_pandas(path: Path, file: DelimitedFile) -> None:
    """pandas reads the wanted columns and writes them with to_sql."""
    import csv

    import pandas as pd
    import psycopg
    from sqlalchemy import create_engine
    from sqlalchemy.pool import StaticPool

    frame = pd.read_csv(
        path, sep=file.delimiter, header=0 if file.has_header else None, names=list(file.columns), dtype=str,
        usecols=list(file.wanted), keep_default_na=False, quoting=csv.QUOTE_NONE,
    )  # fmt: skip
    connection.ensure_connection()
    # With its own connection, the usual way to use to_sql: it writes a real table and commits it.
    given = connection.get_connection_params()

    chosen = {key: given[key] for key in ("dbname", "user", "password", "host", "port", "options") if given.get(key)}
    engine = create_engine("postgresql+psycopg://", creator=partial(psycopg.connect, **chosen), poolclass=StaticPool)
    frame[list(file.wanted)].to_sql(STAGED, engine, index=False, if_exists="replace")
    engine.dispose()


def _make(columns: Sequence[str]) -> None:
    execute(f"CREATE TEMPORARY TABLE {STAGED} ({', '.join(f'{quoted(name)} text' for name in columns)})")


def _copy_csv(text: Any) -> None:
    # An empty value is an empty text, as in the file.
    with connection.cursor() as cursor, cursor.copy(f"COPY {STAGED} FROM STDIN (FORMAT csv, NULL '\\N')") as into:
        while block := text.read(_CHUNK):
            into.write(block)


@dataclass(frozen=True, slots=True)
class Loader:
    """One way to load the whole file, measured at the job's own size. `needs`: packages it requires."""

    read: Read
    needs: tuple[str, ...] = ()
    dry_run_first: bool = False

    @property
    def missing(self) -> list[str]:
        return [name for name in self.needs if find_spec(name) is None]

    def load(self, path: Path, file: DelimitedFile, insert: Insert) -> int:
        """Read and insert; returns rows inserted. A dry run does everything and rolls it back."""
        for dry in (True, False) if self.dry_run_first else (False,):
            with transaction.atomic():
                self.read(path, file)
                wanted = ", ".join(quoted(name) for name in file.wanted)
                execute(f"ANALYZE {STAGED} ({wanted})")
                count = insert()
                execute(f"DROP TABLE {STAGED}")
                transaction.set_rollback(dry)
        return count


BEST = "best"
SCRIPT, SCRIPT_TWICE = "psql script, once", "psql script, dry run and real run"
LOADERS = {
    SCRIPT: Loader(by_copy),
    SCRIPT_TWICE: Loader(by_copy, dry_run_first=True),
    "polars and the same SQL": Loader(by_polars, needs=("polars",)),
    "DuckDB and the same SQL": Loader(by_duckdb, needs=("duckdb",)),
    "pandas to_sql and the same SQL": Loader(by_pandas, needs=("pandas", "sqlalchemy")),
}


@dataclass(frozen=True, slots=True)
class LoadedFile:
    """What the loaders need to know about a job: its file, the SQL to run after reading, and the table that it
    fills."""

    file: Callable[[], DelimitedFile]
    insert: Insert
    table: str
    gate: str = ""  # the loader that the product must not be slower than; BEST: the fastest

    def load(self, loader: str, path: Path) -> int:
        return LOADERS[loader].load(path, self.file(), self.insert)
