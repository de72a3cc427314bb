"""How a program reaches PostgreSQL: directly, or through a pooler that shares sessions (PgBouncer in transaction mode).

    web      DATABASE_URL          through the pooler, if there is one: many short transactions, nothing kept in a session
    others   DATABASE_DIRECT_URL   workers hold locks in their sessions, commands keep tables there, migrations take long

Without DATABASE_DIRECT_URL all of them use DATABASE_URL. Independent of Django.
"""

from collections.abc import Callable, Mapping
from typing import Any

import psycopg

ENGINE = "sisimport.runtime.scoped"  # Django's, with statements that say whose rows they may see
_TRIES = 10
CONNECT_SECONDS = 3
# A server whose machine vanished sends nothing, not even a close: after a minute of silence its connections count as lost. With
# several hosts, the next one is tried after ten seconds. Options in the address override these; local sockets ignore them.
_NOTICE = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
# As PostgreSQL shows them, with units: 0 means no limit.
LIMITS = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")


class SharedSessionError(RuntimeError):
    """This program holds locks in its session, but a pooler shares the session with others; the message says what to do."""

    def __init__(self) -> None:
        super().__init__(
            "The database is reached through a pooler that shares sessions (PgBouncer in transaction mode). The locks by which "
            "workers know that a run is taken do not work there. Set DATABASE_DIRECT_URL to the address of PostgreSQL itself."
        )


def uses_pooler(kind: str, *, url: str, direct_url: str) -> bool:
    """Whether a program of this kind (`processes.kind`) goes through a pooler: true for the web if two addresses are set."""
    return kind == "web" and bool(direct_url) and direct_url != url


def options_of(limits: Mapping[str, float]) -> str:
    """Startup options for a session; `limits` in seconds."""
    return " ".join(f"-c {name}={seconds * 1000:.0f}" for name, seconds in limits.items())


def connect_query(limits: Mapping[str, float]) -> str:
    """The same for a pooler, which opens the sessions itself: PgBouncer's `connect_query`."""
    return "; ".join(f"SET {name} = {seconds * 1000:.0f}" for name, seconds in limits.items())


def noticing(database: dict[str, Any]) -> dict[str, Any]:
    """Django's settings for a database, with options to notice its absence."""
    return {**database, "OPTIONS": {**_NOTICE, **database.get("OPTIONS", {})}}


def without_session(database: dict[str, Any]) -> dict[str, Any]:
    """Django's settings for a database connection that gets a different session for each transaction."""
    # The driver prepares no statements and fetches whole results: a cursor that outlives its transaction would be lost.
    options = {**database.get("OPTIONS", {}), "prepare_threshold": None}
    return {**database, "OPTIONS": options, "DISABLE_SERVER_SIDE_CURSORS": True}


def for_reading(database: dict[str, Any], limits: Mapping[str, float]) -> dict[str, Any]:
    """Django's settings for a database that is only read, and skipped if it does not answer immediately."""
    given = database.get("OPTIONS", {})
    startup = f"{options_of(limits)} -c default_transaction_read_only=on {given.get('options', '')}".strip()
    options = {**_NOTICE, "connect_timeout": CONNECT_SECONDS, **given, "options": startup}
    return {**database, "ENGINE": ENGINE, "OPTIONS": options}


def shares_sessions(connect: Callable[[], "psycopg.Connection[Any]"]) -> bool:
    """Whether two connections of this kind share a session. Raises psycopg.Error if there is no server.

    A pooler issues cancel keys of its own, so a connection whose key shows the true process id is direct. Otherwise a second
    connection holds a transaction open: it got the first one's session, or makes the first get a different one.
    """
    with connect() as first:
        first.autocommit = True
        kept = _pid(first)
        if kept == first.info.backend_pid:
            return False
        with connect() as second:
            for _try in range(_TRIES):
                with second.transaction():
                    if _pid(second) == kept:
                        return True
                if kept != (kept := _pid(first)):
                    return True
    return False


def refused_by_pooler(error: BaseException) -> bool:
    """Whether a connection failed because PgBouncer accepts no limits from clients: it opens the sessions itself."""
    return "unsupported startup parameter" in f"{error} {error.__cause__}"


def limits_of(connect: Callable[[], "psycopg.Connection[Any]"]) -> dict[str, str]:
    """The limits of a session, as PostgreSQL shows them. Raises psycopg.Error if there is no server."""
    with connect() as session:
        return {name: str(_one(session, f"SHOW {name}")) for name in LIMITS}


def _pid(session: "psycopg.Connection[Any]") -> int:
    return int(_one(session, "SELECT pg_backend_pid()"))


def _one(session: "psycopg.Connection[Any]", query: str) -> Any:
    row = session.execute(query.encode()).fetchone()
    assert row is not None  # noqa: S101 - these always return a row
    return row[0]
