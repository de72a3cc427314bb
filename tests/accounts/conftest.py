"""A district's directory over OpenID Connect, and a registrar whom it knows."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.accounts.oidc import ROSA, DistrictProvider, district_provider
from tests.factories import UserFactory


@pytest.fixture(scope="module")
def running() -> Iterator[DistrictProvider]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
        with district_provider() as provider:
            yield provider


@pytest.fixture
def provider(running: DistrictProvider, settings: Any) -> DistrictProvider:
    """The provider, honest again, and the button of it."""
    running.damage, running.foreign_key, running.algorithm = None, False, "RS256"
    running.publishes, running.userinfo = {}, {}
    running.knows("u-rosa", email=ROSA, email_verified=True, given_name="Rosa", family_name="Vega")
    settings.SSO_PROVIDERS = (running.setup(),)
    return running


@pytest.fixture
def rosa() -> Any:
    return UserFactory(registrar=True, all_schools=True, username="rosa", email=ROSA)
