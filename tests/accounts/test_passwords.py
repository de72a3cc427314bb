"""Which passwords are taken, how they are kept, and that a wrong one, an unknown name and a disabled account answer alike."""

from typing import Any

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher, check_password, make_password
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

import sisimport.settings as product
from students.models import LEA, School
from tests.factories import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db  # names of districts and schools are not passwords


@pytest.mark.parametrize(
    "password",
    [
        "short-one-7",  # 11 characters
        "x" * 64 + "yz" * 33,  # 130
        "password2024!!",
        "P@ssw0rd!!!2026",
        "!!!123Sunshine123",
        "tigertigertiger",
        "123456789012345",
        "qwertyuiopasdf",
        "zyxwvutsrqponm",
        "aaaaaaaaaaaaaaaa",
        "Letmein!Letmein!",
    ],
)
def test_an_easy_password_is_refused(password: str) -> None:
    with pytest.raises(ValidationError):
        validate_password(password)


@pytest.mark.parametrize(
    "password", [PASSWORD, "an-invented-passphrase", "cedar tiger sunshine 4", "k9#Qv!t2Lw@z", "x" + "yz" * 63 + "w"]
)
def test_several_words_or_signs_without_a_word_are_accepted(password: str) -> None:
    validate_password(password)


def test_their_own_name_is_refused_as_a_password() -> None:
    with pytest.raises(ValidationError):
        validate_password("rosa.villanueva", UserFactory(username="rosa.villanueva"))


def test_passwords_are_kept_with_argon2_and_those_of_before_still_open(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PASSWORD_HASHERS = product.PASSWORD_HASHERS
    monkeypatch.setattr(PBKDF2PasswordHasher, "iterations", 1_000)  # a thousandth of the work
    before = make_password(PASSWORD, hasher="pbkdf2_sha256")
    assert check_password(PASSWORD, before)
    assert product.PASSWORD_HASHERS[0].endswith("Argon2PasswordHasher")
    assert make_password(PASSWORD, hasher="argon2").startswith("argon2$argon2id$")
    assert any(name.endswith("PBKDF2PasswordHasher") for name in product.PASSWORD_HASHERS)


def test_wrong_unknown_and_disabled_get_one_answer(client: Client) -> None:
    UserFactory(username="rosa")
    UserFactory(username="gone", is_active=False)

    def answer(name: str, password: str) -> tuple[int, Any]:
        page = Client().post(reverse("account_login"), {"login": name, "password": password})
        return page.status_code, page.context["form"].errors.get_json_data()

    wrong = answer("rosa", "not-it")
    assert wrong == answer("nobody", PASSWORD) == answer("gone", PASSWORD) == answer("gone", "not-it")
    assert wrong[0] == 200


def test_signing_out_clears_what_the_browser_kept(client: Client) -> None:
    client.force_login(UserFactory(registrar=True))

    answer = client.post(reverse("account_logout"))

    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert client.cookies["sessionid"].value == ""


@pytest.mark.parametrize(
    "password", ["Lincoln Unified", "lincolnunified2026", "Cedar Elementary!!", "77oldmillrunners77", "SIS Import 2026"]
)
def test_no_name_of_this_place_is_a_password(settings: Any, password: str) -> None:
    settings.SITE_NAME, settings.PASSWORD_WORDS = "SIS Import", ["Old Mill Runners"]
    lea = LEA.objects.create(code="1234567", name="Lincoln Unified")
    School.objects.create(lea=lea, code="1234568", name="Cedar Elementary")

    with pytest.raises(ValidationError) as refused:
        validate_password(password)

    assert "password_of_this_place" in {error.code for error in refused.value.error_list}
    validate_password("cedar-lake-horse-lincoln")
