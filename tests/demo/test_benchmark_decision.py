"""The benchmark's decision job: three decisions on a Test, and what it reports of them."""

from pathlib import Path

import pytest
from django.db import connection

from sisimport.demo import benchmark_decision
from sisimport.demo.benchmark import all_jobs
from sisimport.demo.benchmark_report import gate
from sisimport.imports.models import ImportRun, MatchDecision


def one(seconds: float) -> dict[str, object]:
    spent = dict.fromkeys(benchmark_decision.STEPS, seconds)
    return {"processor": spent, "seconds": dict.fromkeys(spent, 2 * seconds), "records": 100}


def test_the_median_of_several_rounds_is_reported_and_one_that_is_too_slow_named() -> None:
    row = benchmark_decision.middle(all_jobs()["scores"], [one(1.5), one(9.0), one(0.1)])

    text = benchmark_decision.as_text([row], [gate("scores, a decision", row["processor"]["second"], most=1.0)])

    assert "first 1.50 (3.00)  taken back 1.50 (3.00)  second 1.50 (3.00)" in text
    assert "FAILED  scores, a decision: 1.50 (at most 1)" in text


@pytest.mark.django_db
def test_two_decisions_are_taken_and_one_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def clear(*_arguments: object) -> float:
        with connection.cursor() as cursor:
            cursor.execute("DISCARD TEMP")  # as a commit does, which a test has none of
        return 0.0

    monkeypatch.setattr(benchmark_decision, "processor_seconds", clear)
    job = all_jobs()["scores"]

    found = benchmark_decision.decide_job(job, job.prepare(60, tmp_path))

    assert list(found["processor"]) == ["first", "taken back", "second"]
    assert MatchDecision.objects.filter(run=ImportRun.objects.get()).count() == 1
