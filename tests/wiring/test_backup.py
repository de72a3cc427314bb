"""Backup and restore between two installations of their own, by the commands that people use.

The restore drill: a backup made in the middle of an Update is brought into an empty installation, which continues.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sisimport.runtime.backup_file import make_key
from tests import results
from tests.installed import install
from tests.longer import LONG, first_of
from tests.wiring.test_manage import NOT_SET, ROOT, manage

NAME = "García"
STUDENTS = "400" if LONG else "80"


@dataclass(frozen=True)
class Drill:
    """An installation with a demo district, its backup made in mid-Update, and what was there then."""

    folder: Path
    data_dir: Path
    backup: Path
    keys: Path
    key: Path
    found: dict[str, Any]


def ran(data_dir: Path, *words: str) -> dict[str, Any]:
    result = manage(data_dir, *words)
    assert result.returncode == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout.strip().splitlines()[-1])
    return found


def drilled(data_dir: Path, call: str) -> dict[str, Any]:
    return ran(data_dir, "shell", "--no-imports", "-c", f"from tests.wiring import backup_drill as d; d.{call}")


@pytest.fixture(scope="module")
def drill() -> Iterator[Drill]:
    folder = Path(tempfile.mkdtemp(prefix="sis", dir="/tmp"))
    folder.chmod(0o755)
    data_dir, backup, keys, key = (folder / name for name in ("first", "backup", "keys", "key"))
    install(data_dir)
    ran(data_dir, "make_demo", "--students", STUDENTS, "--users", "--json")
    (data_dir / "mail").mkdir()
    (data_dir / "mail" / "1.eml").write_bytes(b"Subject: kept\n\nhello")
    recipient = make_key(key)
    found = drilled(data_dir, f"back_up_in_the_middle({str(backup)!r}, {str(keys)!r}, {recipient!r})")
    yield Drill(folder, data_dir, backup, keys, key, found)
    shutil.rmtree(folder)


@pytest.fixture
def empty(drill: Drill) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="second", dir=drill.folder))
    folder.chmod(0o755)
    yield folder / "var"
    shutil.rmtree(folder)


# With more students in `script/test faults`, where the figure of the scoreboard comes from.
@pytest.mark.parametrize("is_measured", first_of([False, True]), ids=["few students", "measured"])
@pytest.mark.long
def test_a_second_installation_continues_where_the_backup_was_made(
    is_measured: bool, drill: Drill, empty: Path
) -> None:
    """Issue 16, 6: restored into a second installation it tests, updates and reverts, with the same checksums."""
    began = time.monotonic()
    restored = ran(
        empty, "restore", str(drill.backup), "--identity", str(drill.key), "--keys", str(drill.keys), "--json"
    )
    if is_measured:
        results.write("restore", {"seconds": time.monotonic() - began, "files": restored["files"]})
    shutil.copytree(drill.data_dir / "samples", empty / "samples")
    then = drilled(empty, f"go_on({drill.found['update']})")

    assert (restored["missing"], restored["encrypted"]) == (0, True)
    assert restored["files"] >= 1
    assert then["restored"] == drill.found["before"], "the Update in mid-work had written nothing yet"
    assert then["results"] == then["fresh_results"] == drill.found["results"] != []
    assert (then["was"], then["status"], then["applied"]) == ("running", "completed", drill.found["applied"])
    assert then["after"] == drill.found["after"] != drill.found["before"]
    assert (then["reverted"], then["then"]) == ("completed", drill.found["before"])
    assert (then["tested"], then["active"]) == ("completed", 0)
    assert (empty / "secret_key").read_bytes() == (drill.data_dir / "secret_key").read_bytes()
    assert (empty / "mail" / "1.eml").read_bytes() == b"Subject: kept\n\nhello"


@pytest.mark.long
def test_an_encrypted_backup_shows_no_name_and_holds_no_key(drill: Drill) -> None:
    held = drill.backup.read_bytes()

    assert NAME.encode() not in held
    assert (drill.data_dir / "secret_key").read_bytes().strip() not in held
    assert drill.backup.stat().st_mode & 0o077 == 0
    assert drill.keys.stat().st_mode & 0o077 == 0


@pytest.mark.faults  # tests/imports/test_backups.py asks the same without processes
@pytest.mark.long
def test_nothing_is_restored_over_people_students_or_runs(drill: Drill) -> None:
    before = (drill.data_dir / "secret_key").read_bytes()
    result = manage(drill.data_dir, "restore", str(drill.backup), "--identity", str(drill.key), "--json")

    assert result.returncode == 2
    assert "new folder" in json.loads(result.stdout)["message"]
    assert (drill.data_dir / "secret_key").read_bytes() == before
    assert drilled(drill.data_dir, "say(sum=d.checksum())")["sum"] == drill.found["after"]


@pytest.mark.faults
@pytest.mark.long
def test_a_restore_that_is_killed_leaves_an_empty_installation_and_the_next_one_goes_through(
    drill: Drill, empty: Path
) -> None:
    words = ["restore", str(drill.backup), "--identity", str(drill.key), "--keys", str(drill.keys), "--json"]
    environment = {name: value for name, value in os.environ.items() if name not in NOT_SET}
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "manage.py"), *words],
        env=environment | {"SISIMPORT_DATA_DIR": str(empty)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    uploads = empty / "uploads" / "imports"
    deadline = time.monotonic() + 120
    while not (uploads.is_dir() and any(uploads.iterdir())) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()

    restored = ran(empty, *words)

    assert restored["files"] >= 1
    assert drilled(empty, "say(sum=d.checksum())")["sum"] == drill.found["before"]


@pytest.mark.long
def test_without_the_key_of_its_files_a_backup_is_refused_before_anything_is_written(drill: Drill, empty: Path) -> None:
    refused = manage(empty, "restore", str(drill.backup), "--identity", str(drill.key))

    assert refused.returncode == 2, refused.stderr
    assert "--keys" in refused.stderr
    assert not any((empty / "uploads").rglob("*"))


@pytest.mark.long
def test_no_name_is_in_the_folder_or_in_the_backup_before_it_is_encrypted(drill: Drill) -> None:
    """Issue 16, 4: the data directory but PostgreSQL's own files and the samples, which are invented."""
    for path in drill.data_dir.rglob("*"):
        place = path.relative_to(drill.data_dir)
        if path.is_file() and place.parts[0] not in {"postgres", "samples"}:
            assert NAME.encode() not in path.read_bytes(), place
    assert any((drill.data_dir / "uploads").rglob("*"))


@pytest.mark.faults  # as without the key
@pytest.mark.long
def test_what_cannot_be_restored_is_refused_and_nothing_is_written(drill: Drill, empty: Path) -> None:
    """Damage of every kind is in tests/runtime/test_backup_file.py."""
    whole = drill.backup.read_bytes()
    cut_off = empty.parent / "cut-off"
    cut_off.write_bytes(whole[: len(whole) // 2])
    refused = manage(empty, "restore", str(cut_off), "--identity", str(drill.key))

    assert refused.returncode == 2, refused.stderr
    assert "damaged" in refused.stderr
    assert not any((empty / "uploads").rglob("*"))
    assert not (empty / "mail").exists()
