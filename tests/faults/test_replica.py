"""Reports and exports are read from a replica of a real second server: while it has what they must hold, and only then."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, connections
from django.urls import reverse

from sisimport.imports.models import ImportRun
from sisimport.imports.runs.execution import execute_run
from sisimport.imports.runs.services import start_update
from sisimport.imports.storage import replica
from sisimport.reporting import writing
from sisimport.reporting.changes import ChangesFile
from sisimport.reporting.exports import Export
from sisimport.runtime import databases
from sisimport.runtime.reading import REPORTS
from students.models import SSID
from tests.factories import SSIDFactory, UserFactory
from tests.faults.conftest import wait_until
from tests.faults.district import make_district
from tests.faults.people import Visitor
from tests.faults.servers import Server, servers, this_process_on
from tests.faults.site import Site, site

pytestmark = [pytest.mark.processes, pytest.mark.django_db(transaction=True)]

BOUND = 20.0


@contextmanager
def reports_on(url: str) -> Iterator[None]:
    """This process reads reports there."""
    from environ import Env

    connections.databases[REPORTS] = databases.for_reading(Env.db_url_config(url), {})
    connections.configure_settings(connections.databases)
    reports = connections[REPORTS]

    def connect() -> None:
        """As ever; tests of Django's refuse databases that were not there when they began."""
        if reports.connection is None:
            with reports.wrap_database_errors:
                reports.connect()

    reports.ensure_connection = connect  # type: ignore[method-assign]
    try:
        yield
    finally:
        connections[REPORTS].close()
        del connections[REPORTS], connections.databases[REPORTS]


@pytest.fixture
def pair(database_url: str, settings: Any) -> Iterator[tuple[Server, Server]]:
    """A primary that this process works on, and a standby of which reports are read."""
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    settings.DATABASE_ROUTERS = ["sisimport.runtime.reading.Router"]
    settings.REPLICA_MAX_SECONDS = BOUND
    replica._away["until"] = 0.0
    with servers(database_url) as (primary, standby), this_process_on(primary.url), reports_on(standby.url):
        settings.DATABASE_REPLICA_URL = standby.url
        yield primary, standby


def caught_up(primary: Server, standby: Server) -> bool:
    written = primary.ask("SELECT pg_current_wal_insert_lsn()::text")
    return bool(standby.ask(f"SELECT pg_last_wal_replay_lsn() >= '{written}'::pg_lsn"))


def done(run: ImportRun) -> ImportRun:
    """The run, executed here."""
    execute_run(run.pk)
    run.refresh_from_db()
    return run


def exported(what: str = "ssids", **more: Any) -> int:
    """Rows of an export."""
    return writing.make(writing.TableFile(Export(what=what)), io.BytesIO(), ".csv", **more).rows


def test_the_replica_is_read_while_it_has_what_the_report_must_hold(pair: tuple[Server, Server], settings: Any) -> None:
    primary, standby = pair
    user, other = UserFactory(), UserFactory()
    SSIDFactory.create_batch(3)
    wait_until(lambda: caught_up(primary, standby), lambda: "the standby does not stream")
    assert replica.place_of_reports(user) == REPORTS
    assert exported() == 3

    standby.ask("SELECT pg_wal_replay_pause()")
    SSIDFactory()
    # Some seconds behind: good enough for users who wrote nothing, not for those who did.
    replica.note_write(user)
    assert replica.place_of_reports(other) == REPORTS
    assert replica.place_of_reports(user) == "default"
    assert exported(user=other) == 3
    assert exported(user=user) == 4
    # What the next file continues from is never read there.
    assert writing.TableFile(Export(what="ssids", changed_since=SSID.objects.first().created_at)).goes_on  # type: ignore[union-attr]

    standby.ask("SELECT pg_wal_replay_resume()")
    wait_until(lambda: caught_up(primary, standby), lambda: "the standby does not go on")
    assert replica.place_of_reports(user) == REPORTS
    assert exported(user=user) == 4

    # A run that ended is in every report.
    test = done(make_district(students=60).start_test(enqueue=False))
    wait_until(lambda: caught_up(primary, standby), lambda: "the standby does not stream")
    standby.ask("SELECT pg_wal_replay_pause()")
    update = done(start_update(test_run=test, user=None))
    assert replica.place_of_reports(other) == "default"
    assert exported(user=other) == 4 + update.import_count == 64
    assert ChangesFile(run=update).goes_on

    # Beyond the bound it is not read at all.
    standby.ask("SELECT pg_wal_replay_resume()")
    wait_until(lambda: caught_up(primary, standby), lambda: "the standby does not go on")
    standby.ask("SELECT pg_wal_replay_pause()")
    SSIDFactory()
    assert replica.place_of_reports(other) == REPORTS
    settings.REPLICA_MAX_SECONDS = 0.0
    assert replica.place_of_reports(other) == "default"


@pytest.mark.faults
def test_without_the_replica_exports_continue(pair: tuple[Server, Server], monkeypatch: pytest.MonkeyPatch) -> None:
    primary, standby = pair
    SSIDFactory.create_batch(3)
    wait_until(lambda: caught_up(primary, standby), lambda: "the standby does not stream")
    assert replica.place_of_reports() == REPORTS
    # It goes away after it was chosen: what was begun there is made again.
    chosen = replica.place_of_reports

    def chosen_and_gone(user: Any = None) -> str:
        place = chosen(user)
        standby.stop()
        return place

    monkeypatch.setattr(writing, "place_of_reports", chosen_and_gone)
    file = io.BytesIO()
    assert writing.make(writing.TableFile(Export(what="ssids")), file, ".csv").rows == 3
    assert file.getvalue().count(b"\n") == 4
    assert replica._away["until"] > 0
    # And it is asked for again, in vain, without being said to anybody.
    replica._away["until"] = 0.0
    assert replica.place_of_reports() == "default"


@pytest.fixture
def web(pair: tuple[Server, Server], tmp_path: Any) -> Iterator[Site]:
    primary, standby = pair
    with site(primary.url, tmp_path, DATABASE_REPLICA_URL=standby.url, REPLICA_MAX_SECONDS=str(BOUND)) as running:
        yield running


@pytest.mark.faults
def test_pages_read_their_files_there_and_write_here(pair: tuple[Server, Server], web: Site) -> None:
    primary, standby = pair
    SSIDFactory.create_batch(3)
    someone, writer = (
        Visitor(web.port, UserFactory(import_admin=True, all_schools=True, is_superuser=True)) for _one in range(2)
    )
    test = done(make_district(students=60).start_test(enqueue=False))
    wait_until(lambda: caught_up(primary, standby), lambda: "the standby does not stream")
    asked = {"kind": "tables", "what": "ssids", "file_type": "csv"}
    standby.ask("SELECT pg_wal_replay_pause()")
    SSIDFactory()

    def lines(visitor: Visitor) -> int:
        answer = visitor.post(reverse("exports"), asked)
        assert answer.status_code == 200, web.log.read_text()[-2000:]
        return answer.content.decode().count("\n")

    assert lines(someone) == 1 + 3, "of the replica"
    assert lines(someone) == 1 + 4, "an export is a request that writes: what follows holds it"
    table = writer.post(reverse("export", args=[test.pk]), {"what": "changes-csv"})
    assert table.status_code == 200
    assert table.content.decode().count("\n") > 60
    assert writer.post(reverse("runs"), {"export": "csv"}).status_code == 200
    reads = standby.ask("SELECT sum(xact_commit) FROM pg_stat_database WHERE datname = current_database()")
    assert reads > 0
    # One that was made a primary of its own is none any more.
    standby.ask("SELECT pg_promote()")
    assert lines(writer) == 1 + 4
    assert replica.place_of_reports() == "default"
    assert "ERROR" not in web.log.read_text()
    connection.close()
