"""The benchmark's daily job: what was yesterday's file, and what its figures compare."""

from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from sisimport.demo.benchmark import all_jobs, apply_job
from sisimport.demo.benchmark_daily import as_text, compared, yesterday
from sisimport.demo.benchmark_report import gate


def test_yesterdays_file_lacks_one_line_in_a_hundred(tmp_path: Path) -> None:
    path = tmp_path / "today.txt"
    path.write_text("".join(f"{n}\n" for n in range(300)))

    lines = yesterday(path, has_header=False).read_text().split()

    assert sorted(set(range(300)) - set(map(int, lines))) == [37, 137, 237]


def test_its_header_is_not_a_line(tmp_path: Path) -> None:
    path = tmp_path / "today.csv"
    path.write_text("header\n" + "".join(f"{n}\n" for n in range(100)))

    lines = yesterday(path, has_header=True).read_text().split()

    assert lines[0] == "header"
    assert "37" not in lines
    assert len(lines) == 100


def run(records: int, **seconds: float) -> dict[str, Any]:
    return {"seconds": seconds, "records": records, "imported": 10}


def test_times_are_compared_by_line_and_by_their_medians() -> None:
    rounds = [
        (run(99, test=9.9, update=9.9), run(100, test=today, update=1.0))
        for today in (2.0, 90.0, 3.0)
    ]  # fmt: skip

    row = compared(all_jobs()["ssid-download"], 100, rounds)

    assert row["ratio"] == pytest.approx(0.3)
    assert row["whole_ratio"] == pytest.approx(4 / 20)
    assert (row["today"]["test"], row["new"]) == (3.0, 10)


def test_the_report_names_a_type_that_is_too_slow() -> None:
    row = compared(all_jobs()["scores"], 100, [(run(99, **{"import": 9.9}), run(100, **{"import": 8.0}))])

    text = as_text([row], [gate("scores, today's file against all new", row["ratio"], most=0.35)])

    assert "10 imported  ratio 0.80" in text
    assert "FAILED  scores, today's file against all new: 0.80 (at most 0.35)" in text


def test_the_files_the_state_renews_daily_are_measured() -> None:
    assert {key for key, job in all_jobs().items() if job.cumulative} == {
        "ssid-download",
        "ela",
        "roster",
        "scores",
        "scores-early",
    }


@pytest.mark.django_db
def test_the_day_after_only_the_new_lines_are_imported(tmp_path: Path) -> None:
    job = all_jobs()["scores"]
    path = job.prepare(150, tmp_path)
    before = apply_job(job, yesterday(path, has_header=job.has_header))
    with connection.cursor() as cursor:
        cursor.execute("DISCARD TEMP")  # as a commit does, which a test has none of
    today = apply_job(job, path)

    assert today["records"] - before["records"] == 2
    assert today["imported"] == 2
