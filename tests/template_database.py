"""One migrated database that test databases are copied from, instead of migrating each of them.

Its name ends in a digest of all migrations of all apps: a changed migration asks for another template, and the old one
is dropped once no session uses it. It is migrated under another name and renamed when complete, so that a killed
session leaves no half-made one behind. What Django makes after migrating (content types, permissions, our groups)
depends on more than migrations: it is left out, and made in each copy by the `migrate` that Django runs there anyway.
"""

import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import psycopg
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from psycopg import sql

PREFIX = "sisimport_template_"
MAKING = f"{PREFIX}making"


def migrations_digest() -> str:
    """Changes with every name and every content of a migration of any installed app."""
    digest = hashlib.sha256()
    for app in sorted(apps.get_app_configs(), key=lambda app: app.label):
        for file in sorted((Path(app.path) / "migrations").glob("*.py")):
            digest.update(f"{app.label}/{file.name}\0".encode() + file.read_bytes() + b"\0")
    return digest.hexdigest()[:24]


@contextlib.contextmanager
def template_database(server: str) -> Iterator[str]:
    """Name of the migrated template on this server, made if there is none; stays as long as the block runs.

    `server` is the address of a database that all sessions of this server know: they agree by advisory locks in it,
    which PostgreSQL frees when a session ends, however it ends.
    """
    name = PREFIX + migrations_digest()
    with psycopg.connect(server, autocommit=True) as session:
        session.execute("SELECT pg_advisory_lock_shared(hashtext(%s))", [name])
        session.execute("SELECT pg_advisory_lock(hashtext(%s))", [MAKING])
        if name not in _templates(session):
            _make(session, name)
        for other in _templates(session):
            if other != name:
                _drop_unused(session, other)
        session.execute("SELECT pg_advisory_unlock(hashtext(%s))", [MAKING])
        yield name


def _templates(session: psycopg.Connection) -> set[str]:
    query = "SELECT datname FROM pg_database WHERE starts_with(datname, %s) AND datname <> %s"
    return {name for (name,) in session.execute(query, [PREFIX, MAKING])}


def _make(session: psycopg.Connection, name: str) -> None:
    session.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(MAKING)))
    session.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(sql.Identifier(MAKING)))
    usual = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = MAKING
    try:
        with mock.patch("django.core.management.commands.migrate.emit_post_migrate_signal"):
            call_command("migrate", interactive=False, verbosity=0)
    finally:
        connection.close()
        connection.settings_dict["NAME"] = usual
    session.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(MAKING), sql.Identifier(name)))


def _drop_unused(session: psycopg.Connection, name: str) -> None:
    """Drop a template of other migrations unless a session still copies from it."""
    row = session.execute("SELECT pg_try_advisory_lock(hashtext(%s))", [name]).fetchone()
    if row and row[0]:
        session.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        session.execute("SELECT pg_advisory_unlock(hashtext(%s))", [name])
