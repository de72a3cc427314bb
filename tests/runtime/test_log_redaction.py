"""No secret that is in an address gets into a log: of gunicorn, of Django, or of the application."""

import io
import json
import logging
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.urls import URLPattern, reverse
from gunicorn.config import Config

from sisimport.runtime import logs
from sisimport.runtime.log_redaction import AccessLogger, SecretsFilter, without_secrets
from tests.web.test_access import all_patterns

SECRET = "c9x-invented-secret"
RESET = f"/accounts/password/reset/key/1f-{SECRET}/"


@pytest.mark.parametrize("text", [f"GET {RESET} HTTP/1.1", f'"https://sis.example.org{RESET}" "Mozilla"', RESET[:-1]])
def test_the_secret_of_a_reset_link_is_taken_out(text: str) -> None:
    assert SECRET not in without_secrets(text)
    assert "/accounts/password/reset/key/…" in without_secrets(text)


@pytest.mark.parametrize("name", ["q", "term"])
def test_what_is_typed_into_a_search_of_the_admin_is_taken_out(name: str) -> None:
    told = without_secrets(f'GET /admin/students/student/?page=2&{name}=Garc%C3%ADa&all= HTTP/1.1" "Mozilla')

    assert told == f'GET /admin/students/student/?page=2&{name}=…&all= HTTP/1.1" "Mozilla'


def test_other_addresses_stay_as_they_are() -> None:
    for text in ("GET /runs/7/?page=2 HTTP/1.1", "/accounts/password/reset/"):
        assert without_secrets(text) == text


def test_gunicorns_access_log_holds_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    config = Config()
    config.set("accesslog", "-")
    monkeypatch.setattr("sys.stdout", written)
    logger = AccessLogger(config)
    environ = {
        "REQUEST_METHOD": "GET",
        "RAW_URI": RESET,
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_REFERER": f"https://sis.example.org{RESET}",
    }
    answer: Any = SimpleNamespace(status="302", sent=0, headers=[])
    logger.access(answer, SimpleNamespace(headers=[]), environ, SimpleNamespace(seconds=0, microseconds=0))
    logging.getLogger("gunicorn.access").handlers.clear()

    assert "GET /accounts/password/reset/key/…" in written.getvalue()
    assert SECRET not in written.getvalue()


def test_the_images_web_server_logs_through_it() -> None:
    dockerfile = (settings.BASE_DIR / "Dockerfile").read_text()
    assert "--logger-class=sisimport.runtime.log_redaction.AccessLogger" in dockerfile


@pytest.mark.django_db
def test_the_applications_own_lines_about_a_request_hold_no_secret(client: Client) -> None:
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.addFilter(SecretsFilter())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        client.get(RESET)
    finally:
        root.removeHandler(handler)
        root.setLevel(level)

    assert "/accounts/password/reset/key/…" in written.getvalue()
    assert SECRET not in written.getvalue()
    assert "secrets" in settings.LOGGING["handlers"]["stderr"]["filters"]


def test_every_address_that_takes_a_secret_is_known() -> None:
    """A new address with a text in it is either no secret (a name) or must be masked."""
    with_text = {
        pattern.name: path
        for path, pattern, namespaces in all_patterns()
        if not namespaces and isinstance(pattern, URLPattern) and _takes_text(pattern)
    }
    masked = {"account_reset_password_from_key", "account_confirm_email"}
    no_secret = {
        "upload",
        "recognise",
        "file_layout",
        "show_run_ssids",
        "shown_results_preview",
        "help_code",
        "help_rule",
        "help_screen",
        "help_type",
        "layout_sample",
        "practice_sample",
        "mapping_file",
        "sso_start",
        "sso_again",
        "sso_callback",
        "saml_acs",
        "saml_finish_acs",
        "saml_metadata",
        "saml_sls",
    }  # the key of an import tool, a type, a layout, a rule, a page, a code, a part of a report, a provider

    assert set(with_text) - no_secret == masked
    assert SECRET not in without_secrets(reverse("account_confirm_email", args=[SECRET]))


def _takes_text(pattern: URLPattern) -> bool:
    converters = pattern.pattern.converters
    if not converters:
        return "(?P<" in str(pattern.pattern)
    return any(type(converter).__name__ != "IntConverter" for converter in converters.values())


def _line(formatter: logging.Formatter, error: bool = False) -> str:
    try:
        raise ValueError("Zyxwutova, 9012345678")
    except ValueError:
        found = sys.exc_info() if error else None
    record = logging.LogRecord("sisimport.x", logging.ERROR, "x.py", 1, "run %s failed", (7,), found)
    record.created = 1_795_917_600.25
    return formatter.format(record)


def test_times_of_lines_say_their_zone() -> None:
    form = "%(asctime)s %(levelname)s %(name)s %(message)s"
    for texts in (True, False):
        line = _line(logs.formatter("text", texts=texts)(form))
        assert line == "2026-11-29T02:00:00.250+00:00 ERROR sisimport.x run 7 failed"


def test_lines_for_programs_are_one_object_each_and_hold_no_text_of_an_error() -> None:
    line = _line(logs.formatter("json", texts=False)(), error=True)

    said = json.loads(line)
    assert "\n" not in line
    assert (said["time"], said["level"], said["message"]) == ("2026-11-29T02:00:00.250+00:00", "ERROR", "run 7 failed")
    assert "ValueError" in said["error"]
    assert "Zyxwutova" not in line


def test_another_form_of_lines_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="LOG_FORMAT"):
        logs.formatter("xml", texts=False)
