"""Days and moments are those of the district, in one American form on screens; files keep ISO 8601."""

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from django.template import Context, Template
from django.test import Client
from django.urls import reverse
from django.utils import formats

from sisimport.imports.models import ImportRun, Work
from sisimport.web import moments
from students.models import SSID
from tests.factories import UserFactory
from tests.imports.journey import District, give_ssid, run_file
from tests.roster.test_roster import JOSE, csv

PACIFIC = ZoneInfo("America/Los_Angeles")
EVENINGS = [
    (dt.datetime(2026, 11, 27, 16, 30, tzinfo=PACIFIC), "11/27/2026, 4:30 PM"),
    (dt.datetime(2026, 11, 27, 23, 59, tzinfo=PACIFIC), "11/27/2026, 11:59 PM"),
    (dt.datetime(2026, 7, 4, 23, 59, tzinfo=PACIFIC), "7/4/2026, 11:59 PM"),
    (dt.datetime(2026, 7, 5, 0, 0, tzinfo=PACIFIC), "7/5/2026, 12:00 AM"),
]


def shown(source: str, **values: object) -> str:
    return Template("{% load ui %}" + source).render(Context(values))


@pytest.mark.parametrize(("moment", "text"), EVENINGS)
def test_after_four_in_the_afternoon_the_day_is_still_the_districts(moment: dt.datetime, text: str) -> None:
    stored = moment.astimezone(dt.UTC)
    day = text.split(",", maxsplit=1)[0]
    assert f">{text}<" in shown("{{ at|when }}", at=stored)
    assert f">{day}<" in shown("{{ at|day }}", at=stored)
    assert f'datetime="{moment.date().isoformat()}"' in shown("{{ at|day }}", at=stored)


@pytest.mark.parametrize(("moment", "text"), EVENINGS[:2])
@pytest.mark.django_db
def test_an_evening_is_that_evening_on_every_page(
    client: Client, district: District, moment: dt.datetime, text: str
) -> None:
    """The clock is at 16:30 and at 23:59 in Los Angeles: SSID, time line, run, list and admin name that day."""
    client.force_login(UserFactory(import_admin=True, is_superuser=True))
    student = district.student()
    SSID.objects.filter(pk=give_ssid(student, "9012345678").pk).update(created_at=moment)
    run = run_file("students", csv(JOSE | {"alias_last_name": "Paz"}), Work.UPDATE).run
    ImportRun.objects.update(created_at=moment, started_at=moment, finished_at=moment)

    record = client.get(reverse("student", args=[student.pk])).content.decode()
    day = text.split(",", maxsplit=1)[0]
    assert f'<dt>Since</dt><dd><time datetime="2026-11-27">{day}</time>' in record
    assert f">{text}</time>" in record
    for page in (
        reverse("run", args=[run.pk]),
        reverse("runs"),
        reverse("admin:imports_importrun_change", args=[run.pk]),
    ):
        body = client.get(page).content.decode()
        assert text in body, page
        assert "11/28/2026" not in body, page


def test_dates_within_texts_are_shown_as_screens_show_them() -> None:
    assert (
        moments.screen_dates("on record 2026-11-05; expected 2026-02-28") == "on record 11/5/2026; expected 2/28/2026"
    )
    assert moments.screen_dates("2026-11-28T07:59:00+00:00") == "11/27/2026, 11:59 PM"
    for same in ("", "2026-13-40", "year 2024-2025", "file-2024-01-01.csv", "2024-01-01-roster", "9012345678"):
        assert moments.screen_dates(same) == same


@pytest.mark.django_db
def test_changes_are_american_on_the_page_and_iso_in_the_file(
    client: Client, registrar: object, district: District
) -> None:
    district.student()
    run = run_file("students", csv(JOSE | {"birth_date": "2009-02-15"})).run
    page = client.get(reverse("run_changes", args=[run.pk])).content.decode()
    assert "<del>2/14/2009</del> → <ins>2/15/2009</ins>" in page
    sent = client.post(reverse("export", args=[run.pk]), {"what": "changes-csv"})
    rows = b"".join(sent.streaming_content).decode()  # type: ignore[attr-defined]
    assert "2009-02-14" in rows
    assert "2/14/2009" not in rows


def test_forms_and_the_admin_write_the_same_form_and_read_both() -> None:
    assert formats.date_format(dt.date(2026, 3, 5)) == "3/5/2026"
    assert formats.localize(EVENINGS[0][0]) == "11/27/2026, 4:30 PM"
    read = formats.get_format("DATE_INPUT_FORMATS")
    assert {"%m/%d/%Y", "%Y-%m-%d"} <= set(read)
