"""Every item of the screens that we mirror names where it is here and the tests that show it; what it names is there."""

import ast
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.core.management import get_commands

from sisimport.files.issues import codes
from sisimport.imports.definition.registry import built_in_types
from sisimport.web.reference_pages import items, numbers_of, place_text

ROOT = Path(__file__).parents[2]
ITEMS = items()
KEYS = {"screen", "numbers", "says", "where", "shown_by"}


@cache
def names_in(path: str) -> set[str]:
    """Names of the tests in a file as pytest collects them: `test_x`, `TestY::test_x`."""
    tree = ast.parse((ROOT / path).read_text("utf-8")) if (ROOT / path).exists() else ast.Module([], [])
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name.startswith("Test")]
    within = {f"{node.name}::{one.name}" for node in classes for one in node.body if isinstance(one, ast.FunctionDef)}
    alone = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    return {name for name in alone | within if name.split("::")[-1].startswith("test_")}


def holders(test: str) -> list[str]:
    """Files that hold a test of this name: where it went when a file was split."""
    files = (str(path.relative_to(ROOT)) for path in (ROOT / "tests").rglob("test_*.py"))
    return [path for path in files if test in names_in(path)]


def test_each_of_the_144_items_appears_once() -> None:
    assert [number for item in ITEMS for number in numbers_of(item)] == list(range(1, 145))


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item["numbers"])
def test_an_item_is_whole_and_shown_by_tests_that_are_there(item: dict[str, Any]) -> None:
    """Another key, such as one that says what is missing, is none: an item is whole or it is corrected."""
    assert set(item) == KEYS
    assert all(item.values())
    for name in item["shown_by"]:
        path, _colons, test = name.partition("::")
        assert Path(path).name.startswith("test_"), name
        assert test in names_in(path), f"{name} is now in {holders(test) or 'no file'}"


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item["numbers"])
def test_an_item_names_places_that_are_there(item: dict[str, Any], db: None) -> None:
    built_in_types()
    there = {
        "command": set(get_commands()),
        "admin": {model._meta.label_lower for model in admin.site._registry},
        "code": {code.code for code in codes.all() if not code.retired},
    }
    for place in item["where"]:
        kind, _blank, name = place.partition(" ")
        assert place_text(place)
        assert kind not in there or name in there[kind], place
