"""Somebody who has no record is in old files, journals, lists and reports all the same, and is taken out of them."""

import json
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from sisimport.audit.models import AuditEntry
from sisimport.erasing.students import ErasingError, erase_traces, find_off_record
from sisimport.imports.models import AbsentList, ImportChange, ImportIssue, ImportRun, Work
from sisimport.imports.storage.files import open_file
from students.models import Student
from students.removing import remove
from tests.files.samples import line, lines
from tests.imports.journey import District, make_district, run_file

pytestmark = pytest.mark.django_db
REASON = "Request 12"
GONE = {"local_number": "880041", "ssid": "9123456780", "last_name": "Zyxwutova", "first_name": "Quirinwald"}


@pytest.fixture
def district(db: None) -> District:
    made = make_district()
    made.student()
    return made


def in_file(run: ImportRun) -> str:
    assert run.file is not None
    run.file.refresh_from_db()
    with open_file(run.file) as stream:
        return stream.read().decode()


def erased_by(command: Any, *words: str) -> dict[str, Any]:
    call_command("erase_student", *words, "--off-record", "--reason", REASON, "--json")
    found: dict[str, Any] = json.loads(command.readouterr().out)
    return found


@pytest.mark.parametrize("known", [["880041"], ["--ssid", "9123456780"]], ids=["number", "SSID"])
def test_lines_and_findings_of_nobody_on_record_go(
    known: list[str], district: District, capsys: pytest.CaptureFixture[str], django_capture_on_commit_callbacks: Any
) -> None:
    run = run_file("ssid-download", lines({}, GONE)).run
    assert ImportIssue.objects.filter(run=run, line=2).exists()
    assert run.file is not None

    dry = erased_by(capsys, *known, "--dry-run")
    assert "Zyxwutova" in in_file(run)
    with django_capture_on_commit_callbacks(execute=True):
        done = erased_by(capsys, *known, "--yes")

    assert (
        dry["places"] == done["places"] == {f"file {run.file_id}": 1, f"run {run.pk}": dry["places"][f"run {run.pk}"]}
    )
    assert (dry["lines"], done["lines"]) == (1, 1)
    assert not any(value in in_file(run) for value in GONE.values())
    assert "100234" in in_file(run)
    assert not ImportIssue.objects.filter(run=run, line=2).exists()
    entry = AuditEntry.objects.get(kind="erased")
    assert (entry.students, REASON in entry.subject) == ([], True)


def test_journals_and_lists_of_a_record_that_was_removed_go(
    district: District, django_capture_on_commit_callbacks: Any
) -> None:
    """The journal knows the names, and so finds a line that has no number."""
    run_file("students", _list(GONE), Work.UPDATE)
    student = Student.objects.get(local_number=GONE["local_number"])
    other = run_file("ssid-download", lines({})).run
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM imports_absentlist WHERE run_id = %s", [other.pk])
        listed = f"{{[{student.pk},{student.pk + 1})}}"
        cursor.execute(
            "INSERT INTO imports_absentlist (run_id, students, with_el) VALUES (%s, %s, '{}')", [other.pk, listed]
        )
    number = student.pk
    remove(Student.objects.filter(pk=number))
    assert ImportChange.objects.filter(student_id=number).exists()
    nameless = run_file("ssid-download", line(**GONE | {"local_number": "", "ssid": ""}) + "\n").run

    person = find_off_record(GONE["local_number"])
    assert (person.student, person.last, person.first) == (number, {GONE["last_name"]}, {GONE["first_name"]})
    with django_capture_on_commit_callbacks(execute=True):
        erased = erase_traces(person, reason=REASON)

    assert not ImportChange.objects.filter(student_id=number).exists()
    assert GONE["last_name"] not in in_file(nameless)
    assert not AbsentList.objects.get(run=other).students
    assert erased.lines == 2  # of the list as well, which has the number
    assert AuditEntry.objects.get(kind="erased").students == [number]


def _list(student: dict[str, str]) -> str:
    """A district's own list with this student on it."""
    names = "lea,school,local_number,last_name,first_name,birth_date,grade"
    said = ",".join(student[name] for name in ("local_number", "last_name", "first_name"))
    return f"{names}\n1234567,0123456,{said},2014-02-14,05\n"


def test_names_that_somebody_knows_find_lines_without_a_number(
    district: District, django_capture_on_commit_callbacks: Any
) -> None:
    run = run_file("ssid-download", line(**GONE | {"local_number": "", "ssid": ""}) + "\n").run
    names = {name: GONE[name] for name in ("last_name", "first_name")}
    with django_capture_on_commit_callbacks(execute=True):
        assert erase_traces(find_off_record("880041"), reason=REASON).lines == 0
        assert erase_traces(find_off_record("880041", **names), reason=REASON).lines == 1
    assert GONE["last_name"] not in in_file(run)


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ({"number": "100234"}, "A student on record has this number"),
        ({"number": "0123456"}, "code of a school or a district"),
        ({"number": "", "last_name": "Zyxwutova"}, "a name alone could be anyone's"),
        ({"number": "880041", "lea": "9999999"}, "no such district"),
    ],
)
def test_what_might_be_somebody_else_is_refused(known: dict[str, str], said: str, district: District) -> None:
    with pytest.raises(ErasingError, match=said):
        find_off_record(**known)


def test_a_reason_is_needed_and_names_nobody(district: District) -> None:
    with pytest.raises(ErasingError, match="names the student"):
        erase_traces(find_off_record("880041"), reason="Number 880041 asked for it")
    with pytest.raises(CommandError, match="Nothing was erased"):
        call_command("erase_student", "880041", "--off-record", "--reason", REASON, "--json")
