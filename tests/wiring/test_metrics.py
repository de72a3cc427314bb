"""/metrics: the figures are those of the database, whichever server answers; only those who are allowed read them."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from sisimport.automation.adding import add_delivery, add_place
from sisimport.automation.export_deliveries import deliver
from sisimport.automation.models import Delivery, PickUpPlace
from sisimport.imports.models import ImportRun, RunHold, RunStatus, Work
from sisimport.imports.runs import services
from tests.factories import UserFactory
from tests.files.samples import line
from tests.imports.journey import make_district, run_file

pytestmark = pytest.mark.django_db
TOKEN = "a-token-of-the-monitoring"


@pytest.fixture
def figures(client: Client, settings: Any) -> Any:
    settings.METRICS_TOKEN = TOKEN

    def scrape() -> dict[tuple[str, frozenset[str]], float]:
        answer = client.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"})
        assert answer.status_code == 200
        assert answer["Content-Type"].startswith("text/plain")
        return {
            (sample.name, frozenset(sample.labels.values())): sample.value
            for family in text_string_to_metric_families(answer.text)
            for sample in family.samples
        }

    return scrape


def test_runs_are_counted_by_state_type_and_phase(figures: Any) -> None:
    make_district().student()
    test = run_file("ssid-download", line()).run
    ImportRun.objects.create(work=Work.TEST, import_type="ela", file=test.file, status=RunStatus.FAILED)
    for status in (RunStatus.QUEUED, RunStatus.QUEUED, RunStatus.HELD):
        run = ImportRun.objects.create(work=Work.TEST, import_type="ela", file=test.file, status=status)
    RunHold.objects.create(run=run, reasons=[])
    RunHold.objects.update(held_at=timezone.now() - dt.timedelta(hours=2))
    found = figures()
    assert found["sisimport_runs", frozenset({"queued"})] == 2
    assert (
        found["sisimport_runs", frozenset({"running"})],
        found["sisimport_runs_oldest_seconds", frozenset({"running"})],
    ) == (0, 0)
    assert found["sisimport_runs_oldest_seconds", frozenset({"held"})] >= 7200
    assert found["sisimport_runs_ended_total", frozenset({"ela", "test", "failed"})] == 1
    assert found["sisimport_runs_ended_total", frozenset({"ssid-download", "test", "completed"})] == 1
    assert found["sisimport_run_seconds_count", frozenset({"ssid-download", "test"})] == 1
    phases = {
        min(key[1] - {"ssid-download", "test"}): value
        for key, value in found.items()
        if key[0] == "sisimport_run_phase_seconds_total"
    }
    assert set(phases) >= {"starting", "matching", "checking", "planning"}
    test.refresh_from_db()
    assert sum(phases.values()) == pytest.approx(sum(test.phase_seconds.values()))
    assert 0 < sum(phases.values()) <= found["sisimport_run_seconds_sum", frozenset({"ssid-download", "test"})] + 5


def test_places_deliveries_and_messages_have_an_age_and_a_state(figures: Any, tmp_path: Path) -> None:
    place = add_place(name="state", path=str(tmp_path / "gone"))
    PickUpPlace.objects.update(last_look_at=timezone.now() - dt.timedelta(hours=1), error="not there")
    made = add_delivery(name="warehouse", what="students", file_name="a.csv", path=str(tmp_path))
    Delivery.objects.create(user=UserFactory(), subject="held", due_at=timezone.now())
    assert ("sisimport_delivery_age_seconds", frozenset({str(made.pk)})) not in figures()
    deliver(made)
    found = figures()
    assert 3600 <= found["sisimport_pick_up_age_seconds", frozenset({str(place.pk)})] < 4000
    assert found["sisimport_pick_up_needs_a_look", frozenset({str(place.pk)})] == 1
    assert found["sisimport_delivery_age_seconds", frozenset({str(made.pk)})] < 600
    assert found["sisimport_delivery_needs_a_look", frozenset({str(made.pk)})] == 0
    assert (
        found["sisimport_messages_waiting", frozenset({"mail"})],
        found["sisimport_messages_waiting", frozenset({"webhook"})],
    ) == (1, 0)


def test_nothing_of_a_person_is_in_it(client: Client, settings: Any, tmp_path: Path) -> None:
    settings.METRICS_TOKEN = TOKEN
    district = make_district()
    district.student()
    user = UserFactory(username="quintanilla", email="quintanilla@example.org")
    test = run_file("ssid-download", line()).run
    ImportRun.objects.update(created_by=user)
    services.start_writing(test_run=test, user=user)
    add_place(name="Quintanilla's folder", path=str(tmp_path))
    text = client.get("/metrics", headers={"authorization": f"Bearer {TOKEN}"}).text.lower()
    for word in ("quintanilla", "garc", "100234", "9012345678", str(tmp_path), test.file.name.lower()):
        assert word not in text


@pytest.mark.parametrize("header", ["", "Bearer ", "Bearer wrong", TOKEN, f"Basic {TOKEN}"])
def test_without_the_token_there_is_no_such_page(header: str, client: Client, settings: Any) -> None:
    settings.METRICS_TOKEN = TOKEN
    assert client.get("/metrics", headers={"authorization": header}).status_code == 404


def test_it_is_off_by_default(client: Client) -> None:
    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", headers={"authorization": "Bearer "}).status_code == 404


def test_only_named_addresses_read_it(client: Client, settings: Any) -> None:
    settings.METRICS_ADDRESSES = ["10.1.0.0/16", "192.0.2.7"]
    for address, status in (("10.1.2.3", 200), ("192.0.2.7", 200), ("10.2.0.1", 404), ("192.0.2.8", 404)):
        assert client.get("/metrics", REMOTE_ADDR=address).status_code == status
    # What the client says of itself counts nothing.
    assert client.get("/metrics", REMOTE_ADDR="10.2.0.1", HTTP_X_FORWARDED_FOR="10.1.2.3").status_code == 404
    settings.METRICS_TOKEN = TOKEN
    assert client.get("/metrics", REMOTE_ADDR="10.1.2.3").status_code == 404


def test_an_invalid_address_is_reported(client: Client, settings: Any) -> None:
    settings.METRICS_ADDRESSES = ["monitoring.example.org"]
    with pytest.raises(ImproperlyConfigured, match=r"monitoring\.example\.org"):
        client.get("/metrics")
