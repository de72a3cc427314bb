"""Processor time of a database session, where other work on the machine does not count, and memory of processes."""

from collections.abc import Iterable
from pathlib import Path


def processor_ms(pid: int) -> float | None:
    """Processor time that a database session has used, if the system tells (Linux, server on this machine)."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e6
    except (OSError, ValueError, IndexError):
        return None


def peak_megabytes(pids: Iterable[int]) -> float:
    """Megabytes that the largest of these processes ever held (Linux)."""
    sizes = []
    for pid in pids:
        (held,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM")]
        sizes.append(int(held.split()[1]) / 1000)
    return max(sizes, default=0.0)
