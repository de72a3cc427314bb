"""Single sign-on over OpenID Connect, with a real provider over HTTP: who gets in, with what, and what is refused."""

import logging
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

from sisimport.accounts import people
from sisimport.accounts.access import REGISTRAR
from tests.accounts.oidc import ROSA, come_back, go, say_yes, sign_in, signed_in
from tests.factories import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db
User = get_user_model()


# ---- who gets in ----


def test_an_account_with_the_proven_address_gets_in_and_is_tied(provider: Any, rosa: Any, client: Client) -> None:
    page = client.get(reverse("account_login")).content.decode()
    assert "Sign in with Lincoln ID" in page
    spanish = client.get(reverse("account_login"), headers={"Accept-Language": "es"}).content.decode()
    assert "Iniciar sesión con Lincoln ID" in spanish

    answer = sign_in(client, "u-rosa", next=reverse("runs"))

    assert answer.status_code == 302
    assert answer.url == reverse("runs")
    assert signed_in(client) == rosa
    assert SocialAccount.objects.get().user == rosa
    assert provider.verified  # PKCE: the provider compared the verifier
    # From here on the person is known by the provider's own name, whatever the address.
    provider.knows("u-rosa", email="rosa.vega@lincoln.example", email_verified=True)
    again = Client()
    sign_in(again, "u-rosa")
    assert signed_in(again) == rosa


def test_somebody_who_was_invited_comes_without_a_password(provider: Any, client: Client) -> None:
    invited = people.invite(email=ROSA, roles=[REGISTRAR], schools=[], all_schools=True, giver=None).invitation.user

    sign_in(client, "u-rosa")

    invited.refresh_from_db()
    assert signed_in(client) == invited
    assert invited.is_active
    assert not people.waits_for_invitation(invited)


@pytest.mark.parametrize("why", ["unknown", "deactivated", "no role", "two accounts", "not verified"])
def test_everybody_else_gets_one_page(why: str, provider: Any, client: Client, caplog: Any) -> None:
    if why != "unknown":
        UserFactory(
            registrar=why != "no role", all_schools=True, username="rosa", email=ROSA, is_active=why != "deactivated"
        )
    if why == "two accounts":
        UserFactory(registrar=True, all_schools=True, username=ROSA.upper())
    if why == "not verified":
        provider.knows("u-rosa", email=ROSA, email_verified=False)

    answer = sign_in(client, "u-rosa")

    assert answer.status_code == 403
    page = answer.content.decode()
    assert "Lincoln ID recognized you, but your account has no access to this site." in page
    assert signed_in(client) is None
    assert not SocialAccount.objects.exists()
    assert ROSA not in page + caplog.text


def test_an_address_that_says_nothing_of_being_verified_is_not_believed(
    provider: Any, rosa: Any, client: Client
) -> None:
    provider.knows("u-rosa", email=ROSA)

    assert sign_in(client, "u-rosa").status_code == 403


def test_the_next_employee_with_the_same_address_does_not_get_the_account(
    provider: Any, rosa: Any, client: Client
) -> None:
    sign_in(client, "u-rosa")
    provider.knows("u-other", email=ROSA, email_verified=True)

    assert sign_in(Client(), "u-other").status_code == 403

    people.untie(person=rosa, giver=None)
    someone = Client()
    sign_in(someone, "u-other")
    assert signed_in(someone) == rosa


def test_google_lets_in_the_hosted_domain_only(provider: Any, rosa: Any, client: Client, settings: Any) -> None:
    ours = provider.setup(hosted_domain=True, domains=frozenset({"lincoln.example"}))
    settings.SSO_PROVIDERS = (ours,)

    assert sign_in(client, "u-rosa").status_code == 400  # a private account with that address
    provider.knows("u-rosa", email=ROSA, email_verified=True, hd="other.example")
    assert sign_in(client, "u-rosa").status_code == 400
    provider.knows("u-rosa", email=ROSA, email_verified=True, hd="lincoln.example")
    assert sign_in(client, "u-rosa").status_code == 302
    assert signed_in(client) == rosa


def test_microsoft_is_known_by_the_sign_in_name_not_by_the_mail_that_anybodys_directory_may_write(
    provider: Any, rosa: Any, client: Client, settings: Any
) -> None:
    settings.SSO_PROVIDERS = (
        provider.setup(
            email_claims=("preferred_username",), domains=frozenset({"lincoln.example"}), reads_userinfo=False
        ),
    )
    provider.knows("u-guest", email=ROSA, preferred_username="rosa_lincoln.example#EXT#@tenant.example")
    provider.knows("u-staff", preferred_username="Rosa@Lincoln.example")

    assert sign_in(client, "u-guest").status_code == 403
    sign_in(client, "u-staff")
    assert signed_in(client) == rosa


# ---- what attackers try ----


ATTACKS: dict[str, tuple[dict[str, Any], str]] = {  # what is changed in the claims, and what the log says of it
    "nonce": ({"nonce": "of another browser"}, "made for another sign-in"),
    "no nonce": ({"nonce": None}, "made for another sign-in"),
    "issuer": ({"iss": "https://elsewhere.example"}, "from another issuer"),
    "audience": ({"aud": "another-client"}, "InvalidAudienceError"),
    "party": ({"aud": ["sis-import", "another-client"], "azp": "another-client"}, "made for another party"),
    "no party": ({"aud": ["sis-import", "another-client"], "azp": None}, "made for another party"),
    "expired": ({"exp": 1}, "ExpiredSignatureError"),
    "no subject": ({"sub": None}, "MissingRequiredClaimError"),
    "foreign key": ({}, "InvalidSignatureError"),
    "no signature": ({}, "InvalidAlgorithmError"),
    "the client's secret": ({}, "InvalidAlgorithmError"),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_id_token_that_was_not_made_for_this_sign_in_is_refused(
    attack: str, provider: Any, rosa: Any, client: Client, caplog: Any
) -> None:
    changes, said = ATTACKS[attack]

    def damage(claims: dict[str, Any]) -> None:
        claims.update(changes)
        for name in [name for name, value in claims.items() if value is None]:
            del claims[name]

    provider.damage, provider.foreign_key = damage, attack == "foreign key"
    provider.algorithm = {"no signature": "none", "the client's secret": "HS256"}.get(attack, "RS256")

    answer = sign_in(client, "u-rosa")

    assert answer.status_code == 400
    assert "did not finish" in answer.content.decode()
    assert signed_in(client) is None
    assert said in caplog.text


def test_a_code_of_another_browser_is_refused(provider: Any, rosa: Any, client: Client) -> None:
    """Somebody sends a victim the way back of their own sign-in: it has no state there."""
    back = say_yes(go(Client()), "u-rosa")

    assert come_back(client, back).status_code == 400
    assert signed_in(client) is None
    # and a state is valid once, for the provider that it was made for
    mine = say_yes(go(client), "u-rosa")
    assert come_back(client, mine, state="x" * 16).status_code == 400
    assert come_back(client, mine).status_code == 302
    assert come_back(Client(), mine).status_code == 400


def test_an_answer_from_another_issuer_is_refused(provider: Any, rosa: Any, client: Client) -> None:
    """Mix-up: the way back names the issuer (RFC 9207), and discovery and userinfo must be of the same."""
    assert come_back(client, say_yes(go(client), "u-rosa"), iss="https://elsewhere.example").status_code == 400
    provider.publishes = {"authorization_response_iss_parameter_supported": True}
    assert come_back(client, say_yes(go(client), "u-rosa")).status_code == 400
    assert come_back(client, say_yes(go(client), "u-rosa"), iss=provider.issuer).status_code == 302
    client.logout()
    provider.publishes = {"issuer": "https://elsewhere.example"}
    assert client.post(reverse("sso_start", args=["oidc"])).status_code == 503
    provider.publishes, provider.userinfo = {}, {"sub": "somebody else"}
    assert sign_in(client, "u-rosa").status_code == 400
    assert signed_in(client) is None


@pytest.mark.parametrize(
    "published",
    [
        {"issuer": "https://elsewhere.example"},
        {"issuer": "{issuer}.elsewhere.example"},
        {"issuer": "{issuer}/tenant"},
        {"issuer": None},
        {"token_endpoint": "http://elsewhere.example/token"},
        {"jwks_uri": "http://elsewhere.example/keys"},
        {"authorization_endpoint": "javascript:alert(1)"},
    ],
    ids=str,
)
def test_metadata_that_lie_are_refused_and_not_kept(
    published: dict[str, Any], provider: Any, rosa: Any, client: Client, settings: Any, caplog: Any
) -> None:
    """Nobody is sent away with them, and the next sign-in asks the provider again."""
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": str(published)}
    }
    provider.publishes = {name: value and value.format(issuer=provider.issuer) for name, value in published.items()}
    answer = client.post(reverse("sso_start", args=["oidc"]))
    assert answer.status_code == 503
    assert "discovery" in caplog.text
    provider.publishes = {}
    assert sign_in(client, "u-rosa").status_code == 302
    assert signed_in(client) == rosa


def test_what_the_browser_asks_for_besides_is_not_passed_on(provider: Any, client: Client) -> None:
    """allauth takes scopes, parameters and the purpose (tie an account) from the address of the button."""
    page = client.post(
        reverse("sso_start", args=["oidc"]) + "?process=connect&scope=admin&auth_params=prompt%3Dnone",
        {"next": "https://elsewhere.example/"},
    )
    asked = parse_qs(urlsplit(page.context["address"]).query)
    assert set(asked["scope"][0].split()) == {"openid", "profile", "email"}
    assert "prompt" not in asked
    assert asked["code_challenge_method"] == ["S256"]
    (state,) = client.session["socialaccount_states"].values()
    assert state[0]["process"] == "login"
    assert "next" not in state[0]


def test_somebody_who_says_no_and_a_provider_that_is_down_get_the_same_page(
    provider: Any, client: Client, settings: Any
) -> None:
    address = go(client)
    state = parse_qs(urlsplit(address).query)["state"][0]
    answer = client.get(reverse("sso_callback", args=["oidc"]), {"state": state, "error": "access_denied"})
    assert answer.status_code == 400
    settings.SSO_PROVIDERS = (provider.setup(issuer="http://localhost:9"),)
    away = client.post(reverse("sso_start", args=["oidc"]))
    assert away.status_code == 503
    assert "did not respond correctly" in away.content.decode()


def test_the_button_needs_a_form_of_ours_and_a_provider_that_there_is(provider: Any) -> None:
    browser = Client(enforce_csrf_checks=True)
    assert browser.post(reverse("sso_start", args=["oidc"])).status_code == 403
    assert browser.get(reverse("sso_start", args=["oidc"])).status_code == 405
    assert Client().post(reverse("sso_start", args=["google"])).status_code == 404
    assert Client().get(reverse("sso_callback", args=["google"])).status_code == 404


def test_no_personal_data_is_logged_or_kept(provider: Any, rosa: Any, client: Client, caplog: Any) -> None:
    caplog.set_level(logging.DEBUG, logger="sisimport")
    provider.damage = lambda claims: claims.update(nonce="other")
    sign_in(client, "u-rosa")
    provider.damage = None
    sign_in(client, "u-rosa")

    ours = " ".join(record.getMessage() for record in caplog.records if record.name.startswith("sisimport"))
    assert "another sign-in" in ours
    for personal in (ROSA, "Rosa", "Vega", "u-rosa"):
        assert personal not in ours
    assert SocialAccount.objects.get().extra_data == {"issuer": provider.issuer}


# ---- the second factor, passwords, signing out ----


@pytest.fixture
def phone(rosa: Any) -> None:
    from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

    TOTP.activate(rosa, generate_totp_secret())


@pytest.mark.parametrize("told", [["pwd"], ["pwd", "mfa"]])
def test_the_second_factor_is_not_asked_for_twice(
    told: list[str], provider: Any, rosa: Any, phone: None, client: Client
) -> None:
    provider.knows("u-rosa", email=ROSA, email_verified=True, amr=told)

    answer = sign_in(client, "u-rosa")

    assert (signed_in(client) == rosa) is ("mfa" in told)
    assert answer.url == (reverse("home") if "mfa" in told else reverse("mfa_authenticate"))


def test_a_provider_that_always_asks_for_a_second_factor_can_be_named(
    provider: Any, rosa: Any, phone: None, client: Client, settings: Any
) -> None:
    settings.SSO_PROVIDERS = (provider.setup(trusted_second_factor=True),)
    sign_in(client, "u-rosa")
    assert signed_in(client) == rosa


def test_passwords_of_staff_can_be_switched_off_and_families_keep_theirs(
    provider: Any, rosa: Any, client: Client, settings: Any
) -> None:
    from students.models import FamilyMember
    from tests.factories import StudentFactory

    parent = UserFactory(username="parent")
    FamilyMember.objects.create(user=parent, student=StudentFactory())
    settings.STAFF_PASSWORDS = False

    page = client.post(reverse("account_login"), {"login": "rosa", "password": PASSWORD})
    wrong = client.post(reverse("account_login"), {"login": "rosa", "password": "not-it"})
    assert page.status_code == wrong.status_code == 200
    assert page.context["form"].errors == wrong.context["form"].errors
    assert signed_in(client) is None
    assert "Students and parents" in page.content.decode()
    client.post(reverse("account_login"), {"login": "parent", "password": PASSWORD})
    assert signed_in(client) == parent


def test_signing_out_continues_to_the_provider_and_comes_back(provider: Any, rosa: Any, client: Client) -> None:
    sign_in(client, "u-rosa")
    token = client.session["sso"]["id_token"]

    page = client.post(reverse("account_logout"))

    assert page.status_code == 200
    assert signed_in(client) is None
    asked = parse_qs(urlsplit(page.context["address"]).query)
    assert page.context["address"].startswith(f"{provider.issuer}/oauth2/end_session?")
    assert asked["id_token_hint"] == [token]
    assert asked["post_logout_redirect_uri"] == [f"http://testserver{reverse('account_login')}"]
    # Without such an address at the provider, or without single sign-on, it ends here.
    sign_in(client, "u-rosa")
    provider.publishes = {"end_session_endpoint": None}
    assert client.post(reverse("account_logout")).status_code == 302
    client.force_login(rosa)
    assert client.post(reverse("account_logout")).status_code == 302
    assert signed_in(client) is None
