"""A grown installation: what it holds, what pages ask of it, and what two sizes say of larger ones."""

from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from assessments.models import Score
from sisimport.demo.benchmark import all_jobs
from sisimport.demo.benchmark_growth import measure, model, simulate, simulation_text
from sisimport.demo.growth import CHANGES_OF_A_RUN, grow, pages, sizes
from sisimport.imports.models import ImportChange, ImportRun
from students.models import LEA, SSID, Student


@pytest.mark.django_db
@pytest.mark.long
def test_a_grown_installation_has_scores_ssids_and_runs_and_its_pages_open(tmp_path: Path) -> None:
    all_jobs()["ssid-download"].prepare(20, tmp_path)
    with connection.cursor() as cursor:
        cursor.execute("DISCARD TEMP")  # as a commit does, which a test has none of

    grow(leas=1, students=40, years=2, runs=3)

    assert (LEA.objects.count(), Student.objects.count()) == (2, 60)
    assert SSID.objects.count() == 38
    assert Score.objects.count() == 60 * 5 * 2
    assert (ImportRun.objects.count(), ImportChange.objects.count()) == (3, 3 * CHANGES_OF_A_RUN)
    assert sizes()["assessments_score"]["rows"] == 600
    assert all(ms > 0 for ms in pages().values())


def size(students: int, **more: Any) -> dict[str, Any]:
    return {
        "students": students,
        "leas": 1,
        "ms_per_line": more["line"],
        "sizes": {"students_student": {"rows": students, "bytes": more["size"]}},
        "pages": {"home": more["home"], "student": 5.0},
    }


def test_two_sizes_are_carried_on() -> None:
    measured = [
        size(1_000, line=1.0, size=1e6, home=10.0),
        size(4_000, line=1.2, size=4e6, home=13.0),
    ]

    found = {one["students"]: one for one in model(measured)}

    assert found[60_000]["gigabytes"] == pytest.approx(0.06)
    assert found[6_000_000]["gigabytes"] == pytest.approx(6)
    assert found[60_000]["pages"] == pytest.approx({"home": 69.0, "student": 5.0})
    # A doubling of the students costs 0.1 ms a line: an index is one step deeper, not twice as long.
    assert found[60_000]["ms_per_line"] == pytest.approx(1.2 + 0.1 * 3.9069, abs=0.001)
    text = simulation_text({"factor": 0.5, "measured": measured, "model": list(found.values())})
    assert "slowest page home with 6,009 ms" in text
    assert "Factor 0.5" in text


def test_noise_does_not_make_a_larger_installation_cheaper() -> None:
    measured = [size(1_000, line=1.0, size=1e6, home=10.0), size(4_000, line=0.9, size=4e6, home=9.0)]

    assert {one["pages"]["home"] for one in model(measured)} == {9.0}
    assert {one["ms_per_line"] for one in model(measured)} == {0.9}


class Steps:
    """In place of the benchmark's processes: each step's answer, and what was asked."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.asked = folder, []

    def tell(self, text: str) -> None:
        self.asked.append(text)

    def step(self, job: Any, kind: str, path: Path, **more: Any) -> dict[str, Any]:
        self.asked.append((job.key, kind, more))
        if kind == "prepare":
            return {"path": str(path / ("full" if more["grow"] else "empty"))}
        if kind == "apply":
            return {"records": 100, "processor": 2.0 if path.name == "empty" else 2.5}
        return {"pages": {"home": 21.0}, "sizes": {"students_student": {"rows": 10, "bytes": 2e6}}}


def test_growth_compares_full_with_empty_and_prints_its_factor(tmp_path: Path) -> None:
    bench: Any = Steps(tmp_path)

    result = measure(bench, all_jobs(), 56_000)

    assert result["rates"]["ssid-download"] == {"empty": 50.0, "full": 40.0, "ratio": 0.8}
    assert "factor 0.1000" in result["text"]
    assert "FAILED  page home, ms in the database: 21.00 (at most 20)" in result["text"]
    assert "FAILED  ssid-download, rate against empty: 0.80 (at least 0.9)" in result["text"]
    grown = {"leas": 10, "students": 60_000, "years": 8, "runs": 200}
    assert ("scores-early", "prepare", {"lines": 5_600, "grow": grown}) in bench.asked


def test_a_simulation_is_measured_at_a_quarter_and_at_the_factor(tmp_path: Path) -> None:
    bench: Any = Steps(tmp_path)

    result = simulate(bench, all_jobs()["ssid-download"], leas=1000, students=6_000_000, years=8, factor=0.01)

    assert [(one["leas"], one["students"]) for one in result["measured"]] == [(2, 15_000), (10, 60_000)]
    assert [one["students"] for one in result["model"]] == [60_000, 600_000, 6_000_000]
