"""SELECTs that one process of a session of tests has composed (imports/engine/kept_selects.py), for the others to find.

A process of tests meets every import type, and composing a type's statements is much of what its first run costs. They are found
by a digest of all they were composed from, so that it does not matter who did; and nobody finds those of another session, whose
code may be other.
"""

import contextlib
import os
import zlib
from collections import OrderedDict
from pathlib import Path


class SharedSelects(OrderedDict[bytes, str]):
    """Those of this process, and behind them a folder with those of all: a file each, named by the digest."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        folder.mkdir(exist_ok=True)

    def __contains__(self, key: object) -> bool:
        if super().__contains__(key):
            return True
        assert isinstance(key, bytes)
        with contextlib.suppress(FileNotFoundError):
            super().__setitem__(key, zlib.decompress((self._folder / key.hex()).read_bytes()).decode())
            return True
        return False

    def __setitem__(self, key: bytes, sql: str) -> None:
        super().__setitem__(key, sql)
        half = self._folder / f"{key.hex()}.{os.getpid()}"
        half.write_bytes(zlib.compress(sql.encode(), 1))  # megabytes of much the same words
        half.rename(self._folder / key.hex())
