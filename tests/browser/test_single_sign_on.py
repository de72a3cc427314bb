"""Single sign-on in a browser, at a provider of another origin, under our content security policy; and its pages."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.urls import reverse

from tests.accounts.oidc import DistrictProvider, district_provider
from tests.browser.look import Look, one_sight_or_every
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def provider(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[DistrictProvider]:
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    with district_provider() as running:
        settings.SSO_PROVIDERS = (running.setup(),)
        yield running


@pytest.mark.parametrize("scripts", [True, False])
def test_the_button_leads_to_the_provider_and_back_and_signing_out_too(
    scripts: bool, provider: DistrictProvider, visit: Callable[..., Any]
) -> None:
    """A redirect from a form to another host would be stopped by `form-action 'self'`: a page continues instead."""
    UserFactory(registrar=True, all_schools=True, email="rosa@lincoln.example")
    provider.knows("rosa", email="rosa@lincoln.example", email_verified=True)
    page = visit(scripts=scripts)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))

    page.goto(f"{reverse('account_login')}?next={reverse('runs')}")
    page.click("text=Sign in with Lincoln ID")
    page.wait_for_url(f"{provider.issuer}/**")
    page.fill("[name=sub]", "rosa")
    page.click("button:has-text('Authorize')")
    page.wait_for_url(f"**{reverse('runs')}")

    page.goto(reverse("account_logout"))
    page.click("main button[type=submit]")
    page.wait_for_url(f"{provider.issuer}/oauth2/end_session**")
    page.click("button:has-text('End session')")
    page.wait_for_url(f"**{reverse('account_login')}**")
    assert not [text for text in said if "Content Security Policy" in text]


@one_sight_or_every
def test_pages_of_single_sign_on_have_no_violation(
    provider: DistrictProvider, visit: Callable[..., Any], axe: str, every_sight: bool
) -> None:
    look = Look(visit(), axe, every_sight=every_sight)
    look.page.set_viewport_size({"width": 320, "height": 900})
    look.at("account_login", reverse("account_login"))
    look.page.click("text=Sign in with Lincoln ID")
    look.page.wait_for_url(f"{provider.issuer}/**")
    look.page.fill("[name=sub]", "nobody@lincoln.example")
    with look.page.expect_navigation(url=f"**{reverse('sso_callback', args=['oidc'])}**"):
        look.page.click("button:has-text('Authorize')")
    look.here("sso_callback, nobody we know")
    look.at("sso_callback, out of the blue", reverse("sso_callback", args=["oidc"]), status=400)

    ours = [wrong for wrong in look.wrong if not wrong.startswith(provider.issuer)]
    assert ours == [], "\n".join(ours)
