"""The documents for those who maintain the product: they exist, they are in order, and their links work."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / ".github").rglob("*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(#[^)]*)?\)")
STATUS = re.compile(r"^Status: (accepted|replaced by \d{4}|withdrawn) · Date: \d{4}-\d{2}-\d{2}$")


def test_decisions_are_numbered_without_a_gap() -> None:
    assert [page.name[:5] for page in DECISIONS] == [f"{number:04d}-" for number in range(1, len(DECISIONS) + 1)]


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_a_decision_has_its_number_status_and_date(page: Path) -> None:
    lines = page.read_text(encoding="utf-8").splitlines()

    assert lines[0].startswith(f"# {int(page.name[:4])}. ")
    assert STATUS.match(lines[2]), lines[2]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_of_a_page_lead_to_files_that_exist(page: Path) -> None:
    targets = [target for target, _anchor in LINK.findall(page.read_text(encoding="utf-8")) if "://" not in target]

    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("name", ["bug.yml", "idea.yml"])
def test_issue_forms_forbid_real_student_data(name: str) -> None:
    form = yaml.safe_load((ROOT / ".github" / "ISSUE_TEMPLATE" / name).read_text(encoding="utf-8"))
    boxes = [
        option for part in form["body"] if part["type"] == "checkboxes" for option in part["attributes"]["options"]
    ]

    assert "Do not post student data" in form["body"][0]["attributes"]["value"]
    assert [box["required"] for box in boxes] == [True]


def test_the_pull_request_form_forbids_real_student_data() -> None:
    assert "No real student data" in (ROOT / ".github" / "pull_request_template.md").read_text(encoding="utf-8")


def test_pre_commit_hooks_are_local_and_fetch_nothing() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))

    assert {source["repo"] for source in config["repos"]} == {"local"}
    assert {hook["language"] for source in config["repos"] for hook in source["hooks"]} == {"system"}


def test_the_changelog_has_an_unreleased_head_and_dates() -> None:
    heads = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), flags=re.MULTILINE)

    assert heads[0] == "Unreleased"
    assert [head for head in heads[1:] if not re.fullmatch(r"\d+\.\d+\.\d+ \(\d{4}-\d{2}-\d{2}\)", head)] == []


def test_contributing_names_every_script_of_the_loop() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    listed = subprocess.run(["ls", str(ROOT / "script")], capture_output=True, text=True, check=True).stdout.split()
    named = set(re.findall(r"script/([a-z_]+)", text))

    assert named <= set(listed)
    assert {"server", "test", "check", "setup"} <= named
