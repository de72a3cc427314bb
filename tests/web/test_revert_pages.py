"""A revert on the page: what it put back, what it kept and why, and the way on."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from sisimport.imports.models import ImportRun, Work
from students.models import Student
from tests.factories import UserFactory
from tests.imports.journey import District, finish, make_district, run_file
from tests.roster.test_roster import JOSE, csv

pytestmark = pytest.mark.django_db


@pytest.fixture
def district() -> District:
    made = make_district()
    for number in ("1", "2", "3"):
        made.student(local_number=number)
    return made


@pytest.fixture
def admin(client: Client) -> Any:
    user = UserFactory(import_admin=True)
    client.force_login(user)
    return user


def renamed(name: str, *numbers: str) -> ImportRun:
    content = csv(*(JOSE | {"local_number": number, "alias_last_name": name} for number in numbers))
    return run_file("students", content, Work.UPDATE).run


def page(client: Client, run: ImportRun) -> str:
    return " ".join(client.get(reverse("run", args=[run.pk])).content.decode().split())


def press_revert(client: Client, run: ImportRun) -> ImportRun:
    answer = client.post(reverse("start_revert", args=[run.pk]), follow=True)
    number = int(answer.redirect_chain[-1][0].strip("/").split("/")[-1])
    return finish(ImportRun.objects.get(pk=number)).run


def test_a_revert_says_what_it_kept_and_why_and_the_button_stays(
    client: Client, admin: Any, district: District
) -> None:
    first, second = renamed("Beta", "1", "2", "3"), renamed("Gamma", "1")
    Student.objects.filter(local_number="2").update(alias_last_name="Delta")

    undone = press_revert(client, first)

    told = page(client, undone)
    assert "Put back 1 line." in told
    assert "Something of 2 lines was kept:" in told
    assert "1 record: a later run wrote the same since" in told
    assert "1 record: edited since" in told
    assert f'<a href="{reverse("run", args=[second.pk])}">run {second.pk}</a>. Revert it, newest first' in told
    of_first = page(client, first)
    assert "reverted in part" in of_first
    assert "Revert the rest" in of_first
    assert "Reverted in part" in client.get(reverse("runs")).content.decode()


def test_the_button_is_gone_when_all_is_put_back(client: Client, admin: Any, district: District) -> None:
    first, second = renamed("Beta", "1", "2"), renamed("Gamma", "1")
    press_revert(client, first)

    last = press_revert(client, second)

    assert "put back what an earlier revert had to keep because of this run" in page(client, last)
    (along,) = ImportRun.objects.filter(pk__in=last.facts["finished"])
    assert f'Made by itself, with <a href="{reverse("run", args=[last.pk])}">' in page(client, along)
    for run in (first, second):
        told = page(client, run)
        assert "This run was reverted." in told
        assert reverse("start_revert", args=[run.pk]) not in told
    assert not Student.objects.exclude(alias_last_name="").exists()


def test_a_revert_that_put_nothing_back_is_not_told_as_one(client: Client, admin: Any, district: District) -> None:
    run = renamed("Beta", "1")
    Student.objects.update(alias_last_name="Delta")
    press_revert(client, run)
    assert "A revert of this run could put nothing back." in page(client, run)
    assert "Reverted" not in client.get(reverse("runs")).content.decode()
