"""Pages of the way in."""

from pathlib import Path
from typing import Any

import allauth
import pytest
from django.test import Client
from django.urls import reverse

from sisimport.families.catalog import all_catalogs, read_catalog
from tests.factories import UserFactory


@pytest.mark.django_db
def test_someone_who_asks_too_often_for_a_new_password_is_told_on_a_page(client: Client, settings: Any) -> None:
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "shared_cache"}
    }
    answers = [client.post(reverse("account_reset_password"), {"email": "rosa@example.org"}) for _time in range(6)]

    assert [answer.status_code for answer in answers] == [302] * 5 + [429]
    assert "Wait a few minutes" in answers[-1].content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "ours", "theirs"),
    [
        ("mfa_index", "Second factor", "Two-Factor"),
        ("account_reauthenticate", "Confirm that it is you", "reauthenticate to safeguard"),
        ("account_email", "E-mail addresses", "Email Addresses"),
    ],
)
def test_pages_of_the_sign_in_library_use_our_words(client: Client, name: str, ours: str, theirs: str) -> None:
    client.force_login(UserFactory(viewer=True))

    shown = client.get(reverse(name)).content.decode()

    assert ours in shown
    assert theirs not in shown


def test_each_of_our_words_takes_the_place_of_one_of_the_sign_in_library() -> None:
    (path,) = (path for path in all_catalogs() if path.parent.parent.name == "en")
    files = [file for ending in ("html", "py") for file in Path(allauth.__path__[0]).rglob(f"*.{ending}")]
    library = "\n".join(file.read_text(encoding="utf-8") for file in files)

    assert [text for text in read_catalog(path) if text and text not in library] == []
