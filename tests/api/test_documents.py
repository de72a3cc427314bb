"""How the API describes itself, and that every error of it is a problem."""

import errno
import re
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from psycopg.errors import LockNotAvailable

from sisimport.imports.storage.files import MissingFileError
from tests.api.client import Program, assert_problem

pytestmark = pytest.mark.django_db


def lock_error() -> OperationalError:
    """As Django raises it when somebody else kept a lock too long."""
    error = OperationalError("canceling statement due to lock timeout")
    error.__cause__ = LockNotAvailable()
    return error


def test_the_document_needs_no_token_and_is_openapi_3_1(client: Client) -> None:
    document = client.get("/api/v1/openapi.json").json()

    assert document["openapi"] == "3.1.0"
    operations = [told for path in document["paths"].values() for told in path.values()]
    assert len({told["operationId"] for told in operations}) == len(operations) >= 8
    assert all("429" in told["responses"] for told in operations)


def test_the_page_names_every_operation_and_problem_and_keeps_to_the_policy(client: Client) -> None:
    answer = client.get("/api/v1/docs")
    page, document = answer.content.decode(), client.get("/api/v1/openapi.json").json()

    assert [path for path in document["paths"] if path not in page] == []
    assert 'id="problem-token-missing"' in page
    assert "script-src 'self'" in answer["Content-Security-Policy"]
    assert not re.search(r"<script(?![^>]*\bsrc=)|\sstyle=|\son\w+=|//(?!testserver)[\w.]+\.\w+/", page)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("get", "nothing", 404),
        ("get", "runs/999999999999999999999999", 404),
        ("get", "runs/0", 404),
        ("get", "runs/x", 422),
        ("delete", "runs", 405),
        ("get", "runs?limit=0", 422),
        ("get", "runs?limit=1001", 422),
        ("get", "runs?status=odd", 422),
        ("get", "runs?color=red", 422),
        ("get", "runs?created_since=yesterday", 422),
        ("get", "runs?created_since=0.5", 422),
        ("get", "runs?type=%00", 400),
        ("get", "runs?cursor=%ff%fe", 422),
        ("get", "runs?cursor=W10:abc:def", 422),
        ("post", "runs/1/issues", 405),
    ],
)
def test_whatever_is_wrong_is_a_problem(method: str, path: str, status: int) -> None:
    program = Program()

    answer = getattr(program.client, method)(f"/api/v1/{path}", headers=program.headers())

    assert answer.status_code == status
    assert_problem(answer)


def test_an_unknown_parameter_is_named() -> None:
    assert Program().get("runs", {"color": "red"}, status=422)["errors"][0]["field"] == "color"


def test_a_body_that_is_too_large_is_refused_unread() -> None:
    program = Program("runs:read")
    answer = program.client.generic("POST", "/api/v1/runs", b"", headers=program.headers(), CONTENT_LENGTH="70000")

    assert assert_problem(answer)["code"] == "TOO-LARGE"


def test_what_goes_wrong_with_us_is_a_problem_with_a_reference(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_arguments: object) -> None:
        raise ZeroDivisionError("Zqqz")

    monkeypatch.setattr("sisimport.api.runs.run_facts", broken)
    monkeypatch.setattr("sisimport.api.runs.find_run", broken)
    program = Program()

    told = program.get("runs/1", status=500)

    reference = re.search(r"Reference ([0-9A-F]{8})", told["detail"])
    assert reference
    assert reference.group(1) in caplog.text
    assert "Zqqz" not in caplog.text + str(told)


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (lock_error(), 503, "BUSY"),
        (MissingFileError("file.txt"), 410, "FILE-GONE"),
        (OSError(errno.ENOSPC, "No space left on device"), 507, "NO-ROOM"),
    ],
    ids=["lock", "file", "disk"],
)
def test_what_has_to_wait_says_so(error: Exception, status: int, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def waits(*_arguments: object) -> None:
        raise error

    monkeypatch.setattr("sisimport.api.runs.find_run", waits)
    program = Program()

    answer = program.client.get("/api/v1/runs/1", headers=program.headers())

    assert (answer.status_code, assert_problem(answer)["code"]) == (status, code)
    assert answer.has_header("Retry-After") == (status == 503)


def test_a_request_without_encryption_is_refused_and_not_redirected(client: Client, settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT, settings.SECURE_REDIRECT_EXEMPT = True, [r"^api/"]

    answer = client.get("/api/v1/runs", headers={"authorization": "Bearer x"})

    assert (answer.status_code, answer.json()["code"]) == (403, "TLS")
    assert client.get("/", secure=False).status_code == 301
    assert client.get("/api/v1/openapi.json", secure=True).status_code == 200
