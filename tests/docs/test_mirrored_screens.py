"""Every item of the screens that we mirror is shown by a test of its own, or said to be open, and nothing else is open."""

import ast
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
ITEMS: list[dict[str, Any]] = tomllib.loads((Path(__file__).parent / "mirrored_screens.toml").read_text("utf-8"))[
    "items"
]
ALL = range(1, 145)
OPEN = {88}


def numbers(item: dict[str, Any]) -> list[int]:
    first, _dash, last = item["numbers"].partition("-")
    return list(range(int(first), int(last or first) + 1))


@cache
def functions_of(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_each_item_stands_once() -> None:
    assert [number for item in ITEMS for number in numbers(item)] == list(ALL)


def test_what_is_open_is_known() -> None:
    assert {number for item in ITEMS if "open" in item for number in numbers(item)} == OPEN


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item["numbers"])
def test_an_item_is_shown_by_a_test_or_says_why_not(item: dict[str, Any]) -> None:
    assert item["says"]
    assert item["screen"]
    assert ("open" in item) != ("shown_by" in item)
    for name in item.get("shown_by", []):
        path, _colons, test = name.partition("::")
        assert test in functions_of(path), name
    assert item.get("open") or item["shown_by"]
