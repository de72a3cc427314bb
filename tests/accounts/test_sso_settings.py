"""Settings of single sign-on: what would let in more than the district is refused. And the way in for emergencies."""

import json
from typing import Any

import environ
import pytest
from django.contrib.auth import get_user_model
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from sisimport.accounts import emergency, people
from sisimport.accounts.invitation_mail import invitation_mail
from sisimport.accounts.sso.configuration import Provider, read_groups, read_providers
from tests.accounts.waiting import wait_for_outbox
from tests.factories import PASSWORD, UserFactory

GOOGLE = {"SSO_GOOGLE_CLIENT_ID": "1", "SSO_GOOGLE_CLIENT_SECRET": "s", "SSO_GOOGLE_DOMAINS": "lincoln.example"}
MICROSOFT = {
    "SSO_MICROSOFT_CLIENT_ID": "1",
    "SSO_MICROSOFT_CLIENT_SECRET": "s",
    "SSO_MICROSOFT_TENANT": "0b5a7a53-63f2-4a7e-8b1c-0c1f0f1c7f00",
    "SSO_MICROSOFT_DOMAINS": "lincoln.example,@Students.Lincoln.example",
}
OIDC = {"SSO_OIDC_CLIENT_ID": "1", "SSO_OIDC_CLIENT_SECRET": "s", "SSO_OIDC_ISSUER": "https://id.lincoln.example/"}
SAML = {"SSO_SAML_METADATA": "/data/idp.xml", "SSO_SAML_ENTITY_ID": "x", "SSO_SAML_DOMAINS": "lincoln.example"}


def read(values: dict[str, str]) -> tuple[Provider, ...]:
    env = environ.Env()
    env.ENVIRON = values
    return read_providers(env)


def test_without_settings_there_is_no_single_sign_on() -> None:
    assert read({}) == ()


def test_each_provider_is_a_few_settings() -> None:
    google, microsoft, oidc, saml = read(GOOGLE | MICROSOFT | OIDC | SAML)

    assert (google.key, google.issuer, google.hosted_domain) == ("google", "https://accounts.google.com", True)
    assert microsoft.issuer.endswith("0b5a7a53-63f2-4a7e-8b1c-0c1f0f1c7f00/v2.0")
    assert microsoft.domains == {"lincoln.example", "students.lincoln.example"}
    assert oidc.issuer == "https://id.lincoln.example"
    assert saml.metadata == "/data/idp.xml"
    assert "client_secret" not in repr(google)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (GOOGLE | {"SSO_GOOGLE_DOMAINS": ""}, "SSO_GOOGLE_DOMAINS"),
        (GOOGLE | {"SSO_GOOGLE_CLIENT_SECRET": ""}, "SSO_GOOGLE_CLIENT_SECRET"),
        (MICROSOFT | {"SSO_MICROSOFT_TENANT": "common"}, "id of your own tenant"),
        (MICROSOFT | {"SSO_MICROSOFT_TENANT": ""}, "id of your own tenant"),
        (MICROSOFT | {"SSO_MICROSOFT_DOMAINS": ""}, "SSO_MICROSOFT_DOMAINS"),
        (OIDC | {"SSO_OIDC_ISSUER": "http://id.lincoln.example"}, "https"),
        (OIDC | {"SSO_OIDC_ISSUER": ""}, "SSO_OIDC_ISSUER"),
        (SAML | {"SSO_SAML_DOMAINS": ""}, "SSO_SAML_DOMAINS"),
        (SAML | {"SSO_SAML_ENTITY_ID": ""}, "SSO_SAML_ENTITY_ID"),
        (GOOGLE | {"SSO_TRUSTED_SECOND_FACTOR": "microsoft"}, "microsoft, which is not set up"),
    ],
)
def test_what_would_let_in_others_is_refused(values: dict[str, str], said: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=said):
        read(values)


@pytest.mark.parametrize("gives", [["registrar"], {"role": ["registrar"]}, {"schools": "some"}, {"roles": "registrar"}])
def test_groups_that_cannot_be_read_are_refused(gives: Any) -> None:
    with pytest.raises(ImproperlyConfigured, match="SSO_GROUPS"):
        read_groups({"Staff": gives})


def test_roles_that_there_are_not_and_a_site_nobody_can_enter_are_found(settings: Any) -> None:
    settings.SSO_GROUPS = read_groups({"Staff": {"roles": ["registar"]}, "Owners": {"roles": ["superuser"]}})
    settings.STAFF_PASSWORDS = False

    found = {check.id: check.msg for check in run_checks() if check.id.startswith("accounts.")}

    assert set(found) == {"accounts.E001", "accounts.E002"}
    assert "registar" in found["accounts.E001"]


# ---- what the directory keeps ----


@pytest.mark.django_db
def test_staff_do_not_change_the_address_that_the_directory_knows_them_by(client: Client, settings: Any) -> None:
    client.force_login(UserFactory(registrar=True))
    assert client.get(reverse("account_email")).status_code == 200

    settings.SSO_PROVIDERS = read(OIDC)

    for answer in (client.get(reverse("account_email")), client.post(reverse("account_email"), {"action_add": "1"})):
        assert answer.status_code == 403
        assert "directory" in answer.content.decode()
    assert reverse("account_email") not in client.get(reverse("account")).content.decode()


@pytest.mark.django_db
def test_without_passwords_staff_neither_choose_nor_change_nor_reset_one(
    client: Client, settings: Any, mailoutbox: Any
) -> None:
    settings.SSO_PROVIDERS, settings.STAFF_PASSWORDS = read(OIDC), False
    person = UserFactory(registrar=True, email="rosa@lincoln.example")
    invited = people.invite(email="nora@lincoln.example", roles=["registrar"], schools=[], all_schools=True, giver=None)

    mail = invitation_mail(invited, "https://sis.example.org/people/join/").body
    assert "Sign in through your district with nora@lincoln.example" in mail
    assert invited.code not in mail
    assert client.get(reverse("staff_join")).status_code == 302
    client.post(reverse("account_reset_password"), {"email": person.email})
    wait_for_outbox()
    assert mailoutbox == []
    client.force_login(person)
    for name in ("account_change_password", "account_set_password"):
        assert client.get(reverse(name)).status_code == 403
    assert reverse("account_change_password") not in client.get(reverse("account")).content.decode()


# ---- emergencies ----


@pytest.mark.django_db
def test_a_superuser_gets_in_by_a_link_of_the_server_once(client: Client, settings: Any, capsys: Any) -> None:
    settings.SSO_PROVIDERS, settings.STAFF_PASSWORDS = read(OIDC), False
    owner = UserFactory(username="owner", is_superuser=True, is_staff=True)
    assert client.post(reverse("account_login"), {"login": "owner", "password": PASSWORD}).status_code == 200

    call_command("emergency_sign_in", "owner", "--site", "https://sis.example.org", "--json")
    told = json.loads(capsys.readouterr().out)
    address, _hash, code = told["link"].partition("#")
    assert address == f"https://sis.example.org{reverse('emergency_sign_in')}"

    assert client.get(reverse("emergency_sign_in")).status_code == 200
    assert client.post(reverse("emergency_sign_in"), {"code": code}).url == reverse("home")
    assert client.session["_auth_user_id"] == str(owner.pk)
    other = Client()
    assert other.post(reverse("emergency_sign_in"), {"code": code}).status_code == 422  # valid once
    assert other.post(reverse("emergency_sign_in"), {"code": "guessed"}).status_code == 422


@pytest.mark.django_db
def test_the_link_of_an_emergency_is_for_superusers_and_minutes(monkeypatch: Any, capsys: Any) -> None:
    UserFactory(username="rosa", registrar=True)
    with pytest.raises(SystemExit) as ended:
        call_command("emergency_sign_in", "rosa", "--json")
    assert ended.value.code == 2
    assert "createsuperuser" in json.loads(capsys.readouterr().out)["message"]

    owner = UserFactory(username="owner", is_superuser=True)
    code = emergency.make_code("owner")
    assert emergency.person_of(code) == owner
    monkeypatch.setattr(emergency, "MINUTES", -1)
    assert emergency.person_of(code) is None
    monkeypatch.undo()
    get_user_model().objects.update(is_active=False)
    assert emergency.person_of(code) is None
