"""Error reports and traces hold nothing of a person: names seeded, errors provoked everywhere, what went out searched."""

import gzip
import json
import logging
import socket
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import sentry_sdk
from django.db import connection
from django.test import Client
from django.urls import reverse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from sisimport import command
from sisimport.api.tokens import make_token
from sisimport.imports.engine import staging
from sisimport.imports.models import ImportRun, RunStatus
from sisimport.reporting.exports import Export
from sisimport.runtime import error_reports, tracing
from sisimport.runtime.chores import ChoreThread
from students.models import Student
from tests.factories import UserFactory
from tests.files.samples import line
from tests.imports.journey import make_district, run_file

pytestmark = pytest.mark.django_db
NAME, NUMBER, SSID = "Quintanilla", "883311", "9088331122"
SECRETS = (NAME, NUMBER, SSID, "xaverius", "rosa@example.org", str(Path(__file__).parents[2]), socket.gethostname())


class Listener:
    """Takes what is posted to it, by path."""

    def __init__(self) -> None:
        self.posted: list[tuple[str, bytes]] = []
        posted = self.posted

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                posted.append(
                    (self.path, gzip.decompress(body) if "gzip" in self.headers.get("Content-Encoding", "") else body)
                )
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_what: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def everything(self) -> bytes:
        return b"\n".join(path.encode() + b"\n" + body for path, body in self.posted)


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def reported(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> Iterator[Listener]:
    monkeypatch.setattr(error_reports, "_started", False)
    error_reports.start(f"http://key@{listener.address}/7", release="1.0.0", environment="test")
    yield listener
    sentry_sdk.get_client().close()


def broken(*_what: Any, **_named: Any) -> Any:
    name, number = NAME, NUMBER  # what a report of local variables would hold
    logging.getLogger("somewhere").error("the student %s", name)
    raise ValueError(f"{name} {number} {SSID}")


@pytest.fixture
def everywhere(client: Client, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Errors in a run, on a page, in the API, in a chore, in a command, and one of the database that quotes a row."""
    district = make_district()
    district.student(last_name=NAME, first_name="Xaverius", local_number=NUMBER)
    user = UserFactory(registrar=True, username="xaverius.rosa", email="rosa@example.org")
    with monkeypatch.context() as patched:
        patched.setattr(staging, "stage", broken)
        run = run_file("ssid-download", line(), name=f"{NAME}.txt").run
        assert run.status == RunStatus.FAILED
    client.force_login(user)
    client.raise_request_exception = False
    with monkeypatch.context() as patched:
        client.cookies["seen"] = NAME
        patched.setattr("sisimport.web.views.students.render", broken)
        assert client.post(reverse("students"), {"q": NAME}, follow=True).status_code == 500
    token = make_token(name="warehouse", scopes=["students:read"], schools=None, user=user)
    with monkeypatch.context() as patched:
        patched.setattr(Export, "page", broken)
        address = f"/api/v1/students?school={NUMBER}"
        answer = client.get(address, headers={"authorization": f"Bearer {token.secret}"})
        assert answer.status_code == 500
    ChoreThread([], after=broken)._do("mails", _of_the_database)
    monkeypatch.setattr("django.core.management.execute_from_command_line", broken)
    with pytest.raises(SystemExit):
        command.main(["manage.py", "check", NAME])
    capsys.readouterr()


def _of_the_database() -> None:
    """An error whose text quotes the row."""
    from django.db import transaction

    with transaction.atomic():
        twin = Student.objects.get(local_number=NUMBER)
        twin.pk = None
        twin._state.adding = True
        twin.save(force_insert=True)
        connection.check_constraints()


def test_reports_hold_kinds_and_places_and_nothing_of_a_person(reported: Listener, everywhere: None) -> None:
    sentry_sdk.flush(10)
    text = reported.everything().decode()
    for secret in SECRETS:
        assert secret.lower() not in text.lower()
    events = [json.loads(body.splitlines()[2]) for _path, body in reported.posted]
    parts = {event["tags"]["part"]: event for event in events}
    assert set(parts) == {"run", "page", "api", "chore", "command"}
    assert [parts[part]["exception"]["values"][-1]["type"] for part in ("run", "page", "api", "chore")] == [
        "ValueError",
        "ValueError",
        "ValueError",
        "IntegrityError",
    ]
    last = parts["run"]["exception"]["values"][-1]["stacktrace"]["frames"][-1]
    assert (last["function"], last["filename"]) == ("broken", "tests/runtime/test_error_reports.py")
    assert parts["run"]["tags"] | {"reference": ""} == {
        "part": "run",
        "reference": "",
        "type": "ssid-download",
        "work": "test",
    }
    assert ImportRun.objects.get(status="failed").reference == parts["run"]["tags"]["reference"]
    assert parts["page"]["tags"]["route"] == "students/"
    assert parts["api"]["tags"]["operation"] == "GET api/v1/students"
    assert set(events[0]) <= error_reports._SENT


def test_a_service_that_is_down_prevents_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(error_reports, "_started", True)
    monkeypatch.setattr(sentry_sdk, "capture_event", broken)
    error_reports.report(ValueError("x"))


def test_spans_name_requests_and_runs_and_nothing_of_a_person(
    listener: Listener, client: Client, settings: Any, request: pytest.FixtureRequest
) -> None:
    tracing.start(f"http://{listener.address}", version="1.0.0")
    request.addfinalizer(tracing.stop)
    settings.MIDDLEWARE = ["sisimport.web.observing.TracingMiddleware", *settings.MIDDLEWARE]
    request.getfixturevalue("everywhere")
    user = UserFactory(registrar=True, all_schools=True)
    client.force_login(user)
    client.get(reverse("student", args=[Student.objects.get(local_number=NUMBER).pk]))
    client.get(f"/nowhere/{NAME}/?q={SSID}")
    run_file("ssid-download", line())
    tracing.stop()

    sent = listener.everything()
    for secret in SECRETS:
        assert secret.lower().encode() not in sent.lower()
    spans: dict[str, dict[str, Any]] = {}
    for path, body in listener.posted:
        assert path == "/v1/traces"
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    spans[span.name] = {pair.key: pair.value for pair in span.attributes}
    assert {"GET students/<int:pk>/", "GET (no page)", "GET api/v1/students", "POST students/", "run"} <= set(spans)
    assert spans["GET students/<int:pk>/"]["http.response.status_code"].int_value == 200
    assert "sisimport.seconds.planning" in spans["run"]


@pytest.mark.parametrize(
    ("package", "begin"),
    [
        ("sentry_sdk", lambda: error_reports.start("http://key@127.0.0.1/7", release="1", environment="test")),
        ("opentelemetry.sdk.trace", lambda: tracing.start("http://127.0.0.1:1", version="1")),
    ],
)
def test_without_its_package_the_setting_says_what_to_install(
    package: str, begin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(error_reports.NotInstalledError, match="install"):
        begin()
