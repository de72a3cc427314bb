"""The practice district: reset and start empty from the page, sample files, and nothing of a real district touched."""

from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.urls import reverse

from assessments.models import Score
from sisimport.demo import district as demo
from sisimport.demo import practice
from sisimport.imports.models import ImportFile, ImportRun, RunStatus, Work
from students.models import LEA, SSID, DistrictSettings, RecordEdit, School, Student
from students.services import assign_ssid
from tests.as_roles import acting_as
from tests.factories import SchoolFactory, SSIDFactory, StudentFactory, UserFactory
from tests.imports.journey import run_file

pytestmark = pytest.mark.django_db
User = get_user_model()


@pytest.fixture
def lea(settings: Any, tmp_path: Any) -> LEA:
    settings.DATA_DIR = tmp_path
    made = demo.make_district(students=60, seed=1).lea
    demo.make_users(made)
    return made


@pytest.fixture(autouse=True)
def _a_worker_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the rights of one."""
    from sisimport.demo.tasks import start_over_task

    def work(*, kwargs: dict[str, Any], **_queue: Any) -> None:
        with connection.cursor() as cursor:  # of the transaction that made the district, which is that of the test
            cursor.execute("DROP TABLE IF EXISTS demo_school, demo_person")
        with acting_as("worker"):
            start_over_task(**kwargs)

    monkeypatch.setattr(start_over_task, "apply_async", work)


@pytest.fixture
def admin(client: Client, lea: LEA) -> Any:
    user = UserFactory(import_admin=True, username="ada")
    client.force_login(user)
    return user


def text_of(lea: LEA, import_type: str) -> str:
    sample = next(one for one in demo.all_samples() if one.import_type == import_type)
    return demo.write_sample(sample, lea).read_text(encoding="utf-8")


def used(lea: LEA, user: Any) -> None:
    """What people do with it: imports of both kinds, edits, looks, a request."""
    from ssid.requests.senr_file import draft
    from ssid.requests.services import keep_request

    text = text_of(lea, "ssid-download")
    test = run_file("ssid-download", text).run
    run_file("ssid-download", text, Work.UPDATE, test_run=test)
    run_file("caaspp-2024-2025", text_of(lea, "caaspp-2024-2025"), Work.IMPORT)
    run_file("students", "nothing")
    without = Student.objects.exclude(ssids__retired_at__isnull=True).first()
    keep_request(draft(list(lea.schools.all()[:2])), user=user) if without else None
    student = Student.objects.filter(lea=lea).exclude(ssids__retired_at__isnull=True).first()
    if student:
        assign_ssid(student=student, ssid="9012345678", user=user, reason="Letter")
    DistrictSettings.objects.create(lea=lea)


def rows() -> dict[str, int]:
    """How many rows each table of ours holds, but for accounts, what was looked at, and counters that never start again."""
    left_out = {"schools", "shared_cache", "staffaccess", "resultversion"}
    return {
        model._meta.label: model._default_manager.count()
        for app in ("students", "imports", "ssid", "assessments", "roster", "families")
        for model in apps.get_app_config(app).get_models()
        if model._meta.managed and model._meta.model_name not in left_out
    }


def test_reset_makes_the_district_as_it_was_at_first(client: Client, lea: LEA, admin: Any) -> None:
    before, names = rows(), sorted(Student.objects.values_list("local_number", "last_name", "first_name", "birth_date"))
    used(lea, admin)
    assert Score.objects.exists()
    assert ImportRun.objects.count() == 4
    accounts = set(User.objects.values_list("pk", flat=True))

    answer = client.post(reverse("practice_reset"), {"sure": "yes"}, follow=True)

    assert answer.status_code == 200
    assert "reset, with 60 students" in answer.content.decode()
    assert rows() == before
    assert sorted(Student.objects.values_list("local_number", "last_name", "first_name", "birth_date")) == names
    assert set(User.objects.values_list("pk", flat=True)) == accounts
    assert User.objects.get(username="viewer").access.schools.exists()
    assert not ImportFile.objects.exists()


def test_start_empty_leaves_no_record_and_every_account_that_is_not_the_demos(
    client: Client, lea: LEA, admin: Any
) -> None:
    used(lea, admin)
    parent = UserFactory(username="parent")

    answer = client.post(reverse("practice_empty"), {"sure": "yes"}, follow=True)

    assert {label: count for label, count in rows().items() if count} == {}
    assert set(User.objects.values_list("username", flat=True)) == {"ada", parent.username}
    assert "First steps of a district" in answer.content.decode()
    assert "Practice district:" not in answer.content.decode()
    assert client.get(reverse("practice")).status_code == 404
    assert client.post(reverse("practice_empty"), {"sure": "yes"}).status_code == 404


@pytest.mark.parametrize("what", ["reset", "empty"])
def test_the_district_in_utah_goes_with_it_and_so_do_runs_about_both(
    client: Client, lea: LEA, admin: Any, what: str
) -> None:
    text_of(lea, "utah-response")  # makes it, with a request
    beside = LEA.objects.exclude(pk=lea.pk).get()
    students = Student.objects.filter(lea=beside).count()
    used(lea, admin)
    ImportRun.objects.filter(import_type="caaspp-2024-2025").update(lea_ids=[lea.pk, beside.pk])

    client.post(reverse(f"practice_{what}"), {"sure": "yes"})

    assert not ImportRun.objects.exists()
    assert not LEA.objects.filter(pk__in=[lea.pk, beside.pk]).exists()
    if what == "reset":
        assert Student.objects.filter(lea__name=beside.name).count() == students
    else:
        assert {label: count for label, count in rows().items() if count} == {}


def test_a_utah_district_that_is_not_for_practice_stays(client: Client, lea: LEA, admin: Any) -> None:
    real = LEA.objects.create(code="07", name="Canyon District", state="UT")
    text_of(lea, "utah-response")

    client.post(reverse("practice_empty"), {"sure": "yes"})

    assert list(LEA.objects.all()) == [real]


def test_the_account_that_presses_stays_even_if_it_is_the_demos(client: Client, lea: LEA) -> None:
    client.force_login(User.objects.get(username="admin"))

    client.post(reverse("practice_empty"), {"sure": "yes"})

    assert list(User.objects.values_list("username", flat=True)) == ["admin"]
    assert client.get(reverse("home")).status_code == 200


def test_a_real_district_beside_it_stays_as_it_is(client: Client, lea: LEA, admin: Any) -> None:
    real = LEA.objects.create(code="7654321", name="Elsewhere Unified")
    student = StudentFactory(school=SchoolFactory(lea=real, code="0999123"), local_number="R1")
    SSIDFactory(student=student, ssid="9876543210")
    RecordEdit.objects.create(student=student, user=admin, what="Student", field="grade", before="1", after="2")
    theirs = ImportRun.objects.create(
        import_type="students", work=Work.TEST, status=RunStatus.COMPLETED, lea_ids=[real.pk]
    )
    both = ImportRun.objects.create(
        import_type="students", work=Work.TEST, status=RunStatus.COMPLETED, lea_ids=[real.pk, lea.pk]
    )
    used(lea, admin)

    client.post(reverse("practice_empty"), {"sure": "yes"})

    assert list(LEA.objects.all()) == [real]
    assert list(Student.objects.all()) == [student]
    assert SSID.objects.get().ssid == "9876543210"
    assert RecordEdit.objects.count() == 1
    assert {theirs.pk, both.pk} <= set(ImportRun.objects.values_list("pk", flat=True))
    assert not ImportRun.objects.filter(lea_ids=[lea.pk]).exists()
    assert School.objects.count() == 1


def test_nothing_is_done_without_the_tick_the_right_or_while_a_run_continues(
    client: Client, lea: LEA, admin: Any
) -> None:
    address, students = reverse("practice_empty"), Student.objects.count()
    assert "check the box" in client.post(address, follow=True).content.decode()
    run = ImportRun.objects.create(import_type="students", work=Work.TEST, status=RunStatus.RUNNING)
    assert "A run is waiting or in progress" in client.post(address, {"sure": "yes"}, follow=True).content.decode()
    run.delete()
    for user in (
        UserFactory(registrar=True, all_schools=True),
        UserFactory(group="import admin", schools=[lea.schools.first()]),
    ):
        client.force_login(user)
        assert client.post(address, {"sure": "yes"}).status_code == 403

    assert Student.objects.count() == students


def test_a_large_district_is_started_over_in_the_background(
    client: Client, lea: LEA, admin: Any, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    from sisimport.demo.tasks import start_over_task

    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(practice, "AT_ONCE", 50)
    monkeypatch.setattr(start_over_task, "apply_async", lambda **given: sent.append(given["kwargs"]))
    address = reverse("practice_reset")

    assert "in the background" in client.post(address, {"sure": "yes"}, follow=True).content.decode()
    assert "It is being started over" in client.get(reverse("practice")).content.decode()
    assert "being started over already" in client.post(address, {"sure": "yes"}, follow=True).content.decode()
    assert sent == [{"what": "reset", "user_id": admin.pk}]

    before = set(Student.objects.values_list("pk", flat=True))
    with connection.cursor() as cursor:  # of the transaction that made it, which is that of the test
        cursor.execute("DROP TABLE IF EXISTS demo_school, demo_person")
    start_over_task(**sent[0])
    assert before.isdisjoint(Student.objects.values_list("pk", flat=True))
    assert not practice.is_going_on()


def test_a_page_says_so_when_no_worker_can_be_told_or_none_could_do_it(
    client: Client, lea: LEA, admin: Any, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    from sisimport.demo.tasks import start_over_task

    def away(**_message: Any) -> None:
        raise OSError("no broker")

    monkeypatch.setattr(start_over_task, "apply_async", away)
    assert (
        "workers cannot be reached"
        in client.post(reverse("practice_reset"), {"sure": "yes"}, follow=True).content.decode()
    )
    assert not practice.is_going_on()
    monkeypatch.setattr(start_over_task, "apply_async", lambda **_message: practice.end())
    assert (
        "could not be started over"
        in client.post(reverse("practice_reset"), {"sure": "yes"}, follow=True).content.decode()
    )


def test_sample_files_are_offered_on_each_upload_screen(client: Client, lea: LEA) -> None:
    client.force_login(UserFactory(registrar=True, all_schools=True))
    kinds = {sample.import_type for sample in demo.all_samples()}
    assert {"ssid-download", "students", "caaspp-2024-2025"} <= kinds
    page = client.get(reverse("upload", args=["calpads-ssid"]) + "?type=ssid-download").content.decode()
    names = [sample.name for sample in demo.all_samples() if sample.import_type == "ssid-download"]
    assert names
    for name in names:
        assert reverse("practice_sample", args=[name]) in page
    answer = client.get(reverse("practice_sample", args=[names[0]]))
    assert b"".join(answer).decode().count("^") > 10

    client.force_login(UserFactory(registrar=True, schools=[lea.schools.first()]))
    assert client.get(reverse("practice_sample", args=[names[0]])).status_code == 404
