"""Every address names a rule; nobody sees what is not theirs."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from sisimport.accounts.access import GROUPS, IMPORT_ADMIN, PUBLIC, SSID_STAFF, VIEWER, Capability, rule_of
from sisimport.imports.models import ImportFile, ImportRun, RunStatus, Work
from tests.factories import SchoolFactory, StudentFactory, UserFactory

RULES = {capability.value for capability in Capability} | {"public", "signed in", "staff", "family", "token"}


def all_patterns() -> Iterator[tuple[str, URLPattern, list[str]]]:
    def walk(
        patterns: list[URLPattern | URLResolver], path: str, namespaces: list[str]
    ) -> Iterator[tuple[str, URLPattern, list[str]]]:
        for pattern in patterns:
            here = path + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                inner = [*namespaces, pattern.namespace] if pattern.namespace else namespaces
                yield from walk(pattern.url_patterns, here, inner)
            else:
                yield here, pattern, namespaces

    yield from walk(get_resolver().url_patterns, "/", [])


def test_every_address_names_a_rule() -> None:
    nameless = [
        path
        for path, pattern, namespaces in all_patterns()
        if rule_of(pattern.callback, url_name=pattern.name, namespaces=namespaces) not in RULES
    ]

    assert nameless == [], "add @requires(...), @signed_in or @public, or an entry in access.FOREIGN_RULES"


def test_nothing_more_is_open_to_everybody_than_the_way_in() -> None:
    """A page made public by mistake is not asked about below: this list names them all."""
    known = {
        "health",
        "metrics",
        "set_language",
        "family_join",
        "staff_join",
        "api_openapi",
        "api_docs",
        "api_not_found",
    }
    known |= {
        "sso_start",
        "sso_callback",
        "saml_acs",
        "saml_finish_acs",
        "saml_metadata",
        "saml_sls",
        "emergency_sign_in",
    }
    found = {
        pattern.name
        for _path, pattern, namespaces in all_patterns()
        if rule_of(pattern.callback, url_name=pattern.name, namespaces=namespaces) == PUBLIC
    }
    assert {name for name in found if not str(name).startswith(("account_", "mfa_"))} == known


def own_addresses() -> list[tuple[str, str]]:
    """(name, address) of our own pages that are not public, with made-up arguments."""
    found = []
    for path, pattern, namespaces in all_patterns():
        rule = rule_of(pattern.callback, url_name=pattern.name, namespaces=namespaces)
        if namespaces or not pattern.name or rule == PUBLIC:
            continue
        names = pattern.pattern.converters
        values: dict[str, Any] = {n: 1 if type(c).__name__ == "IntConverter" else "1" for n, c in names.items()}
        if "keys/<int:pk>/" in path:  # a passkey: the number stands further up
            values["pk"] = 1
        found.append((pattern.name, reverse(pattern.name, kwargs=values)))
    return found


@pytest.mark.django_db
def test_a_part_of_a_page_asked_for_after_the_session_ended_sends_the_whole_page_to_sign_in(client: Client) -> None:
    answer = client.get(reverse("run_status", args=[1]), headers={"HX-Request": "true"})

    assert answer.headers["HX-Redirect"] == reverse("account_login")


def test_groups_hold_what_their_work_needs() -> None:
    assert Capability.UPDATE not in GROUPS[VIEWER]
    assert Capability.UPLOAD not in GROUPS[SSID_STAFF]
    assert Capability.EDIT_STUDENTS in GROUPS[SSID_STAFF]
    assert Capability.REVERT_ANY in GROUPS[IMPORT_ADMIN]


@pytest.mark.django_db
def test_the_migration_makes_the_four_groups() -> None:
    from django.contrib.auth.models import Group

    assert set(Group.objects.values_list("name", flat=True)) >= set(GROUPS)


@pytest.mark.django_db
def test_ssid_staff_may_edit_students_in_the_admin_and_registrars_may_not() -> None:
    staff, registrar = UserFactory(ssid_staff=True), UserFactory(registrar=True)

    assert staff.has_perm("students.change_student")
    assert not registrar.has_perm("students.change_student")


# ---- schools ----


@pytest.fixture
def run_of_another_school(db: None) -> ImportRun:
    other = SchoolFactory()
    return ImportRun.objects.create(
        file=ImportFile.objects.create(name="other.txt", sha256="0" * 64, size=1),
        import_type="ssid-download",
        work=Work.TEST,
        status=RunStatus.COMPLETED,
        schools=[other.pk],
    )


@pytest.fixture
def registrar(client: Client, db: None) -> Any:
    user = UserFactory(registrar=True, schools=[SchoolFactory()])
    client.force_login(user)
    return user


def test_a_student_of_another_school_answers_like_one_that_does_not_exist(client: Client, registrar: Any) -> None:
    stranger = StudentFactory()

    theirs = client.get(reverse("student", args=[stranger.pk]))
    missing = client.get(reverse("student", args=[stranger.pk + 1000]))

    assert theirs.status_code == missing.status_code == 404
    assert theirs.content == missing.content


def test_an_ssid_of_another_schools_student_is_not_shown(client: Client, registrar: Any) -> None:
    stranger = StudentFactory(with_ssid=True)

    assert client.post(reverse("show_ssid", args=[stranger.pk])).status_code == 404


@pytest.mark.parametrize("name", ["run", "run_changes", "run_absent", "run_print", "run_status"])
def test_a_run_of_another_school_answers_404(
    client: Client, registrar: Any, run_of_another_school: ImportRun, name: str
) -> None:
    assert client.get(reverse(name, args=[run_of_another_school.pk])).status_code == 404


@pytest.mark.parametrize("name", ["start_update", "test_again", "start_revert", "cancel_run", "export"])
def test_nothing_can_be_done_with_a_run_of_another_school(
    client: Client, registrar: Any, run_of_another_school: ImportRun, name: str
) -> None:
    answer = client.post(reverse(name, args=[run_of_another_school.pk]), {"what": "issues-csv"})

    assert answer.status_code == 404
    assert ImportRun.objects.count() == 1


def test_the_search_finds_only_students_of_ones_schools(client: Client, registrar: Any) -> None:
    mine = StudentFactory(school=registrar.access.schools.get(), last_name="Quill")
    StudentFactory(last_name="Quill", first_name="Hidden")

    page = client.post(reverse("students"), {"text": "Quill"}, follow=True).content.decode()

    assert mine.first_name in page
    assert "Hidden" not in page


def test_a_user_without_school_sees_no_student(client: Client, db: None) -> None:
    client.force_login(UserFactory(registrar=True))
    student = StudentFactory()

    assert client.get(reverse("student", args=[student.pk])).status_code == 404


def test_a_user_without_group_sees_no_student(client: Client, db: None) -> None:
    client.force_login(UserFactory(all_schools=True))
    student = StudentFactory()

    assert client.get(reverse("student", args=[student.pk])).status_code == 403


def test_a_viewer_may_not_upload(client: Client, db: None) -> None:
    client.force_login(UserFactory(viewer=True, all_schools=True))

    assert client.get(reverse("upload", args=["roster"])).status_code == 403


def test_pages_with_students_are_kept_by_no_cache(client: Client, registrar: Any) -> None:
    student = StudentFactory(school=registrar.access.schools.get())

    answer = client.get(reverse("student", args=[student.pk]))

    assert "no-store" in answer["Cache-Control"]


def test_the_strict_content_policy_is_relaxed_in_the_admin_only(client: Client, db: None) -> None:
    client.force_login(UserFactory(is_superuser=True, is_staff=True))

    page = client.get(reverse("home"))["Content-Security-Policy"]
    admin = client.get(reverse("admin:index"))["Content-Security-Policy"]

    assert "unsafe" not in page
    assert "'unsafe-eval'" in admin
    scripts = next(part for part in admin.split(";") if part.strip().startswith("script-src"))
    assert "unsafe-inline" not in scripts
