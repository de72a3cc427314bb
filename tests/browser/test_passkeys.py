"""Passkeys as second factor, with the browser's own (virtual) authenticator: set up, sign in, prove once more, take away."""

from collections.abc import Callable
from typing import Any

import pytest
from django.urls import reverse

from tests.browser.look import Look, one_sight_or_every
from tests.factories import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)
SIGN_IN, ADD, AGAIN = "[name=password]", "#mfa_webauthn_add", "#mfa_webauthn_reauthenticate"


def with_authenticator(page: Any) -> None:
    """As if a fingerprint reader were built in, and always touched."""
    browser = page.context.new_cdp_session(page)
    browser.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
    options |= {"isUserVerified": True, "automaticPresenceSimulation": True}
    browser.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def sign_in(page: Any) -> None:
    page.goto(reverse("account_login"))
    page.fill("[name=login]", "rosa")
    page.fill("[name=password]", PASSWORD)
    with page.expect_navigation():
        page.click("main form button[type=submit]")


@one_sight_or_every
def test_a_passkey_is_set_up_asked_for_and_taken_away(
    visit: Callable[..., Any], axe: str, settings: Any, every_sight: bool
) -> None:
    settings.SECOND_FACTOR_REQUIRED = True
    rosa = UserFactory(registrar=True, all_schools=True, username="rosa")
    look = Look(visit(), axe, every_sight=every_sight)
    page = look.page
    with_authenticator(page)
    sign_in(page)
    assert page.url.endswith(reverse("mfa_index"))  # nothing else opens before
    look.here("mfa_index, a second factor is demanded")

    page.goto(reverse("mfa_add_webauthn"))
    page.fill("[name=password]", PASSWORD)
    with page.expect_navigation():
        page.click("main form button[type=submit]")
    look.here("mfa_add_webauthn")
    with page.expect_navigation(url=lambda url: reverse("mfa_add_webauthn") not in url):
        page.click(ADD)
    (key,) = rosa.authenticator_set.filter(type="webauthn")
    look.at("mfa_list_webauthn", reverse("mfa_list_webauthn"))
    look.at("mfa_edit_webauthn", reverse("mfa_edit_webauthn", args=[key.pk]))
    look.at("mfa_remove_webauthn", reverse("mfa_remove_webauthn", args=[key.pk]))
    assert page.goto(reverse("home")).status == 200

    page.context.clear_cookies()
    sign_in(page)
    assert page.url.endswith(reverse("mfa_authenticate"))
    look.here("mfa_authenticate, with a passkey")
    with page.expect_navigation(url=f"**{reverse('home')}"):
        page.click("#mfa_webauthn_authenticate")

    look.at("mfa_reauthenticate_webauthn", reverse("mfa_reauthenticate_webauthn") + f"?next={reverse('runs')}")
    with page.expect_navigation(url=f"**{reverse('runs')}"):
        page.click(AGAIN)
    page.goto(reverse("mfa_remove_webauthn", args=[key.pk]))
    with page.expect_navigation():
        page.click("main form button[type=submit]")
    assert not rosa.authenticator_set.filter(type="webauthn").exists()
    page.goto(reverse("home"))
    assert page.url.endswith(reverse("mfa_index"))

    assert look.wrong == [], "\n".join(look.wrong)
