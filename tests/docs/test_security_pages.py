"""What docs/security claims: each requirement that is met names a test that exists, and every table is in the data inventory."""

import ast
import functools
import re
from collections import Counter
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings

from sisimport.accounts.security_pages import CHAPTERS, STATES, counted, inventory, requirements
from sisimport.runtime.retention import all_kept
from sisimport.web.bodies import takes_files
from tests.web.test_access import all_patterns

ROOT = Path(settings.BASE_DIR)
# Requirements of levels 1 and 2 by chapter, as published in version 5.0.0.
PUBLISHED = {
    1: 27, 2: 11, 3: 19, 4: 10, 5: 9, 6: 35, 7: 18, 8: 7, 9: 7,
    10: 29, 11: 14, 12: 9, 13: 13, 14: 9, 15: 13, 16: 16, 17: 7,
}  # fmt: skip


@functools.cache
def functions_of(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_every_requirement_of_both_levels_is_there_once() -> None:
    numbers = [number for number, *_ in requirements()]

    assert len(set(numbers)) == len(numbers)
    assert Counter(int(number.split(".")[0]) for number in numbers) == PUBLISHED
    assert len(PUBLISHED) == len(CHAPTERS)
    assert Counter(level for _, level, *_ in requirements()) == {1: 70, 2: 183}
    assert set(counted()) <= set(STATES)


@pytest.mark.parametrize("chapter", sorted(PUBLISHED))
def test_what_is_met_names_a_test_that_exists_and_the_rest_says_why(chapter: int) -> None:
    wrong = []
    for number, _level, state, words, why in requirements():
        if int(number.split(".")[0]) != chapter:
            continue
        path, _, name = why.partition("::")
        if not words or not why:
            wrong.append(f"{number}: no words")
        elif state == "met" and not (ROOT / path).is_file():
            wrong.append(f"{number}: no file {path}")
        elif state == "met" and name and name not in functions_of(ROOT / path):
            wrong.append(f"{number}: {path} has no {name}")
        elif state == "met" and not any(one.startswith("test_") for one in functions_of(ROOT / path)):
            wrong.append(f"{number}: {path} has no test")

    assert wrong == []


def test_every_model_is_in_the_inventory() -> None:
    listed = [label for entry in inventory()["kept"] for label in entry["models"]]

    assert len(set(listed)) == len(listed)
    assert set(listed) == {model._meta.label_lower for model in apps.get_models()}, "mend docs/security/inventory.toml"


def test_what_is_removed_automatically_is_named_by_its_kind() -> None:
    told = {entry["keep"] for part in inventory().values() for entry in part}

    assert {kept.kind for kept in all_kept()} - told <= {"refused_uploads"}  # said with the uploads


def test_the_inventory_names_what_is_outside_the_database() -> None:
    told = " ".join(entry["what"] for entry in inventory()["elsewhere"])

    for word in ("uploads/", "scratch/", "mail/", "secret_key", "log", "broker", "Backups"):
        assert word in told


SECRET = re.compile(r"(?:SECRET|PASSWORD|KEYS?|DSN|URL|FALLBACKS)$")
CALLED = re.compile(r"(?:_URL|_DSN|_ENDPOINT|_ADDRESS(?:ES)?|_HOSTS)$|^(?:HOST|PORT)$")
NO_SECRETS = {"STORAGE_URL"}  # an address with keys in it is refused


def _settings() -> set[str]:
    """Names of the reference of settings."""
    text = (ROOT / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")
    first = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    return {name for cell in first for name in re.findall(r"`([A-Z_]+)`", cell)}


def _part(title: str) -> str:
    text = (ROOT / "docs" / "security" / "keys.md").read_text(encoding="utf-8")
    return text.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]


def test_every_setting_that_holds_a_secret_is_in_the_inventory_of_keys() -> None:
    secret = {name for name in _settings() if SECRET.search(name)} - NO_SECRETS

    assert len(secret) > 10
    assert [name for name in sorted(secret) if f"`{name}`" not in _part("Keys")] == []


def test_every_setting_that_names_a_place_is_among_the_connections() -> None:
    called = {name for name in _settings() if CALLED.search(name)}

    assert len(called) > 10
    assert [name for name in sorted(called) if f"`{name}`" not in _part("Connections")] == []


def _limits() -> str:
    return (ROOT / "docs" / "security" / "limits.md").read_text(encoding="utf-8")


def test_every_page_that_takes_a_file_is_among_the_limits() -> None:
    pages = {str(pattern.name) for _path, pattern, _spaces in all_patterns() if takes_files(pattern.callback)}

    assert len(pages) >= 5
    assert [name for name in sorted(pages) if f"`{name}`" not in _limits()] == []


def test_every_setting_that_bounds_a_cost_is_among_the_limits() -> None:
    bounds = {name for name in _settings() if re.search(r"_MAX_|_PER_MINUTE$|_STATEMENT_SECONDS$|^RUN_SILENT", name)}
    elsewhere = {"REPLICA_MAX_SECONDS", "CONN_MAX_AGE"}  # how old, not how much

    assert len(bounds) > 5
    assert [name for name in sorted(bounds - elsewhere) if f"`{name}`" not in _limits()] == []


def test_what_someone_who_lost_the_second_factor_shows_is_written_down() -> None:
    text = (ROOT / "docs" / "how-to" / "manage-people.md").read_text(encoding="utf-8")
    part = " ".join(text.split("## The second factor", 1)[1].split("\n## ", 1)[0].split())

    assert "If someone has lost all of them" in part
    assert "First that person shows who they are" in part
    assert "is not proof" in part


def test_what_is_left_to_the_operator_is_on_the_list_with_how_to_check_it() -> None:
    """A requirement that the product cannot meet must not end at somebody's name."""
    text = (ROOT / "docs" / "security" / "operators-part.md").read_text(encoding="utf-8")
    parts = {part.splitlines()[0].lower(): part for part in text.split("\n## ")[1:]}
    left = [row for row in requirements() if row[2] == "open" and "operator" in row[4]]

    assert left
    for number, _level, _state, _words, why in left:
        (name,) = re.findall(r"operators-part\.md#([a-z-]+)", why)
        assert f"ASVS {number}" in parts[name], number
        assert parts[name].count("\n| ") >= 3, f"{name}: a head, and at least two things to look at"
