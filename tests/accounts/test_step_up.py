"""What asks for password or factor once more, when they were given more than 15 minutes ago; and continues afterwards."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

from sisimport.accounts import step_up
from sisimport.accounts.access import REGISTRAR
from sisimport.api.models import ApiToken
from sisimport.imports.models import ImportRun, Work
from tests.accounts.oidc import DistrictProvider, come_back, district_provider, say_yes, sign_in
from tests.assessments.test_english_learners import learner
from tests.factories import PASSWORD, SchoolFactory, StudentFactory, UserFactory
from tests.files.samples import line
from tests.imports.journey import District, make_district, run_file

pytestmark = pytest.mark.django_db
User = get_user_model()
ROSA = {"email": "rosa@example.org", "roles": [REGISTRAR], "all_schools": "on", "send": "link", "invite": "1"}


@pytest.fixture(autouse=True)
def _asks(settings: Any) -> None:
    settings.STEP_UP_SECONDS = 900


@pytest.fixture
def admin(client: Client) -> Any:
    """An import admin whose session began long ago."""
    user = UserFactory(import_admin=True, username="admin")
    client.force_login(user)
    return user


def is_asked(answer: Any) -> bool:
    return answer.status_code == 302 and str(answer.url).startswith(reverse("account_reauthenticate"))


def proves(client: Client, answer: Any, password: str = PASSWORD) -> Any:
    return client.post(answer.url, {"password": password})


def test_what_was_sent_is_done_after_the_password(admin: Any, client: Client) -> None:
    asked = client.post(reverse("people"), ROSA)
    assert is_asked(asked)
    assert not User.objects.filter(email="rosa@example.org").exists()
    assert proves(client, asked, "wrong").status_code == 200
    assert not User.objects.filter(email="rosa@example.org").exists()

    answer = proves(client, asked)

    assert answer.status_code == 200
    assert "people/join/#" in answer.content.decode()
    assert User.objects.filter(email="rosa@example.org").exists()
    person = User.objects.get(email="rosa@example.org")
    assert client.post(reverse("person", args=[person.pk]), {"deactivate": "1"}).status_code == 302  # not asked again


def test_a_code_by_mail_is_not_proof(admin: Any, rf: Any) -> None:
    """Whoever took a session over may have the mailbox open beside it. (django-allauth offers it from 65.22 on.)"""
    admin.email = "admin@example.org"
    admin.save()
    EmailAddress.objects.create(user=admin, email=admin.email, verified=True, primary=True)

    ways = [way["url"] for way in get_adapter(rf.get("/")).get_reauthentication_methods(admin)]

    assert ways == [reverse("account_reauthenticate")]


def test_a_new_session_is_proof_enough_and_an_old_one_is_not() -> None:
    UserFactory(import_admin=True, username="admin")
    browser = Client()
    browser.post(reverse("account_login"), {"login": "admin", "password": PASSWORD})
    assert browser.post(reverse("people"), ROSA).status_code == 200

    session = browser.session
    session["account_authentication_methods"] = [{"method": "password", "at": time.time() - 901}]
    session.save()
    assert is_asked(browser.post(reverse("people"), ROSA | {"email": "nora@example.org"}))


@pytest.fixture
def district(db: None) -> District:
    return make_district()


@pytest.fixture
def applied(district: District) -> ImportRun:
    test = run_file("ssid-download", line(), name="ssid.txt").run
    run = run_file("ssid-download", line(), Work.UPDATE, test_run=test).run
    ImportRun.objects.filter(pk=run.pk).update(created_by=UserFactory(registrar=True))
    return run


def test_roles_and_tokens_and_pages_of_the_admin_ask(admin: Any, client: Client) -> None:
    other = UserFactory(registrar=True)
    token = {"name": "Nightly", "scopes": ["runs:read"], "days": "30"}
    assert is_asked(client.post(reverse("person", args=[other.pk]), {"deactivate": "1"}))
    assert is_asked(client.post(reverse("api_tokens"), token))
    assert not ApiToken.objects.exists()
    assert is_asked(client.post(reverse("deliveries"), {"name": "Nightly"}))
    owner = Client()
    owner.force_login(UserFactory(is_superuser=True, is_staff=True))
    for name, args in (
        ("auth_user_change", [other.pk]),
        ("auth_user_add", []),
        ("auth_group_add", []),
        ("students_staffaccess_add", []),
        ("auth_user_delete", [other.pk]),
    ):
        assert is_asked(owner.post(reverse(f"admin:{name}", args=args), {})), name
        assert not is_asked(owner.get(reverse(f"admin:{name}", args=args))), name


def test_a_revert_of_somebody_elses_run_asks_and_ones_own_does_not(
    admin: Any, client: Client, applied: ImportRun
) -> None:
    assert is_asked(client.post(reverse("start_revert", args=[applied.pk])))
    ImportRun.objects.filter(pk=applied.pk).update(created_by=admin)
    assert not is_asked(client.post(reverse("start_revert", args=[applied.pk])))


def test_whole_ssids_of_a_page_ask(admin: Any, client: Client, applied: ImportRun) -> None:
    assert is_asked(client.post(reverse("show_run_ssids", args=[applied.pk, "changes"])))


@pytest.mark.parametrize("many", [1, 500])
def test_exports_of_many_ask(many: int, admin: Any, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than 500; here more than 1."""
    school = SchoolFactory()
    for _one in range(3):
        StudentFactory(school=school, with_ssid=True)
    for module in ("sisimport.accounts.step_up", "sisimport.reporting.writing", "sisimport.reporting.pages"):
        monkeypatch.setattr(f"{module}.MANY", many)
    students = client.post(reverse("students"), {"export": "csv"})
    exported = client.post(reverse("exports"), {"what": "students", "file_type": "csv"})

    assert is_asked(students) is (many == 1)
    assert is_asked(exported) is (many == 1)
    if many == 1:
        proved = client.post(exported.url, {"password": PASSWORD})
        assert b"Diaz" in b"".join(proved)  # type: ignore[arg-type]


@pytest.mark.parametrize("many", [1, 500])
def test_a_list_of_english_learners_for_print_asks_as_an_export_does(
    many: int, admin: Any, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    school = SchoolFactory()
    for _one in range(3):
        learner("EL", school)
    monkeypatch.setattr("sisimport.accounts.step_up.MANY", many)

    printed = client.get(reverse("english_learner_students"), {"what": "el", "print": "1"})

    assert is_asked(printed) is (many == 1)


def test_none_of_the_rows_is_lost(rf: Any, settings: Any) -> None:
    settings.STEP_UP_SECONDS = 0
    assert list(step_up.ask_for_many(rf.get("/"), iter(range(1200)))) == list(range(1200))


@pytest.fixture
def provider(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[DistrictProvider]:
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    with district_provider() as running:
        settings.SSO_PROVIDERS = (running.setup(),)
        running.knows("u-admin", email="admin@lincoln.example", email_verified=True)
        running.knows("u-other", email="other@lincoln.example", email_verified=True)
        yield running


def test_single_sign_on_proves_it_too_if_it_is_the_same_person(
    provider: DistrictProvider, client: Client, settings: Any
) -> None:
    settings.STAFF_PASSWORDS = False
    UserFactory(import_admin=True, username="admin", email="admin@lincoln.example")
    UserFactory(import_admin=True, username="other", email="other@lincoln.example")
    sign_in(client, "u-admin")
    session = client.session
    session["account_authentication_methods"] = []
    session.save()

    asked = client.post(reverse("people"), ROSA)
    again = reverse("sso_again", args=["oidc"])
    assert asked.url == f"{again}?next={reverse('people').replace('/', '%2F')}"
    assert client.get(asked.url).status_code == 200

    def leave() -> str:
        return str(client.post(again, {"next": reverse("people")}).context["address"])

    assert "prompt=login" in leave()
    assert come_back(client, say_yes(leave(), "u-other")).status_code == 400
    assert not User.objects.filter(email="rosa@example.org").exists()
    provider.damage = lambda claims: claims.update(auth_time=int(time.time()) - 1000)
    assert come_back(client, say_yes(leave(), "u-admin")).status_code == 400  # the provider did not ask again
    provider.damage = lambda claims: claims.update(auth_time=int(time.time()))
    answer = come_back(client, say_yes(leave(), "u-admin"))
    assert answer.status_code == 200
    assert User.objects.filter(email="rosa@example.org").exists()
