"""script/test on a machine without git, npm or a browser: it runs, and says what it could not look at."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from tests.wiring.small_clone import ROOT, whole_clone

pytestmark = pytest.mark.setup

NEEDED = ("sh", "dirname", "cksum", "grep", "readlink", "env")
REPOSITORY = "tests/wiring/test_repository.py"
IN_A_BROWSER = "tests/browser/test_admin_accessibility.py"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """With the environment of this session in it, as if it had been set up there."""
    marks = Path(sys.prefix, "installed")
    lock = subprocess.run(
        ["cksum"], stdin=(ROOT / "requirements/dev.txt").open(), capture_output=True, check=True
    ).stdout
    if not marks.exists() or f"dev {lock.decode()}" not in marks.read_text():
        pytest.skip("script/setup dev has not been run with this lock: it would change the environment we run in")
    made = whole_clone(tmp_path / "clone")
    (made / ".git").mkdir()  # a clone, though there is no program to ask about it
    (made / ".venv").symlink_to(sys.prefix)
    return made


def run_tests(clone: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run script/test with nothing on the PATH but what it cannot do without."""
    programs = clone.parent / "programs"
    programs.mkdir()
    for name in NEEDED:
        path = shutil.which(name)
        assert path
        (programs / name).symlink_to(path)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "CI", "PYTHON"))}
    return subprocess.run(
        ["script/test", REPOSITORY, IN_A_BROWSER],
        cwd=clone,
        env=kept | {"PATH": str(programs), "SISIMPORT_DATA_DIR": str(settings.DATA_DIR)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


# The server runs already: with hardly a program on the PATH none can be made.
@pytest.mark.usefixtures("database_server")
def test_without_them_the_suite_runs_and_says_what_it_skips(clone: Path) -> None:
    result = run_tests(clone)

    assert result.returncode == 0, result.stdout + result.stderr
    assert "Chromium is missing: tests in a browser are skipped" in result.stderr
    assert "npm is missing, and with it axe-core: pages are not checked for accessibility" in result.stderr
    assert "NOT LOOKED AT" in result.stdout
    assert "no git to ask" in result.stdout


def test_in_continuous_integration_pages_that_nobody_looked_at_fail(clone: Path) -> None:
    result = run_tests(clone, CI="true")

    assert result.returncode != 0
    assert "in continuous integration the pages must be looked at" in result.stdout
