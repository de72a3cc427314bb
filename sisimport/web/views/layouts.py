"""File layouts: which columns each has and how they are used."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from sisimport.accounts.access import Capability, requires
from sisimport.imports.definition.registry import get_tool
from sisimport.web.queries import layouts


@requires(Capability.READ)
@require_GET
def file_layouts(request: HttpRequest) -> HttpResponse:
    """All layouts, by screen and import type, with the state's own documentation."""
    return render(request, "imports/layouts.html", {"tools": layouts.all_listed()})


@requires(Capability.READ)
@require_GET
def file_layout(request: HttpRequest, import_type: str, layout: str) -> HttpResponse:
    """One layout as one import type reads it."""
    found = layouts.find(import_type, layout)
    if found is None:
        raise Http404
    kind, chosen_layout = found
    columns = layouts.columns_of(kind, chosen_layout)
    context = {
        "kind": kind,
        "layout": chosen_layout,
        "columns": columns,
        "read": sum(column.logic is not None for column in columns),
        "tool": get_tool(kind.screen.tool),
    }
    return render(request, "imports/layout.html", context)
