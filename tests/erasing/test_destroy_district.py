"""A district that is destroyed leaves a certificate and nothing of a person; other districts do not notice."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth import get_user_model
from django.core.management import CommandError, call_command
from django.db import connection

from sisimport.audit import sealing
from sisimport.audit.models import AuditEntry
from sisimport.audit.verifying import verify
from sisimport.audit.writing import Doer, write
from sisimport.imports.models import ImportChange, ImportFile, ImportIssue, ImportRun, Work
from students.models import LEA, SSID, FamilyMember, School, Student
from tests.erasing.test_erase_student import data_dir  # noqa: F401 - a fixture
from tests.factories import LEAFactory, SchoolFactory, StudentFactory, UserFactory
from tests.files.samples import lines
from tests.imports.journey import District, make_district, run_file

pytestmark = pytest.mark.django_db

SEEDED = ("Zyxwutova", "Quirinwald", "8800417", "9123456780", "zyxfamily")


@pytest.fixture
def district(data_dir: Path) -> District:  # noqa: F811
    """A district with a seeded student in records, runs and a kept file, a family and a clerk of its own."""
    made = make_district()
    student = made.student(last_name=SEEDED[0], first_name=SEEDED[1], middle_name="", local_number=SEEDED[2])
    here = {
        "last_name": SEEDED[0],
        "first_name": SEEDED[1],
        "middle_name": "",
        "local_number": SEEDED[2],
        "ssid": SEEDED[3],
    }
    run_file("ssid-download", lines(here), Work.UPDATE)
    family = UserFactory(username="zyxfamily")
    FamilyMember.objects.create(user=family, student=student)
    clerk = UserFactory(username="zyxclerk", schools=[made.school])
    LogEntry.objects.log_actions(clerk.pk, [student], CHANGE, "Changed.")
    for user in (family, clerk):
        write("page", Doer(user), students=[student.pk])
    sealing.seal()
    return made


def everything() -> str:
    """All rows of all tables."""
    found = []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT format('%I', relname) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        )
        for (table,) in cursor.fetchall():
            cursor.execute(f"SELECT t::text FROM {table} t")
            found += [row for (row,) in cursor.fetchall()]
    return "\n".join(found)


def destroy(code: str, *words: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    call_command("destroy_district", code, "--reason", "Agreement ended", "--by", "J. Admin", "--json", *words)
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_the_last_district_goes_with_everything(
    district: District, tmp_path: Path, capsys: pytest.CaptureFixture[str], django_capture_on_commit_callbacks: Any
) -> None:
    chief = UserFactory(is_superuser=True)
    file = tmp_path / "certificate.json"
    assert all(seed in everything() for seed in SEEDED)

    with django_capture_on_commit_callbacks(execute=True):
        done = destroy(district.lea.code, "--yes", "--certificate", str(file), capsys=capsys)

    sealing.seal()
    left = everything() + "".join(path.read_text("utf-8", "replace") for path in tmp_path.rglob("*") if path.is_file())
    assert {seed: left.count(seed) for seed in SEEDED} == dict.fromkeys(SEEDED, 0)
    assert done["last"]
    assert list(get_user_model().objects.values_list("pk", flat=True)) == [chief.pk]
    for model in (LEA, School, Student, ImportRun, ImportFile, ImportChange, ImportIssue):
        assert not model._default_manager.exists(), model
    assert verify().broken == []
    assert AuditEntry.objects.filter(who="zyxclerk", kind="page").count() == 1


def test_the_certificate_is_on_record_and_names_nobody(
    district: District, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "certificate.json"
    done = destroy(district.lea.code, "--yes", "--certificate", str(file), capsys=capsys)

    certificate = json.loads(file.read_text())
    assert certificate["district"] == {"code": district.lea.code, "name": "Lincoln Unified"}
    assert certificate["rows"]["students"] == 1
    assert certificate["files"] == 1
    assert (certificate["by"], certificate["reason"]) == ("J. Admin", "Agreement ended")
    assert done["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert AuditEntry.objects.get(kind="erased").subject.endswith(done["sha256"])


def test_one_district_of_several_goes_and_the_others_stay(
    district: District, tmp_path: Path, capsys: pytest.CaptureFixture[str], django_capture_on_commit_callbacks: Any
) -> None:
    other = LEAFactory(code="7654321", name="Washington Unified")
    school = SchoolFactory(lea=other)
    theirs = StudentFactory(school=school, local_number="555001", with_ssid=True)
    clerk = UserFactory(schools=[school])
    everywhere = UserFactory(all_schools=True)
    changed = {"lea": other.code, "school": school.code, "local_number": "555001", "ssid": "9000000001"}
    run = run_file("ssid-download", lines(changed)).run
    assert run.lea_ids == [other.pk]

    with django_capture_on_commit_callbacks(execute=True):
        done = destroy(district.lea.code, "--yes", "--certificate", str(tmp_path / "c.json"), capsys=capsys)

    left = everything()
    assert {seed: left.count(seed) for seed in SEEDED} == dict.fromkeys(SEEDED, 0)
    assert not done["last"]
    assert list(LEA.objects.all()) == [other]
    assert list(Student.objects.values_list("pk", flat=True)) == [theirs.pk]
    assert SSID.objects.filter(student=theirs).exists()
    assert list(ImportRun.objects.values_list("pk", flat=True)) == [run.pk]
    assert ImportFile.objects.get().removed_at is None
    assert {clerk.pk, everywhere.pk} == set(get_user_model().objects.values_list("pk", flat=True))


def test_a_dry_run_counts_the_same_and_changes_nothing(
    district: District, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = everything()
    dry = destroy(district.lea.code, "--dry-run", capsys=capsys)
    assert everything() == before

    done = destroy(district.lea.code, "--yes", "--certificate", str(tmp_path / "c.json"), capsys=capsys)
    assert {**done, "at": "", "dry_run": True, "certificate": "", "sha256": ""} == {**dry, "at": ""}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--json"], "Name a file for the certificate"),
        (["--json", "--certificate", "c.json"], "Nothing was destroyed"),
        (["--yes", "--certificate", "{there}"], "already exists"),
        (["--dry-run", "--reason", " "], "Say why"),
    ],
)
def test_what_is_refused_changes_nothing(district: District, tmp_path: Path, words: list[str], said: str) -> None:
    (tmp_path / "there.json").write_text("{}")
    given = [word.format(there=tmp_path / "there.json") for word in words]
    with pytest.raises(CommandError, match=said):
        call_command("destroy_district", district.lea.code, "--reason", "Agreement ended", *given)
    assert Student.objects.exists()
