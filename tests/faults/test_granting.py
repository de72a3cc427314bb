"""You cannot change your own access, nobody gives what they do not have: by every way that the admin offers."""

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.forms import MultiWidget
from django.test import Client
from django.urls import reverse

from sisimport.accounts.access import IMPORT_ADMIN, REGISTRAR, SSID_STAFF
from students.access import visible_school_ids
from students.models import School, StaffAccess
from tests.factories import PASSWORD, SchoolFactory, UserFactory

pytestmark = pytest.mark.django_db
User = get_user_model()


@pytest.fixture
def schools() -> tuple[School, School]:
    return SchoolFactory(name="Own"), SchoolFactory(name="Foreign")


@pytest.fixture
def limited(client: Client, schools: tuple[School, School]) -> Any:
    """An import admin of one school, signed in."""
    user = UserFactory(group=IMPORT_ADMIN, is_staff=True, schools=[schools[0]])
    client.force_login(user)
    return user


@pytest.fixture
def office(client: Client, schools: tuple[School, School]) -> Any:
    """Somebody whom the district lets manage accounts, without being a superuser: of one school, in the group of registrars."""
    user = UserFactory(group=REGISTRAR, is_staff=True, schools=[schools[0]])
    names = ["user", "group", "staffaccess"]
    user.user_permissions.set(Permission.objects.filter(content_type__model__in=names))
    client.force_login(user)
    return user


def address(kind: str, what: str, pk: int | None = None) -> str:
    return reverse(f"admin:{kind}_{what}", args=[] if pk is None else [pk])


def form_of(client: Client, page: str, **values: Any) -> dict[str, Any]:
    """What the browser would send of the page, with some fields changed."""
    context = client.get(page).context
    forms = [context["adminform"].form]
    for inline in context["inline_admin_formsets"]:
        forms += [inline.formset.management_form, *inline.formset.forms]
    data: dict[str, Any] = {}
    for bound in (field for form in forms for field in form):
        value, widget = bound.value(), bound.field.widget
        if isinstance(widget, MultiWidget):
            data |= {f"{bound.html_name}_{n}": part or "" for n, part in enumerate(widget.decompress(value))}
        else:
            data[bound.html_name] = "" if value is None else value
    return {name: value for name, value in (data | values).items() if value is not False}


def schools_of(user: Any) -> frozenset[int] | None:
    return visible_school_ids(User.objects.get(pk=user.pk))


# ---- the Staff access page ----


@pytest.mark.parametrize("values", [{"all_schools": "on"}, {"schools": []}])
def test_nobody_changes_their_own_schools(client: Client, limited: Any, values: dict[str, Any]) -> None:
    page = address("students_staffaccess", "change", limited.access.pk)

    assert "You cannot change your own access" in client.get(page).content.decode()  # to read only
    assert client.post(page, values).status_code == 403
    assert schools_of(limited) == {limited.access.schools.get().pk}


def test_nobody_deletes_their_own_access_or_makes_it_again(client: Client, limited: Any, schools: Any) -> None:
    pk = limited.access.pk
    assert client.post(address("students_staffaccess", "delete", pk), {"post": "yes"}).status_code == 403
    action = {"action": "delete_selected", "_selected_action": [pk], "post": "yes"}
    client.post(address("students_staffaccess", "changelist"), action)
    assert StaffAccess.objects.filter(pk=pk).exists()

    StaffAccess.objects.all().delete()
    answer = client.post(address("students_staffaccess", "add"), {"user": limited.pk, "schools": [schools[0].pk]})
    assert "You cannot change your own access" in answer.content.decode()
    assert schools_of(limited) == frozenset()


def test_an_admin_of_all_schools_does_not_change_their_own_access_either(client: Client) -> None:
    admin = UserFactory(import_admin=True)
    client.force_login(admin)

    assert client.post(address("students_staffaccess", "change", admin.access.pk), {}).status_code == 403


def test_the_schools_that_one_sees_can_be_given(client: Client, limited: Any, schools: Any) -> None:
    viewer = UserFactory(viewer=True)

    client.post(address("students_staffaccess", "add"), {"user": viewer.pk, "schools": [schools[0].pk]})
    assert schools_of(viewer) == {schools[0].pk}

    client.post(address("students_staffaccess", "change", viewer.access.pk), {"schools": []})
    assert schools_of(viewer) == frozenset()


@pytest.mark.parametrize("existing", [False, True])
@pytest.mark.parametrize("what", ["all_schools", "foreign"])
def test_schools_that_one_does_not_see_cannot_be_given(
    client: Client, limited: Any, schools: Any, what: str, existing: bool
) -> None:
    viewer = UserFactory(viewer=True, schools=[schools[0]] if existing else None)
    before = schools_of(viewer)
    values = {"all_schools": "on"} if what == "all_schools" else {"schools": [schools[0].pk, schools[1].pk]}
    if existing:
        page = address("students_staffaccess", "change", viewer.access.pk)
    else:
        page = address("students_staffaccess", "add")
        values["user"] = viewer.pk

    answer = client.post(page, values)

    assert answer.status_code == 200  # the form again, with its errors
    assert schools_of(viewer) == before


@pytest.mark.parametrize("all_schools", [False, True])
def test_the_access_of_somebody_who_sees_more_is_left_alone(
    client: Client, limited: Any, schools: Any, all_schools: bool
) -> None:
    other = UserFactory(registrar=True, all_schools=all_schools, schools=None if all_schools else list(schools))
    before = schools_of(other)

    assert client.post(address("students_staffaccess", "change", other.access.pk), {"schools": []}).status_code == 403
    assert client.post(address("students_staffaccess", "delete", other.access.pk), {"post": "yes"}).status_code == 403
    action = {"action": "delete_selected", "_selected_action": [other.access.pk], "post": "yes"}
    client.post(address("students_staffaccess", "changelist"), action)

    assert schools_of(other) == before


def test_an_access_does_not_move_to_another_person(client: Client, limited: Any, schools: Any) -> None:
    viewer = UserFactory(viewer=True, schools=[schools[0]])

    client.post(
        address("students_staffaccess", "change", viewer.access.pk), {"user": limited.pk, "schools": [schools[0].pk]}
    )

    assert StaffAccess.objects.get(pk=viewer.access.pk).user == viewer


def test_the_search_for_schools_offers_those_that_one_sees(client: Client, limited: Any, schools: Any) -> None:
    asked = {"app_label": "students", "model_name": "staffaccess", "field_name": "schools"}

    found = client.get(reverse("admin:autocomplete"), asked).json()["results"]

    assert [row["id"] for row in found] == [str(schools[0].pk)]


# ---- accounts ----


def test_nobody_changes_their_own_flags_groups_or_permissions(client: Client, office: Any, schools: Any) -> None:
    page = address("auth_user", "change", office.pk)
    more = {
        "is_superuser": "on",
        "groups": list(Group.objects.values_list("pk", flat=True)),
        "user_permissions": list(Permission.objects.values_list("pk", flat=True)),
        "access-TOTAL_FORMS": "1",
        "access-INITIAL_FORMS": "1",
        "access-0-id": office.access.pk,
        "access-0-user": office.pk,
        "access-0-all_schools": "on",
    }
    before = set(office.user_permissions.values_list("pk", flat=True))

    answer = client.post(page, form_of(client, page, first_name="Nora") | more)

    assert answer.status_code == 302
    now = User.objects.get(pk=office.pk)
    assert now.first_name == "Nora"
    assert not now.is_superuser
    assert [group.name for group in now.groups.all()] == [REGISTRAR]
    assert set(now.user_permissions.values_list("pk", flat=True)) == before
    assert schools_of(office) == {schools[0].pk}


def test_a_superuser_does_not_take_their_own_rights_away_by_a_click(client: Client) -> None:
    user = UserFactory(is_superuser=True, is_staff=True)
    client.force_login(user)
    page = address("auth_user", "change", user.pk)

    assert client.post(page, form_of(client, page)).status_code == 302
    assert client.post(address("auth_user", "delete", user.pk), {"post": "yes"}).status_code == 403

    now = User.objects.get(pk=user.pk)
    assert (now.is_superuser, now.is_staff, now.is_active) == (True, True, True)


def test_what_one_has_can_be_given(client: Client, office: Any, schools: Any) -> None:
    person = UserFactory()
    page = address("auth_user", "change", person.pk)
    group, permission = Group.objects.get(name=REGISTRAR), Permission.objects.get(codename="view_user")
    more = {
        "is_staff": "on",
        "groups": [group.pk],
        "user_permissions": [permission.pk],
        "access-TOTAL_FORMS": "1",
        "access-0-schools": [schools[0].pk],
    }

    answer = client.post(page, form_of(client, page) | more)

    assert answer.status_code == 302, answer.context["errors"]
    person.refresh_from_db()
    assert (person.is_staff, person.groups.get(), person.user_permissions.get()) == (True, group, permission)
    assert schools_of(person) == {schools[0].pk}


def group_not_held(_schools: Any) -> dict[str, Any]:
    return {"groups": [Group.objects.get(name=SSID_STAFF).pk]}


def permission_not_held(_schools: Any) -> dict[str, Any]:
    return {"user_permissions": [Permission.objects.get(codename="change_student").pk]}


def superuser_flag(_schools: Any) -> dict[str, Any]:
    return {"is_superuser": "on"}


def all_schools_inline(_schools: Any) -> dict[str, Any]:
    return {"access-TOTAL_FORMS": "1", "access-0-all_schools": "on"}


def foreign_school_inline(schools: Any) -> dict[str, Any]:
    return {"access-TOTAL_FORMS": "1", "access-0-schools": [schools[1].pk]}


@pytest.mark.parametrize(
    "what", [group_not_held, permission_not_held, superuser_flag, all_schools_inline, foreign_school_inline]
)
def test_what_one_does_not_have_cannot_be_given(client: Client, office: Any, schools: Any, what: Any) -> None:
    person = UserFactory()
    page = address("auth_user", "change", person.pk)

    client.post(page, form_of(client, page) | what(schools))

    now = User.objects.get(pk=person.pk)
    assert not now.is_superuser
    assert not now.groups.exists()
    assert not now.user_permissions.exists()
    assert schools_of(now) == frozenset()


def somebody_with_more(what: str, schools: Any) -> Any:
    if what == "a superuser":
        return UserFactory(is_superuser=True, is_staff=True)
    if what == "another group":
        return UserFactory(group=SSID_STAFF, schools=[schools[0]])
    if what == "more schools":
        return UserFactory(group=REGISTRAR, schools=list(schools))
    person = UserFactory()
    person.user_permissions.add(Permission.objects.get(codename="change_student"))
    return person


@pytest.mark.parametrize("what", ["a superuser", "another group", "more schools", "another permission"])
def test_the_account_of_somebody_who_has_more_is_left_alone(
    client: Client, office: Any, schools: Any, what: str
) -> None:
    """A new password, name or mail address would be a way in."""
    person = somebody_with_more(what, schools)
    new = {"password1": "another-horse-staple-8", "password2": "another-horse-staple-8", "usable_password": "true"}

    page = client.get(address("auth_user", "change", person.pk)).content.decode()
    assert "This person has more access than you" in page  # to read only
    assert client.post(address("auth_user", "change", person.pk), {"email": "me@example.org"}).status_code == 403
    assert client.post(reverse("admin:auth_user_password_change", args=[person.pk]), new).status_code == 403
    assert client.post(address("auth_user", "delete", person.pk), {"post": "yes"}).status_code == 403
    action = {"action": "delete_selected", "_selected_action": [person.pk], "post": "yes"}
    client.post(address("auth_user", "changelist"), action)

    now = User.objects.get(pk=person.pk)
    assert now.check_password(PASSWORD)
    assert now.email == person.email


def test_a_new_account_has_no_more_than_its_maker(client: Client, office: Any) -> None:
    new = {"username": "new", "password1": "another-horse-staple-8", "password2": "another-horse-staple-8"}
    more = {"is_superuser": "on", "groups": [Group.objects.get(name=SSID_STAFF).pk], "usable_password": "true"}
    inline = {"access-TOTAL_FORMS": "1", "access-INITIAL_FORMS": "0", "access-0-all_schools": "on"}

    client.post(address("auth_user", "add"), new | more | inline)

    assert not User.objects.filter(username="new", is_superuser=True).exists()
    assert not User.objects.filter(username="new", groups__isnull=False).exists()
    assert not StaffAccess.objects.filter(user__username="new").exists()


# ---- groups ----


def test_their_own_group_is_not_given_more_and_not_deleted(client: Client, office: Any) -> None:
    group = office.groups.get()
    more = {"name": group.name, "permissions": [Permission.objects.get(codename="view_user").pk]}

    assert client.post(address("auth_group", "change", group.pk), more).status_code == 403
    assert client.post(address("auth_group", "delete", group.pk), {"post": "yes"}).status_code == 403
    action = {"action": "delete_selected", "_selected_action": [group.pk], "post": "yes"}
    client.post(address("auth_group", "changelist"), action)

    assert Group.objects.filter(pk=group.pk).exists()
    assert not group.permissions.filter(codename="view_user").exists()


def test_a_group_is_given_only_permissions_that_one_holds(client: Client, office: Any) -> None:
    group = Group.objects.create(name="clerks")
    page = address("auth_group", "change", group.pk)

    client.post(page, {"permissions": [Permission.objects.get(codename="change_student").pk]})
    assert not group.permissions.exists()

    client.post(page, {"permissions": [Permission.objects.get(codename="view_user").pk]})
    assert group.permissions.get().codename == "view_user"


def test_a_group_does_not_get_the_name_of_one_that_may_more(client: Client, office: Any) -> None:
    """What a group may do on the product's pages depends on its name."""
    Group.objects.filter(name=IMPORT_ADMIN).delete()
    group = Group.objects.create(name="clerks")

    client.post(address("auth_group", "change", group.pk), {"name": IMPORT_ADMIN})

    group.refresh_from_db()
    assert group.name == "clerks"


def test_a_group_that_may_more_is_left_alone(client: Client, office: Any) -> None:
    group = Group.objects.get(name=SSID_STAFF)
    before = group.permissions.count()

    assert client.post(address("auth_group", "change", group.pk), {"permissions": []}).status_code == 403
    assert group.permissions.count() == before


# ---- second factors ----


def test_the_second_factor_of_somebody_who_has_more_is_not_taken_away(client: Client, office: Any) -> None:
    from allauth.mfa.models import Authenticator

    office.user_permissions.add(*Permission.objects.filter(content_type__app_label="mfa"))
    factor = Authenticator.objects.create(user=UserFactory(is_superuser=True), type="totp", data={})

    assert client.post(address("mfa_authenticator", "delete", factor.pk), {"post": "yes"}).status_code == 403
    assert Authenticator.objects.filter(pk=factor.pk).exists()
