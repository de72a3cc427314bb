"""What django-allauth promises of one-time codes, and what else ASVS asks of accounts, as this installation has them."""

import math
from types import SimpleNamespace
from typing import Any

import pytest
from allauth.mfa import app_settings
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from django.contrib.auth import get_user_model
from django.core.mail import BadHeaderError, EmailMessage
from django.test import Client
from django.urls import reverse

import sisimport.settings as product
from tests.factories import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db
NOW = 1_795_917_610.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The clock of codes: stands still, and is set by a test."""
    made = SimpleNamespace(now=NOW)
    monkeypatch.setattr(totp, "time", SimpleNamespace(time=lambda: made.now))
    return made


@pytest.fixture
def secret() -> str:
    return str(totp.generate_totp_secret())


def code_now(secret: str) -> str:
    (counter,) = totp.yield_hotp_counters_from_time()
    return str(totp.format_hotp_value(totp.hotp_value(secret, counter)))


def test_a_code_of_an_app_is_good_once(secret: str, clock: SimpleNamespace, settings: Any) -> None:
    settings.CACHES = product.CACHES  # where used codes are kept, for all processes
    factor = totp.TOTP.activate(UserFactory(), secret)
    code = code_now(secret)

    assert factor.validate_code(code)
    assert not factor.validate_code(code)


def test_a_recovery_code_is_good_once() -> None:
    codes = RecoveryCodes.activate(UserFactory())
    first, second = codes.get_unused_codes()[:2]

    assert codes.validate_code(first)
    assert not codes.validate_code(first)
    assert codes.validate_code(second)


def test_a_code_of_an_app_lives_thirty_seconds(secret: str, clock: SimpleNamespace) -> None:
    factor = totp.TOTP.activate(UserFactory(), secret)
    earlier = code_now(secret)
    clock.now += 30

    assert not factor.validate_code(earlier)
    assert factor.validate_code(code_now(secret))


def test_seeds_and_recovery_codes_are_made_by_chance_and_long_enough() -> None:
    seeds = {totp.generate_totp_secret() for _ in range(50)}
    assert len(seeds) == 50
    assert min(map(len, seeds)) >= 32  # base 32: 160 bits
    lists = [RecoveryCodes.activate(UserFactory()).get_unused_codes() for _ in range(5)]
    codes = [code for one in lists for code in one]
    assert len(set(codes)) == len(codes)
    assert app_settings.RECOVERY_CODE_DIGITS * math.log2(10) >= 20
    assert {len(code) for code in codes} == {app_settings.RECOVERY_CODE_DIGITS}


def test_another_password_is_taken_only_with_the_present_one(client: Client) -> None:
    user = UserFactory(username="rosa")
    client.post(reverse("account_login"), {"login": "rosa", "password": PASSWORD})
    new = {"password1": "cedar-lake-horse-9", "password2": "cedar-lake-horse-9"}

    for old in ({}, {"oldpassword": ""}, {"oldpassword": "cedar-lake-horse-9"}):
        assert client.post(reverse("account_change_password"), new | old).status_code == 200
        user.refresh_from_db()
        assert user.check_password(PASSWORD)

    assert client.post(reverse("account_change_password"), new | {"oldpassword": PASSWORD}).status_code == 302
    user.refresh_from_db()
    assert user.check_password("cedar-lake-horse-9")


def test_a_new_installation_has_no_account() -> None:
    assert not get_user_model().objects.exists()


@pytest.mark.parametrize("field", ["subject", "from_email", "to", "reply_to"])
def test_a_line_end_in_a_header_of_a_mail_is_refused(field: str) -> None:
    hostile = "Rosa\r\nBcc: everybody@example.org"
    given: dict[str, Any] = {"subject": "Hello", "from_email": "a@example.org", "to": ["b@example.org"]}
    given[field] = [hostile] if field in ("to", "reply_to") else hostile

    with pytest.raises(BadHeaderError):
        EmailMessage(body="text", **given).message()


def test_password_fields_name_what_managers_fill_in(client: Client) -> None:
    page = client.get(reverse("account_login")).content.decode()
    assert 'autocomplete="current-password"' in page
    client.force_login(UserFactory(), backend="django.contrib.auth.backends.ModelBackend")
    page = client.get(reverse("account_change_password")).content.decode()
    assert page.count('autocomplete="new-password"') == 2
    assert "onpaste" not in page
