"""The benchmark's daily job: files that the state reissues every day with all their earlier lines.

Yesterday's file lacks one in a hundred of today's lines. It is imported first, then today's; the two are compared per
line.
"""

from pathlib import Path
from statistics import median
from typing import Any

from sisimport.demo.bench import Bench
from sisimport.demo.benchmark import Job
from sisimport.demo.benchmark_report import gate, gate_lines
from sisimport.imports.models import Work

GATE = 0.35  # of the time per line when the whole file is new
_OF = 100  # one in this many lines is new today
_NEW = 37  # which one: its number in each hundred


def yesterday(path: Path, *, has_header: bool) -> Path:
    """Yesterday's file, written next to today's: without one line in a hundred."""
    earlier = path.with_name(f"yesterday-{path.name}")
    first = 1 if has_header else 0
    with (
        path.open(encoding="utf-8", newline="") as today,
        earlier.open("w", encoding="utf-8", newline="") as kept,
    ):
        for number, line in enumerate(today):
            if number < first or (number - first) % _OF != _NEW:
                kept.write(line)
    return earlier


def measure(bench: Bench, jobs: dict[str, Job], lines: int) -> dict[str, Any]:
    """Measure every job whose file is reissued daily, at one size."""
    rows = [_one(bench, job, lines) for job in jobs.values() if job.cumulative]
    found = [gate(f"{row['job']}, today's file against all new", row["ratio"], most=GATE) for row in rows]
    return {"job": "daily", "title": TITLE, "rows": rows, "gates": found, "text": as_text(rows, found)}


TITLE = "Files renewed daily: 99 of 100 lines were imported yesterday"


def _one(bench: Bench, job: Job, lines: int) -> dict[str, Any]:
    rounds = []
    for number in range(bench.runs):
        bench.tell(f"daily, {job.title}: {lines:,} lines, run {number + 1} of {bench.runs}")
        path = Path(bench.step(job, "prepare", bench.folder, lines=lines)["path"])
        rounds.append((bench.step(job, "yesterday", path), bench.step(job, "apply", path)))
    return compared(job, lines, rounds)


def compared(job: Job, lines: int, rounds: list[tuple[dict[str, Any], dict[str, Any]]]) -> dict[str, Any]:
    """Medians of several (yesterday, today): seconds of each step, and their ratio per line of the file.

    `ratio` is that of the Test, or of the Import if a type has no Test; `whole_ratio` that of Test and Update together.
    """
    steps = ("import",) if job.work == Work.IMPORT else ("test", "update")

    def ratio(*chosen: str) -> float:
        def per_line(one: dict[str, Any]) -> float:
            return sum(float(one["seconds"][step]) for step in chosen) / float(one["records"])

        return median(per_line(today) / per_line(before) for before, today in rounds)

    def seconds(which: int) -> dict[str, float]:
        return {step: median(one[which]["seconds"][step] for one in rounds) for step in steps}

    return {
        "job": job.key,
        "lines": lines,
        "yesterday": seconds(0),
        "today": seconds(1),
        "new": rounds[0][1]["imported"],
        "ratio": ratio(steps[0]),
        "whole_ratio": ratio(*steps),
    }


def as_text(rows: list[dict[str, Any]], found: list[dict[str, Any]]) -> str:
    """The report people read."""

    def times(seconds: dict[str, float]) -> str:
        return "  ".join(f"{step} {value:.2f} s" for step, value in seconds.items())

    lines = [f"\n{TITLE}"]
    for row in rows:
        whole = f"  with its Update {row['whole_ratio']:.2f}" if "update" in row["today"] else ""
        lines.append(
            f"  {row['job']}: {row['lines']:>9,} lines  all new: {times(row['yesterday'])}"
            f"  the day after: {times(row['today'])}, {row['new']:,} imported  ratio {row['ratio']:.2f}{whole}"
        )
    return "\n".join([*lines, *gate_lines(found)])
