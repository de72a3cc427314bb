"""A second factor, required of staff by a setting: every page leads to its set-up until there is one."""

import subprocess
import sys
from typing import Any

import pytest
from allauth.mfa.totp.internal import auth as totp
from django.conf import settings as product
from django.test import Client
from django.urls import reverse

from students.models import FamilyMember
from tests.factories import PASSWORD, StudentFactory, UserFactory
from tests.web.test_access import all_patterns

pytestmark = pytest.mark.django_db
DEMANDED = "Your district requires a second factor"


@pytest.fixture(autouse=True)
def _demanded(settings: Any) -> None:
    settings.SECOND_FACTOR_REQUIRED = True


@pytest.mark.parametrize("who", ["registrar", "import_admin", "ssid_staff", "viewer", "superuser"])
def test_no_page_opens_before_the_second_factor_is_set_up(who: str, client: Client) -> None:
    client.force_login(UserFactory(is_superuser=True) if who == "superuser" else UserFactory(**{who: True}))
    for name in ("home", "runs", "account", "students", "admin:index", "person"):
        answer = client.get(reverse(name, args=[1] if name == "person" else []))
        assert answer.status_code == 302, name
        assert answer.url == reverse("mfa_index"), name
    assert client.post(reverse("students"), {"text": "Diaz"}).url == reverse("mfa_index")
    part = client.get(reverse("run_status", args=[1]), headers={"HX-Request": "true"})
    assert part.headers["HX-Redirect"] == reverse("mfa_index")
    assert DEMANDED in client.get(reverse("mfa_index")).content.decode()
    assert client.get(reverse("account_logout")).status_code == 200


def test_nothing_but_signing_in_is_open_before(client: Client) -> None:
    """Each address that names no public rule, as an import admin without a second factor meets it."""
    client.force_login(UserFactory(import_admin=True))
    opened = set()
    for path, pattern, namespaces in all_patterns():
        if namespaces or not pattern.name or "<" in path:
            continue
        answer = client.get(reverse(pattern.name))
        if not (answer.status_code == 302 and answer.url == reverse("mfa_index")):
            opened.add(pattern.name)
    allowed = {"health", "metrics", "set_language", "family_join", "staff_join", "emergency_sign_in"}
    allowed |= {"api_openapi", "api_docs", "api_not_found"}
    assert {name for name in opened if not name.startswith(("mfa_", "account_"))} <= allowed


def test_after_the_set_up_pages_open_and_signing_in_asks_for_it(client: Client) -> None:
    user = UserFactory(registrar=True, username="rosa")
    client.post(reverse("account_login"), {"login": "rosa", "password": PASSWORD})
    assert client.get(reverse("home")).url == reverse("mfa_index")

    page = client.get(reverse("mfa_activate_totp"), follow=True)
    if page.redirect_chain:  # asked who it is
        page = client.post(page.redirect_chain[-1][0], {"password": PASSWORD}, follow=True)
    secret = client.session["mfa.totp.secret"]
    code = totp.format_hotp_value(totp.hotp_value(secret, next(totp.yield_hotp_counters_from_time())))
    assert client.post(reverse("mfa_activate_totp"), {"code": code}).status_code == 302
    assert client.get(reverse("home")).status_code == 200

    again = Client()
    answer = again.post(reverse("account_login"), {"login": "rosa", "password": PASSWORD})
    assert answer.url == reverse("mfa_authenticate")
    assert again.get(reverse("home")).status_code == 302
    user.authenticator_set.all().delete()  # taken away: required again, in sessions too that began with it
    assert client.get(reverse("home")).url == reverse("mfa_index")


def test_a_passkey_of_somebody_else_is_not_there(client: Client) -> None:
    from allauth.mfa.models import Authenticator

    other, own = (UserFactory(registrar=True) for _one in range(2))
    keys = {who: Authenticator.objects.create(user=who, type="webauthn", data={}) for who in (other, own)}
    client.force_login(own)
    session = client.session
    session["account_authentication_methods"] = [{"method": "password", "at": 9e9, "reauthenticated": True}]
    session["account_authentication_methods_user"] = str(own.pk)
    session.save()
    for name in ("mfa_edit_webauthn", "mfa_remove_webauthn"):
        for method in (client.get, client.post):
            assert method(reverse(name, args=[keys[other].pk])).status_code == 404
    assert keys[other] in Authenticator.objects.all()


def test_families_may_have_one_and_need_not(client: Client) -> None:
    parent = UserFactory()
    FamilyMember.objects.create(user=parent, student=StudentFactory())
    client.force_login(parent)

    assert client.get(reverse("family"), follow=True).status_code == 200


def test_a_sign_in_that_had_one_at_the_provider_needs_none_here(client: Client) -> None:
    client.force_login(UserFactory(registrar=True))
    session = client.session
    session["sso"] = {"provider": "oidc", "id_token": "", "second_factor": True}
    session.save()
    assert client.get(reverse("home")).status_code == 200
    session["sso"] = {"provider": "oidc", "id_token": "", "second_factor": False}
    session.save()
    assert client.get(reverse("home")).url == reverse("mfa_index")


def test_it_is_required_in_production_and_not_on_a_local_machine(tmp_path: Any) -> None:
    """And cookies of production are bound to the host."""
    ask = (
        "from sisimport import settings as s; print(s.SECOND_FACTOR_REQUIRED, getattr(s, 'SESSION_COOKIE_NAME', ''),"
        " getattr(s, 'CSRF_COOKIE_NAME', ''))"
    )

    def asked(**environment: str) -> str:
        given = {"SISIMPORT_DATA_DIR": str(tmp_path), "PATH": "/usr/bin:/bin"} | environment
        done = subprocess.run(
            [sys.executable, "-c", ask], cwd=product.BASE_DIR, env=given, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    production = {"SISIMPORT_PRODUCTION": "1", "SECRET_KEY": "x" * 60}
    assert asked() == "False"
    assert asked(**production) == "True __Host-sessionid __Host-csrftoken"
    assert asked(**production, SECOND_FACTOR_REQUIRED="0").startswith("False")
