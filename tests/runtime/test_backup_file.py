"""The file of a backup: whole or refused, encrypted for who has the key."""

import contextlib
import io
import os
import shutil
import zipfile
from pathlib import Path

import pytest

from sisimport.runtime.backup_file import BackupError, make_key, reading, writing

CONTENT = b"invented\n" * 30_000 + os.urandom(300_000)


def write(path: Path, recipient: str = "") -> None:
    with writing(path, recipient=recipient) as backup:
        backup.add("files/one", lambda out: shutil.copyfileobj(io.BytesIO(CONTENT), out))
        backup.add("files/empty", lambda out: None)
        backup.finish({"rows": {}})


def read(path: Path, scratch: Path, identity: Path | None = None) -> bytes:
    with reading(path, scratch=scratch, identity=identity) as backup:
        backup.verify()
        with backup.open("files/one") as member:
            return b"".join(iter(lambda: member.read(1 << 16), b""))


def test_what_was_written_is_read(tmp_path: Path) -> None:
    write(tmp_path / "b")

    assert read(tmp_path / "b", tmp_path) == CONTENT
    assert (tmp_path / "b").stat().st_mode & 0o077 == 0


def test_an_encrypted_backup_shows_nothing_and_opens_with_its_key_only(tmp_path: Path) -> None:
    recipient = make_key(tmp_path / "key")
    make_key(tmp_path / "other")
    write(tmp_path / "b", recipient)

    assert b"files/one" not in (tmp_path / "b").read_bytes()
    assert read(tmp_path / "b", tmp_path / "scratch", tmp_path / "key") == CONTENT
    assert list((tmp_path / "scratch").iterdir()) == []
    with pytest.raises(BackupError, match="--identity"):
        read(tmp_path / "b", tmp_path)
    with pytest.raises(BackupError, match="a different key"):
        read(tmp_path / "b", tmp_path, tmp_path / "other")


def test_a_key_and_a_backup_are_never_written_over(tmp_path: Path) -> None:
    make_key(tmp_path / "key")
    write(tmp_path / "b")
    before = [(tmp_path / name).read_bytes() for name in ("key", "b")]

    with pytest.raises(BackupError, match="name another file"):
        make_key(tmp_path / "key")
    with pytest.raises(BackupError, match="name another file"):
        write(tmp_path / "b")

    assert before == [(tmp_path / name).read_bytes() for name in ("key", "b")]
    assert (tmp_path / "key").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("encrypted", [False, True])
def test_damage_anywhere_is_noticed_before_anything_is_used(tmp_path: Path, encrypted: bool) -> None:
    write(tmp_path / "b", make_key(tmp_path / "key") if encrypted else "")
    whole = (tmp_path / "b").read_bytes()
    for at in (0, len(whole) // 3, len(whole) - 40):
        (tmp_path / "b").write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with contextlib.suppress(BackupError):  # of a zip's own index some bits mean nothing
            assert read(tmp_path / "b", tmp_path, tmp_path / "key" if encrypted else None) == CONTENT
    for size in (0, 10, len(whole) // 2, len(whole) - 1):
        (tmp_path / "b").write_bytes(whole[:size])
        with pytest.raises(BackupError):
            read(tmp_path / "b", tmp_path, tmp_path / "key" if encrypted else None)


def test_a_changed_member_with_a_good_checksum_of_the_zip_is_noticed(tmp_path: Path) -> None:
    write(tmp_path / "b")
    with zipfile.ZipFile(tmp_path / "b") as old, zipfile.ZipFile(tmp_path / "c", "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b"invented", b"tampered", 1))

    with pytest.raises(BackupError, match=r"files/one is not as it was written"):
        read(tmp_path / "c", tmp_path)


def test_a_backup_that_broke_off_leaves_no_file(tmp_path: Path) -> None:
    def fail(_out: object) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(BackupError, match="No space left"), writing(tmp_path / "b") as backup:
        backup.add("files/one", fail)

    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_under_the_encryption_is_reported_and_nothing_stays(tmp_path: Path) -> None:
    recipient = make_key(tmp_path / "key")
    (tmp_path / "b.part").symlink_to("/dev/full")

    with pytest.raises(BackupError, match="No space left"):
        write(tmp_path / "b", recipient)

    assert not (tmp_path / "b").exists()


@pytest.mark.parametrize("text", ["", "age1nonsense", "AGE-SECRET-KEY-1"])
def test_only_a_public_key_encrypts(tmp_path: Path, text: str) -> None:
    if not text:
        (tmp_path / "key").write_text("nothing here")
        write(tmp_path / "b", make_key(tmp_path / "real"))
        with pytest.raises(BackupError, match="no private key"):
            read(tmp_path / "b", tmp_path, tmp_path / "key")
        return
    with pytest.raises(BackupError, match="not a public key"):
        write(tmp_path / "b", text)
