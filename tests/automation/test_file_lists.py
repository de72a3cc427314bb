"""What was picked up, delivered or sent is a list as every other: sorted, filtered, kept under a name, exported."""

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from sisimport.accounts.models import SavedFilter
from sisimport.automation.models import DeliveredExport, Delivery, ExportDelivery, PickedFile, PickUpPlace, Webhook
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client: Client) -> Any:
    user = UserFactory(import_admin=True)
    client.force_login(user)
    return user


def picked(admin: Any) -> tuple[str, str, str]:
    place = PickUpPlace.objects.create(name="State", path="/in", user=admin)
    for number, state in enumerate(("done", "failed", "done")):
        PickedFile.objects.create(
            place=place, name=f"ssid-{number}.txt", sha256=str(number), size=1, modified=1, state=state
        )
    return reverse("pick_up_place", args=[place.pk]), "files-taken.csv", "ssid-1.txt"


def delivered(admin: Any) -> tuple[str, str, str]:
    now = timezone.now()
    set_up = ExportDelivery.objects.create(
        name="Warehouse", path="/out", what="scores", file_name="x.csv", user=admin, first_at=now, delivered_until=now
    )
    for number, state in enumerate(("done", "given_up", "done")):
        due = now - dt.timedelta(days=number)
        DeliveredExport.objects.create(
            delivery=set_up, file_name=f"ssid-{number}.txt", due_at=due, next_try_at=due, state=state
        )
    return reverse("delivery", args=[set_up.pk]), "files-delivered.csv", "ssid-1.txt"


def sent(admin: Any) -> tuple[str, str, str]:
    hook = Webhook.objects.create(name="Warehouse", url="https://example.org", events=["run.ended"], user=admin)
    for number, state in enumerate(("done", "given_up", "done")):
        Delivery.objects.create(webhook=hook, subject=f"ssid-{number}.txt", due_at=timezone.now(), state=state)
    return reverse("webhook", args=[hook.pk]), "webhook-deliveries.csv", "ssid-1.txt"


@pytest.mark.parametrize("make", [picked, delivered, sent])
def test_a_list_of_files_sorts_filters_keeps_filters_and_exports(client: Client, admin: Any, make: Any) -> None:
    page, file_name, name = make(admin)
    failed = "failed" if make is picked else "given_up"

    filtered = client.post(page, {"state": failed})
    assert filtered.headers["Location"] == f"{page}?state={failed}"
    shown = client.get(filtered.headers["Location"]).text
    assert (name in shown, "ssid-0.txt" in shown) == (True, False)

    client.post(f"{page}?state={failed}", {"save_filter": "1", "name": "Went wrong"})
    assert SavedFilter.objects.get().query == f"state={failed}"

    client.post(page, {"text": "ssid-0"})
    shown = client.get(page).text
    assert (name in shown, "ssid-0.txt" in shown) == (False, True)
    client.post(page, {"clear": "1"})

    column = "event" if make is sent else "file"
    ascending = client.get(f"{page}?sort={column}").text
    assert ascending.index("ssid-0.txt") < ascending.index(name) < ascending.index("ssid-2.txt")

    export = client.post(f"{page}?state={failed}", {"export": "csv"})
    assert file_name in export.headers["Content-Disposition"]
    rows = export.getvalue().decode("utf-8-sig").splitlines()
    assert len(rows) == 2
    assert name in rows[1]


@pytest.mark.parametrize("make", [picked, delivered, sent])
def test_a_list_without_a_file_says_so(client: Client, admin: Any, make: Any) -> None:
    page, _file_name, name = make(admin)
    client.post(page, {"text": "elsewhere"})
    shown = client.get(page).text
    assert name not in shown
    assert "matches this filter" in shown
