"""The master keys of kept files: the newest encrypts, older ones only decrypt.

    the setting FILE_KEYS       base64 of 32 bytes each, newest first
    keys/file_keys              without the setting: made once in the data directory, readable only by its owner

Production never makes one: a key next to the files protects nothing there, and a reinstalled machine would make a different one.
"""

import base64
import binascii
import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from sisimport.runtime.sealed_files import KEY_BYTES, MasterKey

FILE = Path("keys") / "file_keys"
NO_KEY = "FILE_KEYS is not set: uploaded files are kept encrypted, and production makes no key of its own."
HOW = "Make one with `openssl rand -base64 32`, set it as FILE_KEYS, and keep a copy apart from the backups."


class FileKeyError(RuntimeError):
    """There is no usable key; the text is for the administrator and quotes no key."""


def parsed(texts: Sequence[str]) -> list[MasterKey]:
    """The keys in the setting. Raises FileKeyError for an invalid one, naming its position."""
    keys = []
    for place, text in enumerate(texts, 1):
        try:
            secret = base64.b64decode(text.strip().replace("-", "+").replace("_", "/"), validate=True)
        except (binascii.Error, ValueError):
            secret = b""
        if len(secret) != KEY_BYTES:
            raise FileKeyError(f"Key {place} of the file keys is not {KEY_BYTES} bytes in base64. {HOW}")
        keys.append(MasterKey(secret))
    return keys


def kept_keys(data_dir: Path) -> list[MasterKey]:
    """The keys in the data directory, newest first; if there is none, a first one is made."""
    path = data_dir / FILE
    try:
        lines = path.read_text().split()
    except FileNotFoundError:
        lines = []
    if not lines:
        _write(path, [_new()], replacing=False)
        lines = path.read_text().split()
    return parsed(lines)


def add_kept_key(data_dir: Path) -> None:
    """Put a new key in front of those in the data directory."""
    kept_keys(data_dir)
    path = data_dir / FILE
    _write(path, [_new(), *path.read_text().split()], replacing=True)


def _new() -> str:
    return base64.b64encode(os.urandom(KEY_BYTES)).decode()


def _write(path: Path, lines: list[str], *, replacing: bool) -> None:
    """Write all or nothing. If two processes make the first key, one wins, and both read that one."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    begun = path.with_name(f"{path.name}.{os.urandom(8).hex()}.new")
    with os.fdopen(os.open(begun, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write("".join(f"{line}\n" for line in lines))
        file.flush()
        os.fsync(file.fileno())
    if replacing:
        begun.replace(path)
        return
    with contextlib.suppress(FileExistsError):
        path.hardlink_to(begun)
    begun.unlink()
