"""The students of one request, and the requests to choose candidates for, are lists as every other."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from ssid.models import SENRRequest
from ssid.requests.senr_file import draft
from ssid.requests.services import keep_request
from students.models import School
from tests.factories import SchoolFactory, SSIDFactory, StudentFactory, UserFactory
from tests.ssid.request_files import HEADER, RESULT, line, make_district, make_student, run_test

pytestmark = pytest.mark.django_db


@pytest.fixture
def everybody(client: Client) -> Client:
    client.force_login(UserFactory(import_admin=True))
    return client


def rows_of(answer: Any) -> list[str]:
    return b"".join(answer).decode("utf-8-sig").splitlines()


# ---- students of a request ----


def _student(school: Any, **values: Any) -> Any:
    return StudentFactory(school=school, birth_country="US", **values)


@pytest.fixture
def kept() -> SENRRequest:
    """A request for three students of two schools, one of whom has an SSID since."""
    north = SchoolFactory(name="North")
    south = SchoolFactory(name="South", lea=north.lea)
    _student(north, last_name="Zuniga", local_number="103")
    found = _student(north, last_name="Adams", local_number="102")
    _student(south, last_name="Moore", local_number="101")
    request = keep_request(draft([north, south]), user=None)
    SSIDFactory(student=found)
    return request


def _names(client: Client, address: str, **query: str) -> list[str]:
    return [row.student.last_name for row in client.get(address, query).context["page"].object_list]


def test_students_of_a_request_are_sorted_filtered_and_exported(everybody: Client, kept: SENRRequest) -> None:
    address = reverse("senr_request", args=[kept.pk])
    by_line = list(kept.lines.order_by("line").values_list("student__last_name", flat=True))
    assert _names(everybody, address) == by_line
    assert _names(everybody, address, sort="-line") == by_line[::-1]
    assert _names(everybody, address, sort="student") == ["Adams", "Moore", "Zuniga"]
    assert _names(everybody, address, sort="number") == ["Moore", "Adams", "Zuniga"]
    assert _names(everybody, address, sort="-school")[0] == "Moore"
    assert _names(everybody, address, sort="state") == ["Adams", *[name for name in by_line if name != "Adams"]]

    assert _names(everybody, address, state="has_ssid") == ["Adams"]
    assert _names(everybody, address, school=str(School.objects.get(name="South").pk)) == ["Moore"]
    answer = everybody.post(address, {"text": "zun", "state": "out"})
    assert answer.headers["Location"] == f"{address}?state=out"  # a name is in no address
    assert _names(everybody, address) == ["Zuniga"]
    everybody.post(address, {"clear": "1"})

    rows = rows_of(everybody.post(f"{address}?sort=student&state=out", {"export": "csv"}))
    assert [row.split(",")[2] for row in rows] == ["Last name", "Moore", "Zuniga"]
    assert rows[1].endswith("South,Still out")


def test_a_longer_request_asks_no_more_of_the_database(everybody: Client) -> None:
    counts = []
    for students in (1, 8):
        school = SchoolFactory()
        for _ in range(students):
            _student(school)
        address = reverse("senr_request", args=[keep_request(draft([school]), user=None).pk])
        everybody.get(address)
        with CaptureQueriesContext(connection) as asked:
            assert len(_names(everybody, address)) == students
        counts.append(len(asked))
    assert counts[0] == counts[1]


# ---- requests to choose candidates for ----

ROWS = [
    f"{HEADER},{RESULT}",
    line(more="Lee,Sam,M,20110304,EL,20150901,spa,Lee,Ana"),
    line(ssid="8012345690", score="97%", more="Li,Sam,F,20110305,EO,,eng,Li,Bo"),
    line("100100", last="Zuniga", ssid="8012345700", score="62%", more=",,,,,,,,"),
    line("100100", last="Zuniga", ssid="8012345701", score="61%", more=",,,,,,,,"),
    line("100999", last="Adams", category="Single Match", ssid="8012345710", score="80%", more=",,,,,,,,"),
]


@pytest.fixture
def tested() -> Any:
    """A Test of match results: three requests that wait, of students of two schools."""
    school = make_district()
    other = School.objects.create(lea=school.lea, code="0123457", name="South")
    make_student(school)
    make_student(other, "100100", last_name="Zuniga")
    make_student(school, "100999", last_name="Adams")
    return run_test(ROWS)


def _numbers(client: Client, run: Any, **query: str) -> list[str]:
    cards = client.get(reverse("run_candidates", args=[run.pk]), query).context["cards"]
    return [card.request.local_number for card in cards]


def test_requests_with_candidates_are_sorted_and_filtered(everybody: Client, tested: Any) -> None:
    assert _numbers(everybody, tested) == ["100240", "100100", "100999"]
    assert _numbers(everybody, tested, sort="-line") == ["100999", "100100", "100240"]
    assert _numbers(everybody, tested, sort="number") == ["100100", "100240", "100999"]
    assert _numbers(everybody, tested, sort="-score") == ["100240", "100999", "100100"]
    assert _numbers(everybody, tested, category="Single-Match") == ["100999"]
    assert _numbers(everybody, tested, category="no-such-thing") == []
    assert _numbers(everybody, tested, school=str(School.objects.get(name="South").pk)) == ["100100"]

    address = reverse("run_candidates", args=[tested.pk])
    answer = everybody.post(address, {"text": "zuniga", "state": "open"})
    assert answer.headers["Location"] == f"{address}?state=open"
    assert _numbers(everybody, tested) == ["100100"]
    everybody.post(address, {"text": "100999", "state": "open"})
    assert _numbers(everybody, tested) == ["100999"]


def test_a_choice_leads_back_to_the_list_as_it_was_filtered(everybody: Client, tested: Any) -> None:
    address = reverse("run_candidates", args=[tested.pk])
    answer = everybody.post(f"{address}?state=open&sort=-score", {"request-4": "refuse", "state": "open"})
    assert answer.headers["Location"] == f"{address}?state=open&sort=-score"
    assert _numbers(everybody, tested, state="refused") == ["100100"]


def test_requests_with_candidates_leave_without_the_middle_of_an_ssid(everybody: Client, tested: Any) -> None:
    address = reverse("run_candidates", args=[tested.pk])
    everybody.post(address, {"request-4": "4", "state": "open"})
    rows = rows_of(everybody.post(f"{address}?state=chosen", {"export": "csv"}))
    assert rows[0].startswith("Line,Local number,Last name")
    assert len(rows) == 2
    assert rows[1].startswith("4,100100,Zuniga,")
    assert rows[1].endswith("2,62,Chosen,80•• ••• 700")
