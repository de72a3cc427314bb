"""Pages around the API: its description for people and for programs. Tokens: sisimport.automation.token_views."""

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET

from sisimport.accounts.access import public
from sisimport.accounts.scopes import SCOPES
from sisimport.api.openapi import document
from sisimport.api.problems import KINDS


@public
@require_GET
def openapi(request: HttpRequest) -> JsonResponse:  # noqa: ARG001
    return JsonResponse(document())


@public
@require_GET
def docs(request: HttpRequest) -> HttpResponse:
    """The document as a page: no script, nothing from another host."""
    described = document()
    context = {
        "operations": [
            {"method": method.upper(), "path": path, "spec": description, "answers": _own_answers(description)}
            for path, methods in described["paths"].items()
            for method, description in methods.items()
        ],
        "schemas": [
            {"name": name, "spec": description, "fields": _fields(description)}
            for name, description in sorted(described["components"]["schemas"].items())
        ],
        "problems": [{"anchor": kind.code.lower(), "kind": kind} for kind in KINDS.values()],
        "scopes": [{"name": str(scope), "text": text} for scope, text in SCOPES.items()],
        "per_minute": settings.API_REQUESTS_PER_MINUTE,
    }
    return render(request, "api/docs.html", context)


def _own_answers(operation: dict[str, Any]) -> list[dict[str, str]]:
    """The operation's successful answers."""
    found = []
    for status, answer in operation["responses"].items():
        for kind, content in answer.get("content", {}).items():
            found.append({"status": status, "kind": kind, "schema": _name(content["schema"])})
    return found


def _fields(schema: dict[str, Any]) -> list[dict[str, str]]:
    return [
        {"name": name, "type": _name(field), "text": field.get("description", "")}
        for name, field in schema.get("properties", {}).items()
    ]


def _name(schema: dict[str, Any]) -> str:
    """A schema in a word: `list of RunOut`, `string or null`."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(_name(one) for one in schema["anyOf"])
    if schema.get("type") == "array":
        return f"list of {_name(schema.get('items', {}))}"
    return str(schema.get("format") or schema.get("type") or "anything")


@csrf_exempt
@public
def not_found(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """Any other address below /api/; the middleware turns it into a problem."""
    raise Http404
