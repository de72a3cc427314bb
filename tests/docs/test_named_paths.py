"""What guides name is there: files and folders of the tree, commands with their options, and every folder in the map."""

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

from tests.own_packages import PACKAGES

ROOT = Path(__file__).resolve().parents[2]
# Decisions tell what was so when they were made.
GUIDES = [
    *(ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((ROOT / "docs" / "how-to").glob("*.md")),
    ROOT / "docs" / "scale.md",
]
IN_MARKS = re.compile(r"`([^`\n]+)`")
A_PATH = re.compile(r"[\w.-]+(/[\w.-]+)+/?|[\w-]+\.(py|toml|html|css)")
# Paths of an installation, of a district's files or of pages; files that a reader is to make.
ELSEWHERE = re.compile(r"/|var/|SISIMPORT_|M/D|D/M|\.|docs/reference/issue-codes|.*\.(csv|txt)$|.*-2025-26\.toml$")
COMMAND = re.compile(r"(?:script/manage|manage\.py) ([a-z_]+)([^`\n|#]*)")
OPTION = re.compile(r"(?<![\w-])(--[a-z][a-z-]*)")


@cache
def tree() -> set[str]:
    """Every file and folder, from the root on."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.split()
    if not listed:
        pytest.skip("no clone, or no git to ask")
    return {"/".join(name.split("/")[:depth]) for name in listed for depth in range(1, name.count("/") + 2)}


@pytest.mark.parametrize("guide", GUIDES, ids=lambda page: page.name)
def test_files_and_folders_that_a_guide_names_exist(guide: Path) -> None:
    paths = tree()
    named = {text.rstrip("/") for text in IN_MARKS.findall(guide.read_text(encoding="utf-8")) if A_PATH.fullmatch(text)}
    missing = [
        name
        for name in sorted(named)
        if not ELSEWHERE.match(name) and name not in paths and not any(path.endswith(f"/{name}") for path in paths)
    ]
    assert missing == []


@pytest.mark.parametrize("guide", GUIDES, ids=lambda page: page.name)
def test_commands_that_a_guide_names_have_these_options(guide: Path) -> None:
    wrong = []
    for name, rest in COMMAND.findall(guide.read_text(encoding="utf-8")):
        if name not in get_commands():
            wrong.append(name)
            continue
        command = load_command_class(get_commands()[name], name)
        options = command.create_parser("manage.py", name)._option_string_actions
        wrong += [f"{name} {option}" for option in OPTION.findall(rest) if option not in options]
    assert wrong == []


def test_the_map_of_folders_has_every_package() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").split("## Folders and layers")[1].split("```")[1]
    on_map = set(re.findall(r"[\w]+(?=/)", text))
    packages = {path.rpartition("/")[0] for path in tree() if path.endswith("/__init__.py")}
    rooms = {path for path in packages if path.split("/")[0] in PACKAGES}
    upper = {path for path in rooms if path.count("/") <= 1}
    assert len(upper) > 25
    ordinary = {"management", "migrations", "templatetags"}
    assert sorted(path for path in upper if path.rpartition("/")[2] not in on_map | ordinary) == []
    missing = sorted(name for name in on_map if not any(path == name or path.endswith(f"/{name}") for path in tree()))
    assert missing == []
