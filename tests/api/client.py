"""A program that uses the API: a Django client with a token, and answers looked at once for all tests."""

import json
from typing import Any

from django.test import Client

from sisimport.api.tokens import make_token
from students.models import School

ALL = ("imports:test", "imports:write", "runs:read", "students:read", "scores:read", "results:read")
PROBLEM = {"type", "title", "status", "detail", "code", "errors"}


class Program:
    """Asks with its token. `user`: whose it is; without one, a service's."""

    def __init__(
        self, *scopes: str, user: Any = None, schools: list[School] | None = None, name: str = "nightly"
    ) -> None:
        made = make_token(name=name, scopes=scopes or ALL, schools=schools, user=user)
        self.token, self.secret, self.client = made.token, made.secret, Client()

    def get(self, path: str, query: dict[str, Any] | None = None, status: int = 200) -> Any:
        return self.told(self.client.get(f"/api/v1/{path}", query or {}, headers=self.headers()), status)

    def post(self, path: str, form: dict[str, Any] | None = None, status: int = 201, **headers: str) -> Any:
        return self.told(self.client.post(f"/api/v1/{path}", form or {}, headers=self.headers(**headers)), status)

    def headers(self, **more: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret}"} | {
            name.replace("_", "-"): value for name, value in more.items()
        }

    def told(self, answer: Any, status: int) -> Any:
        """What was answered, which must have this status; a problem has all that problems have."""
        assert answer.status_code == status, f"{answer.status_code}: {answer.content[:500]!r}"
        assert "no-store" in answer["Cache-Control"]
        told = json.loads(answer.content)
        if status >= 400:
            assert_problem(answer)
        return told


def assert_problem(answer: Any) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(answer.content)
    assert answer["Content-Type"] == "application/problem+json"
    assert set(told) == PROBLEM
    assert told["status"] == answer.status_code
    assert told["detail"]
    return told
