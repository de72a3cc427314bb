"""What the benchmark makes of its measures: medians of several runs, and gates that fail when a promise is broken."""

from typing import Any

import pytest

from assessments.models import ResultCount, Score
from assessments.scores.import_type import ScoreImport
from assessments.scores.result_counts import Tally
from sisimport.demo.benchmark import Job, all_jobs
from sisimport.demo.benchmark_report import as_text, gates, middle
from tests.assessments.score_files import ela, start, text
from tests.ssid.journey import district


def job() -> Job:
    return all_jobs()["scores"]


def measured(
    lines: int, *, seconds: float, again: float = 1.0, limit: float = 4.0, memory: float = 100, revert: float = 0.2
) -> dict[str, Any]:
    one = {
        "seconds": {"import": seconds, "again": again, "revert": revert},
        "limit": limit, "memory": memory, "records": lines, "lines": lines,
    }  # fmt: skip
    return middle(job(), [one])


def peers(rate: float = 10.0) -> dict[str, Any]:
    return {name: {"lines": 200, "seconds": 1.0, "rate": rate} for name in job().peers}


def cost(share: float) -> dict[str, float]:
    return {"lines": 20_000, "runs": 3, "with": 5.0, "without": 5.0 * (1 - share), "share": share}


def failed(
    small: dict[str, Any], large: dict[str, Any], others: dict[str, Any], parts: dict[str, Any] | None = None
) -> list[str]:
    return [gate["gate"] for gate in gates(job(), [small, large], others, parts or {}) if not gate["passed"]]


def test_all_promises_kept() -> None:
    assert failed(measured(10_000, seconds=1.0), measured(100_000, seconds=10.0), peers()) == []


@pytest.mark.parametrize(
    ("large", "gate"),
    [
        ({"seconds": 10.0, "limit": 2.9}, "share of the COPY limit"),
        ({"seconds": 10.0, "again": 10.1}, "the same file again, against the first time"),
        ({"seconds": 11.2}, "rows per second, largest against smallest"),
        ({"seconds": 10.0, "memory": 120.5}, "worker memory growth, MB"),
        ({"seconds": 10.0, "revert": 3.1}, "Revert, against what it undoes"),
    ],
)
def test_a_broken_promise_is_a_failed_gate(large: dict[str, float], gate: str) -> None:
    assert failed(measured(10_000, seconds=1.0), measured(100_000, **large), peers()) == [gate]


def test_every_peer_with_a_promise_has_its_gate() -> None:
    slow = failed(measured(10_000, seconds=1.0), measured(100_000, seconds=10.0), peers(rate=1000.0))

    assert slow == [f"times {name}" for name, peer in job().peers.items() if peer.gate]


def test_a_part_that_costs_more_than_its_share_is_a_failed_gate() -> None:
    small, large = measured(10_000, seconds=1.0), measured(100_000, seconds=10.0)
    (part,) = job().parts

    assert failed(small, large, peers(), {part: cost(0.09)}) == []
    assert failed(small, large, peers(), {part: cost(0.11)}) == [f"share of {part}"]


def test_the_report_says_what_a_part_of_the_job_costs() -> None:
    result = {"title": "a job", "sizes": [], "peers": {}, "parts": {"who was tested": cost(0.094)}, "gates": []}
    assert (
        "who was tested: 9.4% of the job's processor time at 20,000 lines, 5.00 s with it and 4.53 s without, medians of 3 each"
        in as_text(result)
    )


@pytest.mark.django_db
def test_who_was_tested_can_be_left_out_to_measure_what_it_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ScoreImport, "gathered_fields", ScoreImport.gathered_fields)
    monkeypatch.setattr(Tally, "add_tests", Tally.add_tests)
    ((leave_out, _most),) = job().parts.values()
    district().add("100", ssid="9012345678")
    leave_out()

    start("caaspp-2023-2024", text("caaspp-2023-24", ela(gender="F")), work="import")

    assert Score.objects.filter(as_tested="").exists()
    assert not Score.objects.exclude(as_tested="").exists()
    assert not ResultCount.objects.exists()


def test_several_runs_count_by_their_medians() -> None:
    rounds = [
        {"seconds": {"import": s, "again": 1.0, "revert": 1.0}, "limit": 2.0, "memory": s, "records": 100, "lines": 100}
        for s in (4.0, 20.0, 5.0)
    ]

    result = middle(job(), rounds)

    assert (result["seconds"]["import"], result["share"], result["memory"], result["rate"]) == (5.0, 0.4, 20.0, 20.0)


def test_the_report_names_a_failed_gate() -> None:
    small, large = measured(10_000, seconds=1.0), measured(100_000, seconds=20.0)
    result = {
        "title": "a job",
        "sizes": [small, large],
        "peers": peers(),
        "gates": gates(job(), [small, large], peers(), {}),
    }

    assert "FAILED  share of the COPY limit: 0.20 (at least 0.3)" in as_text(result)


def test_the_report_names_loaders_that_are_not_installed() -> None:
    small = measured(10_000, seconds=1.0)
    result = {
        "title": "a job",
        "sizes": [small],
        "peers": {},
        "loaders": {
            "DuckDB": {"missing": ["duckdb"]},
            "script": {"lines": 10, "seconds": 2.0, "rate": 5.0, "ratio": 1.5},
        },
        "gates": [],
    }

    text = as_text(result)

    assert "DuckDB: not installed: duckdb" in text
    assert "script: 2.00 s for 10 lines, 5 lines/s, product / loader 1.50" in text
