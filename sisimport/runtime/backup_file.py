"""The file of a backup: a zip of the database's dump, the kept files and, as its last member, a manifest of all of them.

    with writing(path, recipient="age1…") as backup: backup.add("database.dump", fill); backup.finish({...})
    with reading(path, scratch=folder, identity=key) as backup: backup.verify(); backup.open("database.dump")

A file without a manifest was never finished; a member that does not match the manifest is damaged. Encrypted on request,
in the format of age (https://age-encryption.org/v1), which age's own tools can also open. Independent of Django.
"""

import contextlib
import hashlib
import json
import os
import tempfile
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

import pyrage

FORMAT = 1
MANIFEST = "manifest.json"
_AGE = b"age-encryption.org/"
_CHUNK = 1 << 20


class BackupError(RuntimeError):
    """A backup cannot be made or restored; the text says why and what to do."""


# ---- keys ----


def make_key(path: Path) -> str:
    """Write a new private key, readable by its owner only. Returns the public one, which backups are encrypted for.

    Raises BackupError if the file already exists.
    """
    identity = pyrage.x25519.Identity.generate()
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"# public key: {identity.to_public()}\n{identity}\n")
    except FileExistsError:
        raise BackupError(f"{path} exists. A key is never overwritten: name another file.") from None
    except OSError as error:
        raise BackupError(f"{path} cannot be written: {error.strerror}.") from error
    return str(identity.to_public())


def recipient_of(text: str) -> pyrage.x25519.Recipient:
    """The public key given in a text. Raises BackupError."""
    try:
        return pyrage.x25519.Recipient.from_str(text.strip())
    except pyrage.RecipientError:
        raise BackupError(
            "That is not a public key: it begins with age1, and is in the file of the private key."
        ) from None


def identity_in(path: Path) -> pyrage.x25519.Identity:
    """The private key in a file. Raises BackupError."""
    try:
        lines = [line.strip() for line in path.read_text().splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise BackupError(f"The key file {path} cannot be read ({type(error).__name__}).") from error
    for line in lines:
        if line.startswith("AGE-SECRET-KEY-"):
            with contextlib.suppress(pyrage.IdentityError):
                return pyrage.x25519.Identity.from_str(line)
    raise BackupError(f"{path} contains no private key: give the file that was made with --make-key.")


# ---- writing ----


class BackupWriter:
    """Adds members one by one; a member's size need not be known in advance."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.members: dict[str, dict[str, Any]] = {}

    def add(self, name: str, fill: Callable[[IO[bytes]], None], *, compressed: bool = False) -> None:
        """Have `fill` write one member. `compressed`: it is already compressed, like a database dump."""
        info = zipfile.ZipInfo(name)
        info.compress_type = zipfile.ZIP_STORED if compressed else zipfile.ZIP_DEFLATED
        with self._archive.open(info, "w", force_zip64=True) as member:
            counted = _Counted(member)
            fill(cast(IO[bytes], counted))
        self.members[name] = {"size": counted.size, "sha256": counted.digest.hexdigest()}

    def finish(self, about: Mapping[str, Any]) -> None:
        """Write the manifest, which completes the backup."""
        manifest = {"format": FORMAT, **about, "members": self.members}
        self._archive.writestr(MANIFEST, json.dumps(manifest, indent=1, sort_keys=True), zipfile.ZIP_DEFLATED)


class _Counted:
    """Passes bytes on, and keeps their count and hash."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.size = 0
        self.digest = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self._stream.write(data)
        self.digest.update(data)
        self.size += len(data)
        return len(data)


@contextlib.contextmanager
def writing(path: Path, *, recipient: str = "") -> Iterator[BackupWriter]:
    """A new backup at `path`, which appears only when complete. Raises BackupError."""
    if path.exists():
        raise BackupError(f"{path} exists. A backup is never overwritten: name another file, or remove that one first.")
    public = recipient_of(recipient) if recipient else None
    begun = path.with_name(f"{path.name}.part")
    try:
        with os.fdopen(os.open(begun, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            with (
                _encrypted(out, public) if public else contextlib.nullcontext(out) as plain,
                zipfile.ZipFile(plain, "w", allowZip64=True) as archive,
            ):
                yield BackupWriter(archive)
            out.flush()
            os.fsync(out.fileno())
        begun.rename(path)
    except OSError as error:
        raise BackupError(f"{path} cannot be written: {error.strerror or type(error).__name__}.") from error
    finally:
        begun.unlink(missing_ok=True)


@contextlib.contextmanager
def _encrypted(out: BinaryIO, public: pyrage.x25519.Recipient) -> Iterator[BinaryIO]:
    """Data goes through a pipe to the encryption, and from there to `out`: no plain byte reaches the disk."""
    read_end, write_end = os.pipe()
    failed: list[BaseException] = []
    disk = _Remembering(out)

    def work() -> None:
        try:
            with os.fdopen(read_end, "rb", buffering=_CHUNK) as plain:
                pyrage.encrypt_io(plain, cast(BinaryIO, disk), [public])
        except BaseException as error:  # noqa: BLE001 - raised by the writer, below
            failed.append(disk.failed or error)

    thread = threading.Thread(target=work, name="encryption", daemon=True)
    thread.start()
    try:
        with os.fdopen(write_end, "wb", buffering=_CHUNK) as pipe:
            yield pipe
    except BrokenPipeError:
        thread.join()
        raise failed[0] if failed else OSError("the encryption ended early") from None
    thread.join()
    if failed:
        raise failed[0]


class _Remembering:
    """Passes writes on, and remembers the disk's error, which the encryption would wrap."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.failed: OSError | None = None

    def write(self, data: bytes) -> int:
        try:
            return self._stream.write(data)
        except OSError as error:
            self.failed = error
            raise

    def flush(self) -> None:
        self._stream.flush()


# ---- reading ----


class BackupReader:
    """Members and manifest of a finished backup."""

    def __init__(self, archive: zipfile.ZipFile, name: str) -> None:
        self._archive = archive
        self._name = name
        try:
            self.manifest: dict[str, Any] = json.loads(archive.read(MANIFEST))
            self.members: dict[str, dict[str, Any]] = self.manifest["members"]
            found_format = int(self.manifest["format"])
        except (KeyError, ValueError, TypeError, zipfile.BadZipFile):
            raise BackupError(f"{name} is not a backup of this product, or was never finished.") from None
        if found_format != FORMAT:
            raise BackupError(f"{name} was made by a newer release: install that release, then restore.")

    def verify(self) -> None:
        """Read every member. Raises BackupError for one that was changed or is missing."""
        for name in self.members:
            with self.open(name) as member:
                while member.read(_CHUNK):
                    pass

    @contextlib.contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """One member, compared with the manifest at its end. Raises BackupError when it differs."""
        expected = self.members[name]
        try:
            with self._archive.open(name) as stream:
                checked = _Checked(
                    stream,
                    expected,
                    f"{self._name} is damaged: its part {name} is not as it was written. Use another backup.",
                )
                yield cast(IO[bytes], checked)
        except (KeyError, zipfile.BadZipFile, EOFError):
            raise BackupError(f"{self._name} is damaged: its part {name} cannot be read. Use another backup.") from None


class _Checked:
    """Reads, and compares size and hash at the end."""

    def __init__(self, stream: IO[bytes], expected: Mapping[str, Any], message: str) -> None:
        self._stream, self._expected, self._message = stream, expected, message
        self._digest, self._size = hashlib.sha256(), 0

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self._digest.update(data)
        self._size += len(data)
        at_end = not data or size < 0
        if at_end and (self._size, self._digest.hexdigest()) != (self._expected["size"], self._expected["sha256"]):
            raise BackupError(self._message)
        return data


@contextlib.contextmanager
def reading(path: Path, *, scratch: Path, identity: Path | None = None) -> Iterator[BackupReader]:
    """A finished backup. While an encrypted one is read, an unnamed plain copy is in `scratch`. Raises BackupError."""
    try:
        with path.open("rb") as file:
            is_encrypted = file.read(len(_AGE)) == _AGE
            file.seek(0)
            if not is_encrypted:
                yield _reader(file, path)
                return
            if identity is None:
                raise BackupError(f"{path} is encrypted: give the private key with --identity FILE.")
            key = identity_in(identity)
            scratch.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=scratch) as plain:
                _decrypt(file, cast(BinaryIO, plain), key, path)
                yield _reader(cast(BinaryIO, plain), path)
    except OSError as error:
        raise BackupError(f"{path} cannot be read: {error.strerror or type(error).__name__}.") from error


def _decrypt(source: BinaryIO, target: BinaryIO, key: pyrage.x25519.Identity, path: Path) -> None:
    try:
        pyrage.decrypt_io(source, target, [key])
    except pyrage.DecryptError:
        raise BackupError(f"{path} was encrypted for a different key.") from None
    except OSError as error:
        if error.errno is not None:  # an error of the disk, not of the encryption
            raise
        raise BackupError(f"{path} is damaged: it cannot be decrypted to the end. Use another backup.") from None
    target.seek(0)


def _reader(file: BinaryIO, path: Path) -> BackupReader:
    try:
        archive = zipfile.ZipFile(file)
    except zipfile.BadZipFile:
        raise BackupError(f"{path} is not a backup of this product, or was never finished.") from None
    return BackupReader(archive, path.name)
