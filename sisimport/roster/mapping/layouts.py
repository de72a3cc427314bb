"""The layout that a mapping makes from the roster's: its fields, read from the columns that people named."""

from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from sisimport.files.layouts import Column, Header, Layout, normalise_header
from sisimport.imports.definition.registry import folder_layouts
from sisimport.roster.mapping.content import Content, from_text

FOLDER: Final = Path(__file__).parents[1] / "layouts"
ROSTER: Final = "students"
PREFIX: Final = "students-by-"


def roster_layout() -> Layout:
    """The roster's own layout."""
    return folder_layouts(FOLDER)[ROSTER]


def key_of(sha: str) -> str:
    """Key of the layout of a mapping's version."""
    return f"{PREFIX}{sha}"


def sha_in(key: str) -> str:
    """The version that a layout's key names; blank for other layouts."""
    return key.removeprefix(PREFIX) if key.startswith(PREFIX) else ""


@lru_cache(maxsize=256)
def kept_layout(text: str, number: int) -> Layout:
    """The layout of a stored version: the text of a mapping's file."""
    return layout_of(from_text(text), number)


def layout_of(content: Content, number: int) -> Layout:
    """The layout of version `number` of a mapping without flaws."""
    roster = roster_layout()
    field_of = {normalise_header(name): key for key, name in content.columns.items()}
    columns: list[Column] = []
    plain = [normalise_header(name) for name in content.header]
    for position, (name, own) in enumerate(zip(content.header, plain, strict=True), 1):
        key = field_of.get(own) if plain.count(own) == 1 else None
        if key is None:
            # A name that appears twice identifies no column: the layout has no such column.
            columns.append(Column(position, name if plain.count(own) == 1 else f"Blank{position}"))
            continue
        translations = {text.casefold(): value for text, value in content.values.get(key, {}).items()}
        column = replace(roster.fields[key], position=position, name=name, aliases=(), translations=translations)
        columns.append(column)
    fields = {column.field: column for column in columns if column.field}
    fields |= {key: roster.fields[key] for key in content.constants}
    return replace(
        roster,
        key=key_of(content.sha),
        title=f"Student Roster by the mapping “{content.name}”",
        source=f"version {number} of the mapping",
        delimiter=content.delimiter,
        header=Header.REQUIRED,
        columns=tuple(columns),
        date_formats=tuple(dict.fromkeys([*content.dates, *roster.date_formats])),
        needs_every_field=True,
        constants=MappingProxyType(dict(content.constants)),
        answers=MappingProxyType({"mapping": {"name": content.name, "number": number, "version": content.sha}}),
        fields=MappingProxyType(fields),
    )
