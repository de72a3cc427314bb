"""Where reports and exports are read from. The decision is made here, each time one is produced.

    a replica (DATABASE_REPLICA_URL) that answers, lags no more than REPLICA_MAX_SECONDS, and has the data the user and runs wrote
    else the database itself, bypassing any pooler so that long results come block by block

A replica that has replayed the whole log of the database has no lag, however old the last write is. Otherwise its lag is the time
since the last transaction it replayed, by the database's clock: transactions arrive in the order of their time stamps. The user's
writes are timed by that clock too, and the user's ended runs must also have ended on the replica.
"""

import logging
import time
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection, connections
from django.utils.dateparse import parse_datetime

from sisimport.runtime.reading import REPORTS

logger = logging.getLogger(__name__)

AWAY_SECONDS = 15.0  # how long a replica that did not answer is not tried again
_RUNS = 500  # the newest; a reader of a report knows that these have ended
_away = {"until": 0.0}  # monotonic

# Not the position written so far: a commit that does not wait for the disk may not be fully written yet.
_OF_THE_DATABASE = """
SELECT pg_current_wal_insert_lsn()::text, clock_timestamp(), ARRAY(
  SELECT id FROM (SELECT id, finished_at FROM imports_importrun ORDER BY id DESC LIMIT %s) AS newest
  WHERE finished_at IS NOT NULL)
"""
# A replica must be connected: if its source is gone, it may have replayed more or other data than the next primary has.
_OF_THE_REPLICA = """
SELECT pg_is_in_recovery(),
  coalesce(pg_last_wal_replay_lsn() >= %s::pg_lsn, false) AND EXISTS (SELECT FROM pg_stat_wal_receiver),
  coalesce(extract(epoch FROM %s - pg_last_xact_replay_timestamp()), 'infinity')::float8,
  coalesce(pg_last_xact_replay_timestamp() >= %s, %s IS NULL),
  (SELECT count(*) FROM imports_importrun WHERE id = ANY(%s) AND finished_at IS NOT NULL)
"""


def place_of_reports(user: Any = None, *, run: int | None = None) -> str:
    """The connection from which a report for this user, or about this run, is read (runtime/reading.py). Never raises because of
    a replica."""
    if REPORTS not in connections.databases or connection.in_atomic_block:
        return DEFAULT_DB_ALIAS
    if not settings.DATABASE_REPLICA_URL:
        return REPORTS
    why = _why_not(getattr(user, "pk", None), run)
    if why:
        logger.info("a report is read from the database itself: the replica %s", why)
    return DEFAULT_DB_ALIAS if why else REPORTS


def note_write(user: Any) -> None:
    """Remember that the user just wrote something: reports for this user must now include it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (now,) = cursor.fetchone()
    cache.set(_key(user.pk), now.isoformat(), settings.REPLICA_MAX_SECONDS + 1)  # then the limit ensures it


def _key(user_id: int) -> str:
    return f"last-write-{user_id}"


def note_away() -> None:
    """The replica did not answer or broke off a report: do not try it for a while."""
    _away["until"] = time.monotonic() + AWAY_SECONDS


def _why_not(user_id: int | None, run: int | None) -> str:
    """Why the replica is not read; empty when it may be."""
    if time.monotonic() < _away["until"]:
        return "did not answer lately"
    try:
        with connection.cursor() as cursor:
            cursor.execute(_OF_THE_DATABASE, [_RUNS])
            written, now, ended = cursor.fetchone()
        wrote = parse_datetime(cache.get(_key(user_id)) or "") if user_id is not None else None
    except DatabaseError:
        return "could not be compared with the database"
    ended += [run] if run and run not in ended else []
    try:
        with connections[REPORTS].cursor() as cursor:
            cursor.execute(_OF_THE_REPLICA, [written, now, wrote, wrote, ended])
            replica, whole, lag, has_writes, runs_there = cursor.fetchone()
    except DatabaseError:
        note_away()
        return "does not answer"
    if not replica:
        return "is not a replica"
    return "" if whole else _what_it_lacks(lag, whole=has_writes and runs_there == len(ended))


def _what_it_lacks(lag: float, *, whole: bool) -> str:
    if lag > settings.REPLICA_MAX_SECONDS:
        return f"lags {lag:.0f} seconds"
    return "" if whole else "does not yet have the data asked for"
