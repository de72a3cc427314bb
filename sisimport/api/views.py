"""Pages around the API: its description for people and for programs, and tokens for import admins."""

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from sisimport.accounts.access import Capability, public, requires, signed_in_user
from sisimport.accounts.scopes import SCOPES
from sisimport.accounts.step_up import ask
from sisimport.api import tokens
from sisimport.api.forms import TokenForm
from sisimport.api.openapi import document
from sisimport.api.problems import KINDS
from students.models import School


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
    """What the operation answers when all is well."""
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
    """Whatever else stands below /api/; the middleware makes a problem of it."""
    raise Http404


@requires(Capability.SETTINGS)
@require_http_methods(["GET", "POST"])
def api_tokens(request: HttpRequest) -> HttpResponse:
    """Tokens, and a form for another. Its secret is on the page that answers the form, and never again."""
    admin = signed_in_user(request)
    form = TokenForm(request.POST if request.method == "POST" else None, admin=admin)
    if form.is_bound and form.is_valid():
        ask(request)
    made = form.make() if form.is_bound and form.is_valid() else None
    if made is not None:
        form = TokenForm(None, admin=admin)
    shown = list(tokens.tokens_of(admin))
    names = dict(
        School.objects.filter(pk__in={pk for token in shown for pk in token.schools or ()}).values_list("pk", "code")
    )
    context = {
        "form": form,
        "made": made,
        "tokens": [
            {
                "token": token,
                "schools": [names.get(pk, "removed") for pk in token.schools or ()],
                "is_service": tokens.is_service(token.user),
            }
            for token in shown
        ],
    }
    return render(request, "api/tokens.html", context, status=422 if form.is_bound and form.errors else 200)


@requires(Capability.SETTINGS)
@require_POST
def revoke_api_token(request: HttpRequest, pk: int) -> HttpResponse:
    admin = signed_in_user(request)
    token = get_object_or_404(tokens.tokens_of(admin), pk=pk)
    tokens.revoke(token, by=admin)
    return redirect("api_tokens")
