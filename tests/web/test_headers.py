"""What answers tell browsers, and what the web server does not do: headers, cookies, tokens of forms, downloads."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from django.contrib import messages
from django.contrib.messages.storage import default_storage
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from sisimport.runtime.processes import ROOT
from tests.factories import PASSWORD, StudentFactory, UserFactory

pytestmark = pytest.mark.django_db

PAGES = ("home", "students", "runs", "account_login", "health", "api_docs")


@pytest.fixture
def person() -> Any:
    student = StudentFactory(with_ssid=True)
    return UserFactory(registrar=True, schools=[student.school])


@pytest.fixture
def signed_in(client: Client, person: Any) -> Client:
    client.force_login(person)
    return client


@pytest.fixture(scope="module")
def production() -> dict[str, Any]:
    """Settings as a production installation has them, read by a process of its own."""
    asked = (
        "import json\nfrom sisimport import settings as s\n"
        "names = [n for n in dir(s) if n.startswith(('SESSION_COOKIE', 'CSRF_COOKIE', 'LANGUAGE_COOKIE', 'SECURE_', 'DEBUG'))]\n"
        "print(json.dumps({n: getattr(s, n) for n in names}, default=str))"
    )
    environment = dict(os.environ) | {
        "SISIMPORT_PRODUCTION": "1",
        "ALLOWED_HOSTS": "sis.example.org",
        "DATABASE_URL": "postgres://sisimport@localhost/sisimport",
        "SECRET_KEY": "k" * 64,
    }
    told = subprocess.run(
        [sys.executable, "-c", asked], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    found: dict[str, Any] = json.loads(told.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("name", PAGES)
def test_every_answer_has_the_headers_of_the_policy(name: str, signed_in: Client) -> None:
    answer = signed_in.get(reverse(name))

    policy = {part.split(" ")[0]: part.split(" ")[1:] for part in answer["Content-Security-Policy"].split("; ")}
    assert (
        policy["default-src"] == policy["object-src"] == policy["base-uri"] == policy["frame-ancestors"] == ["'none'"]
    )
    assert policy["script-src"] == ["'self'"]
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"


def test_in_production_cookies_are_secure_and_of_this_host_alone(production: dict[str, Any]) -> None:
    for kind in ("SESSION", "CSRF", "LANGUAGE"):
        assert production[f"{kind}_COOKIE_NAME"].startswith("__Host-")
        assert production[f"{kind}_COOKIE_SECURE"] is True
        assert production.get(f"{kind}_COOKIE_SAMESITE", "Lax") in ("Lax", "Strict")
    assert production["SESSION_COOKIE_HTTPONLY"] is True


def test_in_production_messages_are_in_a_cookie_of_this_host_alone(rf: Any, settings: Any) -> None:
    """A message may name a student; its cookie is set and taken back by answers that browsers accept."""
    settings.SESSION_COOKIE_SECURE = True
    request, answer = rf.get("/"), HttpResponse()
    request.session = {}
    storage = default_storage(request)
    storage.add(messages.SUCCESS, "Saved.")
    storage.update(answer)
    (cookie,) = answer.cookies.values()
    assert (cookie.key, cookie["secure"], cookie["httponly"], cookie["path"]) == ("__Host-messages", True, True, "/")
    assert not cookie["domain"]

    request, answer = rf.get("/"), HttpResponse()
    request.session = {}
    request.COOKIES[cookie.key] = cookie.value
    storage = default_storage(request)
    assert [str(message) for message in storage] == ["Saved."]
    storage.update(answer)
    (gone,) = answer.cookies.values()
    assert (gone.key, gone["secure"], gone["max-age"]) == ("__Host-messages", True, 0)


def test_in_production_browsers_are_told_to_use_tls_only(production: dict[str, Any]) -> None:
    assert production["SECURE_HSTS_SECONDS"] >= 31_536_000
    assert production["SECURE_HSTS_INCLUDE_SUBDOMAINS"] is True
    assert production["SECURE_REDIRECT_EXEMPT"] == ["^api/"]  # refused there: tests/api/test_documents.py
    assert production["SECURE_SSL_REDIRECT"] is True


def test_a_form_without_its_token_is_refused(person: Any) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(person)

    assert strict.post(reverse("students"), {"q": "Diaz"}).status_code == 403


def test_signing_in_gives_a_session_of_its_own(client: Client, person: Any) -> None:
    """Issued by us, long and random, and another one than the browser came with."""
    keys = []
    for _ in range(2):
        session = client.session
        session["before"] = "x"
        session.save()
        before = session.session_key
        client.post(reverse("account_login"), {"login": person.username, "password": PASSWORD})
        assert client.session.get("_auth_user_id") == str(person.pk)
        keys += [before, client.session.session_key]
        client.post(reverse("account_logout"))

    assert len(set(keys)) == len(keys)
    assert all(len(str(key)) >= 26 for key in keys)  # letters and digits: 5 bits and more each


def test_pages_offer_to_sign_out(signed_in: Client) -> None:
    for name in ("home", "students", "runs", "account"):
        assert f'action="{reverse("account_logout")}"' in signed_in.get(reverse(name)).content.decode(), name


def test_downloads_are_files_and_never_pages(signed_in: Client) -> None:
    answer = signed_in.post(reverse("students"), {"export": "csv"})
    if not answer.has_header("Content-Disposition"):
        answer = signed_in.get(reverse("layout_sample", args=["ssid-download", "calpads-ssid-download"]))

    assert answer["Content-Disposition"].startswith("attachment; filename=")
    assert not answer["Content-Type"].startswith("text/html")
    assert answer["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["/.git/config", "/.env", "/static/", "/uploads/", "/var/secret_key", "/manage.py"])
def test_what_is_not_a_page_is_not_served(path: str, signed_in: Client) -> None:
    assert signed_in.get(path).status_code == 404


def test_trace_is_refused(signed_in: Client) -> None:
    for name in ("home", "students", "runs"):
        assert signed_in.trace(reverse(name)).status_code == 405, name
