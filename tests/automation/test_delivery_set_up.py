"""Setting up deliveries of exports: by command and on the page, and what is refused."""

import datetime as dt
import shutil
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from sisimport.automation import schedule
from sisimport.automation.adding import AddingError
from sisimport.automation.export_deliveries import DeliveredExport, ask_now, deliver
from sisimport.automation.models import ExportDelivery
from tests.automation.test_deliveries import names, students
from tests.factories import UserFactory
from tests.imports.commandline import CommandLine
from tests.imports.journey import District
from tests.reporting.conftest import Scored, two_scored  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("name", {"name": " "}),
        ("path", {"path": "/a", "sftp": "sftp://user@host/x"}),
        ("path", {"path": "out"}),
        ("sftp", {"path": "", "sftp": "sftp://user:secret@host/x"}),
        ("what", {"what": "nonsense"}),
        ("file_name", {"file_name": "../students.csv"}),
        ("file_name", {"file_name": ".students.csv"}),
        ("file_name", {"file_name": "students-{name}.csv"}),
        ("file_name", {"file_name": "students.exe"}),
        ("file_name", {"what": "changes", "file_name": "changes.csv"}),
        ("every_minutes", {"every_minutes": 0}),
        ("school_year", {"school_year": "2023"}),
        ("school_year", {"what": "changes", "file_name": "a.zip", "school_year": "2023-24"}),
        ("options", {"options": {"form": "wide"}}),
        ("options", {"what": "scores", "options": {"form": "nonsense"}}),
        ("since", {"since": dt.date(2999, 1, 1)}),
    ],
)
def test_a_delivery_that_cannot_be_is_refused_at_its_field(field: str, values: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(AddingError) as refused:
        students(tmp_path, **values)
    assert refused.value.field == field
    assert not ExportDelivery.objects.exists()


def test_a_daily_delivery_keeps_its_hour_when_the_clocks_change(settings: Any) -> None:
    first = timezone.make_aware(dt.datetime.fromisoformat("2026-10-30T06:00"))
    for day in range(1, 6):
        due = schedule.next_due(first, schedule.DAY, first + dt.timedelta(days=day, hours=-2))
        assert timezone.localtime(due) == timezone.make_aware(
            dt.datetime.fromisoformat("2026-10-30T06:00") + dt.timedelta(days=day)
        )
        assert schedule.last_due(first, schedule.DAY, due) == due
        assert schedule.last_due(first, schedule.DAY, due - dt.timedelta(seconds=1)) < due  # type: ignore[operator]
    assert schedule.last_due(first, 15, first - dt.timedelta(seconds=1)) is None
    assert schedule.next_due(first, 15, first + dt.timedelta(minutes=44)) == first + dt.timedelta(minutes=45)


def test_the_first_time_is_the_next_at_which_the_clock_shows_it() -> None:
    noon = timezone.make_aware(dt.datetime.fromisoformat("2026-11-28T12:00"))
    assert schedule.first_due(dt.time(13), noon) == noon + dt.timedelta(hours=1)
    assert schedule.first_due(dt.time(11), noon) == noon + dt.timedelta(hours=23)
    assert schedule.first_due(None, noon) == noon


def test_the_commands_add_a_delivery_and_deliver_it(
    district: District, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = CommandLine(capsys)
    asked = ("warehouse", "--what", "students", "--file", "s-{time}.csv", "--path", folder, "--at", "00:00", "--json")
    said = command("add_delivery", *asked)
    assert (said.code, said.json["name"], said.json["public_key"]) == (0, "warehouse", None)
    assert command("add_delivery", *asked).code == 2
    assert command("deliver", "--json").json["delivered"] == []
    done = command("deliver", "warehouse", "--json")
    assert (done.code, done.json["looked"], len(names(folder))) == (0, 1, 1)
    assert done.json["delivered"][0] | {"file": ""} == {"name": "warehouse", "file": "", "rows": 1, "students": 1}
    shutil.rmtree(folder)
    failed = command("deliver", "warehouse", "--json")
    assert (failed.code, failed.json["delivered"]) == (1, [])
    assert "does not exist" in failed.json["errors"][0]
    assert command("deliver", "nobody", "--json").code == 2


# ---- pages ----


@pytest.fixture
def admin(client: Client, db: None) -> Any:
    user = UserFactory(import_admin=True, username="ada")
    client.force_login(user)
    return user


def _form(folder: Path, **values: Any) -> dict[str, Any]:
    usual = {"name": "Warehouse", "path": str(folder), "what": "scores", "file_name": "scores-{year}.csv"}
    return usual | {"school_year": "last", "every_minutes": "1440", "scores_form": "wide"} | values


def test_an_import_admin_adds_pauses_and_removes_a_delivery(
    client: Client, admin: Any, folder: Path, district: District
) -> None:
    client.post(reverse("deliveries"), _form(folder))
    made = ExportDelivery.objects.get()
    assert (made.options, made.school_year) == ({"form": "wide"}, "last")
    assert "Warehouse" in client.get(reverse("deliveries")).text
    for do, word in (("pause", "Paused"), ("go on", "Deliver now"), ("deliver", "A worker delivers")):
        told = client.post(reverse("change_delivery", args=[made.pk]), {"do": do}, follow=True)
        assert word in told.text
    deliver(made)
    page = client.get(reverse("delivery", args=[made.pk])).text
    assert "One row per student and school year" in page
    assert "every day" in page
    assert "Delivered" in page
    client.post(reverse("change_delivery", args=[made.pk]), {"do": "remove"})
    assert not ExportDelivery.objects.exists()


def test_a_delivery_that_cannot_be_is_refused_on_the_form(client: Client, admin: Any, folder: Path) -> None:
    told = client.post(reverse("deliveries"), _form(folder, file_name="scores.zip"))
    assert told.status_code == 422
    assert "the name ends in .csv or .xlsx or .parquet" in told.text


def test_an_admin_of_some_schools_sees_and_makes_deliveries_of_no_other(
    client: Client, district: District, folder: Path
) -> None:
    made = students(folder)
    client.force_login(UserFactory(import_admin=True, all_schools=False, schools=[district.school]))
    assert client.get(reverse("delivery", args=[made.pk])).status_code == 404
    assert client.post(reverse("change_delivery", args=[made.pk]), {"do": "deliver"}).status_code == 404
    assert "Choose at least one" in client.post(reverse("deliveries"), _form(folder)).text
    client.post(reverse("deliveries"), _form(folder, schools=[district.school.pk]))
    mine = ExportDelivery.objects.get(name="Warehouse")
    assert client.get(reverse("delivery", args=[mine.pk])).status_code == 200
    client.force_login(UserFactory(registrar=True, all_schools=True))
    assert client.get(reverse("deliveries")).status_code == 403


def test_asking_again_tries_what_waits_and_makes_no_second_file(district: District, folder: Path) -> None:
    made = students(folder)
    folder.rmdir()
    deliver(made)
    ask_now(made)
    folder.mkdir()
    deliver(made)
    assert DeliveredExport.objects.count() == 1
