"""Processor time, which says what work costs whatever else the machine does."""

import time
from pathlib import Path

from django.db import connection


def session_seconds() -> float | None:
    """That of this process's database session so far; None where the system does not tell (another machine, not Linux)."""
    connection.ensure_connection()
    try:
        counters = Path(f"/proc/{connection.connection.info.backend_pid}/schedstat").read_text()
        return int(counters.split()[0]) / 1e9
    except (OSError, ValueError, IndexError):
        return None


def session_or_clock() -> float:
    """The same; where the system does not tell, the time of day."""
    session = session_seconds()
    return time.perf_counter() if session is None else session


def processor_seconds() -> float:
    """That of this process and its database session; where the system does not tell of both, the time of day."""
    session = session_seconds()
    return time.perf_counter() if session is None else time.process_time() + session
