"""Helpers for tests that take a file through the real journey: a small district, runs, and reports to ask."""

import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection

from sisimport.imports.definition.change_kinds import all_kinds
from sisimport.imports.management.run_in_process import run_to_end
from sisimport.imports.models import ImportRun, Work
from sisimport.imports.runs import services, uploads
from sisimport.imports.runs.report import run_json
from students.models import LEA, SSID, ELRecord, Enrollment, School, SSIDReplacement, Student

LEA_CODE, SCHOOL_CODE, OTHER_SCHOOL_CODE = "1234567", "0123456", "0123457"


@dataclass
class District:
    """A district of one or two schools, and the students a test puts into it."""

    lea: LEA
    school: School
    other_school: School

    def student(self, **values: Any) -> Student:
        """A student; without values the one whom `files.line()` is about, enrolled since August 2024."""
        values = {
            "lea": self.lea,
            "school": self.school,
            "local_number": "100234",
            "last_name": "García-López",
            "first_name": "José",
            "middle_name": "Luis",
            "birth_date": date(2009, 2, 14),
            "gender": "M",
            "grade": "10",
            "home_language": "spa",
        } | values
        student = Student.objects.create(**values)
        if student.school is not None:
            Enrollment.objects.create(
                student=student, school=student.school, grade=student.grade, start_date=date(2024, 8, 12)
            )
        student.refresh_from_db()
        return student

    def another(self, **values: Any) -> Student:
        """A second student, who has nothing to do with the first."""
        return self.student(
            **(
                {
                    "local_number": "100235",
                    "last_name": "O'Neil",
                    "first_name": "Ana",
                    "middle_name": "",
                    "birth_date": date(2012, 6, 30),
                    "gender": "F",
                    "grade": "07",
                    "home_language": "eng",
                }
                | values
            )
        )


def make_district() -> District:
    lea = LEA.objects.create(code=LEA_CODE, name="Lincoln Unified")
    return District(
        lea=lea,
        school=School.objects.create(lea=lea, code=SCHOOL_CODE, name="Cedar High"),
        other_school=School.objects.create(lea=lea, code=OTHER_SCHOOL_CODE, name="Maple High"),
    )


def give_ssid(student: Student, ssid: str, **values: Any) -> SSID:
    return SSID.objects.create(student=student, ssid=ssid, **({"origin": "staff"} | values))


def give_el(student: Student, status: str, **values: Any) -> ELRecord:
    return ELRecord.objects.create(student=student, program_status=status, **values)


def merge_ssids(retired: str, replacement: str) -> SSIDReplacement:
    return SSIDReplacement.objects.create(retired_ssid=retired, replacement_ssid=replacement)


class Report:
    """A finished run, asked as a reader of its report would."""

    def __init__(self, run: ImportRun) -> None:
        self.run = run
        self.json = json.loads(json.dumps(run_json(run), default=str))

    @property
    def issues(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.json["issues"]
        return found

    @property
    def changes(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.json["changes"]
        return found

    def codes(self, line: int | None = None) -> list[str]:
        """Codes of the issues (of one line), in order; those of the whole file left out."""
        return [i["code"] for i in self.issues if (i["line"] == line if line is not None else i["line"] > 0)]

    def issue(self, code: str) -> dict[str, Any]:
        """The one issue of this code."""
        found = [i for i in self.issues if i["code"] == code]
        assert len(found) == 1, f"{code}: {len(found)} issues; there are {[i['code'] for i in self.issues]}"
        return found[0]

    def written(self, what: str) -> dict[str, Any]:
        """Field -> new value of the one changed object of a kind."""
        return {c["field"]: c["after"] for c in self.changes if c["what"] == what}

    @property
    def counts(self) -> dict[str, int]:
        """The outcome counts that are not zero."""
        return {name: n for name, n in self.run.outcome_counts.items() if n}


def run_file(
    import_type: str,
    content: str | bytes,
    work: Work = Work.TEST,
    *,
    options: Mapping[str, str] | None = None,
    schools: Iterable[int] | None = None,
    test_run: ImportRun | None = None,
    name: str = "file.txt",
) -> Report:
    """Upload and run to the end in this process. An Update without `test_run` is tested first."""
    data = content.encode() if isinstance(content, str) else content
    file = test_run.file if test_run else uploads.keep_file(stream=io.BytesIO(data), name=name, user=None)
    assert file is not None
    started: dict[str, Any] = {
        "file": file,
        "import_type": import_type,
        "options": options or {},
        "user": None,
        "schools": schools,
        "enqueue": False,
    }
    if work == Work.UPDATE and test_run is None:
        test_run = _end(services.start_run(work=Work.TEST, **started))
    return finish(services.start_run(work=work, test_run=test_run, **started))


def revert(run: ImportRun) -> Report:
    return finish(services.start_revert(run=run, user=None, enqueue=False))


def finish(run: ImportRun) -> Report:
    """Execute a run to its end."""
    return Report(_end(run))


def _end(run: ImportRun) -> ImportRun:
    ended = run_to_end(run)
    drop_temporary_tables()
    return ended


def drop_temporary_tables() -> None:
    """Check and clear what a commit would have checked and dropped: a test is one transaction."""
    if connection.in_atomic_block:
        connection.check_constraints()
        with connection.cursor() as cursor:
            cursor.execute("DISCARD TEMP")


Snapshot = dict[str, list[tuple[Any, ...]]]


def snapshot() -> Snapshot:
    """Every column of every record that an import may write."""
    return {
        kind.key: sorted(
            kind.model._default_manager.values_list(*(f.attname for f in kind.model._meta.concrete_fields))
        )
        for kind in all_kinds()
    }
