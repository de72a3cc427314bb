"""The document that describes the API (OpenAPI 3.1), made from its operations."""

from functools import cache
from typing import Any

from sisimport.api.application import ERRORS
from sisimport.api.operations import api
from sisimport.api.problems import CONTENT_TYPE, KINDS


@cache
def document() -> dict[str, Any]:
    """The whole document. Problems are described once and referenced by each operation that may return them."""
    made: dict[str, Any] = dict(api.get_openapi_schema(path_prefix="/api/v1"))
    responses = {str(status): _problem(status) for status in ERRORS}
    for path in made["paths"].values():
        for operation in path.values():
            _describe(operation, responses)
    made["components"]["responses"] = {f"Problem{status}": response for status, response in responses.items()}
    schemes = made["components"]["securitySchemes"]
    schemes["BearerToken"] = {"type": "http", "scheme": "bearer", "description": "A token that an import admin made."}
    return made


def _describe(operation: dict[str, Any], responses: dict[str, Any]) -> None:
    answers = {str(status): response for status, response in operation["responses"].items()}
    for status in responses:
        answers[status] = {"$ref": f"#/components/responses/Problem{status}"}
    if files := operation.pop("x-files", ()):
        answers["200"]["content"] = {kind: {"schema": _content(kind)} for kind in files}
    operation["responses"] = answers
    scopes = operation.pop("x-scopes", [])
    operation["x-scopes"] = scopes
    word = " and " if operation.pop("x-each-scope", False) else " or "
    needs = f"Scope: {word.join(f'`{scope}`' for scope in scopes)}." if scopes else "Any token."
    operation["description"] = f"{operation.get('description', '')}\n\n{needs}".strip()


def _content(kind: str) -> dict[str, str]:
    return {"type": "string"} if kind.startswith("text/") else {"type": "string", "format": "binary"}


def _problem(status: int) -> dict[str, Any]:
    titles = [f"`{kind.code}` {kind.title}" for kind in KINDS.values() if kind.status == status]
    described: dict[str, Any] = {
        "description": "; ".join(titles),
        "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemOut"}}},
    }
    if status in (429, 503):
        described["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
    return described
