"""The page of what the mirrored screens do and where to find it here, from a list that a test checks against the
product."""

import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.urls import get_resolver

from sisimport.imports.definition.registry import get_tool, get_type
from sisimport.imports.reference import MADE, PAGES

LIST: Final = Path(settings.BASE_DIR) / "docs" / "reference" / "screens.toml"
_INTRODUCTION = """
For people who compare this product with the screens of a student information system that districts know: each thing those screens
do, in our own words, where it is here, and the test that shows it. The numbers are those of the list this is made from,
[screens.toml](screens.toml); a test fails when an address, option, command or test named here is gone.
"""


def items() -> list[dict[str, Any]]:
    """What the mirrored screens do: `screen`, `numbers` ("8-11"), `says`, `where`, `shown_by`."""
    found: list[dict[str, Any]] = tomllib.loads(LIST.read_text(encoding="utf-8"))["items"]
    return found


def screens_page() -> str:
    """The list as a page, a table for each screen."""
    lines = ["# What the screens we mirror do, and where it is here", "", MADE]
    screen = ""
    lines += _INTRODUCTION.rstrip().split("\n")
    for item in items():
        if item["screen"] != screen:
            screen = item["screen"]
            lines += ["", f"## {screen}", "", "| no. | what | where | shown by |", "|---|---|---|---|"]
        where = "<br>".join(place_text(place) for place in item["where"])
        tests = "<br>".join(_test_link(name) for name in item["shown_by"])
        lines.append(f"| {item['numbers']} | {item['says']} | {where} | {tests} |")
    return "\n".join(lines) + "\n"


def place_text(place: str) -> str:
    """`page senr_changes` -> its address, and so on. Raises LookupError for a place that does not exist."""
    kind, _blank, name = place.partition(" ")
    return _KINDS[kind](name)


def _option_text(name: str) -> str:
    key, name = name.split(" ")
    labels = {option.name: option.label for option in get_type(key).options}
    return f"option *{labels[name]}*"


def address_of(name: str) -> str:
    """`/runs/<pk>/`. Raises LookupError for a name that no address has."""
    for possibilities, *_rest in get_resolver().reverse_dict.getlist(name):
        route, parameters = possibilities[0]
        return "/" + route % {parameter: f"<{parameter}>" for parameter in parameters}
    raise LookupError(name)


def _test_link(name: str) -> str:
    path, _colons, test = name.partition("::")
    return f"[{test.split('::')[-1].removeprefix('test_')}](../../{path})"


def numbers_of(item: dict[str, Any]) -> Iterator[int]:
    """ "8-11" -> 8, 9, 10, 11."""
    first, _dash, last = item["numbers"].partition("-")
    yield from range(int(first), int(last or first) + 1)


_KINDS: Final[dict[str, Callable[[str], str]]] = {
    "page": lambda name: f"`{address_of(name)}`",
    "screen": lambda name: f"import screen *{get_tool(name).title}*",
    "type": lambda name: f"import type *{get_type(name).screen.label}*",
    "option": _option_text,
    "admin": lambda name: f"`/admin/{name.replace('.', '/')}/`",
    "command": lambda name: f"`script/manage {name}`",
    "code": lambda name: f"issue `{name}`",
}
PAGES["screens.md"] = screens_page
