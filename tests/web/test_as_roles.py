"""A day on the pages with the rights of the web server's database role, and its runs with those of the workers'."""

import datetime as dt
import io
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from sisimport.audit.models import AuditEntry
from sisimport.imports.models import ImportRun, RunStatus, Work
from students.models import SSID, RecordEdit
from tests.as_roles import acting_as, pages_and_runs_as_roles
from tests.factories import PASSWORD, UserFactory
from tests.files.samples import line
from tests.imports.journey import District, finish, give_el
from tests.web.test_admin import save

pytestmark = pytest.mark.django_db


@pytest.fixture
def roles(django_db_setup: None, django_db_blocker: Any, db: None) -> Iterator[None]:
    with pages_and_runs_as_roles():
        yield


def last_run(work: Work) -> ImportRun:
    run = ImportRun.objects.order_by("pk").last()
    assert run is not None
    run = finish(run).run
    assert (run.work, run.status) == (work, RunStatus.COMPLETED), run.message
    return run


def test_signing_in_test_update_revert_and_an_edit_need_no_rights_of_the_owner(
    client: Client, district: District, roles: None
) -> None:
    student = district.student()
    give_el(student, "EL", identified_date="2015-09-01")
    UserFactory(import_admin=True, all_schools=True, username="ada")

    signed_in = client.post(reverse("account_login"), {"login": "ada", "password": PASSWORD}, follow=True)
    assert "What is waiting for you" in signed_in.content.decode()

    file = io.BytesIO(f"{line()}\n".encode())
    file.name = "SSID_Extract.txt"
    client.post(
        reverse("upload", args=["calpads-ssid"]), {"import_type": "ssid-download", "work": "test", "file": file}
    )
    test = last_run(Work.TEST)
    assert client.get(reverse("run", args=[test.pk])).status_code == 200
    client.post(reverse("start_update", args=[test.pk]))
    update = last_run(Work.UPDATE)
    assert SSID.objects.filter(student=student, retired_at__isnull=True).exists()
    client.post(reverse("start_revert", args=[update.pk]))
    last_run(Work.REVERT)
    assert not SSID.objects.filter(student=student).exists()

    client.force_login(UserFactory(ssid_staff=True, all_schools=True))
    save(client, student, last_name="Díaz", reason="Birth certificate")
    assert RecordEdit.objects.get(student=student, field="last_name").after == "Díaz"
    assert client.get(reverse("student", args=[student.pk])).status_code == 200
    kinds = set(AuditEntry.objects.values_list("kind", flat=True))
    assert {AuditEntry.Kind.SIGN_IN, AuditEntry.Kind.PAGE} <= kinds


def test_what_a_right_is_missing_for_fails(client: Client, district: District, roles: None) -> None:
    """Otherwise the test above would pass with the owner's rights as well."""
    from django.db import ProgrammingError, connection, transaction

    with connection.cursor() as cursor:
        cursor.execute(f'REVOKE INSERT ON django_session FROM "{connection.settings_dict["NAME"]}_web"')
    UserFactory(import_admin=True, all_schools=True, username="ada")

    with pytest.raises(ProgrammingError, match="permission denied for table django_session"), transaction.atomic():
        client.post(reverse("account_login"), {"login": "ada", "password": PASSWORD})
    with acting_as("worker"), connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone()[0].endswith("_worker")


def test_chores_and_purges_need_no_rights_of_the_owner(client: Client, district: District, roles: None) -> None:
    from sisimport.audit import sealing
    from sisimport.imports.storage.retention import purge
    from sisimport.runtime.chores import all_chores

    client.post(reverse("account_login"), {"login": "nobody", "password": PASSWORD})
    with acting_as("worker"):
        sealing.seal(dt.date(2020, 1, 1))
        for chore in all_chores():
            chore.do()
        removed = purge()

    assert removed["views"] > 1  # sealed on a day that is over, and as long ago
    assert [entry.kind for entry in AuditEntry.objects.all()] == [AuditEntry.Kind.PURGE]
