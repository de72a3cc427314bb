"""A student who is erased is found nowhere any more: names and numbers used everywhere first, then looked for everywhere."""

import io
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.mail import EmailMessage
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from assessments.models import Score
from sisimport.accounts import kept_mail
from sisimport.api.models import StartedRun
from sisimport.audit import sealing
from sisimport.audit.models import AuditEntry
from sisimport.audit.verifying import verify
from sisimport.automation.models import DeliveredExport, ExportDelivery, PickUpPlace
from sisimport.demo import district as demo
from sisimport.erasing.students import Erased, ErasingError, erase_student
from sisimport.imports.definition.registry import get_type
from sisimport.imports.models import (
    ImportChange,
    ImportFile,
    ImportIssue,
    ImportRun,
    MatchDecision,
    RunHold,
    RunStatus,
    Work,
)
from sisimport.imports.runs import services, uploads
from sisimport.imports.storage.files import open_file
from sisimport.imports.storage.stores import master_keys
from sisimport.runtime.database_dump import _environment, _program
from sisimport.runtime.sealed_files import opened_bytes
from students.models import SSID, ELRecord, Enrollment, FamilyMember, Guardian, RecordEdit, ReportedSSID, Student
from tests import results
from tests.factories import GuardianFactory, StudentFactory, UserFactory
from tests.files.samples import lines
from tests.imports.journey import District, finish, give_ssid, make_district, run_file

LAST, FIRST, NUMBER, STATE_NUMBER, FORMER = "Zyxwutova", "Quirinwald", "8800417", "9123456780", "9123456799"
SEEDED = (LAST, FIRST, NUMBER, STATE_NUMBER, FORMER, "zyxfamily", "Zyxelda")
SCORES = ("caaspp-2023-24.csv", "elpac-summative-2023-24.csv")
REASON = "Request 12 of the parents"


def everything(tmp_path: Path) -> bytes:
    """All that is kept: pg_dump in plain text, and every byte below the folders of the test."""
    words = [_program("pg_dump"), "--format=plain", "--no-owner"]
    dump = subprocess.run(words, env=_environment(connection.get_connection_params()), capture_output=True, check=True)
    return dump.stdout + b"".join(in_plain(tmp_path, path) for path in sorted(tmp_path.rglob("*")) if path.is_file())


def in_plain(tmp_path: Path, path: Path) -> bytes:
    """A file as someone with the keys reads it."""
    name = path.relative_to(tmp_path).as_posix().removeprefix("uploads/")
    return opened_bytes(path.read_bytes(), name, master_keys())


def hits(held: bytes) -> dict[str, int]:
    """How often each seeded text is there, in whatever letters."""
    text = held.decode("utf-8", "replace").lower()
    wide = held.decode("utf-16-le", "replace").lower() + held[1:].decode("utf-16-le", "replace").lower()
    return {seed: text.count(seed.lower()) + wide.count(seed.lower()) for seed in SEEDED}


def seed_student(student: Student) -> None:
    Student.objects.filter(pk=student.pk).update(
        last_name=LAST,
        first_name=FIRST,
        legal_last_name="",
        legal_first_name="",
        legal_middle_name="",
        local_number=NUMBER,
    )
    student.refresh_from_db()
    SSID.objects.filter(student=student).delete()
    give_ssid(student, STATE_NUMBER, verified=True)
    give_ssid(student, FORMER, retired_at=timezone.now())
    GuardianFactory(student=student, last_name=LAST, first_name="Zyxelda")


@pytest.fixture
def data_dir(settings: Any, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path
    return tmp_path


@pytest.mark.django_db(transaction=True)
@pytest.mark.long
def test_nothing_of_a_seeded_student_is_found_afterwards(data_dir: Path, capfd: pytest.CaptureFixture[str]) -> None:
    lea = demo.make_district(students=40, seed=3).lea
    student = (
        Student.objects.filter(lea=lea, grade__in=("03", "04", "05"), el__program_status="EL").order_by("pk").first()
    )
    assert student is not None
    seed_student(student)
    for sample in demo.all_samples():
        if sample.name.startswith(("caaspp", "elpac", "research")) and sample.name not in SCORES:
            continue  # more years of the same
        text = io.StringIO()
        sample.write(text, lea)
        _journey(sample.import_type, text.getvalue())
    _use_everywhere(student, data_dir)
    sealing.seal()
    before = hits(everything(data_dir))
    assert all(before.values()), before
    assert ImportChange.objects.filter(student_id=student.pk).exists()
    others = of_others(student.pk)
    applied = list(
        ImportRun.objects.filter(status=RunStatus.COMPLETED).values_list("pk", "import_count", "record_count")
    )

    dry = erase_student(student, reason=REASON, dry_run=True)
    assert hits(everything(data_dir)) == before
    erased = erase_student(student, reason=REASON)

    after = hits(everything(data_dir))
    results.write(
        "names", {"seeded": len(SEEDED), "found": sum(after.values()), "open": [n for n, k in after.items() if k]}
    )
    assert after == dict.fromkeys(SEEDED, 0)
    said = capfd.readouterr()
    assert not any(hits((said.out + said.err).encode()).values())
    assert _counts(erased) == _counts(dry)
    assert erased.lines > 5
    assert {"mails", "sessions", "family accounts"} <= erased.other.keys()
    assert of_others(student.pk) == others
    sealing.seal()
    assert verify().broken == []
    assert (
        list(ImportRun.objects.filter(status=RunStatus.COMPLETED).values_list("pk", "import_count", "record_count"))
        == applied
    )
    for file in ImportFile.objects.filter(removed_at=None):
        with open_file(file, rehash=True) as stream:
            assert len(stream.read()) == file.size
    written = ImportRun.objects.filter(work__in=(Work.UPDATE, Work.IMPORT), status=RunStatus.COMPLETED)
    for run in written.order_by("-pk")[:3]:
        assert finish(services.start_revert(run=run, user=None, enqueue=False)).run.status == RunStatus.COMPLETED
    assert not any(hits(everything(data_dir)).values())


def _counts(erased: Erased) -> dict[str, Any]:
    return {name: value for name, value in erased.as_json().items() if name not in ("at", "dry_run")}


def of_others(student: int) -> dict[str, Any]:
    """What is on record of everybody else: records, and rows of runs."""
    models = (Student, SSID, ELRecord, Score, Guardian, Enrollment)
    found: dict[str, Any] = {}
    for model in models:
        rows = model._default_manager.exclude(**{"pk" if model is Student else "student": student})
        found[model.__name__] = sorted(map(str, rows.values_list()))
    for rows in (ImportChange.objects, ImportIssue.objects):
        found[rows.model.__name__] = rows.filter(student_id__gt=0).exclude(student_id=student).count()
    return found


def _journey(import_type: str, text: str) -> None:
    test = run_file(import_type, text).run
    if test.status == RunStatus.COMPLETED:
        works = get_type(import_type).works
        ended = run_file(import_type, text, Work.UPDATE if Work.UPDATE in works else Work.IMPORT, test_run=test).run
        if ended.status == RunStatus.HELD:
            services.cancel_run(run=ended)


def _use_everywhere(student: Student, data_dir: Path) -> None:
    """A search, edits, mails, deliveries, decisions, the admin and the API, a family, texts that people wrote."""
    staff = UserFactory(is_superuser=True, is_staff=True)
    client = Client()
    client.force_login(staff)
    client.post(reverse("students"), {"text": f"{LAST}, {FIRST}"})
    client.get(reverse("student", args=[student.pk]))
    family = UserFactory(username="zyxfamily", email="zyxfamily@example.org", first_name="Zyxelda", last_name=LAST)
    FamilyMember.objects.create(user=family, student=student)
    relative = Client()
    relative.force_login(family)
    relative.get("/")
    ReportedSSID.objects.update_or_create(student=student, defaults={"ssid": "9123456700"})
    kept_mail.keep(EmailMessage(f"About {FIRST} {LAST}", f"See {NUMBER}.", to=["a@example.org"]).message().as_bytes())
    LogEntry.objects.log_actions(staff.pk, [student], CHANGE, f"Changed {LAST}, {FIRST}")
    test = ImportRun.objects.filter(work=Work.TEST, status=RunStatus.COMPLETED).first()
    assert test is not None
    MatchDecision.objects.create(
        run=test, line=3, subject="match", answer="refuse", reason=f"not {LAST}, I asked {NUMBER}", made_by=staff
    )
    RunHold.objects.create(run=test, reasons=[], why=f"because of {FIRST} {LAST}")
    StartedRun.objects.create(user=staff, key=f"file-of-{NUMBER}", digest="0" * 64, run=test)
    ContentType.objects.get_for_model(Student)
    _folders(staff, data_dir)


def _folders(staff: Any, data_dir: Path) -> None:
    out, picked = data_dir / "out", data_dir / "in"
    out.mkdir()
    (picked / "done").mkdir(parents=True)
    (out / "students.csv").write_text(f"number,last\n{NUMBER},{LAST}\n")
    (out / "of-another-program.csv").write_text("number,last\n1,Other\n")
    (picked / "done" / "list.txt").write_text(f"{NUMBER}^{LAST}^{FIRST}\n")
    place = ExportDelivery.objects.create(
        name="out", kind="folder", path=str(out), what="students", file_name="students.csv", user=staff,
        first_at=timezone.now(), delivered_until=timezone.now(),
    )  # fmt: skip
    DeliveredExport.objects.create(
        delivery=place, due_at=timezone.now(), next_try_at=timezone.now(), file_name="students.csv", state="done"
    )
    PickUpPlace.objects.create(name="in", kind="folder", path=str(picked), user=staff, seen={f"{LAST}.txt": [1, 2]})


@pytest.fixture
def district() -> District:
    return make_district()


def in_file(run: ImportRun) -> list[str]:
    assert run.file is not None
    run.file.refresh_from_db()
    with open_file(run.file) as stream:
        return stream.read().decode().splitlines()


@pytest.mark.django_db
class TestWhatIsLeft:
    def test_a_line_keeps_its_number_and_its_columns(
        self, district: District, django_capture_on_commit_callbacks: Any
    ) -> None:
        student = district.student()
        district.another()
        run = run_file(
            "ssid-download", lines({}, {"local_number": "100235", "last_name": "O'Neil", "ssid": "9012345699"})
        ).run
        before = in_file(run)

        with django_capture_on_commit_callbacks(execute=True):
            erased = erase_student(student, reason=REASON)

        after = in_file(run)
        assert erased.lines == 1
        assert [line.count("^") for line in after] == [line.count("^") for line in before]
        assert [line for line in after if line.replace("^", "").strip()] == [
            line for line in before if "100235" in line
        ]

    def test_a_namesake_keeps_their_lines(self, district: District, django_capture_on_commit_callbacks: Any) -> None:
        student = district.student()
        district.another(last_name=student.last_name, first_name=student.first_name)
        theirs = {"local_number": "100235", "birth_date": "20120630", "ssid": "9012345699"}
        run = run_file("ssid-download", lines({}, theirs)).run

        with django_capture_on_commit_callbacks(execute=True):
            assert erase_student(student, reason=REASON).lines == 1

        assert any("100235" in line for line in in_file(run))

    def test_a_number_that_another_student_has_now_is_theirs(self, district: District) -> None:
        student, other = district.student(), district.another()
        give_ssid(other, "9012345688")
        RecordEdit.objects.create(student=student, what="SSID", field="ssid", before="9012345688", after="")
        edit = RecordEdit.objects.create(student=other, what="SSID", field="ssid", before="", after="9012345688")

        erase_student(student, reason=REASON)

        edit.refresh_from_db()
        assert edit.after == "9012345688"

    def test_a_plan_that_waits_brings_the_student_back_to_nobody(self, district: District) -> None:
        student = district.student()
        give_ssid(student, "9012345600")
        test = run_file("ssid-download", lines({})).run
        erase_student(student, reason=REASON)

        update = finish(services.start_update(test_run=test, user=None, enqueue=False)).run

        assert update.status == RunStatus.COMPLETED
        assert not Student.objects.filter(local_number=student.local_number).exists()

    def test_the_run_says_that_lines_were_erased(self, district: District) -> None:
        student = district.student()
        run = run_file("ssid-download", lines({}), Work.UPDATE).run
        assert run.test_run is not None

        erase_student(student, reason=REASON)

        run.test_run.refresh_from_db()
        assert run.test_run.facts["erased"]["lines"] == 1
        assert run.test_run.facts["erased"]["changes"] >= 1

    def test_an_account_that_has_other_children_stays(self, district: District) -> None:
        student, sibling = district.student(), district.another()
        parent = UserFactory()
        for child in (student, sibling):
            FamilyMember.objects.create(user=parent, student=child)

        erase_student(student, reason=REASON)

        parent.refresh_from_db()
        assert list(parent.family.values_list("student_id", flat=True)) == [sibling.pk]


@pytest.mark.django_db
class TestWhatIsRefused:
    @pytest.mark.parametrize(
        ("reason", "said"), [(" ", "Say why"), ("Request of José García-López", "names the student")]
    )
    def test_a_reason_is_needed_and_names_nobody(self, district: District, reason: str, said: str) -> None:
        student = district.student()
        with pytest.raises(ErasingError, match=said):
            erase_student(student, reason=reason)
        assert Student.objects.filter(pk=student.pk).exists()

    def test_a_last_name_that_others_bear_too_still_names_the_student(self, district: District) -> None:
        student = district.student()
        StudentFactory(lea=student.lea, school=student.school, last_name=student.last_name)
        with pytest.raises(ErasingError, match="names the student"):
            erase_student(student, reason=f"the parents {student.last_name.upper()} asked")
        assert Student.objects.filter(pk=student.pk).exists()

    def test_a_run_at_work_comes_first(self, district: District) -> None:
        student = district.student()
        file = uploads.keep_file(stream=io.BytesIO(lines({}).encode()), name="a.txt", user=None)
        services.start_run(
            file=file, import_type="ssid-download", work=Work.TEST, options={}, user=None, schools=None, enqueue=False
        )
        with pytest.raises(ErasingError, match="Erase when they have ended"):
            erase_student(student, reason=REASON)

    def test_a_second_erasure_finds_nothing(self, district: District) -> None:
        student = district.student()
        erase_student(student, reason=REASON)
        with pytest.raises(CommandError, match="No student has this local number"):
            call_command("erase_student", "100234", "--reason", REASON, "--yes", "--json")

    def test_the_command_wants_to_be_told_twice(self, district: District) -> None:
        district.student()
        with pytest.raises(CommandError, match="Nothing was erased"):
            call_command("erase_student", "100234", "--reason", REASON, "--json")
        assert Student.objects.filter(local_number="100234").exists()


@pytest.mark.django_db
def test_the_command_prints_what_went(district: District, capsys: pytest.CaptureFixture[str]) -> None:
    district.student()
    call_command("erase_student", "100234", "--reason", REASON, "--dry-run", "--json")
    dry = json.loads(capsys.readouterr().out)
    assert dry["dry_run"]
    assert dry["rows"]["students"] == 1
    assert Student.objects.filter(local_number="100234").exists()

    call_command("erase_student", "100234", "--reason", REASON, "--yes")
    assert "students: 1 removed" in capsys.readouterr().out
    assert AuditEntry.objects.filter(kind="erased", subject__contains=REASON).count() == 1
