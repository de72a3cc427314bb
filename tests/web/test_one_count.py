"""Students without an SSID are one number, whichever page, list or request is asked."""

import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from ssid.collection.school_lists import students_without_ssid
from ssid.requests.senr_file import draft
from students import collection
from students.models import School, Student
from tests.factories import EnrollmentFactory, LEAFactory, SchoolFactory, SSIDFactory, StudentFactory
from tests.imports.commandline import CommandLine

pytestmark = pytest.mark.django_db
TODAY = dt.date(2026, 11, 27)


def enrolled(school: School | None, *stays: tuple[str, str | None], **values: Any) -> Student:
    lea = LEAFactory()
    student: Student = StudentFactory(school=school, lea=lea, enrollment=None, **values)
    for start, end in stays:
        EnrollmentFactory(student=student, school=school, start_date=start, exit_date=end)
    return student


@pytest.fixture
def schools() -> tuple[School, School]:
    """Two schools with six students to count, and as many of all kinds that are not."""
    oak, elm = SchoolFactory(name="Oak", code="0000001"), SchoolFactory(name="Elm", code="0000002")
    today = timezone.localdate()
    yesterday, tomorrow = str(today - dt.timedelta(days=1)), str(today + dt.timedelta(days=1))
    # Counted: enrolled, back again, leaving today or tomorrow, without any enrollment on record, with a retired number only.
    enrolled(oak, ("2024-08-12", None))
    enrolled(oak, ("2022-08-12", "2023-06-01"), ("2024-08-12", None))
    enrolled(oak, ("2024-08-12", str(today)))
    enrolled(oak, ("2024-08-12", tomorrow))
    enrolled(elm)
    SSIDFactory(student=enrolled(elm, ("2024-08-12", None)), retired_at=timezone.now())
    # Not counted: with an SSID, gone, gone twice, without a school.
    SSIDFactory(student=enrolled(oak, ("2024-08-12", None)))
    enrolled(oak, ("2024-08-12", yesterday))
    enrolled(elm, ("2021-08-12", "2022-06-01"), ("2023-08-12", "2024-06-01"))
    enrolled(None)
    return oak, elm


def number_before(client: Client, url: str, words: str) -> int:
    """The big number of the tile that says these words."""
    body = client.get(url).content.decode()
    found = re.search(rf"<b>([\d,]+)</b>\s*{words}", body)
    assert found, body
    return int(found[1].replace(",", ""))


def test_every_page_list_and_request_has_the_same_number(
    client: Client, registrar: Any, schools: tuple[School, School], command: CommandLine, tmp_path: Path
) -> None:
    oak, elm = schools
    expected = {oak.pk: 4, elm.pk: 2}

    assert number_before(client, reverse("home"), "students enrolled without an SSID") == 6
    assert number_before(client, reverse("collection"), "without SSID") == 6
    home = client.get(reverse("home")).context["missing"]
    assert {row.school_id: row.missing for row in home} == expected
    listed = client.get(reverse("students"), {"ssid": "missing"}).context["page"]
    assert listed.paginator.count == len(listed.object_list) == 6
    requests = client.get(reverse("senr_requests"))
    assert requests.context["missing"] == 6
    assert {school.pk: school.missing for school in requests.context["school_page"]} == expected
    made = draft([oak, elm])
    assert len(made.entries) + made.incomplete == 6
    for school, count in ((oak, 4), (elm, 2)):
        found = client.get(reverse("students"), {"ssid": "missing", "school": school.pk}).context["page"]
        assert found.paginator.count == count
        assert client.get(reverse("school_list", args=[school.pk])).context["missing"] == count
        assert len(list(students_without_ssid(school))) == count
        out = tmp_path / f"{school.code}.csv"
        assert (
            command("missing_ssids", "--school", school.code, "--output", out, "--json").json["student_count"] == count
        )
    collection.record_missing()
    assert collection.share_over_time(None)[-1].missing == 6


def test_someone_who_left_is_found_where_the_page_says_so(
    client: Client, registrar: Any, schools: tuple[School, School]
) -> None:
    page = client.get(reverse("students"), {"ssid": "gone"})
    assert page.context["page"].paginator.count == 3
    assert "No longer enrolled, without SSID" in page.content.decode()
    assert draft(list(schools)).left == 2
