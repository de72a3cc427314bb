"""Erasing somebody on a page who is on no record: said who, counted, typed once more, done by a worker."""

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from sisimport.audit.models import AuditEntry
from sisimport.erasing import asking
from sisimport.erasing.models import Erasure
from sisimport.imports.models import ImportRun
from sisimport.imports.storage.files import open_file
from tests.as_roles import acting_as, pages_and_runs_as_roles
from tests.factories import UserFactory
from tests.files.samples import lines
from tests.imports.journey import District, make_district, run_file

pytestmark = pytest.mark.django_db
REASON = "Request 12"
GONE = {"local_number": "880041", "ssid": "9123456780", "last_name": "Zyxwutova", "first_name": "Quirinwald"}
PAGE = "/erasures/off-record/"


@pytest.fixture(autouse=True)
def _with_the_rights_of_a_worker(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    erase = asking.erase_traces

    def as_worker(*arguments: Any, **named: Any) -> Any:
        with acting_as("worker"):
            return erase(*arguments, **named)

    monkeypatch.setattr(asking, "erase_traces", as_worker)


@pytest.fixture
def district(db: None) -> District:
    made = make_district()
    made.student()
    return made


@pytest.fixture
def run(district: District) -> ImportRun:
    return run_file("ssid-download", lines({}, GONE)).run


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(UserFactory(import_admin=True))
    return client


def text(answer: Any) -> str:
    return str(answer.content.decode())


def in_file(run: ImportRun) -> str:
    assert run.file is not None
    run.file.refresh_from_db()
    with open_file(run.file) as stream:
        return stream.read().decode()


def who(**more: str) -> dict[str, str]:
    return {"count": "1", "number": "880041", **more}


def test_somebody_on_no_record_is_counted_then_erased_by_a_worker(
    admin: Client, run: ImportRun, django_capture_on_commit_callbacks: Any
) -> None:
    assert reverse("erase_off_record") == PAGE
    with pages_and_runs_as_roles():
        assert admin.post(PAGE, who(ssid="9123456780")).status_code == 302
    assert "Counting is under way" in text(admin.get(PAGE))
    asking.do_waiting()
    page = text(admin.get(PAGE))
    assert "Erase permanently" in page
    assert f"file {run.file_id}: 1" in page
    assert "erasures" not in dict(admin.get(PAGE).context["last"].result["reworded"])  # the count itself is none of it
    assert "9123456780" not in page  # SSIDs are masked
    assert "Zyxwutova" in in_file(run)

    with pages_and_runs_as_roles():
        answer = admin.post(PAGE, {"reason": REASON, "typed": "9123456780"})
    assert answer.headers["Location"] == reverse("erasures")
    with django_capture_on_commit_callbacks(execute=True):
        asking.do_waiting()

    assert not any(value in in_file(run) for value in GONE.values())
    page = text(admin.get(reverse("erasures")))
    assert "Person without a record" in page
    assert REASON in page
    assert not Erasure.objects.exclude(said={}).exists()
    assert REASON in AuditEntry.objects.get(kind="erased").subject
    assert "Erase permanently" not in text(admin.get(PAGE))


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"number": "100234"}, "A student on record has this number"),
        ({"number": "0123456"}, "code of a school or a district"),
        ({"number": "", "last_name": "Zyxwutova"}, "a name alone could be anyone"),
        ({"ssid": "12"}, "Ten digits"),
    ],
)
def test_who_might_be_somebody_else_is_not_counted(
    sent: dict[str, str], said: str, admin: Client, district: District
) -> None:
    answer = admin.post(PAGE, who(**sent))
    assert answer.status_code == 422
    assert said in text(answer)
    assert not Erasure.objects.exists()


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"reason": REASON, "typed": "880042"}, "is not the one that was counted"),
        ({"reason": "of Zyxwutova", "typed": "880041"}, "names the student"),
        ({"reason": "", "typed": "880041"}, "required"),
    ],
)
def test_what_is_typed_wrong_erases_nobody(admin: Client, run: ImportRun, sent: dict[str, str], said: str) -> None:
    admin.post(PAGE, who(last_name="Zyxwutova", first_name="Quirinwald"))
    assert "First count" in text(admin.post(PAGE, {"reason": REASON, "typed": "880041"}))
    asking.do_waiting()
    answer = admin.post(PAGE, sent)
    assert answer.status_code == 422
    assert said in text(answer)
    assert not Erasure.objects.filter(dry_run=False).exists()


def test_someone_who_came_on_record_meanwhile_is_not_erased_off_record(admin: Client, district: District) -> None:
    admin.post(PAGE, who())
    asking.do_waiting()
    admin.post(PAGE, {"reason": REASON, "typed": "880041"})
    district.student(local_number="880041")
    asking.do_waiting()
    erasure = Erasure.objects.get(dry_run=False)
    assert (erasure.state, erasure.said) == (Erasure.State.REFUSED, {})
    assert "on record" in erasure.message


def test_who_it_is_is_forgotten_at_once_when_asked_and_after_a_day(admin: Client, district: District) -> None:
    for forget in (lambda: admin.post(PAGE, {"forget": "1"}), lambda: (_a_day_later(), asking.do_waiting())):
        admin.post(PAGE, who())
        asking.do_waiting()
        assert Erasure.objects.exclude(said={}).count() == 1
        forget()
        assert not Erasure.objects.exclude(said={}).exists()
        assert "Count what would be removed" in text(admin.get(PAGE))


def _a_day_later() -> None:
    Erasure.objects.update(asked_at=timezone.now() - dt.timedelta(days=1, minutes=1))


def test_it_waits_for_runs_and_still_knows_who(admin: Client, district: District) -> None:
    admin.post(PAGE, who())
    waiting = ImportRun.objects.create(import_type="ssid-download", work="test")
    assert asking.do_waiting() == 0
    assert Erasure.objects.get().said == {"number": "880041"}
    waiting.delete()
    assert asking.do_waiting() == 1


def test_each_admin_continues_from_their_own_count(admin: Client, district: District) -> None:
    admin.post(PAGE, who())
    asking.do_waiting()
    other = Client()
    other.force_login(UserFactory(import_admin=True))
    assert "Erase permanently" not in text(other.get(PAGE))
    assert "First count" in text(other.post(PAGE, {"reason": REASON, "typed": "880041"}))


def test_only_admins_of_all_schools_may(client: Client, district: District) -> None:
    for user in (
        UserFactory(import_admin=True, all_schools=False, schools=[district.school]),
        UserFactory(registrar=True, all_schools=True),
    ):
        client.force_login(user)
        assert client.get(PAGE).status_code == 403
        assert client.post(PAGE, who()).status_code == 403
    assert not Erasure.objects.exists()


def test_it_is_asked_once_more_who_one_is(admin: Client, district: District, settings: Any) -> None:
    settings.STEP_UP_SECONDS = 900
    answer = admin.post(PAGE, who())
    assert answer.status_code == 302
    assert PAGE not in answer.headers["Location"].split("?")[0]
    assert not Erasure.objects.exists()
