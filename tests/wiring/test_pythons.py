"""The product itself, set up from nothing: on every supported Python that is here, and from a checkout that is read-only."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.wiring.small_clone import VERSIONS, interpreters, whole_clone
from tests.wiring.test_setup import FOLDER, readers_python, unprivileged

pytestmark = pytest.mark.setup

PATIENCE = 900  # seconds: a first set-up downloads everything
Manage = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A temporary folder that everyone may enter (pytest's own are closed), removed afterwards."""
    made = Path(tempfile.mkdtemp(prefix="sis", dir="/tmp"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


def environment(python: str, **more: str) -> dict[str, str]:
    """Of a newcomer, with a Python named."""
    unset = ("SISIMPORT_", "DJANGO_", "DATABASE_URL", "REDIS_URL", "PYTHON", "VIRTUAL_ENV")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(unset)}
    return kept | {"PYTHON": python} | more


def imports_a_file(manage: Manage, data_dir: Path) -> None:
    """`manage.py check`, the demo district, then a state file: tested, imported, and seen to be on record."""
    assert manage("check").returncode == 0
    made = manage("make_demo", "--students", "60", "--seed", "1")
    assert made.returncode == 0, made.stderr
    file = str(data_dir / "samples" / "ssid-download-new.txt")

    numbers = ("shell", "--no-imports", "-c", "from students.models import SSID; print(SSID.objects.count())")
    before = int(manage(*numbers).stdout)

    tested = manage("import_file", "ssid-download", file, "--work", "test", "--json")
    assert tested.returncode in {0, 1}, tested.stderr
    assert int(manage(*numbers).stdout) == before
    updated = manage("import_file", "ssid-download", file, "--work", "update", "--json")

    assert updated.returncode in {0, 1}, updated.stderr
    run = json.loads(updated.stdout)
    assert run["status"] == "completed"
    assert run["import_count"] == json.loads(tested.stdout)["planned_count"] > 0
    assert int(manage(*numbers).stdout) == before + run["import_count"]


@pytest.mark.parametrize("version", VERSIONS)
def test_set_up_check_and_import_on_each_python(version: str, folder: Path) -> None:
    python = interpreters().get(version)
    if python is None:
        pytest.skip(f"Python {version} is not here")
    clone = whole_clone(folder / FOLDER)

    def manage(*words: str) -> subprocess.CompletedProcess[str]:
        command = ["script/manage", *words]
        return subprocess.run(
            command, cwd=clone, env=environment(python), capture_output=True, text=True, check=False, timeout=PATIENCE
        )

    first = manage("version")

    assert first.returncode == 0, first.stderr
    assert list((clone / ".venv" / "lib").glob(f"python{version}/site-packages/django"))
    imports_a_file(manage, clone / "var")


def test_set_up_check_and_import_from_a_read_only_checkout(folder: Path) -> None:
    clone, data = whole_clone(folder / "clone"), folder / "data"
    data.mkdir()
    data.chmod(0o777)
    clone.chmod(0o555)

    def manage(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [clone / "script" / "manage", *words],
            cwd="/",
            env=environment(readers_python(), SISIMPORT_DATA_DIR=str(data), HOME=str(data)),
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
            **unprivileged(),
        )

    first = manage("version")

    assert first.returncode == 0, first.stderr
    assert (data / "venv" / "bin" / "python").exists()
    imports_a_file(manage, data)
    assert {path.name for path in clone.iterdir()} & {"var", ".venv"} == set()
    clone.chmod(0o755)
