"""Webhooks: signed, tried again with growing pauses, deactivated when nobody answers, and never into the inner network."""

import datetime as dt
import hashlib
import hmac
import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from sisimport.automation import delivering, hooks, requests_out
from sisimport.automation.models import Delivery, Webhook
from sisimport.imports.models import ImportRun, Work
from sisimport.runtime.retention import kept_kind
from tests.api.client import Program
from tests.factories import UserFactory
from tests.files.samples import line
from tests.imports.journey import District, revert, run_file

pytestmark = pytest.mark.django_db
HOST = "127.0.0.1"


class Listener:
    """A program that is told: a real HTTP server that remembers each request and answers `status`."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.status = 200
        self.headers: dict[str, str] = {}
        listener = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                listener.got.append((dict(self.headers), body))
                self.send_response(listener.status)
                for name, value in listener.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_words: Any) -> None:
                pass

        self.server = ThreadingHTTPServer((HOST, 0), Handler)
        self.url = f"http://{HOST}:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    @property
    def told(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _headers, body in self.got]


@pytest.fixture
def listener(settings: Any) -> Iterator[Listener]:
    settings.WEBHOOK_ALLOWED_HOSTS = [HOST]
    made = Listener()
    yield made
    made.close()


@pytest.fixture
def admin(db: None) -> Any:
    return UserFactory(import_admin=True, username="ada")


def webhook(url: str, user: Any, *events: str) -> Webhook:
    return hooks.make_webhook(name="warehouse", url=url, events=events or ["run.ended"], user=user)


def a_run(work: Work = Work.TEST) -> ImportRun:
    return run_file("ssid-download", line() + "\n", work).run


def later(**times: int) -> None:
    """As if this much time had passed."""
    for delivery in Delivery.objects.filter(state="waiting"):
        delivery.due_at -= dt.timedelta(**times)
        delivery.save()


# ---- what is sent ----


def test_a_run_that_ended_is_reported_once_signed_and_without_student_data(
    district: District, listener: Listener, admin: Any
) -> None:
    hook = webhook(listener.url, admin)
    run = a_run()

    assert delivering.deliver_due() == 1
    assert delivering.deliver_due() == 0
    ((headers, body),) = listener.got
    told = json.loads(body)
    assert (told["event"], told["run"], told["status"], told["imported"]) == ("run.ended", run.pk, "completed", 1)
    assert told["url"].endswith(f"/runs/{run.pk}/")
    for secret in ("García", "José", "100234", "9012345678", "file.txt"):
        assert secret not in body.decode()
    at, digest = headers["SIS-Import-Signature"].split(",")
    expected = hmac.new(hook.secret.encode(), at.removeprefix("t=").encode() + b"." + body, hashlib.sha256).hexdigest()
    assert digest == f"v1={expected}"


def test_each_event_goes_to_the_webhooks_that_asked_for_it(district: District, listener: Listener, admin: Any) -> None:
    webhook(listener.url, admin, "run.reverted")
    update = a_run(Work.UPDATE)
    revert(update)

    delivering.deliver_due()
    assert [(told["event"], told["run"], told["reverted"]) for told in listener.told] == [
        ("run.reverted", update.pk, "wholly")
    ]


def test_a_webhook_is_told_of_the_runs_that_its_user_sees(district: District, listener: Listener) -> None:
    webhook(listener.url, UserFactory(registrar=True, schools=[district.other_school]))
    a_run()

    assert delivering.deliver_due() == 0


def test_a_run_that_is_taken_back_tells_nobody(district: District, listener: Listener, admin: Any) -> None:
    """What a receiver writes is committed with the run, or not at all."""
    from django.db import transaction

    webhook(listener.url, admin)
    with transaction.atomic():
        a_run()
        transaction.set_rollback(True)
    assert not Delivery.objects.exists()


def test_a_receiver_that_fails_changes_nothing_of_the_run(
    district: District, admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sisimport.automation import telling

    def broken(*_what: Any) -> None:
        raise ValueError

    monkeypatch.setattr(telling, "payload_of", broken)
    assert a_run().status == "completed"


# ---- tries ----


def test_what_is_not_taken_is_tried_again_with_growing_pauses(
    district: District, listener: Listener, admin: Any
) -> None:
    webhook(listener.url, admin)
    a_run()
    listener.status = 503
    pauses = []
    for _try in delivering.PAUSES:
        delivering.deliver_due()
        delivery = Delivery.objects.get()
        assert (delivery.state, delivery.answer) == ("waiting", "status 503")
        pauses.append(delivery.due_at - timezone.now())
        assert delivering.deliver_due() == 0, "not before the pause is over"
        later(days=1)
    assert pauses == sorted(pauses)
    listener.status = 204
    delivering.deliver_due()
    assert Delivery.objects.get().state == "done"
    assert len({headers["SIS-Import-Delivery"] for headers, _body in listener.got}) == 1


def test_it_is_given_up_in_the_end(district: District, listener: Listener, admin: Any) -> None:
    hook = webhook(listener.url, admin)
    a_run()
    listener.status = 500
    for _try in range(len(delivering.PAUSES) + 1):
        delivering.deliver_due()
        later(days=1)
    hook.refresh_from_db()
    assert (Delivery.objects.get().state, hook.failures, hook.deactivated_at) == ("given_up", 1, None)


def test_after_repeated_failure_a_webhook_is_deactivated(listener: Listener, admin: Any) -> None:
    hook = webhook(listener.url, admin)
    listener.status = 500
    for _delivery in range(delivering.MOST_FAILURES):
        hooks.send_trial(hook)
    Delivery.objects.update(tries=len(delivering.PAUSES))
    delivering.deliver_due()
    hook.refresh_from_db()
    assert hook.deactivated_at is not None
    hooks.send_trial(hook)
    seen = len(listener.got)
    delivering.deliver_due()
    assert len(listener.got) == seen, "nothing goes to a webhook that is deactivated"
    hooks.activate(hook)
    listener.status = 200
    hooks.send_trial(hook)
    delivering.deliver_due()
    assert listener.told[-1]["event"] == "trial"


def test_an_answer_that_is_taken_ends_the_row_of_failures(listener: Listener, admin: Any) -> None:
    hook = webhook(listener.url, admin)
    Webhook.objects.update(failures=3)
    hooks.send_trial(hook)
    delivering.deliver_due()
    hook.refresh_from_db()
    assert hook.failures == 0


def test_old_deliveries_are_forgotten(listener: Listener, admin: Any) -> None:
    hooks.send_trial(webhook(listener.url, admin))
    delivering.deliver_due()
    kept = kept_kind("deliveries")
    assert kept.remove(timezone.now() - dt.timedelta(days=1), False) == 0
    assert kept.remove(timezone.now() + dt.timedelta(days=1), True) == 1
    assert Delivery.objects.exists()
    assert kept.remove(timezone.now() + dt.timedelta(days=1), False) == 1
    assert not Delivery.objects.exists()
    assert kept.days() == 60


# ---- no way into the inner network ----


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/hook",
        "ftp://example.org/",
        "https://127.0.0.1/",
        "https://10.1.2.3/",
        "https://192.168.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "https://[fd00::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://user:secret@example.org/",
        "https://example.org:0/",
        "https://example.org:99999/",
        "https:///nowhere",
        "example.org",
    ],
)
def test_addresses_that_no_webhook_may_have(url: str, admin: Any) -> None:
    with pytest.raises(hooks.WebhookError) as refused:
        webhook(url, admin)
    assert refused.value.field == "url"


def test_a_name_that_leads_into_the_inner_network_is_not_called(
    listener: Listener, admin: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rebinding: the name was harmless when the webhook was made."""
    settings.WEBHOOK_ALLOWED_HOSTS = []
    hook = webhook("https://hooks.example.org/", admin)
    port = listener.server.server_port
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda *_host, **_more: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (HOST, port))]
    )
    hooks.send_trial(hook)
    delivering.deliver_due()
    assert Delivery.objects.get().answer == "address not public"
    assert listener.got == []


def test_one_inner_address_among_public_ones_is_enough_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 443)) for one in ("93.184.216.34", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_host, **_more: found)
    with pytest.raises(requests_out.NotTakenError, match="not public"):
        requests_out.public_address("hooks.example.org", 443)


def test_the_connection_goes_to_the_address_that_was_looked_at(
    listener: Listener, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second look-up, which might answer otherwise, is never made."""
    settings.WEBHOOK_ALLOWED_HOSTS = ["hooks.example.org"]
    answers: list[str] = [HOST]

    def once(_host: str, port: int, **_more: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (answers.pop(), port))]

    monkeypatch.setattr(requests_out.socket, "getaddrinfo", once)
    monkeypatch.setattr(requests_out.socket, "create_connection", _raw)
    url = f"http://hooks.example.org:{listener.server.server_port}/"
    assert requests_out.post(url, b"{}", {}) == 200
    assert answers == []


def _raw(address: tuple[str, int], timeout: float) -> socket.socket:
    """A connection without any look-up: the address must be one of numbers."""
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    made.settimeout(timeout)
    made.connect((socket.inet_ntoa(socket.inet_aton(address[0])), address[1]))
    return made


def test_a_redirect_is_not_followed(listener: Listener, admin: Any) -> None:
    inner = Listener()
    try:
        listener.status, listener.headers = 302, {"Location": inner.url}
        hooks.send_trial(webhook(listener.url, admin))
        delivering.deliver_due()
        assert Delivery.objects.get().answer == "status 302"
        assert inner.got == []
    finally:
        inner.close()


def test_a_certificate_that_nobody_trusts_is_refused(settings: Any) -> None:
    """A server that speaks no TLS, or lies about its name, gets nothing."""
    settings.WEBHOOK_ALLOWED_HOSTS = [HOST]
    plain = Listener()
    try:
        with pytest.raises(requests_out.NotTakenError, match="SSL"):
            requests_out.post(plain.url.replace("http:", "https:"), b"{}", {})
        assert plain.got == []
    finally:
        plain.close()


# ---- pages ----


def fill(client: Client, **values: Any) -> Any:
    form = {"name": "Warehouse", "url": "https://hooks.example.org/sis", "events": ["run.ended"]} | values
    return client.post(reverse("webhooks"), form)


def test_an_import_admin_adds_tries_and_removes_a_webhook(client: Client, admin: Any) -> None:
    client.force_login(admin)
    made = fill(client)
    hook = Webhook.objects.get()
    assert hook.secret in made.text
    assert hook.secret not in client.get(reverse("webhooks")).text
    change: Callable[[str], Any] = lambda do: client.post(  # noqa: E731
        reverse("change_webhook", args=[hook.pk]), {"do": do}, follow=True
    )
    assert "trial" in change("try").text
    assert "deactivated" in change("deactivate").text
    assert "active" in change("activate").text
    change("remove")
    assert not Webhook.objects.exists()


def test_a_webhook_that_cannot_be_is_refused_at_its_field(client: Client, admin: Any) -> None:
    client.force_login(admin)
    answer = fill(client, url="https://10.0.0.1/")
    assert answer.status_code == 422
    assert "not a public one" in answer.text


def test_webhooks_are_for_import_admins(client: Client) -> None:
    client.force_login(UserFactory(registrar=True))
    assert client.get(reverse("webhooks")).status_code == 403


def test_an_admin_does_not_see_webhooks_of_somebody_with_more(client: Client, admin: Any) -> None:
    hook = webhook("https://hooks.example.org/", UserFactory(is_superuser=True, is_staff=True))
    client.force_login(admin)
    assert client.get(reverse("webhook", args=[hook.pk])).status_code == 404


# ---- REST API ----


def post_json(program: Program, path: str, body: dict[str, Any], status: int) -> Any:
    answer = program.client.post(
        f"/api/v1/{path}", json.dumps(body), content_type="application/json", headers=program.headers()
    )
    return program.told(answer, status)


def test_a_program_makes_lists_and_removes_its_own_webhooks(district: District) -> None:
    program, other = Program("runs:read"), Program("runs:read", name="another")
    body = {"name": "etl", "url": "https://hooks.example.org/", "events": ["run.ended", "run.held"]}
    made = post_json(program, "webhooks", body, 201)
    assert len(made["secret"]) > 30
    (listed,) = program.get("webhooks")["items"]
    assert (listed["id"], listed["active"], listed["secret"]) == (made["id"], True, None)
    assert other.get("webhooks")["items"] == []
    other.post(f"webhooks/{made['id']}/remove", status=404)
    program.post(f"webhooks/{made['id']}/remove", status=200)
    assert not Webhook.objects.exists()


def test_a_webhook_that_cannot_be_is_a_problem_at_its_field(district: District) -> None:
    told = post_json(
        Program("runs:read"), "webhooks", {"name": "x", "url": "https://127.0.0.1/", "events": ["run.ended"]}, 422
    )
    assert told["errors"][0]["field"] == "url"
