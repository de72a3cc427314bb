"""The benchmark's first job: an SSID download file in which every line is new, and two other ways to do the same; and the
jobs of the other state files."""

import csv
from itertools import islice
from pathlib import Path

from django.db import transaction

from sisimport.demo.benchmark import Job, Peer, register_job
from sisimport.demo.copy_limit import WRITTEN
from sisimport.demo.district import make_district
from sisimport.imports.models import Work
from ssid.demo.benchmarks_state_files import JOBS
from ssid.demo.loading_sql import COLUMNS, SSID_FILE
from ssid.demo.ssid_download import write_new
from students.models import SSID, ELRecord, Origin, ProgramStatus, Student

SEED = 1
_STATUS = {"EL": ProgramStatus.EL, "IFEP": ProgramStatus.NOT_EL, "RFEP": ProgramStatus.EXITED, "EO": ProgramStatus.EO}


def prepare(lines: int, folder: Path) -> Path:
    """A district with this many students, none with an SSID, and the state's file that gives one to each."""
    district = make_district(students=lines, seed=SEED, ssid_percent=0)
    path = folder / "ssid-download.txt"
    with path.open("w", encoding="utf-8", newline="") as stream:
        write_new(stream, district.lea)
    return path


def _rows(path: Path, lines: int) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream, fieldnames=COLUMNS, delimiter="^", quoting=csv.QUOTE_NONE)
        return list(islice(reader, lines))


def _check(student: Student, row: dict[str, str]) -> None:
    same = (
        student.match_last_name == row["last_name"]
        and student.match_first_name == row["first_name"]
        and student.match_middle_name == row["middle_name"]
        and student.birth_date.strftime("%Y%m%d") == row["birth_date"]
    )
    if not same:
        raise ValueError("the student record differs")


def by_get_and_save(path: Path, lines: int) -> None:
    """What a first version of such an import looks like: look up the student, compare, save, line by line."""
    for row in _rows(path, lines):
        with transaction.atomic():
            student = Student.objects.get(local_number=row["local_number"])
            _check(student, row)
            current = SSID.objects.filter(student=student, retired_at__isnull=True).first()
            if current is None:
                SSID(student=student, ssid=row["ssid"], origin=Origin.STATE_FILE, verified=True).save()
            if row["elas"] in _STATUS:
                record = ELRecord.objects.filter(student=student).first() or ELRecord(student=student)
                record.program_status = _STATUS[row["elas"]]
                record.save()


def _import_export(path: Path, lines: int, *, bulk: bool) -> None:
    """django-import-export: its dry run, then its import."""
    import tablib
    from import_export import fields, resources, widgets

    class CheckedStudent(widgets.ForeignKeyWidget):
        def clean(self, value: object, row: dict[str, str] | None = None, **kwargs: object) -> Student | None:
            student: Student | None = super().clean(value, row, **kwargs)
            if student is not None and row is not None:
                _check(student, row)
            return student

    class SSIDResource(resources.ModelResource):
        student = fields.Field("student", "local_number", CheckedStudent(Student, "local_number"))

        class Meta:
            model = SSID
            fields = ("student", "ssid")
            import_id_fields = ("ssid",)
            use_bulk = bulk
            use_transactions = True

    chosen = [(row["local_number"], row["ssid"], *(row[name] for name in COLUMNS[4:9])) for row in _rows(path, lines)]
    data = tablib.Dataset(*chosen, headers=["local_number", "ssid", *COLUMNS[4:9]])
    resource = SSIDResource()
    resource.import_data(data, dry_run=True, raise_errors=True)
    resource.import_data(data, dry_run=False, raise_errors=True)
    if SSID.objects.filter(ssid__in=[row[1] for row in chosen[:1000]]).count() != min(lines, 1000):
        raise RuntimeError("django-import-export did not write the SSIDs")


def by_import_export_bulk(path: Path, lines: int) -> None:
    _import_export(path, lines, bulk=True)


def by_import_export_rows(path: Path, lines: int) -> None:
    _import_export(path, lines, bulk=False)


register_job(
    Job(
        key="ssid-download",
        title="SSID Download File, every line new",
        work=Work.UPDATE,
        prepare=prepare,
        tables=(("students_ssid", f"{WRITTEN} ORDER BY id"), ("students_elrecord", f"{WRITTEN} ORDER BY student_id")),
        limit_gate=0.3,
        loaded=SSID_FILE,
        cumulative=True,
        peers={
            "django-import-export, bulk": Peer(by_import_export_bulk, 2000, gate=40),
            "django-import-export, per row": Peer(by_import_export_rows, 600, gate=100),
            "get and save, per row": Peer(by_get_and_save, 600),
        },
    )
)
for job in JOBS:
    register_job(job)
