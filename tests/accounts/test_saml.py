"""Single sign-on over SAML: answers of a test provider, signed as real ones are, and what attackers make of them."""

from pathlib import Path
from typing import Any

import pytest
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

from sisimport.accounts.access import REGISTRAR
from sisimport.accounts.sso.configuration import read_groups
from tests.accounts.saml_idp import ENTITY, Answer, TestIdP
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
User = get_user_model()
ROSA = "rosa@lincoln.example"
MAIL = {"mail": [ROSA]}


@pytest.fixture(scope="module")
def idp() -> TestIdP:
    return TestIdP()


@pytest.fixture(autouse=True)
def _set_up(idp: TestIdP, tmp_path: Path, settings: Any) -> None:
    settings.SSO_PROVIDERS = (idp.setup(idp.write_metadata(tmp_path / "idp.xml")),)


@pytest.fixture
def rosa() -> Any:
    return UserFactory(registrar=True, all_schools=True, username="rosa", email=ROSA)


def go(client: Client) -> str:
    page = client.post(reverse("sso_start", args=["saml"]), {"next": reverse("runs")})
    assert page.status_code == 200, page.content.decode()
    return str(page.context["address"])


def post(client: Client, form: dict[str, str]) -> Any:
    """The provider's page posts across sites: without our session cookie, as browsers do it (SameSite=Lax)."""
    across = Client(enforce_csrf_checks=True)
    answer = across.post(reverse("saml_acs", args=["saml"]), form)
    if answer.status_code != 302:
        return answer
    client.cookies["saml-acs-session"] = across.cookies["saml-acs-session"].value
    return client.get(answer.url)


def sign_in(client: Client, idp: TestIdP, answer: Answer) -> Any:
    return post(client, idp.answer(go(client), answer))


def signed_in(client: Client) -> Any | None:
    pk = client.session.get("_auth_user_id")
    return User.objects.get(pk=pk) if pk else None


def test_a_signed_answer_to_our_question_lets_the_invited_in(idp: TestIdP, rosa: Any, client: Client) -> None:
    assert "Sign in with Lincoln SAML" in client.get(reverse("account_login")).content.decode()

    answer = sign_in(client, idp, Answer(attributes=MAIL))

    assert answer.status_code == 302
    assert answer.url == reverse("runs")
    assert signed_in(client) == rosa
    assert SocialAccount.objects.get().extra_data == {"issuer": ENTITY}
    client.post(reverse("account_logout"))
    assert signed_in(client) is None
    sign_in(client, idp, Answer(attributes={"mail": ["rosa.vega@lincoln.example"]}))  # known by the lasting name
    assert signed_in(client) == rosa


def test_groups_give_roles(idp: TestIdP, client: Client, settings: Any) -> None:
    settings.SSO_GROUPS = read_groups({"SIS": {"roles": [REGISTRAR], "schools": "all"}})

    sign_in(client, idp, Answer(attributes=MAIL | {"groups": ["SIS", "Chess"], "givenName": ["Rosa"], "sn": ["Vega"]}))

    person = signed_in(client)
    assert person is not None
    assert person.get_full_name() == "Rosa Vega"
    assert [group.name for group in person.groups.all()] == [REGISTRAR]


@pytest.mark.parametrize("domain", ["elsewhere.example", "lincoln.example.elsewhere.example", "xlincoln.example"])
def test_an_address_of_another_domain_is_not_believed(domain: str, idp: TestIdP, client: Client) -> None:
    UserFactory(registrar=True, all_schools=True, email=f"rosa@{domain}")

    assert sign_in(client, idp, Answer(attributes={"mail": [f"rosa@{domain}"]})).status_code == 403


@pytest.mark.parametrize(
    "attack",
    [
        "not signed",
        "another key",
        "changed",
        "audience",
        "too late",
        "not asked",
        "of another question",
        "transient",
        "destination",
    ],
)
def test_an_answer_that_proves_nothing_is_refused(attack: str, idp: TestIdP, rosa: Any, client: Client) -> None:
    wrong: dict[str, dict[str, Any]] = {
        "not signed": {"signed": False},
        "another key": {"signed_by": TestIdP() if attack == "another key" else None},
        "changed": {"attributes": {"mail": ["nobody@lincoln.example"]}, "changed_after": ("nobody@", "rosa@")},
        "audience": {"audience": "https://another.example"},
        "too late": {"minutes": -9},
        "not asked": {"in_response_to": ""},  # a sign-in that the provider began
        "of another question": {"in_response_to": "ONELOGIN_of_somebody_else"},
        "transient": {"form": "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"},
        "destination": {"destination": "https://another.example/acs/"},
    }

    answer = sign_in(client, idp, Answer(**({"attributes": MAIL} | wrong[attack])))

    assert answer.status_code == 400
    assert "did not finish" in answer.content.decode()
    assert signed_in(client) is None


def test_an_answer_is_valid_once_and_in_the_browser_that_asked(idp: TestIdP, rosa: Any, client: Client) -> None:
    form = idp.answer(go(client), Answer(attributes=MAIL))

    assert post(Client(), form).status_code == 400  # another browser: sign-in as somebody else's victim
    assert post(client, form).status_code == 302
    assert signed_in(client) == rosa
    client.logout()
    assert post(client, form).status_code == 400


@pytest.mark.parametrize("told", ["context", "attribute", "neither"])
def test_the_second_factor_is_not_asked_for_twice(told: str, idp: TestIdP, rosa: Any, client: Client) -> None:
    from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

    TOTP.activate(rosa, generate_totp_secret())
    methods = {
        "http://schemas.microsoft.com/claims/authnmethodsreferences": [
            "http://schemas.microsoft.com/claims/multipleauthn"
        ]
    }
    answer = Answer(attributes=MAIL | (methods if told == "attribute" else {}))
    if told == "context":
        answer.context = "https://refeds.org/profile/mfa"

    sign_in(client, idp, answer)

    assert (signed_in(client) == rosa) is (told != "neither")


def test_our_metadata_says_where_answers_go_and_offers_no_single_logout(client: Client) -> None:
    answer = client.get(reverse("saml_metadata", args=["saml"]))

    assert answer.status_code == 200
    text = answer.content.decode()
    assert f"http://testserver{reverse('saml_acs', args=['saml'])}" in text
    assert 'WantAssertionsSigned="true"' in text
    assert "SingleLogoutService" not in text
    assert client.get(reverse("saml_sls", args=["saml"])).status_code == 302
    assert client.get(reverse("saml_metadata", args=["oidc"])).status_code == 404


def test_metadata_that_are_gone_are_the_page_too(client: Client, idp: TestIdP, settings: Any, tmp_path: Path) -> None:
    settings.SSO_PROVIDERS = (idp.setup(tmp_path / "gone.xml"),)

    assert client.post(reverse("sso_start", args=["saml"])).status_code == 503


def test_what_is_not_an_answer_is_refused(client: Client, idp: TestIdP) -> None:
    for text in ("", "not base64", "PHg+", "PCFET0NUWVBFIHggWzwhRU5USVRZIGEgImIiPl0+PHg+JmE7PC94Pg=="):
        assert post(client, {"SAMLResponse": text}).status_code == 400
    assert client.get(reverse("saml_finish_acs", args=["saml"])).status_code == 400
