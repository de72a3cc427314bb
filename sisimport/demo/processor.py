"""Processor time, which measures the cost of work independently of other load on the machine."""

import time
from pathlib import Path

from django.db import connection


def session_seconds() -> float | None:
    """Processor time of this process's database session so far; None if unknown (another machine, not Linux)."""
    connection.ensure_connection()
    try:
        counters = Path(f"/proc/{connection.connection.info.backend_pid}/schedstat").read_text()
        return int(counters.split()[0]) / 1e9
    except (OSError, ValueError, IndexError):
        return None


def session_or_clock() -> float:
    """Like `session_seconds`; if unknown, the time of day."""
    session = session_seconds()
    return time.perf_counter() if session is None else session


def processor_seconds() -> float:
    """Processor time of this process and its database session; if either is unknown, the time of day."""
    session = session_seconds()
    return time.perf_counter() if session is None else time.process_time() + session
