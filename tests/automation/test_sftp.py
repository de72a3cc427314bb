"""Pick-up over SFTP from a real server: key sign-in, a pinned host key, and a connection that is cut at any point."""

from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest
from django.utils import timezone

from sisimport.audit.models import AuditEntry
from sisimport.automation.adding import add_delivery, add_place
from sisimport.automation.export_deliveries import deliver
from sisimport.automation.models import DeliveredExport, ExportDelivery, PickedFile, PickUpPlace
from sisimport.automation.picking import look_at
from sisimport.imports.models import ImportRun, RunStatus
from tests.automation.sftp import HOST, Cutter, SftpServer
from tests.faults.site import free_port
from tests.files.samples import line
from tests.imports.journey import finish, make_district

pytestmark = pytest.mark.django_db
GOOD = line() + "\n"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SftpServer]:
    (tmp_path / "out").mkdir()
    made = SftpServer(tmp_path)
    yield made
    made.close()


@pytest.fixture
def here(server: SftpServer) -> PickUpPlace:
    make_district().student()
    made = add_place(
        name="state", sftp=f"sftp://sis@{HOST}:{server.port}/out", host_key=server.fingerprint, work="update"
    )
    server.authorized.append(made.public_key)
    return made


def finish_runs() -> None:
    for run in ImportRun.objects.filter(status=RunStatus.QUEUED):
        finish(run)


def through(here: PickUpPlace) -> None:
    for _step in range(4):
        assert look_at(here).errors == []
        finish_runs()


def names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir() if one.is_file()) if folder.is_dir() else []


def test_a_file_of_a_server_is_applied_and_moved_with_its_report(server: SftpServer, here: PickUpPlace) -> None:
    out = server.folder / "out"
    (out / "ssid.txt").write_text(GOOD)
    (out / "other").mkdir()

    through(here)

    assert names(out) == []
    assert names(out / "done") == ["ssid.txt", "ssid.txt.report.json"]
    assert [run.work for run in ImportRun.objects.order_by("pk")] == ["test", "update"]


def test_a_server_with_another_key_is_asked_nothing_and_stops_the_place(server: SftpServer, here: PickUpPlace) -> None:
    PickUpPlace.objects.update(host_key="SHA256:" + "A" * 43)
    (server.folder / "out" / "ssid.txt").write_text(GOOD)

    look = look_at(here)

    assert f"The server shows the key {server.fingerprint}" in look.errors[0]
    here.refresh_from_db()
    assert not here.active
    assert look.found == []


def test_a_key_that_the_server_does_not_take_is_reported(server: SftpServer, here: PickUpPlace) -> None:
    server.authorized.clear()
    assert "does not accept the key" in look_at(here).errors[0]
    here.refresh_from_db()
    assert here.active


def test_a_server_that_is_not_there_is_reported(server: SftpServer, here: PickUpPlace) -> None:
    PickUpPlace.objects.update(port=free_port())
    assert "could not be reached" in look_at(here).errors[0]


def test_a_folder_that_is_not_there_is_reported(server: SftpServer, here: PickUpPlace) -> None:
    PickUpPlace.objects.update(path="/nowhere")
    assert "does not exist" in look_at(here).errors[0]


@pytest.mark.long
def test_a_connection_that_is_cut_at_any_point_loses_nothing(server: SftpServer, here: PickUpPlace) -> None:
    """From the first bytes of the handshake to the last of the move: in the end one Test, one Update, one file in done."""
    out = server.folder / "out"
    (out / "ssid.txt").write_text(GOOD)
    cuts = 0
    for after in range(500, 14_000, 900):
        cutter = Cutter(server.port, after)
        PickUpPlace.objects.update(port=cutter.port, next_look_at=None)
        cuts += bool(look_at(here).errors)
        cutter.close()
        finish_runs()
    PickUpPlace.objects.update(port=server.port)
    through(here)
    assert cuts >= 3, "the cuts must hit"
    assert names(out) == []
    assert names(out / "done") == ["ssid.txt", "ssid.txt.report.json"]
    assert [run.work for run in ImportRun.objects.order_by("pk")] == ["test", "update"]
    assert PickedFile.objects.get().state == "done"


# ---- deliveries ----


@pytest.fixture
def outgoing(server: SftpServer) -> ExportDelivery:
    make_district().student()
    (server.folder / "in").mkdir()
    made = add_delivery(
        name="warehouse",
        what="students",
        file_name="students.csv",
        sftp=f"sftp://sis@{HOST}:{server.port}/in",
        host_key=server.fingerprint,
    )
    server.authorized.append(made.public_key)
    return made


def test_an_export_is_delivered_to_a_server_in_place_of_the_one_before(
    server: SftpServer, outgoing: ExportDelivery
) -> None:
    (server.folder / "in" / "students.csv").write_text("of yesterday")
    assert len(deliver(outgoing).delivered) == 1
    assert names(server.folder / "in") == ["students.csv"]
    assert "100234" in (server.folder / "in" / "students.csv").read_text("utf-8-sig")


def test_a_server_that_cannot_rename_over_a_file_is_delivered_to_as_well(
    server: SftpServer, outgoing: ExportDelivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    (server.folder / "in" / "students.csv").write_text("of yesterday")

    def unknown(*_names: str) -> None:
        raise OSError("Operation unsupported")

    monkeypatch.setattr(paramiko.SFTPClient, "posix_rename", unknown)
    assert len(deliver(outgoing).delivered) == 1
    assert "100234" in (server.folder / "in" / "students.csv").read_text("utf-8-sig")


def test_nothing_is_delivered_to_a_server_with_another_key(server: SftpServer, outgoing: ExportDelivery) -> None:
    ExportDelivery.objects.update(host_key="SHA256:" + "A" * 43)
    assert "is pinned" in deliver(outgoing).errors[0]
    outgoing.refresh_from_db()
    assert (outgoing.active, names(server.folder / "in")) == (False, [])
    assert not AuditEntry.looks.exists()


@pytest.mark.long
def test_a_delivery_that_is_cut_at_any_point_arrives_once(server: SftpServer, outgoing: ExportDelivery) -> None:
    """From the first bytes of the handshake to the answer of the rename; a reader that takes the file at once gets a whole
    one."""
    folder, got, cuts = server.folder / "in", [], 0
    for after in range(500, 9_000, 450):
        cutter = Cutter(server.port, after)
        ExportDelivery.objects.update(port=cutter.port)
        DeliveredExport.objects.update(state="waiting", tries=0, next_try_at=timezone.now(), size=None)
        cuts += bool(deliver(outgoing).errors)
        cutter.close()
        _taken_away(folder, got)
        ExportDelivery.objects.update(port=server.port)
        for _try in range(2):
            DeliveredExport.objects.update(next_try_at=timezone.now())
            deliver(outgoing)
        _taken_away(folder, got)
        one = DeliveredExport.objects.get()
        assert (one.state, [len(text) for text in got]) == ("done", [one.size]), f"cut after {after} bytes"
        assert not list(folder.iterdir()), "no temporary name is left"
        got.clear()
    assert cuts >= 8, "the cuts must hit"


def _taken_away(folder: Path, got: list[bytes]) -> None:
    for one in folder.glob("[!.]*"):
        got.append(one.read_bytes())
        one.unlink()
