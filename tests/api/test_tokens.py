"""Tokens: made by import admins, shown once, kept hashed, narrow, counted, revoked at once."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from sisimport.api.models import ApiToken
from sisimport.api.tokens import TokenError, make_token, revoke
from tests.api.client import ALL, Program, assert_problem
from tests.factories import SchoolFactory, UserFactory

pytestmark = pytest.mark.django_db


def test_the_secret_is_shown_once_and_kept_as_a_hash_only() -> None:
    made = make_token(name="nightly", scopes=ALL, schools=None)

    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(t::text, '') FROM api_apitoken t")
        (stored,) = cursor.fetchone()
    assert made.secret not in stored
    assert len(made.secret) >= 43
    assert Program("runs:read").secret != made.secret


def test_last_use_and_address_are_on_record() -> None:
    program = Program("runs:read")

    program.client.get("/api/v1/runs", headers=program.headers(), REMOTE_ADDR="10.1.2.3")

    program.token.refresh_from_db()
    assert program.token.last_address == "10.1.2.3"
    assert timezone.now() - program.token.last_used_at < timedelta(minutes=5)


def test_without_a_token_with_a_wrong_an_expired_or_a_revoked_one_the_answer_is_401(client: Client) -> None:
    expired, revoked, gone = Program("runs:read"), Program("runs:read"), Program(user=UserFactory(registrar=True))
    ApiToken.objects.filter(pk=expired.token.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    revoked.get("runs")
    revoke(revoked.token, by=None)
    gone.token.user.is_active = False
    gone.token.user.save()

    assert assert_problem(client.get("/api/v1/runs"))["code"] == "TOKEN-MISSING"
    assert client.get("/api/v1/runs")["WWW-Authenticate"] == "Bearer"
    for program in (expired, revoked, gone):
        assert program.get("runs", status=401)["code"] == "TOKEN-INVALID"
    for header in ("Bearer x", "Bearer " + "é" * 40, "Bearer sis_" + "a" * 10_000, f"Basic {gone.secret}"):
        assert assert_problem(client.get("/api/v1/runs", headers={"Authorization": header}))["status"] == 401


def test_a_session_is_not_a_token(client: Client) -> None:
    client.force_login(UserFactory(import_admin=True))

    assert client.get("/api/v1/runs").status_code == 401


def test_too_many_requests_in_a_minute_are_told_to_wait(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted in the database, each token by itself; 10,000 requests end in 429, none in 500."""
    settings.API_REQUESTS_PER_MINUTE = 5
    program, other = Program("runs:read"), Program("runs:read", name="another")
    answers = [program.client.get("/api/v1/runs", headers=program.headers()) for _number in range(25)]
    # A minute may end in between: then five more are answered.
    assert {answer.status_code for answer in answers} == {200, 429}
    assert sum(answer.status_code == 200 for answer in answers) in (5, 10)
    refused = [answer for answer in answers if answer.status_code == 429]
    assert all(1 <= int(answer["Retry-After"]) <= 60 for answer in refused)
    assert assert_problem(refused[0])["code"] == "RATE"
    other.get("runs")


def test_the_next_minute_is_counted_again(settings: Any) -> None:
    settings.API_REQUESTS_PER_MINUTE = 1
    program = Program("runs:read")
    ApiToken.objects.filter(pk=program.token.pk).update(counted=500, counted_from=timezone.now() - timedelta(minutes=2))

    program.get("runs")


def test_a_token_gives_no_more_than_its_user_has() -> None:
    viewer = Program(user=UserFactory(viewer=True, all_schools=True))

    assert viewer.get("runs")["items"] == []
    assert viewer.get("runs/1/issues", status=403)["code"] == "ROLE"
    stranger = Program(user=UserFactory())
    assert stranger.get("runs", status=403)["code"] == "ROLE"


def test_a_token_without_the_scope_is_refused_and_told_which() -> None:
    program = Program("students:read")

    told = program.get("runs", status=403)

    assert (told["code"], "runs:read" in told["detail"]) == ("SCOPE", True)
    program.get("import-types")  # any token


@pytest.mark.parametrize(
    ("name", "scopes", "days"), [("", ["runs:read"], 1), ("x", ["approve"], 1), ("x", [], 1), ("x", ["runs:read"], 0)]
)
def test_a_token_that_cannot_be_is_refused_with_the_reason(name: str, scopes: list[str], days: int) -> None:
    with pytest.raises(TokenError, match=r"\."):
        make_token(name=name, scopes=scopes, schools=None, days=days)


def test_a_service_does_not_take_a_persons_name() -> None:
    UserFactory(username="service-roster")

    with pytest.raises(TokenError, match="someone's"):
        make_token(name="roster", scopes=["runs:read"], schools=None)


# ---- the command ----


def test_the_command_prints_the_token_once(capsys: pytest.CaptureFixture[str]) -> None:
    SchoolFactory(code="0123456")

    call_command(
        "create_token", "Nightly roster", "--scope", "runs:read", "--school", "0123456", "--days", "30", "--json"
    )

    told = json.loads(capsys.readouterr().out)
    assert set(told) == {"token", "id", "scopes", "expires"}
    assert told["scopes"] == ["runs:read"]
    assert Client().get("/api/v1/runs", headers={"Authorization": f"Bearer {told['token']}"}).status_code == 200


@pytest.mark.parametrize(
    "more",
    [["--scope", "all"], ["--scope", "runs:read", "--school", "9"], ["--scope", "runs:read", "--user", "x"]],
)
def test_the_command_refuses_with_exit_code_2(more: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        call_command("create_token", "x", *more, "--json")

    assert ended.value.code == 2
    assert json.loads(capsys.readouterr().out)["token"] is None


# ---- the page ----


def form(**more: Any) -> dict[str, Any]:
    return {"name": "Nightly", "person": "", "scopes": ["runs:read"], "days": "30"} | more


def test_an_import_admin_makes_a_token_sees_it_once_and_revokes_it(client: Client) -> None:
    client.force_login(UserFactory(import_admin=True))

    page = client.post(reverse("api_tokens"), form()).content.decode()

    secret = re.search(r"sis_[\w-]{43}", page)
    assert secret
    asked = {"Authorization": f"Bearer {secret.group()}"}
    assert Client().get("/api/v1/runs", headers=asked).status_code == 200
    later = client.get(reverse("api_tokens")).content.decode()
    assert secret.group() not in later
    assert "127.0.0.1" in later
    client.post(reverse("revoke_api_token", args=[ApiToken.objects.get().pk]))
    assert Client().get("/api/v1/runs", headers=asked).status_code == 401


def test_nobody_else_makes_tokens(client: Client) -> None:
    for user in (UserFactory(registrar=True), UserFactory(ssid_staff=True), UserFactory(viewer=True)):
        client.force_login(user)
        assert client.post(reverse("api_tokens"), form()).status_code == 403
    assert not ApiToken.objects.exists()


def test_an_admin_of_some_schools_gives_no_others_and_sees_no_others_tokens(client: Client) -> None:
    mine, other = SchoolFactory(), SchoolFactory()
    everywhere = Program("runs:read").token
    admin = UserFactory(group="import admin", schools=[mine], is_staff=True)
    client.force_login(admin)

    assert client.post(reverse("api_tokens"), form()).status_code == 422
    assert client.post(reverse("api_tokens"), form(schools=[other.pk])).status_code == 422
    assert client.post(reverse("api_tokens"), form(schools=[mine.pk])).status_code == 200

    assert ApiToken.objects.latest("pk").schools == [mine.pk]
    assert everywhere.begins not in client.get(reverse("api_tokens")).content.decode()
    assert client.post(reverse("revoke_api_token", args=[everywhere.pk])).status_code == 404


def test_an_admin_makes_no_token_for_somebody_who_has_more(client: Client) -> None:
    mine = SchoolFactory()
    more = UserFactory(registrar=True, all_schools=True)
    root = UserFactory(is_superuser=True, is_staff=True)
    less = UserFactory(registrar=True, schools=[mine])
    client.force_login(UserFactory(group="import admin", schools=[mine], is_staff=True))

    for person in (more, root, UserFactory(username="gone", is_active=False)):
        assert client.post(reverse("api_tokens"), form(person=person.username, schools=[mine.pk])).status_code == 422
    assert client.post(reverse("api_tokens"), form(person=less.username, schools=[mine.pk])).status_code == 200
    assert ApiToken.objects.get().user == less
