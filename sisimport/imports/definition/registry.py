"""Import tools and import types: apps offer theirs in import_types.py, found as the admin finds admin.py."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

from django.conf import settings
from django.utils.module_loading import autodiscover_modules

from sisimport.files.layouts import Layout, load_layouts
from sisimport.imports.definition.import_type import ImportType
from sisimport.imports.models import Work


@dataclass(frozen=True, kw_only=True)
class Tool:
    """An import screen that groups import types."""

    key: str
    title: str
    lead: str  # one sentence under the title
    order: int
    crumbs: str = "Reporting / CA State Reporting"
    short: str = ""  # in the menu; the title if empty
    documentation: tuple[tuple[str, str], ...] = ()  # (title, address) of what the state itself says about these files
    screen_words: bool = False  # its messages have twins in the words of the screen that it mirrors
    in_menu: bool = True  # False: the app's own page is in the menu and leads here

    @property
    def crumb_list(self) -> list[str]:
        return [crumb.strip() for crumb in self.crumbs.split("/")]

    @property
    def menu_label(self) -> str:
        return self.short or self.title


class UnknownImportTypeError(LookupError):
    """No import type has this key."""


_tools: dict[str, Tool] = {}
_types: dict[str, ImportType] = {}
T = TypeVar("T", bound=type[ImportType])


def register_tool(tool: Tool) -> Tool:
    """Make a screen known. Raises ValueError if its key is taken."""
    if tool.key in _tools:
        raise ValueError(f"import tool {tool.key!r} is registered twice")
    _tools[tool.key] = tool
    return tool


def register(cls: T) -> T:
    """Class decorator: make an import type known. Raises ValueError for a taken key or an unknown tool."""
    register_instance(cls())
    return cls


def register_instance(import_type: ImportType) -> None:
    """For types that are one class with many sets of facts. Raises ValueError as `register` does."""
    key, tool = import_type.key, import_type.screen.tool
    if key in _types:
        raise ValueError(f"import type {key!r} is registered twice")
    if tool not in _tools:
        raise ValueError(f"import type {key!r} names the unknown tool {tool!r}")
    _types[key] = import_type


def unregister(key: str) -> None:
    """For tests only."""
    _types.pop(key, None)


def discover() -> None:
    """Called once when the apps are ready."""
    autodiscover_modules("import_types")


def get_type(key: str) -> ImportType:
    """The import type of this key. Raises UnknownImportTypeError."""
    try:
        return _types[key]
    except KeyError:
        raise UnknownImportTypeError(key) from None


def all_types() -> list[ImportType]:
    return sorted(_types.values(), key=lambda t: (_tools[t.screen.tool].order, t.screen.order, t.key))


def listed_types(tool: str | None = None) -> list[ImportType]:
    """Types that screens show: only those that work end to end."""
    return [t for t in all_types() if t.screen.listed and (tool is None or t.screen.tool == tool)]


def tools() -> list[Tool]:
    """Screens with at least one listed type."""
    used = {t.screen.tool for t in listed_types()}
    return sorted((tool for tool in _tools.values() if tool.key in used), key=lambda tool: tool.order)


def get_tool(key: str) -> Tool:
    return _tools[key]


@cache
def folder_layouts(folder: Path) -> dict[str, Layout]:
    """Layouts of a folder; a file of the same name in the district's own folder wins. Raises LayoutError."""
    return load_layouts(folder, own=Path(settings.LAYOUT_DIR))


def layouts_of(import_type: ImportType) -> list[Layout]:
    """The loaded layouts of a type, in its order."""
    loaded = folder_layouts(import_type.layout_folder)
    return [loaded[key] for key in import_type.layouts]


def all_layouts() -> dict[str, tuple[Layout, ImportType]]:
    """Every layout of every type that reads files, with the type it belongs to."""
    return {layout.key: (layout, t) for t in all_types() for layout in layouts_of(t)}


def known_layouts() -> list[Layout]:
    """Every layout there is, also of types not built yet: a file of another kind is refused by its name."""
    folders = dict.fromkeys(t.layout_folder for t in all_types())
    return [layout for folder in folders for layout in folder_layouts(folder).values()]


__all__ = [
    "Tool",
    "UnknownImportTypeError",
    "Work",
    "all_layouts",
    "all_types",
    "get_tool",
    "get_type",
    "known_layouts",
    "listed_types",
]
