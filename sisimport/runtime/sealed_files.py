"""Encrypted files: AES-256-GCM in chunks, so that they can be streamed and read from any position, in bounded memory.

    header   8 bytes "SISFILE1", two slots of 68 bytes: id of the master key, nonce, the file's own key wrapped by the master key
    body     chunks of 1 MiB, each with its tag of 16 bytes; the nonce is the chunk's number and whether it is the last one

A chunk that was changed, moved, removed or inserted fails, as does a file that was truncated at the end of a chunk or has another
file's name. There are two slots so that a new master key is written next to the old one before that is removed: a process that
dies in between leaves one intact. A file without the eight bytes is plain, as kept by release 1.0.0.
"""

import hashlib
import io
import os
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import IO, BinaryIO, cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MAGIC = b"SISFILE1"
CHUNK = 1 << 20
KEY_BYTES = 32
_TAG = 16
_SLOT = struct.Struct("8s12s48s")
HEADER = len(MAGIC) + 2 * _SLOT.size
_EMPTY = bytes(_SLOT.size)


class DamagedError(OSError):
    """A file was changed after it was written, or is not the file its name says."""


class UnknownKeyError(OSError):
    """A file was encrypted for a master key that is not here."""


@dataclass(frozen=True)
class MasterKey:
    """A key that wraps the keys of files. Its bytes never appear in printed text."""

    secret: bytes

    @cached_property
    def id(self) -> bytes:
        """Eight bytes that name the key and reveal nothing about it."""
        return hashlib.sha256(b"sis-import file key" + self.secret).digest()[:8]

    def __repr__(self) -> str:
        return f"MasterKey({self.id.hex()})"


# ---- writing ----


def sealed(blocks: Iterable[bytes], name: str, master: MasterKey) -> Iterator[bytes]:
    """The encrypted file, piece by piece: the contents of `blocks`, under a new key of its own. `name`: where it is kept."""
    secret = os.urandom(KEY_BYTES)
    cipher = AESGCM(secret)
    yield MAGIC + _wrapped(secret, name, master) + _EMPTY
    waiting, number = bytearray(), 0
    for block in blocks:
        waiting += block
        while len(waiting) > CHUNK:  # never the last chunk, which is released only when nothing follows
            yield cipher.encrypt(_nonce(number, last=False), bytes(waiting[:CHUNK]), MAGIC)
            del waiting[:CHUNK]
            number += 1
    yield cipher.encrypt(_nonce(number, last=True), bytes(waiting), MAGIC)


def sealed_bytes(data: bytes, name: str, master: MasterKey) -> bytes:
    return b"".join(sealed([data], name, master))


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])


def _wrapped(secret: bytes, name: str, master: MasterKey) -> bytes:
    nonce = os.urandom(12)
    return _SLOT.pack(master.id, nonce, AESGCM(master.secret).encrypt(nonce, secret, MAGIC + name.encode()))


# ---- reading ----


def opened(source: IO[bytes], name: str, masters: Sequence[MasterKey]) -> BinaryIO:
    """The decrypted file, seekable, at its beginning; the source itself for a plain one. Closing it closes the source.

    Raises UnknownKeyError and DamagedError, the latter also from every `read`.
    """
    head = source.read(HEADER)
    if not is_sealed(head):
        source.seek(0)
        return cast(BinaryIO, source)
    secret = _secret(head, name, masters)
    body = source.seek(0, os.SEEK_END) - HEADER
    return io.BufferedReader(_Reader(source, AESGCM(secret), body), 1 << 16)


def opened_bytes(data: bytes, name: str, masters: Sequence[MasterKey]) -> bytes:
    """Raises UnknownKeyError and DamagedError."""
    return opened(io.BytesIO(data), name, masters).read()


def is_sealed(head: bytes) -> bool:
    return head.startswith(MAGIC)


def key_ids(head: bytes) -> set[bytes]:
    """The master keys that open this file."""
    return {slot[:8] for slot in _slots(head) if slot != _EMPTY}


def source_of(stream: IO[bytes]) -> IO[bytes]:
    """The encrypted file behind what `opened` returned."""
    raw = getattr(stream, "raw", None)
    return raw.source if isinstance(raw, _Reader) else stream


def _slots(head: bytes) -> list[bytes]:
    if len(head) < HEADER:
        raise DamagedError("the header is cut off")
    start = len(MAGIC)
    return [head[at : at + _SLOT.size] for at in (start, start + _SLOT.size)]


def _secret(head: bytes, name: str, masters: Sequence[MasterKey]) -> bytes:
    by_id = {master.id: master for master in masters}
    key_is_here = False
    for slot in _slots(head):
        key_id, nonce, wrapped = _SLOT.unpack(slot)
        if key_id in by_id:
            key_is_here = True
            try:
                return AESGCM(by_id[key_id].secret).decrypt(nonce, wrapped, MAGIC + name.encode())
            except InvalidTag:
                continue
    if key_is_here:
        raise DamagedError("the key of the file is damaged, or of another file")
    raise UnknownKeyError("the file was encrypted for a key that is not here")


class Seekable(io.RawIOBase):
    """A stream readable from any position: keeps the position, `_at`, within `_size` bytes."""

    _at = _size = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, start + offset)
        return self._at


class _Reader(Seekable):
    """Decrypts the chunk being read; holds one at a time."""

    def __init__(self, source: IO[bytes], cipher: AESGCM, body: int) -> None:
        self.source = source
        self._cipher = cipher
        self._count = max(1, -(-body // (CHUNK + _TAG)))
        self._size = max(0, body - self._count * _TAG)
        self._at = 0
        self._number, self._chunk = -1, b""

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        # The last chunk is checked even for a file that seems empty: it proves that nothing was cut off.
        number = min(self._at // CHUNK, self._count - 1)
        if number != self._number:
            self._load(number)
        start = self._at - number * CHUNK
        piece = self._chunk[start : start + len(buffer)]
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)

    def _load(self, number: int) -> None:
        self.source.seek(HEADER + number * (CHUNK + _TAG))
        data = self.source.read(CHUNK + _TAG)
        try:
            nonce = _nonce(number, last=number == self._count - 1)
            self._number, self._chunk = number, self._cipher.decrypt(nonce, data, MAGIC)
        except (InvalidTag, ValueError):
            raise DamagedError("a part of the file is not as it was written") from None

    def close(self) -> None:
        if not self.closed:
            self.source.close()
        super().close()


# ---- another master key ----


def rewrapped(head: bytes, name: str, masters: Sequence[MasterKey]) -> list[bytes]:
    """Headers to write over the old one, in order, until only the newest of `masters` opens the file.

    Empty if that is already so. Each step changes only one slot, and never the one that opens the file. Raises UnknownKeyError
    and DamagedError.
    """
    newest = masters[0]
    secret = _secret(head, name, masters)
    if key_ids(head) == {newest.id}:
        return []
    slots = _slots(head)
    good = 0 if _opens(slots[0], name, masters) else 1
    steps = []
    for place, slot in ((1 - good, _wrapped(secret, name, newest)), (good, _EMPTY)):
        slots[place] = slot
        steps.append(MAGIC + b"".join(slots))
    return steps


def _opens(slot: bytes, name: str, masters: Sequence[MasterKey]) -> bool:
    try:
        return bool(_secret(MAGIC + slot + _EMPTY, name, masters))
    except OSError:
        return False
