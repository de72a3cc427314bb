"""The benchmark's decision job: the cost of one decision on the match desk in a large file.

Test a file, accept one of its lines for a student, undo that, accept another line; all in the same process, as in a web
server.
"""

import time
from pathlib import Path
from statistics import median
from typing import Any

from sisimport.demo.bench import Bench
from sisimport.demo.benchmark import Job, never_hold, tested
from sisimport.demo.benchmark_report import gate, gate_lines
from sisimport.demo.processor import processor_seconds
from sisimport.imports.models import ImportChange, ImportRun
from sisimport.imports.runs.decisions import ACCEPT, MATCH, Decision, decide, take_back

GATE = 1.0  # processor seconds of a decision in a warm process
TITLE = "A decision on the match desk"
STEPS = ("first", "taken back", "second")


def decide_job(job: Job, path: Path) -> dict[str, Any]:
    """Seconds of the processors, and of the clock, of three decisions on a Test of the file."""
    never_hold()
    run = tested(job, path)
    changes = ImportChange.objects.filter(run=run, line__gt=run.record_count // 2, student_id__isnull=False)
    chosen = list(changes.order_by("line").values_list("line", "student_id").distinct()[:2])
    spent: dict[str, float] = {}
    clock: dict[str, float] = {}
    for step, (line, student) in zip(STEPS, (chosen[0], chosen[0], chosen[1]), strict=True):
        assert student is not None  # noqa: S101 - asked for
        before, started = processor_seconds(), time.perf_counter()
        _take(run, step, line, student)
        spent[step], clock[step] = processor_seconds() - before, time.perf_counter() - started
    return {"processor": spent, "seconds": clock, "records": run.record_count}


def _take(run: ImportRun, step: str, line: int, student: int) -> None:
    if step == "taken back":
        take_back(run_id=run.pk, lines=[line], subject=MATCH, user=None)
        return
    decision = Decision(line=line, subject=MATCH, answer=ACCEPT, student_id=student)
    decide(run_id=run.pk, decisions=[decision], user=None, schools=None)


def measure(bench: Bench, jobs: dict[str, Job], lines: int) -> dict[str, Any]:
    """Measure every job whose file is reissued daily, at one size: people decide on lines of those."""
    rows = [_one(bench, job, lines) for job in jobs.values() if job.cumulative]
    found = [gate(f"{row['job']}, a decision", row["processor"]["second"], most=GATE) for row in rows]
    return {"job": "decision", "title": TITLE, "rows": rows, "gates": found, "text": as_text(rows, found)}


def _one(bench: Bench, job: Job, lines: int) -> dict[str, Any]:
    rounds = []
    for number in range(bench.runs):
        bench.tell(f"decision, {job.title}: {lines:,} lines, run {number + 1} of {bench.runs}")
        path = Path(bench.step(job, "prepare", bench.folder, lines=lines)["path"])
        rounds.append(bench.step(job, "decide", path))
    return middle(job, rounds)


def middle(job: Job, rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """Medians of several rounds."""
    medians = {
        kind: {step: median(one[kind][step] for one in rounds) for step in STEPS} for kind in ("processor", "seconds")
    }
    return {"job": job.key, "lines": rounds[0]["records"], **medians}


def as_text(rows: list[dict[str, Any]], found: list[dict[str, Any]]) -> str:
    """The report people read."""
    lines = [f"\n{TITLE}: processor seconds (seconds of the clock)"]
    for row in rows:
        times = "  ".join(f"{step} {row['processor'][step]:.2f} ({row['seconds'][step]:.2f})" for step in STEPS)
        lines.append(f"  {row['job']}: {row['lines']:>9,} lines  {times}")
    return "\n".join([*lines, *gate_lines(found)])
