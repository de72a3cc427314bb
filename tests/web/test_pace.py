"""One person uploads and exports so often in a minute, over all processes; the next is told to wait, in plain words."""

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.urls import reverse

import sisimport.settings as product
from sisimport.imports.models import ImportFile
from sisimport.web import pace
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def limits(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.CACHES = product.CACHES  # one for all processes, in PostgreSQL
    settings.UPLOADS_PER_MINUTE = settings.EXPORTS_PER_MINUTE = 2
    at(monkeypatch, 1_795_917_610.0)


def at(monkeypatch: pytest.MonkeyPatch, moment: float) -> None:
    monkeypatch.setattr(pace, "time", SimpleNamespace(time=lambda: moment))


def somebody() -> Client:
    client = Client()
    client.force_login(UserFactory(import_admin=True))
    return client


def upload(client: Client) -> int:
    file = SimpleUploadedFile("students.csv", b"a,b\n1,2\n")
    return client.post(reverse("recognise", args=["calpads-ssid"]), {"file": file}).status_code


def export(client: Client) -> Any:
    return client.post(reverse("runs"), {"export": "csv"})


def test_uploads_of_one_person_are_limited_and_those_of_others_are_not() -> None:
    one, other = somebody(), somebody()
    first = [upload(one) for _number in range(2)]
    assert 429 not in first
    assert upload(one) == 429
    assert upload(other) == first[0]
    assert not ImportFile.objects.exists()


def test_exports_of_one_person_are_limited_before_anything_is_read() -> None:
    one = somebody()
    assert [export(one).status_code for _number in range(2)] == [200, 200]
    answer = export(one)
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "50"
    page = answer.content.decode()
    assert "You made 2 exports within one minute" in page
    assert "Continue in 50 seconds" in page
    assert one.get(reverse("runs")).status_code == 200  # looking is not counted


def test_the_next_minute_begins_again(monkeypatch: pytest.MonkeyPatch) -> None:
    one = somebody()
    assert [export(one).status_code for _number in range(3)] == [200, 200, 429]
    at(monkeypatch, 1_795_917_610.0 + 60)
    assert export(one).status_code == 200


def test_nothing_is_counted_where_there_is_no_limit(settings: Any) -> None:
    settings.EXPORTS_PER_MINUTE = 0
    one = somebody()
    assert {export(one).status_code for _number in range(4)} == {200}


@pytest.mark.django_db(transaction=True)
def test_requests_at_the_same_time_are_counted_one_after_the_other(settings: Any) -> None:
    settings.UPLOADS_PER_MINUTE = 5
    user = UserFactory()

    def one_more(_number: int) -> bool:
        try:
            return pace.count(user, pace.UPLOADS)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(one_more, range(16))) == 5
