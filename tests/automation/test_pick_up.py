"""Pick-up from a folder: each file once, tested, applied only when there is no reason against it, moved with its report."""

import datetime as dt
import json
import zipfile
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from sisimport.automation import picking
from sisimport.automation.adding import AddingError, add_place
from sisimport.automation.models import Delivery, PickedFile, PickUpPlace
from sisimport.automation.picking import Look, look_at
from sisimport.automation.places import Folder, PlaceError
from sisimport.imports.models import ImportRun, RunStatus, Work
from sisimport.imports.runs import returned_lines
from students.models import SSID, DistrictSettings
from tests.factories import UserFactory
from tests.files.samples import line
from tests.imports.commandline import CommandLine
from tests.imports.journey import District, finish, give_el, run_file

pytestmark = pytest.mark.django_db
GOOD, WRONG = line() + "\n", line(local_number="999999") + "\n"
SELA = "SELA^A^^1234567^0123456^2024-2025^9012345678^José^García-López^20090214^M^100234^EO^20240901^spa^\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "in"
    made.mkdir()
    return made


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> CommandLine:
    return CommandLine(capsys)


def place(folder: Path, **values: Any) -> PickUpPlace:
    return add_place(name="state files", path=str(folder), **values)


def looks(here: PickUpPlace, count: int = 2) -> Look:
    """So many looks, the last of them."""
    for _look in range(count):
        look = look_at(here)
    return look


def finish_runs() -> None:
    for run in ImportRun.objects.filter(status=RunStatus.QUEUED):
        finish(run)


def through(here: PickUpPlace) -> Look:
    """From lying there to moved away, whatever its runs are."""
    looks(here)
    finish_runs()
    look_at(here)
    finish_runs()
    return look_at(here)


def names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir() if one.is_file()) if folder.is_dir() else []


def test_a_file_is_tested_and_moved_with_its_report(district: District, folder: Path) -> None:
    (folder / "ssid.txt").write_text(GOOD)
    through(place(folder))

    assert names(folder) == []
    assert names(folder / "done") == ["ssid.txt", "ssid.txt.report.json"]
    report = json.loads((folder / "done" / "ssid.txt.report.json").read_text())
    run = ImportRun.objects.get()
    assert (report["run"]["run"], report["run"]["work"], report["run"]["planned_count"]) == (run.pk, "test", 1)
    assert "García" not in json.dumps(report, ensure_ascii=False)
    assert not SSID.objects.exists()


def test_update_is_applied_when_there_is_no_error(district: District, folder: Path) -> None:
    (folder / "ssid.txt").write_text(GOOD)
    through(place(folder, work="update"))

    assert SSID.objects.get().ssid == "9012345678"
    assert [run.work for run in ImportRun.objects.order_by("pk")] == [Work.TEST, Work.UPDATE]
    assert names(folder / "done") == ["ssid.txt", "ssid.txt.report.json"]


def test_update_is_not_applied_when_there_is_an_error(district: District, folder: Path) -> None:
    (folder / "ssid.txt").write_text(GOOD + WRONG)
    through(place(folder, work="update"))

    assert not SSID.objects.exists()
    assert names(folder / "failed") == ["ssid.txt", "ssid.txt.report.json"]
    assert "Tested, and not applied" in PickedFile.objects.get().message


def test_a_held_update_leaves_the_file_until_it_is_decided(district: District, folder: Path) -> None:
    from sisimport.imports.runs import approvals
    from students.models import Student

    DistrictSettings.objects.create(lea=district.lea, hold_floor=1)
    give_el(Student.objects.get(), "EL", identified_date="2020-09-01")
    (folder / "sela.txt").write_text(SELA)
    here = place(folder, work="update")
    look = through(here)
    assert look.waiting == [("sela.txt", "It is held until a second person approves it.")]
    assert names(folder) == ["sela.txt"]
    run = ImportRun.objects.get(status=RunStatus.HELD)
    approvals.approve(run=run, user=UserFactory(), why="Right", enqueue=False)
    finish(run)
    look_at(here)
    assert names(folder / "done") == ["sela.txt", "sela.txt.report.json"]


def test_a_file_that_still_grows_is_not_taken(district: District, folder: Path) -> None:
    here, path = place(folder), folder / "ssid.txt"
    path.write_text(GOOD[:20])
    assert look_at(here).waiting[0][0] == "ssid.txt"
    path.write_text(GOOD)
    assert look_at(here).waiting[0][0] == "ssid.txt"
    assert not ImportRun.objects.exists()
    assert len(look_at(here).runs) == 1


def test_with_a_mark_a_file_is_taken_at_once_and_never_without(district: District, folder: Path) -> None:
    here = place(folder, needs_mark=True)
    (folder / "ssid.txt").write_text(GOOD)
    assert looks(here, 3).runs == []
    (folder / "ssid.txt.done").touch()
    assert len(look_at(here).runs) == 1
    finish_runs()
    look_at(here)
    assert names(folder / "done") == ["ssid.txt", "ssid.txt.done", "ssid.txt.report.json"]


def test_the_same_file_put_there_again_makes_no_second_run(district: District, folder: Path) -> None:
    here, path = place(folder), folder / "ssid.txt"
    for _time in range(2):
        path.write_text(GOOD)
        through(here)
    assert ImportRun.objects.count() == 1
    assert names(folder / "done") == ["ssid-2.txt", "ssid-2.txt.report.json", "ssid.txt", "ssid.txt.report.json"]


def test_the_same_name_with_other_content_is_another_file(district: District, folder: Path) -> None:
    here, path = place(folder), folder / "ssid.txt"
    for content in (GOOD, GOOD + WRONG):
        path.write_text(content)
        through(here)
    assert ImportRun.objects.count() == 2


def test_a_file_is_not_read_again_while_its_run_continues(
    district: District, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "ssid.txt").write_text(GOOD)
    here = place(folder)
    looks(here)
    monkeypatch.setattr(Folder, "read", None)
    assert looks(here, 2).errors == []


def test_two_looks_at_once_take_a_file_once(
    district: District, folder: Path, other_session: psycopg.Connection
) -> None:
    """The second finds the first at it, and once that has ended, takes the file."""
    (folder / "ssid.txt").write_text(GOOD)
    here = place(folder)
    other_session.execute("SELECT pg_advisory_lock(%s, %s)", [picking.PLACE_LOCK, here.pk])
    assert looks(here).errors == ["Another look at this place is in progress."]
    assert not ImportRun.objects.exists()
    other_session.execute("SELECT pg_advisory_unlock(%s, %s)", [picking.PLACE_LOCK, here.pk])
    assert looks(here, 2).errors == []
    assert ImportRun.objects.exists()


def test_a_zip_is_taken_as_it_was_downloaded(district: District, folder: Path) -> None:
    with zipfile.ZipFile(folder / "state.zip", "w") as archive:
        archive.writestr("ssid.txt", GOOD)
        archive.writestr("readme.pdf", b"%PDF-1.4")
    through(place(folder))
    assert ImportRun.objects.get().planned_count == 1
    assert names(folder / "done") == ["state.zip", "state.zip.report.json"]


def test_refused_lines_that_come_back_are_tested_as_lines_of_their_run(district: District, folder: Path) -> None:
    """Of the type and with the options of that run; under its numbers, with nobody counted as absent."""
    run = run_file("ssid-download", GOOD + line(local_number="9") + "\n").run
    ImportRun.objects.filter(pk=run.pk).update(created_by=None)
    reasons = returned_lines.plain_reasons(run)
    (folder / "table.csv").write_bytes(b"".join(returned_lines.table_bytes(run, [2], reasons)))

    through(place(folder))

    child = ImportRun.objects.get(corrects=run)
    assert (child.import_type, child.options, child.record_count) == ("ssid-download", run.options, 1)
    assert names(folder / "done") == ["table.csv", "table.csv.report.json"]


def test_lines_of_a_run_that_its_user_may_not_correct_are_not_taken(district: District, folder: Path) -> None:
    run = run_file("ssid-download", line(local_number="9") + "\n").run
    (folder / "table.csv").write_bytes(
        b"".join(returned_lines.table_bytes(run, [1], returned_lines.plain_reasons(run)))
    )
    here = place(folder)
    here.user.access.all_schools = False
    here.user.access.save()

    through(here)

    assert not ImportRun.objects.filter(corrects=run).exists()
    assert "which you cannot correct" in PickedFile.objects.get().message


def test_a_file_that_nothing_recognizes_fails_with_its_reason(district: District, folder: Path) -> None:
    (folder / "notes.txt").write_text("hello\n")
    look = looks(place(folder))
    assert "notes.txt was not picked up" in look.errors[0]
    assert names(folder / "failed") == ["notes.txt", "notes.txt.report.json"]


def test_only_files_of_the_pattern_are_taken_and_never_links_or_folders(district: District, folder: Path) -> None:
    (folder / "ssid.txt").write_text(GOOD)
    (folder / "other.csv").write_text(GOOD)
    (folder / ".hidden.txt").write_text(GOOD)
    (folder / "more.txt").mkdir()
    (folder / "link.txt").symlink_to("/etc/hostname")
    assert looks(place(folder, pattern="*.txt")).found == ["ssid.txt"]


def test_a_link_put_in_place_of_a_file_is_not_read(folder: Path) -> None:
    (folder / "ssid.txt").symlink_to("/etc/hostname")
    with pytest.raises(PlaceError), (folder / "copy").open("wb") as copy:
        Folder(folder).read("ssid.txt", copy, most=1000)


def test_a_folder_that_is_gone_is_reported_once_and_works_again_automatically(district: District, folder: Path) -> None:
    UserFactory(import_admin=True)
    here = place(folder)
    folder.rename(folder.with_name("away"))
    looks(here, 3)
    here.refresh_from_db()
    assert "does not exist" in here.error
    assert here.active
    assert Delivery.objects.filter(subject="pick_up_failed").count() == 1
    folder.mkdir()
    look_at(here)
    here.refresh_from_db()
    assert here.error == ""


def test_a_file_that_cannot_be_moved_is_cleared_at_a_later_look(
    district: District, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even after a worker that died between the run and the move."""
    (folder / "ssid.txt").write_text(GOOD)
    here = place(folder)
    looks(here)
    finish_runs()

    def full(*_what: Any) -> None:
        raise PlaceError("The folder cannot be moved: No space left on device.")

    with monkeypatch.context() as broken:
        broken.setattr(Folder, "move", full)
        assert "No space left" in look_at(here).errors[0]
    look_at(here)
    assert names(folder / "done") == ["ssid.txt", "ssid.txt.report.json"]
    assert ImportRun.objects.count() == 1


def test_without_room_nothing_is_taken_and_nothing_moved(
    district: District, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sisimport.imports.storage import room

    (folder / "ssid.txt").write_text(GOOD)
    here = place(folder)
    with monkeypatch.context() as full:
        full.setattr(room, "lack_for_upload", lambda _size: "There is no space on the disk.")
        assert looks(here).errors == ["There is no space on the disk."]
    assert names(folder) == ["ssid.txt"]
    assert not PickedFile.objects.exists()
    assert len(look_at(here).runs) == 1


def test_a_user_who_may_no_longer_test_takes_nothing(district: District, folder: Path) -> None:
    (folder / "ssid.txt").write_text(GOOD)
    here = place(folder)
    here.user.groups.clear()
    assert "may no longer test" in looks(here).errors[0]


def test_its_runs_are_limited_to_its_schools(district: District, folder: Path) -> None:
    (folder / "ssid.txt").write_text(GOOD)
    looks(place(folder, schools=[district.other_school]))
    assert ImportRun.objects.get().schools == [district.other_school.pk]


def test_a_place_is_looked_at_when_its_time_has_come_also_after_the_clock_was_set_back(folder: Path, db: None) -> None:
    place(folder, every_minutes=30)
    assert picking.look_at_due() == 1
    assert picking.look_at_due() == 0
    PickUpPlace.objects.update(next_look_at=timezone.now() + dt.timedelta(hours=5))
    assert picking.look_at_due() == 1
    PickUpPlace.objects.update(next_look_at=None, active=False)
    assert picking.look_at_due() == 0


# ---- adding ----


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("name", {"name": " "}),
        ("path", {}),
        ("path", {"path": "relative/folder"}),
        ("path", {"path": "/a", "sftp": "sftp://u@h/x"}),
        ("sftp", {"sftp": "http://u@h/x"}),
        ("sftp", {"sftp": "sftp://host-without-user/x"}),
        ("sftp", {"sftp": "sftp://user:secret@host/x"}),
        ("host_key", {"sftp": "sftp://user@host/x", "host_key": "aa:bb"}),
        ("every_minutes", {"path": "/a", "every_minutes": 0}),
        ("pattern", {"path": "/a", "pattern": "../*"}),
        ("import_type", {"path": "/a", "import_type": "nonsense"}),
        ("options", {"path": "/a", "import_type": "ela", "options": {"nonsense": "1"}}),
        ("options", {"path": "/a", "options": {"ela_mode": "fill"}}),
    ],
)
def test_a_place_that_cannot_be_is_refused_at_its_field(field: str, values: dict[str, Any], db: None) -> None:
    with pytest.raises(AddingError) as refused:
        add_place(**({"name": "x"} | values))
    assert refused.value.field == field


def test_the_products_own_folder_is_not_a_place(settings: Any, db: None) -> None:
    with pytest.raises(AddingError, match="own"):
        add_place(name="x", path=str(Path(settings.DATA_DIR) / "uploads"))


def test_the_commands_add_a_place_and_look_at_it(district: District, folder: Path, command: CommandLine) -> None:
    said = command("add_pick_up", "nightly", "--path", folder, "--type", "auto", "--every", "30", "--json")
    assert (said.code, said.json["name"]) == (0, "nightly")
    assert command("add_pick_up", "nightly", "--path", folder, "--json").code == 2
    (folder / "ssid.txt").write_text(GOOD)
    first = command("pick_up", "nightly", "--json").json
    assert (first["looked"], first["found"], first["runs"]) == (1, 1, [])
    assert first["waiting"][0]["name"] == "ssid.txt"
    second = command("pick_up", "--json").json
    assert second["runs"] == [ImportRun.objects.get().pk]
    assert command("pick_up", "nobody", "--json").code == 2


# ---- pages ----


@pytest.fixture
def admin(client: Client, db: None) -> Any:
    user = UserFactory(import_admin=True, username="ada")
    client.force_login(user)
    return user


def test_an_import_admin_adds_pauses_and_removes_a_place(client: Client, admin: Any, folder: Path) -> None:
    form = {"name": "State files", "path": str(folder), "pattern": "*", "import_type": "auto", "work": "test"}
    client.post(reverse("pick_up"), form | {"every_minutes": "15"})
    here = PickUpPlace.objects.get()
    page = reverse("pick_up_place", args=[here.pk])
    assert "State files" in client.get(reverse("pick_up")).text
    for do, word in (("pause", "Paused"), ("go on", "Check now"), ("look", "A worker checks")):
        told = client.post(reverse("change_pick_up_place", args=[here.pk]), {"do": do}, follow=True)
        assert word in told.text
    assert client.get(page).status_code == 200
    client.post(reverse("change_pick_up_place", args=[here.pk]), {"do": "remove"})
    assert not PickUpPlace.objects.exists()


def test_a_place_that_cannot_be_is_refused_on_the_form(client: Client, admin: Any) -> None:
    form = {"name": "x", "path": "relative", "pattern": "*", "import_type": "auto", "work": "test"}
    told = client.post(reverse("pick_up"), form | {"every_minutes": "15"})
    assert told.status_code == 422
    assert "full path" in told.text


def test_an_admin_of_some_schools_sees_places_of_no_other(client: Client, district: District, folder: Path) -> None:
    here = place(folder)
    client.force_login(UserFactory(import_admin=True, all_schools=False, schools=[district.school]))
    assert client.get(reverse("pick_up_place", args=[here.pk])).status_code == 404
    client.force_login(UserFactory(registrar=True, all_schools=True))
    assert client.get(reverse("pick_up")).status_code == 403
