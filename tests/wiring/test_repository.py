"""What lies in the repository, and what an installation lays beside it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = {
    ".ci", ".github", "assessments", "docs", "requirements", "script", "sisimport", "ssid", "static", "students",
    "templates", "tests",
}  # fmt: skip
FILES = {
    ".dockerignore", ".env.example", ".gitignore", ".pre-commit-config.yaml", "ARCHITECTURE.md", "CHANGELOG.md",
    "CONTRIBUTING.md", "Dockerfile", "LICENSE", "README.md", "SECURITY.md", "docker-compose.yml", "manage.py",
    "pyproject.toml",
}  # fmt: skip


@pytest.mark.skipif(not (ROOT / ".git").exists() or not shutil.which("git"), reason="no clone, or no git to ask")
def test_the_top_level_holds_these_names_and_nothing_else() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    names = {path.split("/")[0] for path in listed.split("\0") if path}

    assert names == FOLDERS | FILES


def test_an_empty_data_directory_in_the_environment_counts_as_none(tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-c", "from sisimport import settings; print(settings.DATA_DIR)"],
        cwd=tmp_path,
        env=os.environ | {"SISIMPORT_DATA_DIR": "", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert Path(told.stdout.strip()) == (ROOT / "var").resolve()
    assert list(tmp_path.iterdir()) == []
