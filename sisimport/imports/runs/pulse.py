"""A heartbeat of the process that works on a run, so that a process that has stopped permanently does not keep the run.

A killed process immediately loses its database session, and with it the run. A process that hangs (stopped, frozen with its
container, swapped out, cut off from the network) keeps both, along with the update lock of its district. So a thread next to the
work queries PostgreSQL every few seconds in a session of its own, named after the working session; PostgreSQL records the time.
Every reconciler looks for such sessions that stopped responding and has PostgreSQL end them together with the working session:
what that one wrote is undone, and the run is free. A process that wakes up later finds its session gone and writes nothing. A
process that stopped between taking the run and its first beat has no pulse at all: its session has been idle just as long, and is
ended for that.
"""

import contextlib
import threading
from types import TracebackType
from typing import Self

import psycopg
from django.conf import settings

from sisimport.imports.engine.sql import fetch_all, fetch_one
from sisimport.imports.runs.sessions import session_parameters

BEAT_SECONDS = 3.0
_NAME = "sisimport pulse "  # followed by the process id of the working session


class Pulse:
    """Beats while the block runs. Being unable to is not a failure: the run then simply has no pulse."""

    def __init__(self) -> None:
        (pid,) = fetch_one("SELECT pg_backend_pid()")
        self._parameters = session_parameters(f"{_NAME}{pid}")
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="pulse", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join(timeout=BEAT_SECONDS)

    def _beat(self) -> None:
        while not self._ended.is_set():
            with contextlib.suppress(psycopg.Error, OSError), psycopg.connect(**self._parameters) as session:
                while not self._ended.wait(BEAT_SECONDS):
                    session.execute("SELECT 1")
            self._ended.wait(BEAT_SECONDS)


def end_silent_sessions(lock_class: int) -> list[int]:
    """Have PostgreSQL end the sessions that stopped responding during a run; returns the ids of the runs that are now free.

    `lock_class`: class of the advisory locks that show which session works on which run.
    """
    rows = fetch_all(
        """
        WITH sessions AS (
          SELECT pid, application_name, state, state_change < clock_timestamp() - make_interval(secs => %(seconds)s) AS old
          FROM pg_stat_activity WHERE datname = current_database()
        ), pulses AS (
          SELECT pid, substr(application_name, %(skip)s)::int AS working, old FROM sessions
          WHERE application_name ~ %(name)s
        ), silent AS (
          SELECT pid AS pulse, working FROM pulses WHERE old
          UNION ALL
          SELECT NULL, pid FROM sessions WHERE old AND state LIKE 'idle%%' AND pid NOT IN (SELECT working FROM pulses)
        )
        SELECT l.objid, pg_terminate_backend(silent.working), pg_terminate_backend(silent.pulse)
        FROM silent JOIN pg_locks l ON l.pid = silent.working
        WHERE l.locktype = 'advisory' AND l.classid = %(class)s AND l.granted
          AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
        """,
        {  # type: ignore[arg-type]
            "skip": len(_NAME) + 1,
            "name": f"^{_NAME}[0-9]+$",
            "seconds": settings.RUN_SILENT_SECONDS,
            "class": lock_class,
        },
    )
    return sorted({int(run_id) for run_id, *_ended in rows})
