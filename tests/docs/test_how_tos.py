"""The how-tos name what the code has: every setting of an import type is explained, and none that is gone."""

import inspect
import re
from dataclasses import fields
from pathlib import Path

import pytest

from sisimport.imports.definition.import_type import ImportType, SpeedHooks
from sisimport.imports.definition.parts import Matching, Screen, Speed

HOW_TO = Path(__file__).parents[2] / "docs/how-to/add-an-import-type.md"


def own_methods(cls: type) -> set[str]:
    return {name for name, value in vars(cls).items() if inspect.isfunction(value) or isinstance(value, property)}


def settings_of(cls: type) -> set[str]:
    return {name for name in vars(cls)["__annotations__"] if not name.startswith("_")}


@pytest.mark.parametrize(
    ("heading", "expected"),
    [
        ("ImportType", settings_of(ImportType)),
        ("Screen: how it is shown", {f.name for f in fields(Screen)}),
        ("Matching: how a line finds its student", {f.name for f in fields(Matching)}),
        ("Speed: what saves time on large files", {f.name for f in fields(Speed)}),
        ("SpeedHooks: steps for large files", own_methods(SpeedHooks)),
        ("ImportType: methods", own_methods(ImportType)),
    ],
)
def test_every_setting_of_an_import_type_is_explained(heading: str, expected: set[str]) -> None:
    section = HOW_TO.read_text().split(f"\n### {heading}\n")[1].split("\n### ")[0]
    rows = re.findall(r"^\| `(\w+)` \| (\S.*) \|$", section, flags=re.MULTILINE)
    assert [name for name, _ in rows] == list(dict.fromkeys(name for name, _ in rows)), "a setting is defined twice"
    assert {name for name, _ in rows} == expected


@pytest.mark.parametrize("part", [Screen, Matching, Speed])
def test_parts_cannot_be_changed_after_they_were_declared(part: type) -> None:
    assert part.__dataclass_params__.frozen  # type: ignore[attr-defined]
