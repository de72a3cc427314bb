"""Import tools and import types: apps offer theirs in import_types.py, discovered the way the admin finds admin.py."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TypeVar

from django.conf import settings
from django.core.signals import request_started
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
    documentation: tuple[tuple[str, str], ...] = ()  # (title, address) of the state's own documentation on these files
    articles: tuple[tuple[str, str], ...] = ()  # (title, URL name) of pages that explain more
    screen_words: bool = False  # its messages also exist in the words of the screen that it mirrors
    state: str = ""  # whose files it reads ("CA", "UT"): in the menu for districts of that state; empty: for all
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
_sources: list[Callable[[], Iterable[ImportType]]] = []
_added: dict[str, ImportType] = {}
_stale = False
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
    """For types that are instances of one class with different facts. Raises ValueError as `register` does."""
    key, tool = import_type.key, import_type.screen.tool
    if key in _types:
        raise ValueError(f"import type {key!r} is registered twice")
    if tool not in _tools:
        raise ValueError(f"import type {key!r} names the unknown tool {tool!r}")
    _types[key] = import_type


def register_source(source: Callable[[], Iterable[ImportType]]) -> None:
    """Offer types that people add and remove while programs run. A type from a source overrides a built-in one with the same
    key."""
    _sources.append(source)


def look_again(**_kwargs: object) -> None:
    """Have the sources read again before the next use: at the start of each request, command and run, and after a change."""
    global _stale  # noqa: PLW0603 - one per process, as the registry is
    _stale = True


request_started.connect(look_again, dispatch_uid="registry.look_again")


def _known() -> dict[str, ImportType]:
    """All types by key, including added ones."""
    global _stale, _added  # noqa: PLW0603
    if _stale:
        # Replaced as a whole: other threads of the process may be reading it.
        _added = {t.key: t for source in _sources for t in source()}
        _stale = False
    return {**_types, **_added} if _added else _types


def unregister(key: str) -> None:
    """For tests only."""
    _types.pop(key, None)


def discover() -> None:
    """Called once when the apps are ready."""
    autodiscover_modules("import_types")


def get_type(key: str) -> ImportType:
    """The import type of this key. Raises UnknownImportTypeError."""
    found = _known().get(key)
    if found is None and _sources:
        look_again()
        found = _known().get(key)
    if found is None:
        raise UnknownImportTypeError(key)
    return found


def built_in_types() -> list[ImportType]:
    """The types that come with this release; the reference pages cover these."""
    return _sorted(_types.values())


def all_types() -> list[ImportType]:
    return _sorted(_known().values())


def _sorted(types: Iterable[ImportType]) -> list[ImportType]:
    return sorted(types, key=lambda t: (_tools[t.screen.tool].order, t.screen.order, t.key))


def listed_types(tool: str | None = None) -> list[ImportType]:
    """Types that screens show: those that work end to end."""
    return [t for t in all_types() if t.screen.listed and (tool is None or t.screen.tool == tool)]


def tools() -> list[Tool]:
    """Screens with at least one listed type. Added types use the screens of others, so they need not be checked."""
    used = {t.screen.tool for t in _types.values() if t.screen.listed}
    return sorted((tool for tool in _tools.values() if tool.key in used), key=lambda tool: tool.order)


def get_tool(key: str) -> Tool:
    return _tools[key]


@cache
def folder_layouts(folder: Path) -> dict[str, Layout]:
    """Layouts of a folder; a file of the same name in the district's own folder wins. Raises LayoutError."""
    return load_layouts(folder, own=Path(settings.LAYOUT_DIR))


def layouts_of(import_type: ImportType) -> list[Layout]:
    """The loaded layouts of a type, in its order."""
    return _loaded(import_type, import_type.layouts)


def published_layouts(import_type: ImportType) -> list[Layout]:
    """Layouts that everyone may see: without those that one district's people made for its own files."""
    return [layout for layout in layouts_of(import_type) if not layout.needs_every_field]


def layouts_wanted(
    import_type: ImportType, options: Mapping[str, str], schools: Collection[int] | None
) -> list[Layout]:
    """Layouts that a run with these options and schools (None: all) may use to read its file."""
    return _loaded(import_type, import_type.wanted_layouts(options, schools))


def _loaded(import_type: ImportType, keys: Iterable[str]) -> list[Layout]:
    loaded = {**folder_layouts(import_type.layout_folder), **import_type.added_layouts}
    return [loaded[key] for key in keys]


def all_layouts() -> dict[str, tuple[Layout, ImportType]]:
    """Every layout of every type that reads files, with the type it belongs to."""
    return {layout.key: (layout, t) for t in all_types() for layout in layouts_of(t)}


def other_layouts(import_type: ImportType) -> Iterator[Layout]:
    """Layouts of other types, loaded when they are asked for: a file given as this type may turn out to be one of these."""
    for layout in known_layouts():
        if layout.key not in import_type.layouts:
            yield layout


def find_layout(key: str) -> tuple[Layout, ImportType] | None:
    """The layout that a run used to read its file, with its type; also a layout that reads no new files any more."""
    found = all_layouts().get(key)
    if found is not None or not key:
        return found
    return next(((layout, t) for t in all_types() if (layout := t.former_layout(key)) is not None), None)


def known_layouts() -> list[Layout]:
    """Every layout, including those of types not built yet, so that a file of another kind is refused by its name."""
    types = all_types()
    folders = dict.fromkeys(t.layout_folder for t in types)
    layouts = {layout.key: layout for folder in folders for layout in folder_layouts(folder).values()}
    return list((layouts | {key: layout for t in types for key, layout in t.added_layouts.items()}).values())


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
    "other_layouts",
    "published_layouts",
]
