"""Fifty people click every two seconds while a worker imports a file of 560,000 lines: how long pages take, and whether any
fails. What a page takes of the processors says the same on a machine that others use as well.

`LOAD_LINES` makes the district and its file smaller, where a machine or an evening is short.
"""

import asyncio
import contextlib
import os
import time
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.urls import reverse

from sisimport.demo.district import make_users
from sisimport.imports.models import ImportRun, RunStatus
from sisimport.imports.models.runs import ACTIVE
from sisimport.imports.runs.services import start_update
from students.models import LEA, Student
from tests import results
from tests.faults.conftest import Worker
from tests.faults.district import make_district
from tests.faults.site import Site, site
from tests.figures import Figure
from tests.load.clients import Measured, browse
from tests.load.population import settle
from tests.load.sessions import peak_megabytes

pytestmark = [
    pytest.mark.load,
    pytest.mark.processes,
    pytest.mark.django_db(transaction=True),
]

LINES = int(os.environ.get("LOAD_LINES", "560000"))
PEOPLE = 50
ROUND_SECONDS = 15.0
PATIENCE = 1800.0
NAMES = ("admin", "registrar", "viewer")


def test_fifty_people_click_beside_a_large_import(
    worker: Worker, uploads: None, database_url: str, tmp_path: Path, figure: Figure
) -> None:
    district = make_district(students=LINES)
    make_users(LEA.objects.get(code=district.lea_code))
    settle()
    people = [signed_in(get_user_model()._default_manager.get(username=name)) for name in NAMES]
    others = os.getloadavg()[0]
    with site(database_url, tmp_path / "data") as web:
        before = processor_seconds(web)
        quiet = click_while(web, people, lambda: False)
        spent = processor_seconds(web) - before
        test = district.start_test()
        beside_test = click_while(web, people, lambda: is_active(test))
        update = start_update(test_run=ImportRun.objects.get(pk=test.pk), user=None)
        beside_update = click_while(web, people, lambda: is_active(update))

    assert {ImportRun.objects.get(pk=run.pk).status for run in (test, update)} == {RunStatus.COMPLETED}
    load = f"load average {others:.1f} before, {os.cpu_count()} cores"
    measured = {"quiet": quiet, "Test": beside_test, "Update": beside_update}
    for name, met in measured.items():
        told = "a quiet worker" if met is quiet else f"the {name} of {LINES:,} lines"
        for share in (0.5, 0.95):
            figure(f"p{share * 100:.0f} of pages, {PEOPLE} people beside {told}, {load}", met.percentile(share), "s")
    page_ms = 1000 * spent / max(len(quiet.seconds), 1)
    figure(f"processor time of a page, web server and database, {LINES:,} students", page_ms, "ms")
    figure(f"most memory of a process of the worker, {LINES:,} lines", peak_megabytes(worker.children()), "MB")
    results.write(
        "clicking",
        {f"{name}_p95": met.percentile(0.95) for name, met in measured.items()}
        | {
            "lines": LINES,
            "people": PEOPLE,
            "load_before": others,
            "megabytes": peak_megabytes(worker.children()),
            "page_ms": page_ms,
        },
    )
    assert [error for met in measured.values() for error in met.errors] == []


def signed_in(user: Any) -> tuple[str, list[str]]:
    """The Cookie header of somebody, and the pages they click: home, runs, lists, a student, searches for a name they bear."""
    client = Client()
    client.force_login(user)
    found = [client.post(reverse("students"), {"text": text}) for text in ("quintana", "Tran, Bao", "100050")]
    student = Student.objects.values_list("pk", flat=True)[0]
    searches = [answer["Location"] for answer in found if answer.status_code == 302]
    assert searches, "a search has an address of its own"
    pages = [*(reverse(name) for name in ("home", "runs", "students")), reverse("student", args=[student]), *searches]
    return f"sessionid={client.cookies['sessionid'].value}", pages


def is_active(run: ImportRun) -> bool:
    return ImportRun.objects.filter(pk=run.pk, status__in=ACTIVE).exists()


def click_while(web: Site, people: list[tuple[str, list[str]]], goes_on: Any) -> Measured:
    """What people meet, round after round until nothing continues any more; one round at least."""
    met, deadline = Measured(), time.monotonic() + PATIENCE
    asyncio.run(clicks(web, people, met))
    while goes_on() and time.monotonic() < deadline:
        asyncio.run(clicks(web, people, met))
    return met


async def clicks(web: Site, people: list[tuple[str, list[str]]], met: Measured) -> None:
    until = time.monotonic() + ROUND_SECONDS
    at_work = [people[number % len(people)] for number in range(PEOPLE)]
    await asyncio.gather(*(browse(web.port, cookie, pages, until, met) for cookie, pages in at_work))


def processor_seconds(web: Site) -> float:
    """Processor time so far of the web server and of the sessions of its database, of which none works for others."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        sessions = {pid for (pid,) in cursor.fetchall()}
    spent = 0
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            told = (folder / "stat").read_text().rpartition(")")[2].split()
            if int(told[2]) == web.process.pid or int(folder.name) in sessions:  # told[2]: its process group
                spent += int(told[11]) + int(told[12])
    return spent / os.sysconf("SC_CLK_TCK")
