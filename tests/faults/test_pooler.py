"""Through PgBouncer in transaction mode: the web keeps nothing in a session, and a worker says so and does not start."""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from django.urls import reverse

from sisimport.imports.models import ImportRun, RunStatus, Work
from sisimport.imports.runs import sessions
from sisimport.imports.storage.files import open_file
from sisimport.runtime import databases
from students.models import SSID
from tests.browser.district import make_district as make_pages
from tests.browser.district import staff_pages
from tests.factories import UserFactory
from tests.faults.conftest import ROOT, Broker, wait_for_end
from tests.faults.district import make_district, state_file
from tests.faults.people import Visitor
from tests.faults.pooler import pooler
from tests.faults.site import site

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

CLIENTS = 12
SESSIONS = 3


@pytest.fixture
def shared(database_url: str) -> Iterator[str]:
    with pooler(database_url, sessions=SESSIONS) as url:
        yield url


@pytest.mark.parametrize(("mode", "shares"), [("transaction", True), ("session", False)])
def test_a_pooler_that_shares_sessions_is_recognized(mode: str, shares: bool, database_url: str) -> None:
    with pooler(database_url, mode=mode) as url:
        assert databases.shares_sessions(lambda: psycopg.connect(url, prepare_threshold=None)) is shares


def test_a_direct_connection_shares_nothing(database_url: str) -> None:
    assert not databases.shares_sessions(lambda: psycopg.connect(database_url))


def test_one_session_for_everybody_is_known_without_waiting_for_another(database_url: str) -> None:
    with pooler(database_url, sessions=1) as url:
        assert databases.shares_sessions(lambda: psycopg.connect(url, prepare_threshold=None))


@pytest.mark.parametrize(
    ("program", "takes_options"),
    [
        (["-m", "sisimport.worker"], True),
        pytest.param(["-m", "sisimport.worker"], False, marks=pytest.mark.faults),
        pytest.param(["manage.py", "reconcile"], False, marks=pytest.mark.faults),
    ],
)
def test_a_program_that_keeps_locks_in_its_session_does_not_start_behind_a_pooler(
    program: list[str], takes_options: bool, database_url: str, tmp_path: Path
) -> None:
    more = "ignore_startup_parameters = options" if takes_options else ""
    with pooler(database_url, more=more) as url:
        said = _run(program, {"DATABASE_URL": url, "SISIMPORT_DATA_DIR": str(tmp_path)})

    assert said.returncode not in {0, None}
    assert "DATABASE_DIRECT_URL" in said.stderr
    assert "shares sessions" in said.stderr


def test_a_run_is_not_begun_in_a_session_that_others_get(shared: str, monkeypatch: Any) -> None:
    from sisimport.imports.runs.execution import execute_run

    monkeypatch.setattr(sessions, "_own", set())
    monkeypatch.setattr(sessions, "session_parameters", lambda _name: {"conninfo": shared, "prepare_threshold": None})
    monkeypatch.setattr(sessions, "fetch_one", lambda _query: (0,))  # as behind a pooler: not the number we were told
    connection.ensure_connection()  # which the question would have opened

    with pytest.raises(databases.SharedSessionError, match="DATABASE_DIRECT_URL"):
        execute_run(1)


@pytest.mark.parametrize("limits", [pytest.param(True, marks=pytest.mark.faults), False])
def test_the_check_names_limits_that_the_pooler_does_not_set(limits: bool, database_url: str, tmp_path: Path) -> None:
    with pooler(database_url, limits=limits) as url:
        environment = {"DATABASE_URL": url, "DATABASE_DIRECT_URL": database_url, "SISIMPORT_DATA_DIR": str(tmp_path)}
        said = _run(["manage.py", "check", "--database", "default", "--fail-level", "WARNING"], environment)

    assert (said.returncode == 0) is limits, said.stderr
    wanted = databases.connect_query(settings.SESSION_LIMITS["web"])
    assert limits or f"connect_query='{wanted}'" in said.stderr


@pytest.mark.faults
def test_the_check_refuses_commands_behind_a_pooler(shared: str, tmp_path: Path) -> None:
    said = _run(
        ["manage.py", "check", "--database", "default"], {"DATABASE_URL": shared, "SISIMPORT_DATA_DIR": str(tmp_path)}
    )

    assert said.returncode != 0
    assert "imports.E002" in said.stderr


@pytest.mark.faults
def test_every_page_comes_through_the_pooler_to_many_at_once(shared: str, database_url: str) -> None:
    pages = staff_pages(district := make_pages())
    with site(shared, settings.DATA_DIR, DATABASE_DIRECT_URL=database_url) as web, ThreadPoolExecutor(CLIENTS) as pool:
        visitors = [Visitor(web.port, district.staff) for _client in range(CLIENTS)]
        # One mail is not where this server looks: this test process keeps its mails apart.
        names = [
            name for name in pages if not name.startswith(("account_logout", "mfa_activate")) and name != "kept_mail"
        ]
        found = pool.map(lambda n: (n[1], visitors[n[0] % CLIENTS].get(pages[n[1]]).status_code), enumerate(names))

        wrong = {name: status for name, status in found if status not in {200, 302}}
        assert not wrong, (wrong, web.log.read_text()[-2000:])
    with psycopg.connect(database_url) as session:
        query = "SELECT count(*) FROM pg_stat_activity WHERE query ~ 'django_session' AND datname = current_database()"
        assert session.execute(query).fetchone()[0] <= SESSIONS + 2  # type: ignore[index]


@pytest.mark.faults
def test_upload_test_update_exports_and_revert_through_the_pooler(
    broker: Broker, uploads: None, shared: str, database_url: str
) -> None:
    broker.living_worker()
    district = make_district(students=1_200)
    people = [UserFactory(import_admin=True, all_schools=True, is_superuser=True) for _person in range(CLIENTS)]
    with open_file(state_file()) as stream:
        content = stream.read()
    with site(shared, broker.folder, DATABASE_DIRECT_URL=database_url) as web, ThreadPoolExecutor(CLIENTS) as pool:
        visitors = [Visitor(web.port, person) for person in people]
        sent = {"import_type": "ssid-download", "work": "test"}
        answers = list(
            pool.map(
                lambda who: who.post(reverse("upload", args=["calpads-ssid"]), sent, {"file": ("ssid.txt", content)}),
                visitors,
            )
        )
        assert {answer.status_code for answer in answers} == {200}, web.log.read_text()[-2000:]
        tests = [wait_for_end(run) for run in ImportRun.objects.filter(work=Work.TEST).order_by("pk")]
        assert [run.status for run in tests] == [RunStatus.COMPLETED] * CLIENTS

        mine = next(v for v in visitors if v.user.pk == tests[0].created_by_id)
        assert mine.post(reverse("start_update", args=[tests[0].pk])).status_code == 200
        update = wait_for_end(ImportRun.objects.get(work=Work.UPDATE))
        assert (update.status, update.import_count) == (RunStatus.COMPLETED, district.students)

        tables = ("issues-csv", "changes-csv", "absent-xlsx", "lines-success")
        wanted = [(reverse("export", args=[run.pk]), {"what": what}) for run in tests[:3] for what in tables]
        wanted += [
            (reverse("exports"), {"kind": "tables", "what": what, "file_type": "csv"}) for what in ("students", "ssids")
        ]
        wanted += [(reverse("exports"), {"kind": "oneroster"}), (reverse("runs"), {"export": "csv"})]
        files = list(pool.map(lambda one: mine.post(*one), wanted))
        assert [answer.status_code for answer in files] == [200] * len(wanted), web.log.read_text()[-2000:]
        assert all("attachment" in answer.headers.get("Content-Disposition", "") for answer in files)
        lines = files[1].content.decode().count("\n")
        assert lines > district.students

        assert mine.post(reverse("start_revert", args=[update.pk])).status_code == 200
        reverted = wait_for_end(ImportRun.objects.get(work=Work.REVERT))
        assert reverted.status == RunStatus.COMPLETED
        assert not SSID.objects.exists()
        assert "ERROR" not in web.log.read_text()


def _run(words: list[str], environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    kept = {k: v for k, v in os.environ.items() if k not in {"DJANGO_SETTINGS_MODULE", "DATABASE_URL", "REDIS_URL"}}
    return subprocess.run(
        [sys.executable, *words],
        cwd=ROOT,
        env=kept | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
