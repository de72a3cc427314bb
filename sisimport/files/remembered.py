"""Results computed from certain bytes and layouts, cached in the process for repeated requests."""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock
from typing import Generic, TypeVar

Found = TypeVar("Found")
Key = tuple[object, ...]


def digest_of(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()


class Remembered(Generic[Found]):
    """The latest results. Layouts are compared by identity: one that was loaded again is a different one, and each is kept with
    its result so that no other can get its identity."""

    def __init__(self, *, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[Key, tuple[Sequence[object], Found]] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Key, layouts: Sequence[object]) -> Found | None:
        whole = (*key, *map(id, layouts))
        with self._lock:
            if whole not in self._kept:
                return None
            self._kept.move_to_end(whole)
            return self._kept[whole][1]

    def keep(self, key: Key, layouts: Sequence[object], found: Found) -> None:
        with self._lock:
            self._kept[(*key, *map(id, layouts))] = (layouts, found)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
