"""The record of access as people see it, and what goes into it by itself."""

import csv
import io
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import DatabaseError
from django.test import Client
from django.urls import reverse

from sisimport.accounts import recording, step_up
from sisimport.accounts.access import REGISTRAR
from sisimport.accounts.limits import PAIR_TRIES
from sisimport.api.tokens import make_token
from sisimport.audit.models import AuditEntry
from sisimport.web.exports import writers
from sisimport.web.views import students as student_views
from students.models import FamilyMember, School, StaffAccess, Student
from tests.factories import PASSWORD, SchoolFactory, StudentFactory, UserFactory

pytestmark = pytest.mark.django_db
Kind = AuditEntry.Kind


@pytest.fixture
def school() -> School:
    return SchoolFactory()


@pytest.fixture
def students(school: School) -> list[Student]:
    return [StudentFactory(school=school, last_name=f"Quill{n}") for n in range(3)]


@pytest.fixture
def admin(client: Client) -> Any:
    user = UserFactory(import_admin=True, username="ana")
    client.force_login(user)
    return user


def newest(**wanted: Any) -> AuditEntry:
    return AuditEntry.objects.filter(**wanted).latest("pk")


def text(answer: Any) -> str:
    return str(answer.content.decode())


# ---- what is shown of it ----


def test_a_list_answers_who_saw_one_of_its_students(
    client: Client, admin: Any, school: School, students: list[Student]
) -> None:
    reader = UserFactory(viewer=True, schools=[school], username="rosa")
    theirs = Client()
    theirs.force_login(reader)
    theirs.get(reverse("students"))

    entry = newest(user=reader, kind=Kind.LIST)
    assert (entry.students, entry.count) == (sorted(one.pk for one in students), 3)
    assert (entry.who, entry.place, entry.address) == ("rosa", "students", "127.0.0.1")
    page = text(client.get(reverse("student_looks", args=[students[1].pk])))
    assert "rosa" in page
    assert "Student search" in page
    assert reverse("student_looks", args=[students[1].pk]) in text(
        client.get(reverse("student", args=[students[1].pk]))
    )


def test_the_record_is_filtered_by_person_student_kind_and_day(
    client: Client, admin: Any, students: list[Student]
) -> None:
    address = reverse("access_record")
    client.get(reverse("student", args=[students[0].pk]))
    UserFactory(username="other")

    def shown(**query: str) -> list[str]:
        return [entry.kind for entry in client.get(address, query).context["page"].object_list]

    assert set(shown(kind="role")) == {"role"}
    assert shown(until="2020-01-01") == []
    assert "page" in shown(since="2020-01-01")
    client.post(address, {"text": students[0].local_number})
    assert shown() == ["page"]
    client.post(address, {"text": "ana"})
    assert {"page"} <= set(shown())
    client.post(address, {"text": "nobody at all"})
    assert shown() == []


def test_the_record_is_taken_along_as_a_file_with_local_numbers(
    client: Client, admin: Any, students: list[Student]
) -> None:
    client.get(reverse("student", args=[students[0].pk]))

    whole = list(csv.DictReader(io.StringIO(file_of(client, reverse("access_record")))))
    one = list(csv.DictReader(io.StringIO(file_of(client, reverse("student_looks", args=[students[0].pk])))))

    page = next(row for row in whole if row["What"] == "Student page")
    assert (page["User name"], page["Local numbers"], page["Students"]) == ("ana", students[0].local_number, "1")
    assert {row["Local numbers"] for row in one} == {students[0].local_number}
    assert newest(kind=Kind.EXPORT).subject == "list student-looks"


def file_of(client: Client, address: str) -> str:
    return b"".join(client.post(address, {"export": "csv"})).decode("utf-8-sig")  # type: ignore[arg-type]


def test_the_whole_record_is_for_admins_of_all_schools_and_a_students_for_those_of_the_school(
    client: Client, school: School, students: list[Student]
) -> None:
    limited = UserFactory(schools=[school], group="import admin")
    client.force_login(limited)
    assert client.get(reverse("access_record")).status_code == 403
    assert reverse("access_record") not in text(client.get(reverse("home")))
    assert client.get(reverse("student_looks", args=[students[0].pk])).status_code == 200
    assert client.get(reverse("student_looks", args=[StudentFactory().pk])).status_code == 404
    client.force_login(UserFactory(group=REGISTRAR, schools=[school]))
    assert client.get(reverse("student_looks", args=[students[0].pk])).status_code == 403


# ---- what is not shown is not on record, and nothing is shown that is not ----


def test_refused_pages_and_redirects_are_not_looks(client: Client, students: list[Student]) -> None:
    client.force_login(UserFactory(viewer=True, schools=[SchoolFactory()]))
    before = AuditEntry.looks.count()
    assert client.get(reverse("student", args=[students[0].pk])).status_code == 404
    assert client.get(reverse("record", args=[students[0].pk])).status_code == 403
    assert AuditEntry.looks.count() == before


def test_a_page_that_cannot_be_put_on_record_is_not_shown(
    admin: Any, students: list[Student], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: Any) -> None:
        raise DatabaseError

    monkeypatch.setattr(recording, "write_looked", fail)
    client = Client(raise_request_exception=False)
    client.force_login(admin)

    answer = client.get(reverse("student", args=[students[0].pk]))

    assert answer.status_code == 500
    assert students[0].last_name not in text(answer)


def read_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a long download: no block is read before the first byte leaves."""
    monkeypatch.setattr(recording, "STREAMED_BLOCK", 1)
    monkeypatch.setattr(step_up, "MANY", 0)
    monkeypatch.setattr(student_views, "EXPORT_BLOCK", 1)
    monkeypatch.setattr(writers, "_BLOCK", 1)


def test_a_streamed_download_is_on_record_before_it_begins_and_its_students_as_they_leave(
    client: Client, admin: Any, students: list[Student], monkeypatch: pytest.MonkeyPatch
) -> None:
    read_one_by_one(monkeypatch)
    answer: Any = client.post(reverse("students"), {"export": "csv"})
    first = newest(kind=Kind.EXPORT)
    assert first.subject == "list students"

    list(answer)

    more = AuditEntry.objects.filter(kind=Kind.MORE, of=first.pk)
    assert more.exists()
    assert {*first.students, *(pk for entry in more for pk in entry.students)} == {one.pk for one in students}


def test_a_download_that_is_broken_off_has_what_left_on_record(
    client: Client, admin: Any, students: list[Student], monkeypatch: pytest.MonkeyPatch
) -> None:
    read_one_by_one(monkeypatch)
    answer: Any = client.post(reverse("students"), {"export": "csv"})
    next(answer._iterator)
    next(answer._iterator)
    answer._iterator.close()  # as the server does when the client is gone
    assert AuditEntry.objects.filter(kind=Kind.MORE, of=newest(kind=Kind.EXPORT).pk).exists()


# ---- sign-ins ----


def sign_in(client: Client, name: str, password: str) -> None:
    client.post(reverse("account_login"), {"login": name, "password": password})


def test_sign_ins_and_sign_outs_are_on_record(client: Client) -> None:
    user = UserFactory(username="rosa")
    sign_in(client, "rosa", PASSWORD)
    client.post(reverse("account_logout"))

    kinds = AuditEntry.objects.filter(user=user).order_by("pk").values_list("kind", "who", "address")
    assert list(kinds) == [("sign_in", "rosa", "127.0.0.1"), ("sign_out", "rosa", "127.0.0.1")]


def test_refused_sign_ins_are_on_record_without_what_was_typed(client: Client) -> None:
    user = UserFactory(username="rosa")
    sign_in(client, "rosa", "wrong")
    sign_in(client, "Zqqz my password", "wrong")
    assert list(AuditEntry.objects.filter(kind=Kind.REFUSED).order_by("pk").values_list("user", "subject")) == [
        (user.pk, "wrong name or password"),
        (None, "wrong name or password: nobody's name"),
    ]
    for _n in range(PAIR_TRIES):
        sign_in(client, "rosa", "wrong")
    assert newest(kind=Kind.REFUSED).subject == "too many tries"
    assert not any("Zqqz" in str(vars(entry)) for entry in AuditEntry.objects.all())


# ---- changes of access ----


def roles() -> list[str]:
    return list(AuditEntry.objects.filter(kind=Kind.ROLE).order_by("pk").values_list("subject", flat=True))


def test_every_change_of_access_is_on_record_whoever_makes_it(school: School, students: list[Student]) -> None:
    user = UserFactory(username="rosa")
    before, who = len(roles()), f"person {user.pk} (rosa): "
    user.groups.add(Group.objects.get(name=REGISTRAR))
    user.groups.clear()
    access = StaffAccess.objects.create(user=user)
    access.schools.add(school)
    StaffAccess.objects.filter(user=user).update(all_schools=True)
    type(user).objects.filter(pk=user.pk).update(is_active=False, is_superuser=True)
    user.set_password("another-one-7")
    user.save(update_fields=["password"])
    token = make_token(name="nightly", scopes=["runs:read"], schools=None, user=user).token
    type(token).objects.filter(pk=token.pk).update(last_address="10.0.0.1")  # each use: no change of access
    FamilyMember.objects.create(user=user, student=students[0])

    assert roles()[before:] == [
        f"{who}group registrar given",
        f"{who}group registrar taken",
        f"{who}sees the schools named",
        f"{who}school {school.code} given",
        f"{who}sees all schools",
        f"{who}may not sign in any more, superuser",
        f"{who}password set",
        f"token {token.pk} of person {user.pk}: made for runs:read",
        f"person {user.pk}: family of this student from now on",
    ]
    entry = newest(kind=Kind.ROLE)
    assert (entry.students, entry.user, entry.place) == ([students[0].pk], None, "database")


def test_a_change_on_a_page_names_who_made_it(client: Client) -> None:
    boss = UserFactory(username="boss", is_superuser=True, is_staff=True)
    user = UserFactory(username="rosa", viewer=True)
    client.force_login(boss)

    client.post(reverse("person", args=[user.pk]), {"deactivate": "1"})
    client.post(reverse("admin:students_staffaccess_add"), {"user": user.pk, "all_schools": "on"})

    named = AuditEntry.objects.filter(kind=Kind.ROLE, user=boss)
    assert f"person {user.pk} (rosa): sees all schools" in named.values_list("subject", flat=True)
    assert {entry.who for entry in named} == {"boss"}
