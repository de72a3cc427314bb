"""The page of enrollment changes for the state: who gets it, what it says is left out, and the file it sends (table B, 88)."""

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from sisimport.audit.models import AuditEntry
from students.models import Enrollment
from tests.factories import SchoolFactory, SSIDFactory, StudentFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def school() -> Any:
    return SchoolFactory()


@pytest.fixture
def registrar(school: Any) -> Client:
    client = Client()
    client.force_login(UserFactory(registrar=True, schools=[school]))
    return client


def stay(school: Any, ssid: str, *, now_at: Any = None, **values: Any) -> Any:
    student = StudentFactory(school=now_at or school, birth_country="US", birth_state="CA")
    SSIDFactory(student=student, ssid=ssid)
    values = {"start_date": timezone.localdate() - dt.timedelta(days=5), "grade": "05", **values}
    Enrollment.objects.update_or_create(student=student, school=school, defaults=values)
    return student


def left(**values: Any) -> dict[str, Any]:
    today = timezone.localdate()
    return {"start_date": today - dt.timedelta(days=200), "exit_date": today - dt.timedelta(days=2), **values}


def shown(client: Client, name: str = "senr_changes", **asked: Any) -> str:
    asked = {"since": str(timezone.localdate() - dt.timedelta(days=10)), **asked}
    response = client.get(reverse(name), asked)
    assert response.status_code == 200
    return str(response.content.decode())


def test_b88_the_page_counts_records_and_exits_and_lists_who_is_left_out(registrar: Client, school: Any) -> None:
    stay(school, "9012345671")
    stay(school, "9012345672", **left(exit_reason="T160"))
    lacking = stay(school, "9012345673", **left(exit_reason=""))

    page = " ".join(shown(registrar, school=school.pk).split())

    assert "<dt>Records</dt><dd>2</dd> <dt>Exits among them</dt><dd>1</dd> <dt>Left out</dt><dd>1</dd>" in page
    assert "The exit reason is missing." in page
    assert reverse("student", args=[lacking.pk]) in page
    assert "9012345671" not in page
    assert AuditEntry.looks.filter(students__contains=[lacking.pk]).exists()


def test_b88_the_file_holds_each_record_with_its_ssid_and_is_on_record(registrar: Client, school: Any) -> None:
    stay(school, "9012345671")
    stay(school, "9012345672", **left(exit_reason="T160"))
    asked = {"school": school.pk, "since": str(timezone.localdate() - dt.timedelta(days=10))}

    for delimiter, ending in (("^", "txt"), (",", "csv")):
        file = registrar.post(reverse("senr_changes_file"), {**asked, "delimiter": delimiter})
        lines = b"".join(file.streaming_content).decode().splitlines()  # type: ignore[attr-defined]
        assert [line.split(delimiter)[7] for line in lines] == ["9012345671", "9012345672"]
        assert [line.split(delimiter)[25] for line in lines] == ["", "T160"]
        assert f"enrollment-changes-since-{asked['since']}.{ending}" in file.headers["Content-Disposition"]
    assert AuditEntry.looks.filter(kind="export").count() == 2


def test_b88_a_day_to_come_no_school_and_nothing_to_send_are_reported_on_the_page(
    registrar: Client, school: Any
) -> None:
    tomorrow = str(timezone.localdate() + dt.timedelta(days=1))

    assert "in the future" in shown(registrar, school=school.pk, since=tomorrow)
    assert "There is a problem" in shown(registrar)
    assert "There is no enrollment to report" in shown(registrar, school=school.pk)
    nothing = registrar.post(reverse("senr_changes_file"), {"school": school.pk, "since": str(timezone.localdate())})
    assert "There is no enrollment to report" in nothing.content.decode()


def test_b88_schools_of_others_are_not_there(registrar: Client, school: Any) -> None:
    elsewhere = SchoolFactory(lea=school.lea)
    stay(elsewhere, "9012345671")

    page = shown(registrar, school=elsewhere.pk)
    assert "Choose from the list" in page
    assert "Select a valid choice" not in page


def test_b88_who_left_for_a_school_of_others_is_reported_and_not_linked(registrar: Client, school: Any) -> None:
    elsewhere = SchoolFactory(lea=school.lea)
    gone = stay(school, "9012345671", now_at=elsewhere, **left(exit_reason=""))

    page = shown(registrar, school=school.pk)

    assert gone.local_number in page
    assert reverse("student", args=[gone.pk]) not in page


def test_b88_the_page_asks_no_query_per_stay(registrar: Client, school: Any) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            shown(registrar, school=school.pk)
        return len(queries)

    stay(school, "9012345670", **left(exit_reason=""))
    asked()
    few = asked()
    for number in range(1, 9):
        stay(school, f"901234567{number}", **left(exit_reason=""))

    assert asked() <= few
