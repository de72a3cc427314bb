"""Pages behind the second wall: as the web server's database role they show what they show without it, and no more."""

import re

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from sisimport.accounts.access import IMPORT_ADMIN, REGISTRAR, SSID_STAFF
from sisimport.api import students as api_students
from sisimport.api.tokens import make_token
from sisimport.web.views import students as students_views
from students.models import Student
from tests.as_roles import pages_and_runs_as_roles
from tests.factories import StudentFactory, UserFactory
from tests.faults import two_schools
from tests.faults.addresses import admin_addresses, own_addresses, queries, shown
from tests.faults.two_schools import TwoSchools, limited_reader
from tests.longer import spread

pytestmark = pytest.mark.django_db
two_schools_once, made = two_schools.two_schools_once, two_schools.made  # fixtures

# Answers that say another thing each time they are asked, or ask for another program.
RESTLESS = {"metrics", "admin:audit_auditentry_changelist"}
# Pages that every model of the admin has alike, beside the list of its records.
ALIKE = re.compile("admin:.*_(add|change|history|delete)")
Page = tuple[str, str, dict[str, str]]  # name, address, what is asked in the address


def asked(client: Client, addresses: list[Page]) -> dict[tuple[str, str], tuple[int, str]]:
    """What each address answers; whatever it wrote is taken back."""
    answers = {}
    for _name, address, data in addresses:
        with transaction.atomic():
            answer = client.get(address, data)
            answers[address, str(data)] = (answer.status_code, shown(answer))
            transaction.set_rollback(True)
    return answers


@pytest.mark.parametrize(
    ("groups", "staff", "every"),
    [
        pytest.param((REGISTRAR,), False, True, id="registrar", marks=pytest.mark.faults),
        pytest.param((IMPORT_ADMIN, SSID_STAFF), True, False, id="administrator"),
        pytest.param(
            (IMPORT_ADMIN, SSID_STAFF), True, True, id="administrator, asked in every way", marks=pytest.mark.faults
        ),
    ],
)
@pytest.mark.long
def test_every_page_says_the_same_on_both_sides_of_the_wall(
    groups: tuple[str, ...], staff: bool, every: bool, made: TwoSchools, client: Client
) -> None:
    """`every`: every page asked in every way. Else each in two ways, of one in twelve records, and of the admin the lists."""
    client.force_login(limited_reader(made, *groups, staff=staff))
    addresses = [*own_addresses(made), *(admin_addresses() if staff else ())]
    addresses = addresses if every else spread(addresses, lambda each: each[0], 12)
    pages = {
        (name, str(data)): (name, address, data)
        for name, address in reversed(addresses)
        if name not in RESTLESS and not name.endswith("xlsx") and (every or not ALIKE.fullmatch(name))
        for data in ({}, *queries(name, made)[: None if every else 1])
    }

    different = different_behind_the_wall(client, list(pages.values()))

    # A page may tell how long a run has waited, which a busy machine lets become another text: once more, at one moment.
    assert [page for page in different if different_behind_the_wall(client, [page])] == []


def different_behind_the_wall(client: Client, pages: list[Page]) -> list[Page]:
    """Those of these pages that do not answer the same on both sides."""
    without = asked(client, pages)
    with pages_and_runs_as_roles():
        behind = asked(client, pages)
    assert max(status for status, _text in behind.values()) < 500
    return [page for page in pages if without[page[1], str(page[2])] != behind[page[1], str(page[2])]]


def test_a_page_that_forgets_to_ask_shows_nobody_of_another_school(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the wall is for: the condition is gone, and the database still answers for the user's schools only."""
    own, other = StudentFactory(), StudentFactory()
    client.force_login(UserFactory(group=REGISTRAR, schools=[own.school]))
    monkeypatch.setattr(students_views, "visible_students", lambda _user: Student.objects.all())

    def statuses() -> list[int]:
        return [client.get(reverse("student", args=[student.pk])).status_code for student in (own, other)]

    assert statuses() == [200, 200]
    with pages_and_runs_as_roles():
        assert statuses() == [200, 404]


def test_a_token_sees_the_schools_it_is_narrowed_to(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The user is another one than the session's, and narrower than their own access: asked when the statement is sent."""
    own, other = StudentFactory(), StudentFactory()
    user = UserFactory(group=REGISTRAR, schools=[own.school, other.school])
    secret = make_token(name="Nightly", scopes=["students:read"], schools=[own.school], user=user).secret

    def status_of(student: Student) -> int:
        address = f"/api/v1/students/{student.local_number}"
        return client.get(address, headers={"authorization": f"Bearer {secret}"}).status_code

    monkeypatch.setattr(api_students, "visible_students", lambda _user: Student.objects.all())
    with pages_and_runs_as_roles():
        assert [status_of(own), status_of(other)] == [200, 404]
