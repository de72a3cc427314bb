"""Pages, commands and the REST API about held runs: a second person decides, with a reason, and never on their own run."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from sisimport.api.tokens import TokenError, make_token
from sisimport.imports.models import ImportRun, RunStatus
from sisimport.imports.runs import services
from students.models import DistrictSettings, ELRecord
from tests.api.client import Program
from tests.factories import UserFactory
from tests.imports.commandline import CommandLine
from tests.imports.journey import District, finish, give_el, run_file

LINE = "SELA^A^^1234567^0123456^2024-2025^9012345678^José^García-López^20090214^M^100234^EO^20240901^spa^\n"


@pytest.fixture
def held(district: District, registrar: Any) -> ImportRun:
    """An Update that the registrar started, and that a district with a floor of one holds."""
    DistrictSettings.objects.create(lea=district.lea, hold_floor=1)
    give_el(district.student(), "EL", identified_date="2020-09-01")
    test = run_file("ela", LINE).run
    run = finish(services.start_update(test_run=test, user=registrar, enqueue=False)).run
    assert run.status == RunStatus.HELD
    return run


@pytest.fixture
def admin(client: Client, held: ImportRun) -> Any:
    user = UserFactory(import_admin=True, username="ada", first_name="Ada", last_name="Park")
    client.force_login(user)
    return user


def page(client: Client, run: ImportRun) -> str:
    return client.get(reverse("run", args=[run.pk])).text


def decide(client: Client, run: ImportRun, decision: str, why: str = "Right") -> str:
    return client.post(reverse("decide_held", args=[run.pk]), {"decision": decision, "why": why}, follow=True).text


def status(run: ImportRun) -> str:
    run.refresh_from_db()
    return run.status


def test_the_page_says_that_and_why_a_run_is_held(client: Client, held: ImportRun) -> None:
    text = page(client, held)

    assert "a second person has to approve this run" in text
    assert "It would change the English learner status of 1 of 1 students" in text
    assert "another import admin decides" in text
    assert reverse("decide_held", args=[held.pk]) not in text


def test_its_changes_are_not_said_to_be_written(client: Client, held: ImportRun, admin: Any) -> None:
    def heading() -> str:
        return client.get(reverse("run_changes", args=[held.pk])).text

    assert "What an Update would write" in heading()
    decide(client, held, "approve", "Checked with the school.")
    assert "What an Update would write" in heading()  # until it has
    held.refresh_from_db()
    assert finish(held).run.status == RunStatus.COMPLETED
    assert "What was written" in heading()


def test_its_test_says_that_it_is_held(client: Client, held: ImportRun) -> None:
    assert held.test_run is not None
    text = page(client, held.test_run)

    assert "is held until a second person approves it" in text
    assert reverse("start_update", args=[held.test_run.pk]) not in text


def test_home_and_the_list_of_runs_show_it(client: Client, held: ImportRun) -> None:
    home = client.get(reverse("home")).text

    assert "Held for approval" in home
    assert reverse("run", args=[held.pk]) in home
    assert "Held for approval" in client.get(reverse("runs"), {"status": "held"}).text


def test_whoever_started_it_cannot_decide(client: Client, held: ImportRun, registrar: Any) -> None:
    registrar.groups.set(UserFactory(import_admin=True).groups.all())

    assert "a second person has to decide" in decide(client, held, "approve")
    assert status(held) == RunStatus.HELD


def test_an_import_admin_approves(client: Client, held: ImportRun, admin: Any) -> None:
    assert "Approve" in page(client, held)
    assert "Approved: the run is writing now." in decide(client, held, "approve", "Checked with the school.")
    assert status(held) == RunStatus.QUEUED
    assert finish(held).run.status == RunStatus.COMPLETED
    assert ELRecord.objects.get().program_status == "EO"
    text = page(client, held)
    assert "approved by Ada Park" in text
    assert "Checked with the school." in text


def test_an_import_admin_rejects(client: Client, held: ImportRun, admin: Any) -> None:
    assert "Rejected: nothing was changed." in decide(client, held, "reject", "Last year's file.")
    assert status(held) == RunStatus.CANCELLED
    assert ELRecord.objects.get().program_status == "EL"
    assert "Last year&#x27;s file." in page(client, held)


def test_without_a_reason_nothing_is_decided(client: Client, held: ImportRun, admin: Any) -> None:
    assert "Say why, in a few words" in decide(client, held, "approve", " ")
    assert status(held) == RunStatus.HELD


def test_a_registrar_does_not_decide(client: Client, held: ImportRun) -> None:
    client.force_login(UserFactory(registrar=True, all_schools=True))

    assert client.post(reverse("decide_held", args=[held.pk]), {"decision": "approve", "why": "x"}).status_code == 403
    assert status(held) == RunStatus.HELD


def test_an_import_admin_of_other_schools_does_not_decide(client: Client, held: ImportRun, district: District) -> None:
    user = UserFactory(import_admin=True, all_schools=False, schools=[district.other_school])
    client.force_login(user)

    decide(client, held, "approve")
    assert status(held) == RunStatus.HELD


def test_nothing_is_decided_on_lines_of_a_test_whose_update_is_held(held: ImportRun) -> None:
    from sisimport.imports.runs.decisions import why_closed

    assert held.test_run is not None
    assert "held for approval" in why_closed(held.test_run)


# ---- commands ----


def test_import_file_that_is_held_exits_with_2_and_says_why(
    command: CommandLine, held: ImportRun, tmp_path: Any
) -> None:
    services.cancel_run(run=held)
    path = tmp_path / "sela.txt"
    path.write_text(LINE)

    said = command("import_file", "ela", path, "--work", "update", "--json")

    assert said.code == 2
    assert said.json["status"] == "held"
    assert "English learner status of 1 of 1" in said.json["message"]
    assert ELRecord.objects.get().program_status == "EL"


def test_held_runs_lists_runs_with_reasons(command: CommandLine, held: ImportRun) -> None:
    (entry,) = command("held_runs", "--json").json["runs"]

    assert entry["run"] == held.pk
    (reason,) = entry["reasons"]
    assert (reason["code"], reason["found"], reason["limit"]) == ("HOLD-EL", 100, 10)
    assert f"Run {held.pk}, file.txt" in command("held_runs").out


def test_approve_run_writes_and_prints_the_run(command: CommandLine, held: ImportRun, admin: Any) -> None:
    said = command("approve_run", held.pk, "--user", "ada", "--reason", "Checked", "--json")

    assert said.code == 0
    assert (said.json["run"], said.json["status"], said.json["import_count"]) == (held.pk, "completed", 1)
    assert ELRecord.objects.get().program_status == "EO"


def test_reject_run_ends_it(command: CommandLine, held: ImportRun, admin: Any) -> None:
    said = command("reject_run", held.pk, "--user", "ada", "--reason", "Wrong file", "--json")

    assert (said.code, said.json["status"]) == (0, "cancelled")
    assert ELRecord.objects.get().program_status == "EL"


@pytest.mark.parametrize(
    ("user", "word"), [("rosa", "second person"), ("viola", "may not decide"), ("nobody", "no active user")]
)
def test_approve_run_refuses_who_may_not(command: CommandLine, held: ImportRun, user: str, word: str) -> None:
    UserFactory(viewer=True, username="viola", all_schools=True)

    said = command("approve_run", held.pk, "--user", user, "--reason", "x", "--json")

    assert said.code == 2
    assert word in said.json["message"]
    assert status(held) == RunStatus.HELD


# ---- REST API ----


def test_the_api_shows_and_filters_held_runs(held: ImportRun) -> None:
    (run,) = Program("runs:read").get("runs", {"status": "held"})["items"]

    assert (run["run"], run["status"]) == (held.pk, "held")
    assert "English learner status" in run["message"]


def test_a_persons_token_approves_with_its_own_scope(held: ImportRun, admin: Any) -> None:
    Program("imports:write", user=admin).post(f"runs/{held.pk}/approve", {"reason": "x"}, status=403)
    told = Program("approve", user=admin).post(f"runs/{held.pk}/approve", {"reason": "Checked"}, status=200)

    assert told["status"] == "queued"
    assert status(held) == RunStatus.QUEUED


def test_a_persons_token_rejects(held: ImportRun, admin: Any) -> None:
    assert (
        Program("approve", user=admin).post(f"runs/{held.pk}/reject", {"reason": "No"}, status=200)["status"]
        == "cancelled"
    )
    assert (
        Program("approve", user=admin).post(f"runs/{held.pk}/approve", {"reason": "Yes"}, status=409)["code"]
        == "REFUSED"
    )


def test_a_service_never_approves(held: ImportRun) -> None:
    with pytest.raises(TokenError, match="takes a person"):
        make_token(name="nightly", scopes=["approve"], schools=None)
    Program().post(f"runs/{held.pk}/approve", {"reason": "x"}, status=403)
    assert status(held) == RunStatus.HELD


def test_nobody_approves_their_own_run_by_a_token(held: ImportRun, registrar: Any) -> None:
    registrar.groups.set(UserFactory(import_admin=True).groups.all())

    Program("approve", user=registrar).post(f"runs/{held.pk}/approve", {"reason": "x"}, status=403)
    assert status(held) == RunStatus.HELD
