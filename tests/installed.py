"""An installation with its database made and migrated, to copy: each test with a data directory of its own made one, which takes
longer than most of what is tried in it.

It is kept below the test data directory, by its migrations, and made by whichever process asks first.
"""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

from django.conf import settings

from sisimport.runtime import postgres_paths
from tests.template_database import migrations_digest

ROOT = Path(__file__).resolve().parents[1]
PREFIX = "installed_"


def install(data_dir: Path) -> None:
    """Fill a data directory that is not there yet. Where the cluster had to leave the kept one, the test makes its own."""
    kept = _kept()
    if kept is not None:
        subprocess.run(["cp", "--archive", str(kept), str(data_dir)], check=True)


def _kept() -> Path | None:
    settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
    kept = settings.DATA_DIR / f"{PREFIX}{migrations_digest()}"
    with (settings.DATA_DIR / f"{PREFIX}lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            for old in settings.DATA_DIR.glob(f"{PREFIX}*/"):
                shutil.rmtree(old)
            making = kept.with_name(f"{PREFIX}making")
            _make(making)
            making.rename(kept)
    return None if postgres_paths.find_place(kept).outside else kept


def _make(folder: Path) -> None:
    """By the command that any installation may begin with."""
    unset = {"DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE", "FILE_KEYS"}
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), "shell", "--no-imports", "-c", ""],
        cwd=ROOT,
        env=environment | {"SISIMPORT_DATA_DIR": str(folder)},
        capture_output=True,
        check=True,
    )
