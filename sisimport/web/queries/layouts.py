"""File layouts as pages show them: every column, the form of its values, and what is done with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sisimport.files.issues import Severity
from sisimport.files.layouts import Column, ColumnKind, Layout
from sisimport.imports.column_logic import ColumnLogic, logic_of
from sisimport.imports.definition.import_type import ImportType
from sisimport.imports.definition.registry import Tool, listed_types, published_layouts, tools

_FORMS = {
    ColumnKind.TEXT: "text",
    ColumnKind.DATE: "date",
    ColumnKind.CODE: "code",
    ColumnKind.DIGITS: "digits",
    ColumnKind.NUMBER: "number",
}


@dataclass(frozen=True, slots=True)
class ShownColumn:
    """`form`: what values look like, in words. `logic`: None if the column is not read."""

    position: int
    name: str
    aliases: tuple[str, ...]
    label: str
    form: str
    codes: Mapping[str, str]
    logic: ColumnLogic | None


@dataclass(frozen=True, slots=True)
class TypeLayouts:
    import_type: ImportType
    layouts: Sequence[Layout]


def all_listed() -> list[tuple[Tool, list[TypeLayouts]]]:
    """Every screen with its import types and their layouts, as the screens list them."""
    return [(tool, [TypeLayouts(t, published_layouts(t)) for t in listed_types(tool.key)]) for tool in tools()]


def find(type_key: str, layout_key: str) -> tuple[ImportType, Layout] | None:
    """A layout of a type that screens list; None if there is no such layout."""
    for import_type in listed_types():
        if import_type.key == type_key:
            for layout in published_layouts(import_type):
                if layout.key == layout_key:
                    return import_type, layout
    return None


def columns_of(import_type: ImportType, layout: Layout) -> list[ShownColumn]:
    """The columns of a layout in their order."""
    logic = logic_of(import_type.key, layout.key)
    return [
        ShownColumn(
            position=column.position,
            name=column.name,
            aliases=column.aliases,
            label=column.label if column.label != column.name else "",
            form=_form(column, layout),
            codes=column.codes or {},
            logic=logic.get(column.field or ""),
        )
        for column in layout.columns
    ]


def _form(column: Column, layout: Layout) -> str:
    parts = [_FORMS[column.kind]]
    if column.kind is ColumnKind.DATE:
        others = [form for form in layout.lenient_date_formats if form not in layout.date_formats]
        parts = [f"date, {' or '.join(layout.date_formats)}"]
        parts += [f"also read: {', '.join(others)}"] if others else []
    if column.length is not None:
        parts.append(f"at most {column.length} characters")
    if column.required:
        parts.append(f"required: blank is {_article(column.severity)}")
    return "; ".join(parts)


def _article(severity: Severity) -> str:
    return {Severity.ERROR: "an error", Severity.WARNING: "a warning", Severity.NOTICE: "a notice"}[severity]
