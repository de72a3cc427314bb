"""Processor time of a database session: other work on the machine does not count."""

from pathlib import Path


def processor_ms(pid: int) -> float | None:
    """Processor time that a database session has used, if the system tells (Linux, server on this machine)."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e6
    except (OSError, ValueError, IndexError):
        return None
