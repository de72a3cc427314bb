"""What django-allauth promises of one-time codes, and what else ASVS asks of accounts, as this installation has them."""

import math
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest
from allauth.mfa import app_settings
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.apps import apps
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.core.mail import BadHeaderError, EmailMessage
from django.test import Client
from django.urls import reverse

import sisimport.settings as product
from sisimport.accounts.recovery_codes import HIDDEN, HashedRecoveryCodes
from tests.factories import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db
NOW = 1_795_917_610.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The clock of codes: stopped, and set by a test."""
    made = SimpleNamespace(now=NOW)
    monkeypatch.setattr(totp, "time", SimpleNamespace(time=lambda: made.now))
    return made


@pytest.fixture
def secret() -> str:
    return str(totp.generate_totp_secret())


def code_now(secret: str) -> str:
    (counter,) = totp.yield_hotp_counters_from_time()
    return str(totp.format_hotp_value(totp.hotp_value(secret, counter)))


def test_a_code_of_an_app_is_valid_once(secret: str, clock: SimpleNamespace, settings: Any) -> None:
    settings.CACHES = product.CACHES  # where used codes are kept, for all processes
    factor = totp.TOTP.activate(UserFactory(), secret)
    code = code_now(secret)

    assert factor.validate_code(code)
    assert not factor.validate_code(code)


def shown(user: Any) -> list[str]:
    """New recovery codes of somebody, as their page shows them once."""
    codes = HashedRecoveryCodes.activate(user)
    codes.mark_as_viewed()
    return list(codes.get_unused_codes())


def again(user: Any) -> Any:
    """The same factor, as the next request finds it."""
    return Authenticator.objects.get(user=user, type=Authenticator.Type.RECOVERY_CODES).wrap()


def test_a_recovery_code_is_valid_once() -> None:
    user = UserFactory()
    first, second = shown(user)[:2]
    codes = again(user)

    assert codes.validate_code(first)
    assert not codes.validate_code(first)
    assert codes.validate_code(f" {second} ")
    assert not codes.validate_code(HIDDEN)
    assert len(codes.get_unused_codes()) == 8


@pytest.mark.long
def test_recovery_codes_are_kept_as_slow_hashes_and_shown_once(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.PASSWORD_HASHERS = product.PASSWORD_HASHERS
    monkeypatch.setattr(Argon2PasswordHasher, "memory_cost", 1_024)  # a hundredth of the work, for twenty hashes
    user = UserFactory()
    codes = shown(user)
    kept = again(user)

    assert not any(code in str(kept.instance.data) for code in codes)
    assert {one.split("$")[0] for one in kept.instance.data["hashes"]} == {"argon2"}
    assert set(kept.get_unused_codes()) == {HIDDEN}
    assert kept.validate_code(codes[3])


def test_the_page_shows_recovery_codes_once(client: Client) -> None:
    user = UserFactory()
    client.force_login(user)
    session = client.session  # just said once more who they are
    session["account_authentication_methods"] = [{"method": "password", "at": 9e9, "reauthenticated": True}]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()
    totp.TOTP.activate(user, totp.generate_totp_secret())
    HashedRecoveryCodes.activate(user)
    first = client.get(reverse("mfa_view_recovery_codes"))
    assert first.status_code == 200, first.headers
    codes = first.context["unused_codes"]
    page = first.content.decode()

    assert all(code in page for code in codes)
    assert len(set(codes)) == 10
    again_page = client.get(reverse("mfa_view_recovery_codes")).content.decode()
    assert not any(code in again_page for code in codes)
    assert client.get(reverse("mfa_download_recovery_codes")).status_code == 403
    assert "10 out of 10" in client.get(reverse("mfa_index")).content.decode()
    assert again(user).validate_code(codes[0])


def test_recovery_codes_of_an_earlier_release_stay_valid(settings: Any) -> None:
    """What people wrote down; used ones stay used. Back and forth loses none of them."""
    migration = import_module("sisimport.accounts.migrations.0006_hash_recovery_codes")
    user = UserFactory()
    seed = "ab" * 40
    kept = Authenticator.objects.create(user=user, type="recovery_codes", data={"seed": seed, "used_mask": 0b101})
    allauths = HashedRecoveryCodes.__base__
    codes = allauths(kept).generate_codes()

    migration.hash_them(apps, None)
    assert seed not in str(again(user).instance.data)
    assert [again(user).validate_code(code) for code in codes[:4]] == [False, True, False, True]
    migration.none_left(apps, None)
    kept.refresh_from_db()
    assert allauths(kept).get_unused_codes() == []  # as the earlier release reads it
    migration.hash_them(apps, None)
    assert again(user).validate_code(codes[5])


def test_a_code_of_an_app_lives_thirty_seconds(secret: str, clock: SimpleNamespace) -> None:
    factor = totp.TOTP.activate(UserFactory(), secret)
    earlier = code_now(secret)
    clock.now += 30

    assert not factor.validate_code(earlier)
    assert factor.validate_code(code_now(secret))


def test_seeds_and_recovery_codes_are_made_at_random_and_long_enough() -> None:
    seeds = {totp.generate_totp_secret() for _ in range(50)}
    assert len(seeds) == 50
    assert min(map(len, seeds)) >= 32  # base 32: 160 bits
    lists = [shown(UserFactory()) for _ in range(5)]
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
