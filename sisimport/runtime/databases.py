"""How a program reaches PostgreSQL: directly, or through a pooler that hands sessions round (PgBouncer in transaction mode).

    web      DATABASE_URL          through the pooler, if there is one: many short transactions, nothing kept in a session
    others   DATABASE_DIRECT_URL   workers hold locks in their sessions, commands keep tables there, migrations take their time

Without DATABASE_DIRECT_URL all of them go by DATABASE_URL. Knows nothing of Django.
"""

from collections.abc import Callable, Mapping
from typing import Any

import psycopg

ENGINE = "sisimport.runtime.scoped"  # Django's, whose statements say whose rows they may see
_TRIES = 10
CONNECT_SECONDS = 3
# A server whose machine vanished sends nothing, not even an end: after a minute of silence its connections count as lost. Of
# several hosts the next one is tried after ten seconds. What the address says comes first; sockets of this machine ignore them.
_NOTICE = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
# In their units as PostgreSQL shows them: 0 means no limit.
LIMITS = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")


class SharedSessionError(RuntimeError):
    """This program keeps locks in its session, and a pooler gives the session to others; the message says what to do."""

    def __init__(self) -> None:
        super().__init__(
            "The database is reached through a pooler that shares sessions (PgBouncer in transaction mode). The locks by which "
            "workers know that a run is taken do not hold there. Set DATABASE_DIRECT_URL to the address of PostgreSQL itself."
        )


def uses_pooler(kind: str, *, url: str, direct_url: str) -> bool:
    """Whether a program of this kind (`processes.kind`) goes through a pooler: two addresses are given, and it is the web."""
    return kind == "web" and bool(direct_url) and direct_url != url


def options_of(limits: Mapping[str, float]) -> str:
    """What a session is asked for when it begins; `limits` in seconds."""
    return " ".join(f"-c {name}={seconds * 1000:.0f}" for name, seconds in limits.items())


def connect_query(limits: Mapping[str, float]) -> str:
    """The same for a pooler, which makes the sessions itself: PgBouncer's `connect_query`."""
    return "; ".join(f"SET {name} = {seconds * 1000:.0f}" for name, seconds in limits.items())


def noticing(database: dict[str, Any]) -> dict[str, Any]:
    """Django's settings of a database whose absence is to be noticed."""
    return {**database, "OPTIONS": {**_NOTICE, **database.get("OPTIONS", {})}}


def without_session(database: dict[str, Any]) -> dict[str, Any]:
    """Django's settings of a database, for a connection whose session is another one with each transaction."""
    # The driver prepares no statements, and whole results are fetched: a cursor that outlives its transaction is lost.
    options = {**database.get("OPTIONS", {}), "prepare_threshold": None}
    return {**database, "OPTIONS": options, "DISABLE_SERVER_SIDE_CURSORS": True}


def for_reading(database: dict[str, Any], limits: Mapping[str, float]) -> dict[str, Any]:
    """Django's settings of a database that is only read, and done without when it does not answer at once."""
    given = database.get("OPTIONS", {})
    asked = f"{options_of(limits)} -c default_transaction_read_only=on {given.get('options', '')}".strip()
    options = {**_NOTICE, "connect_timeout": CONNECT_SECONDS, **given, "options": asked}
    return {**database, "ENGINE": ENGINE, "OPTIONS": options}


def shares_sessions(connect: Callable[[], "psycopg.Connection[Any]"]) -> bool:
    """Whether two connections of this kind take turns on one session. Raises psycopg.Error when there is no server.

    A pooler gives out keys of its own, so whoever reads the true process id in them is connected directly. Else a second
    connection holds a transaction open: it got the session of the first, or makes the first get another one.
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
    """Whether a connection failed because PgBouncer takes no limits from those who come: it makes the sessions itself."""
    return "unsupported startup parameter" in f"{error} {error.__cause__}"


def limits_of(connect: Callable[[], "psycopg.Connection[Any]"]) -> dict[str, str]:
    """The limits of a session, as PostgreSQL shows them. Raises psycopg.Error when there is no server."""
    with connect() as session:
        return {name: str(_one(session, f"SHOW {name}")) for name in LIMITS}


def _pid(session: "psycopg.Connection[Any]") -> int:
    return int(_one(session, "SELECT pg_backend_pid()"))


def _one(session: "psycopg.Connection[Any]", query: str) -> Any:
    row = session.execute(query.encode()).fetchone()
    assert row is not None  # noqa: S101 - these always answer
    return row[0]
