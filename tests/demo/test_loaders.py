"""What the product is compared with does the job: every loader inserts what the file holds, and the limit copies no more."""

from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from assessments.models import Score
from sisimport.demo.benchmark import Job, all_jobs
from sisimport.demo.benchmark_report import beside, loader_gates
from sisimport.demo.copy_limit import WRITTEN, copy_limit, this_moment
from sisimport.demo.loaders import LOADERS, SCRIPT, SCRIPT_TWICE
from students.models import SSID, ELRecord, Origin, Student

IN_THIS_SESSION = [name for name in LOADERS if "pandas" not in name]  # to_sql commits in a session of its own
LINES = 120


def loaded(job: Job, name: str, path: Path) -> int:
    for package in LOADERS[name].needs:
        pytest.importorskip(package)
    assert job.loaded is not None
    return job.loaded.load(name, path)


@pytest.mark.django_db
@pytest.mark.parametrize("name", IN_THIS_SESSION)
def test_each_loader_gives_every_student_the_ssid_of_the_file(name: str, tmp_path: Path) -> None:
    job = all_jobs()["ssid-download"]
    path = job.prepare(LINES, tmp_path)

    count = loaded(job, name, path)

    lines = [line.split("^") for line in path.read_text().splitlines()]
    assert count == LINES
    assert dict(SSID.objects.values_list("student__local_number", "ssid")) == {cells[3]: cells[2] for cells in lines}


@pytest.mark.django_db
@pytest.mark.parametrize("name", IN_THIS_SESSION)
def test_each_loader_writes_a_score_for_every_part(name: str, tmp_path: Path) -> None:
    job = all_jobs()["scores"]
    path = job.prepare(LINES, tmp_path)

    count = loaded(job, name, path)

    untested = -(-LINES // 25)
    assert count == Score.objects.count() == 5 * (LINES - untested)
    assert not Score.objects.filter(date=None).exists()


@pytest.mark.django_db
def test_the_script_writes_english_learner_data(tmp_path: Path) -> None:
    job = all_jobs()["ela"]
    path = job.prepare(LINES, tmp_path)

    # Of a few the state has retired the SSID on record.
    assert loaded(job, SCRIPT, path) == ELRecord.objects.count() > LINES * 0.95


@pytest.mark.django_db
def test_the_scripts_checks_keep_wrong_lines_out(tmp_path: Path) -> None:
    job = all_jobs()["ssid-download"]
    path = job.prepare(6, tmp_path)
    lines = [line.split("^") for line in path.read_text().splitlines()]
    lines[0][2] = "12"  # no SSID
    lines[1][4] = "Other"  # another person
    lines[2][3] = "none"  # nobody
    SSID.objects.create(
        student=Student.objects.get(local_number=lines[3][3]), ssid="0000000001", origin=Origin.STATE_FILE
    )
    lines.append(lines[4])  # a second line
    path.write_text("".join("^".join(cells) + "\n" for cells in lines))

    assert loaded(job, SCRIPT_TWICE, path) == 1


@pytest.mark.django_db
def test_the_limit_copies_only_rows_written_since_the_job_began(tmp_path: Path) -> None:
    all_jobs()["ssid-download"].prepare(20, tmp_path)
    with connection.cursor() as cursor:
        # One transaction holds the whole test: what came before is told from it by its number.
        cursor.execute("SELECT max(xmin::text::bigint) FROM students_student")
        (own,) = cursor.fetchone()

    def rows(since: int) -> float:
        return copy_limit([("students_student", WRITTEN)], plan=0, since=since)["students_student"]["rows"]

    assert rows(own) == 20
    assert rows(own + 1) == 0
    assert this_moment() <= own


def test_no_job_copies_rows_of_before() -> None:
    for job in all_jobs().values():
        assert all(where.startswith(WRITTEN) for _table, where in job.tables), job.key


def test_product_and_loader_are_compared_round_by_round() -> None:
    one = beside(1000, [(2.0, 4.0), (1.0, 9.0), (4.0, 4.0)])

    assert (one["seconds"], one["rate"], one["ratio"]) == (2.0, 500.0, 2.0)


@pytest.mark.parametrize(("key", "name"), [("ssid-download", SCRIPT_TWICE), ("scores", "polars and the same SQL")])
def test_a_job_that_takes_longer_than_its_loader_is_a_failed_gate(key: str, name: str) -> None:
    loaders: dict[str, Any] = {SCRIPT: {"ratio": 0.5}, SCRIPT_TWICE: {"ratio": 0.4}, name: {"ratio": 1.2}}
    loaders["pandas to_sql and the same SQL"] = {"missing": ["pandas"]}

    (gate,) = loader_gates(all_jobs()[key], loaders)

    assert (gate["gate"], gate["passed"]) == (f"time of the job / {name}", False)
