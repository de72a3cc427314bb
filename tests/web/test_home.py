"""The first page tells of up to a hundred runs and reads the few that it shows."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from sisimport.imports.models import ImportFile, ImportRun, RunStatus, Work
from sisimport.web.views.home import MOST_COUNTED, SHOWN
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client: Client) -> Any:
    user: Any = UserFactory(import_admin=True, all_schools=True)
    client.force_login(user)
    return user


def waiting(number: int) -> None:
    """So many Tests with something to import, each of a file of its own."""
    files = ImportFile.objects.bulk_create(
        ImportFile(name=f"{n}.txt", sha256=f"{n:064}", size=1) for n in range(number)
    )
    ImportRun.objects.bulk_create(
        ImportRun(file=file, import_type="ssid-download", work=Work.TEST, status=RunStatus.COMPLETED, planned_count=1)
        for file in files
    )


@pytest.mark.parametrize(("number", "told"), [(0, "0"), (SHOWN, f"{SHOWN}"), (SHOWN + 3, f"{SHOWN + 3}"), (105, "99+")])
def test_home_counts_what_waits_and_reads_what_it_shows(client: Client, admin: Any, number: int, told: str) -> None:
    waiting(number)

    with CaptureQueriesContext(connection) as queries:
        shown = client.get(reverse("home")).context

    assert (shown["waiting_count"], len(shown["waiting"])) == (told, min(number, SHOWN))
    assert shown["more_waiting"] == (number > SHOWN)
    asked = [query["sql"] for query in queries.captured_queries if '"imports_importrun"' in query["sql"]]
    many = [sql for sql in asked if re.search(rf"LIMIT {MOST_COUNTED + 1}\b", sql)]
    assert [sql[:16] for sql in many] == ["SELECT COUNT(*) "] * (number > SHOWN)
