"""Rule ID-6: student data stays out of logs, and views of students and downloads are on record, by id only."""

import io
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import IntegrityError, connection
from django.test import Client
from django.urls import reverse
from django.utils.module_loading import import_string

from sisimport.accounts.access import VIEWER
from sisimport.audit.models import AuditEntry
from sisimport.imports.models import ImportRun
from sisimport.imports.runs import tasks
from students.models import SSID, Student
from tests.browser import district as its_district
from tests.browser.district import District, family_pages, staff_pages
from tests.factories import SchoolFactory, UserFactory
from tests.made_once import for_this_test

pytestmark = pytest.mark.django_db
district_once = its_district.district_once  # a fixture
SECRET = "9012345999"


@pytest.fixture
def pages(district_once: tuple[District, Path], db: None) -> District:
    return for_this_test(district_once)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that is logged, at any level, written as the settings say."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    plain = settings.LOGGING["formatters"]["plain"]
    handler.setFormatter(plain["()"](plain["format"]))
    for name in settings.LOGGING["handlers"]["stderr"]["filters"]:
        handler.addFilter(import_string(settings.LOGGING["filters"][name]["()"])())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield written
    root.removeHandler(handler)
    root.setLevel(level)


def violate_a_constraint(*_args: Any, **_kwargs: Any) -> None:
    """An error as the database raises it: its text quotes the row."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("CREATE TEMP TABLE held (ssid text UNIQUE)")
            cursor.execute("INSERT INTO held VALUES (%s), (%s)", [SECRET, SECRET])
    except IntegrityError as error:
        raise RuntimeError(f"it was SSID {SECRET}") from error


def test_id6_the_log_of_a_failed_page_tells_the_place_and_no_value(
    pages: District, client: Client, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.force_login(pages.staff)
    client.raise_request_exception = False
    monkeypatch.setattr("sisimport.web.queries.home.missing_ssids_by_school", violate_a_constraint)

    from django.db import transaction

    with transaction.atomic():
        answer = client.get(reverse("home"))
        transaction.set_rollback(True)

    assert answer.status_code == 500
    assert "violate_a_constraint" in log.getvalue()
    assert "UniqueViolation" in log.getvalue()
    assert SECRET not in log.getvalue()


def test_id6_the_log_of_a_failed_task_tells_the_place_and_no_value(
    pages: District, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_run_id: int) -> None:
        raise IntegrityError(f"Key (ssid)=({SECRET}) already exists.")

    monkeypatch.setattr("sisimport.imports.runs.execution.execute_run", broken)

    tasks.execute_run_task.apply(kwargs={"run_id": 7}, throw=True)

    assert "run 7 could not be taken up, IntegrityError" in log.getvalue()
    assert SECRET not in log.getvalue()


@pytest.mark.long
def test_id6_no_value_of_a_student_is_in_the_log_of_a_day_on_all_pages(
    pages: District, client: Client, log: io.StringIO
) -> None:
    client.force_login(pages.staff)
    for address in staff_pages(pages).values():
        client.get(address)
    client.post(reverse("students"), {"text": "García-López"})
    client.post(reverse("filter_issues", args=[pages.test.pk]), {"text": "García"})
    client.get(reverse("admin:students_student_changelist"), {"q": pages.student.local_number})

    assert "request_finished" in log.getvalue()
    values = {pages.student.last_name, pages.student.first_name, "García", pages.student.local_number}
    values |= set(SSID.objects.values_list("ssid", flat=True))
    assert not [value for value in values if value in log.getvalue()]


def test_id6_every_page_about_one_student_is_on_record(pages: District, client: Client) -> None:
    unnoticed = []
    addresses = staff_pages(pages)
    addresses["admin"] = reverse("admin:students_student_change", args=[pages.student.pk])
    looked_at = 0
    for name, address in addresses.items():
        if f"/{pages.student.pk}/" not in address or name.startswith("run") or name == "school_list":
            continue
        client.force_login(pages.staff)
        before = AuditEntry.looks.latest("pk").pk
        answer = client.get(address)
        looked_at += 1
        assert answer.status_code == 200, name
        if pages.student.last_name in answer.content.decode() and not AuditEntry.looks.filter(
            pk__gt=before, students__contains=[pages.student.pk], user=pages.staff
        ):
            unnoticed.append(name)

    assert looked_at >= 5
    assert unnoticed == []


def test_id6_a_familys_look_is_on_record_too(pages: District, client: Client) -> None:
    client.force_login(pages.parent)

    client.get(family_pages(pages)["family_student"])

    assert AuditEntry.looks.filter(students__contains=[pages.student.pk], user=pages.parent).exists()


def test_id6_the_record_of_a_download_names_the_run_and_no_student(pages: District, client: Client) -> None:
    client.force_login(pages.staff)
    for what in ("correct", "correct-xlsx", "lines-refused", "issues-csv", "changes-csv", "absent-xlsx"):
        client.post(reverse("export", args=[pages.test.pk]), {"what": what})
    client.get(reverse("run_print", args=[pages.test.pk]))

    subjects = set(AuditEntry.looks.filter(kind=AuditEntry.Kind.EXPORT).values_list("subject", flat=True))

    names = ("correct", "correct", "refused", "issues-csv", "changes-csv", "absent-xlsx", "print")
    assert subjects == {f"run {pages.test.pk}: {what}" for what in names}


def test_id6_a_message_says_the_run_and_its_lane_and_nothing_else(
    pages: District, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Any] = []
    monkeypatch.setattr(tasks.execute_run_task, "apply_async", lambda **given: sent.append(given["kwargs"]))

    tasks.enqueue(ImportRun.objects.all()[0].pk)

    assert [set(kwargs) for kwargs in sent] == [{"run_id", "lane"}]


def test_what_was_refused_is_in_the_log_with_who_asked_and_from_where(pages: District, log: io.StringIO) -> None:
    """A page that is not the user's, a student of another school, a form that another site sent, and a call without a token."""
    user = UserFactory(group=VIEWER, schools=[SchoolFactory()])
    client, forged = Client(), Client(enforce_csrf_checks=True)
    client.force_login(user)
    forged.force_login(user)
    student = Student.objects.exclude(school=None).first()
    assert student is not None

    answers = [
        client.get(reverse("people")),
        client.get(reverse("student", args=[student.pk])),
        forged.post(reverse("search"), {"text": "x"}),
        Client().get("/api/v1/students"),
    ]

    statuses = [answer.status_code for answer in answers]
    assert statuses == [403, 404, 403, 401]
    told = [line for line in log.getvalue().splitlines() if "request_finished" in line]
    assert [int(line.split("code=")[1][:3]) for line in told] == statuses
    assert all("ip=127.0.0.1" in line for line in told)
    assert all(f"user_id={user.pk}" in line for line in told[:3])
