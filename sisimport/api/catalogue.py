"""The import types, with their options and details: the same for every token."""

from typing import Any

from django.http import HttpRequest

from sisimport.api import schemas
from sisimport.api.application import operation
from sisimport.files.issues import codes
from sisimport.imports.definition.registry import all_layouts, get_tool, listed_types, published_layouts
from sisimport.imports.runs.defaults import defaults_for
from students.access import visible_school_ids
from students.models import LEA


def _all(items: list[dict[str, Any]]) -> dict[str, Any]:
    """A list that is always sent whole."""
    return {"items": items, "next": None}


@operation(
    "GET",
    "/import-types",
    name="list_import_types",
    summary="Import types with their work, layouts and options",
    response=schemas.ImportTypesOut,
    tag="Catalogue",
)
def list_import_types(request: HttpRequest) -> dict[str, Any]:
    schools = visible_school_ids(request.user)
    leas = None if schools is None else set(LEA.objects.filter(schools__in=schools).values_list("code", flat=True))
    usual = {kind.key: defaults_for(kind, schools=schools) for kind in listed_types()}
    return _all(
        [
            {
                "type": kind.key,
                "label": kind.screen.label,
                "screen": get_tool(kind.screen.tool).title,
                "works": [str(work) for work in kind.works],
                "layouts": [layout.key for layout in published_layouts(kind)],
                "options": [
                    {
                        "name": option.name,
                        "label": option.label,
                        "hint": option.hint,
                        "default": usual[kind.key][option.name],
                        "choices": [{"value": choice.value, "label": choice.label} for choice in option.choices],
                    }
                    for option in (one.offered_to(leas) for one in kind.options)
                ],
            }
            for kind in listed_types()
        ]
    )


@operation(
    "GET",
    "/layouts",
    name="list_layouts",
    summary="File layouts with their columns",
    response=schemas.LayoutsOut,
    tag="Catalogue",
)
def list_layouts(request: HttpRequest) -> dict[str, Any]:  # noqa: ARG001
    types: dict[str, list[str]] = {}
    for kind in listed_types():
        for layout in published_layouts(kind):
            types.setdefault(layout.key, []).append(kind.key)
    layouts = all_layouts()
    return _all(
        [
            {
                "layout": key,
                "title": layouts[key][0].title,
                "types": types[key],
                "delimiter": layouts[key][0].delimiter,
                "header": str(layouts[key][0].header),
                "columns": [column.name for column in layouts[key][0].columns],
            }
            for key in types
        ]
    )


@operation(
    "GET",
    "/issue-codes",
    name="list_issue_codes",
    summary="What can be found in a file, and what to do about it",
    response=schemas.IssueCodesOut,
    tag="Catalogue",
)
def list_issue_codes(request: HttpRequest) -> dict[str, Any]:  # noqa: ARG001
    return _all(
        [
            {
                "code": code.code,
                "title": code.title,
                "message": code.sentences,
                "fix": code.fix,
                "retired": code.retired,
            }
            for code in codes.all()
        ]
    )
