"""People who sign in: invited on one form, let in by a link that works once, let out again. Nobody gives what is not theirs."""

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from sisimport.accounts import people
from sisimport.accounts.access import IMPORT_ADMIN, REGISTRAR, SSID_STAFF, VIEWER
from sisimport.accounts.models import StaffInvitation
from students.access import visible_school_ids
from students.models import School
from tests.factories import SchoolFactory, UserFactory

pytestmark = pytest.mark.django_db
User = get_user_model()
NEW = "another-horse-staple-8"
LINK = re.compile(r"people/join/#([\w-]+)")


@pytest.fixture
def schools() -> tuple[School, School]:
    return SchoolFactory(name="Own"), SchoolFactory(name="Foreign")


@pytest.fixture
def admin(client: Client) -> Any:
    user = UserFactory(import_admin=True)
    client.force_login(user)
    return user


@pytest.fixture
def limited(client: Client, schools: tuple[School, School]) -> Any:
    user = UserFactory(group=IMPORT_ADMIN, is_staff=True, schools=[schools[0]])
    client.force_login(user)
    return user


def invite(client: Client, **values: Any) -> Any:
    sent = {"email": "Rosa@Example.org", "roles": [REGISTRAR], "send": "link", "invite": "1"} | values
    return client.post(reverse("people"), {name: value for name, value in sent.items() if value is not None})


def code_of(answer: Any) -> str:
    found = LINK.search(answer.content.decode())
    assert found, "the page shows no link"
    return found.group(1)


def rosa() -> Any:
    return User.objects.get(username="rosa@example.org")


def come(code: str, password: str = NEW) -> tuple[Client, Any]:
    """Somebody opens the link of an invitation in a browser of their own and chooses a password."""
    browser = Client()
    browser.post(reverse("staff_join"), {"code": code})
    return browser, browser.post(reverse("staff_join"), {"password": password})


# ---- inviting ----


def test_a_registrar_for_one_school_takes_four_actions(client: Client, admin: Any, schools: Any) -> None:
    """People in the menu, the address, the school, Invite: what else the form needs is chosen already."""
    actions = 0
    assert reverse("people") in client.get(reverse("account")).content.decode()
    page, actions = client.get(reverse("people")), actions + 1
    form = page.context["form"]
    sent = {field.html_name: field.value() for field in form if field.value()}  # as the page offers it
    assert sent == {"roles": [REGISTRAR], "send": "mail"}
    sent["email"], actions = "rosa@example.org", actions + 1
    sent["schools"], actions = [schools[0].pk], actions + 1
    client.post(reverse("people"), {**sent, "invite": "1"})
    actions += 1

    assert actions == 4
    assert [group.name for group in rosa().groups.all()] == [REGISTRAR]
    assert rosa().access.schools.get() == schools[0]
    assert rosa().invitations.get().is_open


def test_the_form_says_what_a_role_may_do_and_shows_no_permissions_and_no_hash(
    client: Client, admin: Any, schools: Any
) -> None:
    person = UserFactory(registrar=True, schools=[schools[0]])
    for address in (reverse("people"), reverse("person", args=[person.pk])):
        page = client.get(address).content.decode()
        assert "Revert their own runs" in page
        assert "Can delete" not in page
        assert "pbkdf2" not in page
        assert person.password[-12:] not in page
    for address in (
        reverse("admin:auth_user_changelist"),
        reverse("admin:auth_user_change", args=[person.pk]),
        reverse("admin:auth_user_add"),
    ):
        assert client.get(address).status_code == 403


def test_the_invited_person_chooses_a_password_and_is_signed_in(client: Client, admin: Any, schools: Any) -> None:
    code = code_of(invite(client, schools=[schools[0].pk], name="Rosa Diaz Ruiz"))
    assert not Client().login(username="rosa@example.org", password=NEW)
    assert not rosa().is_active

    browser, answer = come(code)

    assert answer["Location"] == reverse("home")
    assert browser.get(reverse("home")).status_code == 200
    assert visible_school_ids(rosa()) == {schools[0].pk}
    assert (rosa().get_full_name(), rosa().is_staff, rosa().last_login is not None) == ("Rosa Diaz Ruiz", False, True)
    assert Client().login(username="rosa@example.org", password=NEW)


def test_a_code_works_once(client: Client, admin: Any, schools: Any) -> None:
    code = code_of(invite(client, schools=[schools[0].pk]))
    late = Client()
    late.post(reverse("staff_join"), {"code": code})  # open in two browsers
    come(code)

    assert late.post(reverse("staff_join"), {"password": "a-third-horse-staple-9"}).status_code == 410
    assert Client().post(reverse("staff_join"), {"code": code}).status_code == 410
    assert rosa().check_password(NEW)


def test_a_code_expires(client: Client, admin: Any, schools: Any) -> None:
    code = code_of(invite(client, schools=[schools[0].pk]))
    StaffInvitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    _browser, answer = come(code)

    assert answer.status_code in (200, 410)
    assert not rosa().is_active
    assert "invitation expired" in client.get(reverse("people")).content.decode()


def test_a_password_that_is_easy_to_guess_is_refused_and_the_code_stays_valid(
    client: Client, admin: Any, schools: Any
) -> None:
    code = code_of(invite(client, schools=[schools[0].pk]))

    _browser, answer = come(code, password="password")

    assert answer.status_code == 422
    assert not rosa().is_active
    assert come(code)[1].status_code == 302


def test_only_a_hash_of_the_code_is_kept(client: Client, admin: Any, schools: Any) -> None:
    code = code_of(invite(client, schools=[schools[0].pk]))

    assert code not in str(list(StaffInvitation.objects.values()))
    assert code not in client.get(reverse("people")).content.decode()


def test_by_mail_the_link_is_in_the_mail_and_not_on_the_page(
    client: Client, admin: Any, schools: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    posted: list[Any] = []
    monkeypatch.setattr("sisimport.accounts.invitation_mail.outbox.post", posted.append)

    answer = client.post(
        reverse("people"),
        {"email": "rosa@example.org", "roles": [REGISTRAR], "schools": [schools[0].pk], "send": "mail", "invite": "1"},
        follow=True,
    )

    [mail] = posted
    found = LINK.search(mail.body)
    assert mail.to == ["rosa@example.org"]
    assert found is not None
    assert found.group(1) not in answer.content.decode()
    assert "There is no mail server" in answer.content.decode()
    assert "under Mail" in answer.content.decode()
    assert come(found.group(1))[1].status_code == 302


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"email": "no address"}, "valid email"),
        ({"roles": None}, "Choose a role"),
        ({"schools": None}, "Choose a school"),
        ({"roles": ["president"]}, "cannot give the role president"),
    ],
)
def test_a_form_with_something_missing_invites_nobody(
    client: Client, admin: Any, schools: Any, values: dict[str, Any], said: str
) -> None:
    before = User.objects.count()

    answer = invite(client, **{"schools": [schools[0].pk], **values})

    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert User.objects.count() == before


def test_an_address_that_has_an_account_is_not_invited_again(client: Client, admin: Any, schools: Any) -> None:
    UserFactory(username="rosa", email="ROSA@example.org")

    answer = invite(client, schools=[schools[0].pk])

    assert answer.status_code == 422
    assert "already has an account" in answer.content.decode()


# ---- nobody gives what they do not have ----


def test_an_import_admin_gives_the_roles_that_it_holds_whole(client: Client, admin: Any, schools: Any) -> None:
    """SSID staff edit records, which an import admin may not."""
    form = client.get(reverse("people")).context["form"]

    assert [value for value, _label in form.fields["roles"].choices] == [REGISTRAR, IMPORT_ADMIN, VIEWER]
    assert form.kept_back == [SSID_STAFF]
    assert invite(client, roles=[SSID_STAFF], schools=[schools[0].pk]).status_code == 422

    client.force_login(UserFactory(is_superuser=True, is_staff=True))
    assert invite(client, roles=[SSID_STAFF], schools=[schools[0].pk]).status_code == 200
    assert rosa().is_staff


def test_a_limited_import_admin_gives_its_own_schools_only(client: Client, limited: Any, schools: Any) -> None:
    page = client.get(reverse("people")).content.decode()
    assert "All schools of the district" not in page
    assert "Foreign" not in page

    for values in ({"schools": [schools[1].pk]}, {"schools": [pk.pk for pk in schools]}, {"all_schools": "on"}):
        assert invite(client, **values).status_code == 422
    assert not User.objects.filter(username="rosa@example.org").exists()

    assert invite(client, schools=[schools[0].pk]).status_code == 200
    assert visible_school_ids(come_and_get(rosa())) == {schools[0].pk}


def come_and_get(person: Any) -> Any:
    person.is_active = True
    return person


def test_the_services_refuse_what_a_form_did_not_offer(limited: Any, schools: Any) -> None:
    """Asked where it is written, not only on the page."""
    given: dict[str, Any] = {"roles": [REGISTRAR], "schools": [schools[0]], "giver": limited}
    for more in ({"schools": [schools[1]]}, {"all_schools": True}, {"roles": [SSID_STAFF]}, {"roles": []}):
        with pytest.raises(people.PeopleError):
            people.invite(email="rosa@example.org", **{**given, **more})
    assert not User.objects.filter(username="rosa@example.org").exists()


BUTTONS = ("save", "sign_out", "deactivate", "activate", "resend", "link")


@pytest.mark.parametrize("who", ["oneself", "more schools", "all schools", "a superuser", "another role"])
def test_their_own_account_and_those_with_more_are_left_alone(
    client: Client, limited: Any, schools: Any, who: str
) -> None:
    person = {
        "oneself": lambda: limited,
        "more schools": lambda: UserFactory(registrar=True, schools=list(schools)),
        "all schools": lambda: UserFactory(registrar=True, all_schools=True),
        "a superuser": lambda: UserFactory(is_superuser=True, is_staff=True),
        "another role": lambda: UserFactory(ssid_staff=True, schools=[schools[0]]),
    }[who]()
    access = {"roles": [VIEWER], "schools": [schools[0].pk]}
    before = set(person.groups.all()), visible_school_ids(User.objects.get(pk=person.pk)), person.password
    address = reverse("person", args=[person.pk])

    assert "Deactivate" not in client.get(address).content.decode()
    for button in BUTTONS:
        client.post(address, {button: "1", **access})

    now = User.objects.get(pk=person.pk)
    assert (set(now.groups.all()), visible_school_ids(now), now.password) == before
    assert now.is_active


def test_people_of_other_schools_are_not_there_for_a_limited_import_admin(
    client: Client, limited: Any, schools: Any
) -> None:
    stranger = UserFactory(registrar=True, schools=[schools[1]])

    assert stranger.username not in client.get(reverse("people")).content.decode()
    assert client.get(reverse("person", args=[stranger.pk])).status_code == 404
    assert client.post(reverse("person", args=[stranger.pk]), {"deactivate": "1"}).status_code == 404


@pytest.mark.parametrize("group", [REGISTRAR, SSID_STAFF, VIEWER])
def test_the_pages_are_for_import_admins(client: Client, schools: Any, group: str) -> None:
    person = UserFactory(group=group, all_schools=True, is_staff=group == SSID_STAFF)
    client.force_login(person)

    for address in (reverse("people"), reverse("person", args=[person.pk])):
        assert client.get(address).status_code == 403
        assert client.post(address, {"deactivate": "1"}).status_code == 403


# ---- an account ----


def test_roles_and_schools_are_changed_on_one_form(client: Client, admin: Any, schools: Any) -> None:
    person = UserFactory(registrar=True, schools=[schools[0]])
    person.groups.add(Group.objects.create(name="bus drivers"))  # no role of ours: stays
    address = reverse("person", args=[person.pk])

    client.post(address, {"save": "1", "roles": [VIEWER, IMPORT_ADMIN], "schools": [schools[1].pk]})

    now = User.objects.get(pk=person.pk)
    assert {group.name for group in now.groups.all()} == {VIEWER, IMPORT_ADMIN, "bus drivers"}
    assert now.is_staff
    assert visible_school_ids(now) == {schools[1].pk}

    client.post(address, {"save": "1", "roles": [VIEWER], "all_schools": "on"})
    now = User.objects.get(pk=person.pk)
    assert not now.is_staff
    assert visible_school_ids(now) is None


def test_someone_who_is_deactivated_is_signed_out_at_once_and_can_come_back(
    client: Client, admin: Any, schools: Any
) -> None:
    person = UserFactory(registrar=True, schools=[schools[0]])
    browser = Client()
    browser.force_login(person)
    address = reverse("person", args=[person.pk])

    client.post(address, {"deactivate": "1"})
    assert browser.get(reverse("home")).status_code == 302
    assert "deactivated" in client.get(address).content.decode()

    client.post(address, {"activate": "1"})
    assert browser.get(reverse("home")).status_code == 302  # the session ended for good
    assert User.objects.get(pk=person.pk).is_active


def test_signing_out_everywhere_ends_all_sessions_of_this_person_only(client: Client, admin: Any, schools: Any) -> None:
    person = UserFactory(registrar=True, schools=[schools[0]])
    browsers = [Client(), Client()]
    for browser in browsers:
        browser.force_login(person)

    answer = client.post(reverse("person", args=[person.pk]), {"sign_out": "1"}, follow=True)

    assert "2 sessions ended" in answer.content.decode()  # and the admin is signed in still
    assert [browser.get(reverse("home")).status_code for browser in browsers] == [302, 302]


def test_a_new_invitation_makes_the_one_before_worthless(client: Client, admin: Any, schools: Any) -> None:
    first = code_of(invite(client, schools=[schools[0].pk]))
    address = reverse("person", args=[rosa().pk])

    second = code_of(client.post(address, {"link": "1"}))

    assert Client().post(reverse("staff_join"), {"code": first}).status_code == 410
    assert come(second)[1].status_code == 302
    client.post(address, {"link": "1"})  # has come: no new one
    assert StaffInvitation.objects.filter(used_at__isnull=True, withdrawn_at__isnull=True).count() == 0


def test_deactivating_withdraws_the_invitation(client: Client, admin: Any, schools: Any) -> None:
    code = code_of(invite(client, schools=[schools[0].pk]))

    client.post(reverse("person", args=[rosa().pk]), {"deactivate": "1"})

    assert Client().post(reverse("staff_join"), {"code": code}).status_code == 410
    assert not people.waits_for_invitation(rosa())


def test_the_list_says_when_somebody_last_signed_in_and_is_searched_and_filtered(
    client: Client, admin: Any, schools: Any
) -> None:
    reader, registrar = UserFactory(viewer=True, schools=[schools[0]]), UserFactory(registrar=True, all_schools=True)
    Client().force_login(registrar)

    page = client.get(reverse("people")).content.decode()
    assert "never" in page
    filtered = client.get(reverse("people"), {"role": VIEWER}).content.decode()
    assert reader.username in filtered
    assert registrar.username not in filtered
    found = client.post(reverse("people"), {"text": registrar.username}, follow=True).content.decode()
    assert registrar.username in found
    assert reader.username not in found.split("<main")[1]


def test_the_list_asks_no_query_for_each_person(
    client: Client, admin: Any, schools: Any, django_assert_max_num_queries: Any
) -> None:
    for _one in range(12):
        UserFactory(registrar=True, schools=[schools[0]])

    with django_assert_max_num_queries(45):
        client.get(reverse("people"))


# ---- the command ----


def test_the_command_makes_the_same_invitation(schools: Any, capsys: pytest.CaptureFixture[str]) -> None:
    call_command(
        "invite_person",
        "Rosa@example.org",
        "--role",
        SSID_STAFF,
        "--school",
        schools[0].code,
        "--site",
        "https://sis.example.org",
        "--json",
    )
    told = json.loads(capsys.readouterr().out)

    assert told["user"] == "rosa@example.org"
    assert told["link"].startswith("https://sis.example.org/people/join/#")
    assert come(told["link"].partition("#")[2])[1].status_code == 302
    assert visible_school_ids(rosa()) == {schools[0].pk}
    assert rosa().is_staff


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nobody"], "valid email"),
        (["rosa@example.org", "--school", "9999999"], "There is no school 9999999"),
        (["rosa@example.org"], "Choose a school"),
        (["rosa@example.org", "--all-schools", "--days", "0"], "1 to 60 days"),
    ],
)
def test_the_command_says_what_is_not_possible(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        call_command("invite_person", *arguments, "--role", REGISTRAR, "--json")

    assert ended.value.code == 2
    assert said in json.loads(capsys.readouterr().out)["message"]
    assert not User.objects.exists()


def test_people_are_exported_as_filtered(client: Client, admin: Any, schools: tuple[School, School]) -> None:
    UserFactory(username="rosa", first_name="Rosa", last_name="Vega", registrar=True, schools=[schools[0]])
    answer: Any = client.post(f"{reverse('people')}?role=registrar", {"export": "csv"})
    rows = b"".join(answer).decode("utf-8-sig").splitlines()
    assert rows == [
        "Name,User name,Roles,Schools,Last sign-in,State",
        "Rosa Vega,rosa,registrar,Own,never,may sign in",
    ]
