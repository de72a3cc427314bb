"""Database sessions of processes that work on runs: they hold locks, so they must not be shared (runtime/databases.py)."""

from typing import Any

import psycopg
from django.db import OperationalError, connection

from sisimport.imports.engine.sql import fetch_one
from sisimport.runtime.databases import SharedSessionError, refused_by_pooler, shares_sessions

_own: set[str] = set()  # addresses already checked by this process


def session_parameters(name: str) -> dict[str, Any]:
    """Connection parameters for a session besides Django's own, under another name and without Django's additions."""
    parameters = dict(connection.get_connection_params())
    for ours in ("cursor_factory", "context", "prepare_threshold"):
        parameters.pop(ours, None)
    return parameters | {"application_name": name, "autocommit": True, "prepare_threshold": None}


def require_own_session() -> None:
    """Make sure, once per process, that no pooler shares our session with others. Raises SharedSessionError, or the database's
    error if the check is not possible."""
    address = "{HOST}:{PORT}".format(**connection.settings_dict)
    if address in _own:
        return
    try:
        (pid,) = fetch_one("SELECT pg_backend_pid()")
    except OperationalError as error:
        if refused_by_pooler(error):
            raise SharedSessionError from error
        raise
    if pid != connection.connection.info.backend_pid:
        parameters = session_parameters("sisimport session check")
        if shares_sessions(lambda: psycopg.connect(**parameters)):
            raise SharedSessionError
    _own.add(address)
