"""A real disk that is small and can be filled: a file system of its own, where the system lets us mount one."""

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

MEBIBYTE = 1 << 20


class SmallDisk:
    """`folder` is the disk. Filled, nothing more can be written to it, until it is freed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"

    @property
    def free(self) -> int:
        found = os.statvfs(self.folder)
        return found.f_bavail * found.f_frsize

    def fill(self, *, leave: int = 0) -> None:
        """Fill the disk but for `leave` bytes; what others free meanwhile is filled too."""
        with self._filler.open("ab", buffering=0) as filler:
            while (room := self.free - leave) > 0:
                try:
                    filler.write(bytes(min(room, MEBIBYTE)))
                except OSError:
                    return

    def make_room(self) -> None:
        self._filler.unlink(missing_ok=True)


@contextlib.contextmanager
def small_disk(mebibytes: int) -> Iterator[SmallDisk]:
    """A disk of this size, mounted for as long as the block runs. Skips the test where mounting is not allowed."""
    folder = Path(tempfile.mkdtemp(prefix="sis", dir="/tmp"))
    options = f"size={mebibytes}m,mode=755"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        folder.rmdir()
        pytest.skip(f"no small disk can be mounted here: {mounted.stderr.strip()}")
    folder.chmod(0o755)
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False)
        folder.rmdir()
