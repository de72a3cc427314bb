"""Whoever is in what a command prints or writes is on record: every command there is, found automatically."""

import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as configured
from django.core.management import CommandError, call_command, get_commands
from django.db import transaction

from sisimport import command as commands
from sisimport.audit.commands import recorded
from sisimport.audit.models import AuditEntry
from sisimport.audit.writing import label
from sisimport.imports.models import Work
from tests.factories import StudentFactory, UserFactory
from tests.faults.two_schools import TwoSchools, make_two_schools
from tests.files.samples import lines

pytestmark = pytest.mark.django_db

# Commands that make, keep or measure, and print numbers of rows or records that they invented: nothing of a student.
NOT_ASKED = {
    "backup": "keeps everything in a file that no reader opens", "restore": "brings it back",
    "benchmark": "measures with invented people in a database of its own", "match_quality": "invents its people",
    "rotate_file_keys": "changes the keys of files, and shows no student",
    "simulate": "measures with invented people in a database of its own",
    "make_demo": "invents its people", "write_reference": "writes pages of the documentation",
    "database_roles": "makes roles of the database, and shows no student",
    "compile_translations": "writes translations", "reconcile": "goes on until it is stopped, and shows no student",
}  # fmt: skip


def words(made: TwoSchools, folder: Path) -> dict[str, Callable[[], list[list[Any]]]]:
    """What each command is called with; several times where it has several faces."""
    schools = [made.a.code, made.b.code]
    runs = [run.pk for run in made.runs]

    def exports(*more: str) -> Callable[[], list[list[Any]]]:
        return lambda: [["--output", folder / f"out{ending}", *more] for ending in (".csv",)]

    def of_schools(ending: str, *first: str) -> Callable[[], list[list[Any]]]:
        return lambda: [[*first, "--school", code, "--output", folder / f"{code}{ending}"] for code in schools]

    whose = made.students[0]
    (folder / "file.txt").write_text(lines({"local_number": whose.local_number, "last_name": whose.last_name}))
    return {
        **dict.fromkeys(("export_students", "export_ssids", "export_scores"), exports()),
        "export_changes": lambda: [["--output", folder / "out.zip", "--run", str(run)] for run in runs],
        "export_edfi": lambda: [["--output", folder / "out.jsonl", "--namespace", "uri://example.org"]],
        "export_oneroster": lambda: [["--output", folder / "out.zip"]],
        "english_learners": lambda: [["--json"]],
        "results": lambda: [["--json"]],
        "missing_ssids": of_schools(".csv"),
        "senr_request": of_schools(".txt"),
        "senr_enrollments": of_schools(".txt", "--since", "2000-01-01"),
        "utah_request": of_schools(".csv", "retrieve"),
        "show_student": lambda: [
            [number, *json] for pk, marks in made.marks.items() for number in sorted(marks)[:1] for json in ([], ["--json"])
        ],
        "refused_lines": lambda: [[run] for run in runs],
        "revert_run": lambda: [[run.pk, "--json"] for run in made.runs if run.applied and run.work != Work.REVERT][:1],
        "import_file": lambda: [["ssid-download", folder / "file.txt", "--work", "test", *json] for json in ([], ["--json"])],
        "held_runs": lambda: [["--json"]],
        "approve_run": lambda: [[runs[0], "--user", made.both.username, "--reason", "Looked at"]],
        "reject_run": lambda: [[runs[0], "--user", made.both.username, "--reason", "Looked at"]],
        "erase_student": lambda: [[next(iter(made.students)).local_number, "--reason", "Request 12", "--dry-run"]],
        "destroy_district": lambda: [[made.a.lea.code, "--reason", "Ended", "--dry-run"]],
        **dict.fromkeys(
            ("audit_verify", "purge", "record_missing_ssids", "notify_families", "end_staff_accounts", "deliver", "pick_up",
             "mappings"),
            lambda: [[]],
        ),
        "set_lea": lambda: [[made.a.lea.code, "--state", "CA"]],
        "add_layout": lambda: [[folder / "file.txt", "--school-year", "2025-26"]],
        "add_mapping": lambda: [[folder / "file.txt"]],
        "export_mapping": lambda: [["of nobody"]],
        "add_pick_up": lambda: [[]],
        "add_delivery": lambda: [["--what", "students"]],
        "create_token": lambda: [["program", "--user", made.both.username, "--scope", "runs:read"]],
        "invite_person": lambda: [["new@example.org", "--role", "viewer", "--school", made.a.code]],
        "emergency_sign_in": lambda: [[made.both.username]],
        "reporting_role": lambda: [["reports"]],
    }  # fmt: skip


def ours() -> set[str]:
    """Names of the commands of our own apps."""
    return {name for name, app in get_commands().items() if str(app) in configured.OWN_APPS}


def written(folder: Path, said: str) -> set[str]:
    """Words of what was printed, and of files that were written, unpacked."""
    texts = [said]
    for path in folder.iterdir():
        if path.name == "file.txt":
            continue
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                texts += [archive.read(name).decode("utf-8", "replace") for name in archive.namelist()]
        else:
            texts.append(path.read_text("utf-8", "replace"))
        path.unlink()
    return set(re.findall(r"\w+", " ".join(texts).replace("_", " ")))


@pytest.mark.long
def test_every_command_puts_whom_it_shows_on_record(
    tmp_path: Path, settings: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    settings.DATA_DIR = tmp_path / "data"
    folder = tmp_path / "out"
    folder.mkdir()
    made = make_two_schools()
    asked = words(made, folder)
    assert ours() - set(NOT_ASKED) == set(asked), "say how it is called above, or why it is not"
    wrong, showed = [], set()
    for name in sorted(asked):
        for given in asked[name]():
            before = AuditEntry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
            capfd.readouterr()
            _call(name, given)
            captured = capfd.readouterr()
            seen = written(folder, captured.out + captured.err)
            shown = {pk for pk, marks in made.marks.items() if seen & (marks - {str(word) for word in given})}
            if name == "show_student" and "No student" not in captured.err:
                shown |= {pk for pk, marks in made.marks.items() if str(given[0]) in marks}
            recorded_students = {pk for entry in AuditEntry.objects.filter(pk__gt=before) for pk in entry.students}
            if shown:
                showed.add(name)
            if shown - recorded_students:
                wrong.append((name, given, shown - recorded_students))
    assert wrong == []
    assert {"show_student", "missing_ssids", "export_students", "refused_lines", "import_file"} <= showed


def _call(name: str, given: list[Any]) -> None:
    """As the command line does; what it changes of the database is taken back but for the record of access."""
    with recorded(name):
        try:
            with transaction.atomic():
                call_command(name, *map(str, given))
        except (SystemExit, CommandError):
            return


def test_an_entry_names_the_command_and_the_login(made_student: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with recorded("show_student"):
        call_command("show_student", made_student.local_number)

    entry = AuditEntry.objects.get(place="command show_student")
    assert entry.students == [made_student.pk]
    assert entry.kind == "page"
    assert entry.subject.startswith("login ")


@pytest.fixture
def made_student() -> Any:
    return StudentFactory()


def test_what_works_for_a_person_is_that_persons_entry(made_student: Any) -> None:
    person = UserFactory()
    with recorded("deliver"):
        label(AuditEntry.Kind.EXPORT, person, students=[made_student.pk], subject="delivery 1")

    entry = AuditEntry.objects.get(subject="delivery 1")
    assert (entry.user, entry.students) == (person, [made_student.pk])
    assert not AuditEntry.objects.filter(place="command deliver").exists()


@pytest.mark.parametrize(
    ("argv", "is_recorded"),
    [
        (["m", "show_student", "1"], True),
        (["m", "migrate"], False),
        (["m", "reconcile"], False),
        (["m", "help"], False),
    ],
)
def test_the_command_line_records_every_command_that_reads_records(
    argv: list[str], is_recorded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(
        "sisimport.audit.commands.recorded", lambda name: asked.append(name) or commands.contextlib.nullcontext()
    )
    monkeypatch.setattr("django.core.management.execute_from_command_line", lambda _argv: None)
    monkeypatch.setattr(commands, "services_for", lambda _argv: commands.contextlib.nullcontext())
    commands.main(argv)
    assert asked == (["show_student"] if is_recorded else [])
