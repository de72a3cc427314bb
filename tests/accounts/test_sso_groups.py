"""Roles and schools that groups of the district's directory give over single sign-on."""

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

from sisimport.accounts.access import IMPORT_ADMIN, REGISTRAR, VIEWER
from sisimport.accounts.models import DirectoryAccess
from sisimport.accounts.sso.configuration import read_groups
from students.access import visible_school_ids
from tests.accounts.oidc import ROSA, DistrictProvider, sign_in, signed_in
from tests.factories import SchoolFactory, UserFactory

pytestmark = pytest.mark.django_db
User = get_user_model()


@pytest.fixture
def cedar(settings: Any) -> Any:
    school = SchoolFactory(code="0123505")
    settings.SSO_GROUPS = read_groups(
        {
            "SIS Registrars": {"roles": ["registrar"]},
            "Cedar School": {"schools": ["0123505"]},
            "SIS Office": {"roles": ["import admin"], "schools": "all"},
            "SIS Owners": {"roles": ["superuser"]},
        }
    )
    return school


def in_groups(provider: DistrictProvider, *groups: str) -> None:
    provider.knows(
        "u-rosa", email=ROSA, email_verified=True, given_name="Rosa", family_name="Vega", groups=list(groups)
    )


def roles(person: Any) -> set[str]:
    return set(person.groups.values_list("name", flat=True))


def test_groups_of_the_directory_make_an_account_and_keep_it_in_step(provider: Any, cedar: Any, client: Client) -> None:
    in_groups(provider, "SIS Registrars", "Cedar School", "Chess club")
    sign_in(client, "u-rosa")
    person = signed_in(client)
    assert person
    assert (person.username, person.get_full_name()) == (ROSA, "Rosa Vega")
    assert not person.has_usable_password()
    assert roles(person) == {REGISTRAR}
    assert visible_school_ids(person) == {cedar.pk}

    in_groups(provider, "SIS Office")
    second = Client()
    sign_in(second, "u-rosa")
    person = User.objects.get()
    assert roles(person) == {IMPORT_ADMIN}
    assert visible_school_ids(person) is None
    assert person.is_staff
    assert signed_in(client) is None  # a session with other roles does not continue

    in_groups(provider, "Chess club")
    assert sign_in(Client(), "u-rosa").status_code == 403
    person = User.objects.get()
    assert not roles(person)
    assert not person.is_staff
    assert visible_school_ids(person) == set()
    assert signed_in(second) is None


def test_a_group_without_a_school_makes_no_account(provider: Any, cedar: Any, client: Client) -> None:
    in_groups(provider, "SIS Registrars")

    assert sign_in(client, "u-rosa").status_code == 403
    assert not User.objects.exists()


def test_someone_who_was_invited_by_hand_keeps_that_as_long_as_no_group_says_otherwise(
    provider: Any, cedar: Any, rosa: Any, client: Client
) -> None:
    in_groups(provider, "Chess club")
    sign_in(client, "u-rosa")
    assert roles(rosa) == {REGISTRAR}
    assert not DirectoryAccess.objects.exists()

    in_groups(provider, "SIS Office")
    sign_in(client, "u-rosa")
    assert roles(rosa) == {IMPORT_ADMIN}


def test_only_a_group_that_says_so_makes_a_superuser_and_takes_it_again(
    provider: Any, cedar: Any, client: Client
) -> None:
    in_groups(provider, "SIS Office", "superuser", "admin")
    sign_in(client, "u-rosa")
    assert not User.objects.get().is_superuser

    in_groups(provider, "SIS Owners")
    sign_in(client, "u-rosa")
    assert User.objects.get().is_superuser

    in_groups(provider, "SIS Office")
    sign_in(client, "u-rosa")
    assert not User.objects.get().is_superuser


def test_a_superuser_made_by_hand_is_not_touched_by_the_directory(provider: Any, cedar: Any, client: Client) -> None:
    owner = UserFactory(username="owner", email=ROSA, is_superuser=True, is_staff=True)
    in_groups(provider, "SIS Registrars", "Cedar School")

    sign_in(client, "u-rosa")

    owner.refresh_from_db()
    assert signed_in(client) == owner
    assert owner.is_superuser
    assert not roles(owner)


def test_a_viewer_is_shown_as_somebody_who_may_sign_in_and_kept_by_the_directory(
    provider: Any, cedar: Any, client: Client, settings: Any
) -> None:
    settings.SSO_GROUPS = read_groups({"Readers": {"roles": [VIEWER], "schools": "all"}})
    in_groups(provider, "Readers")
    sign_in(client, "u-rosa")
    made = User.objects.get()
    client.force_login(UserFactory(import_admin=True))

    page = client.get(reverse("person", args=[made.pk])).content.decode()

    assert "may sign in" in page
    assert "set at each sign-in" in page
