"""Measure the imports against COPY and against other ways to do the same, in a separate database."""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from sisimport.demo import benchmark_daily, benchmark_decision, benchmark_growth
from sisimport.demo.bench import Bench
from sisimport.demo.benchmark import (
    Job,
    all_jobs,
    apply_job,
    forget_everything,
    peak_memory,
    processor_of,
    revert_job,
    run_job,
)
from sisimport.demo.benchmark_report import as_text
from sisimport.demo.copy_limit import JOURNAL, copy_limit
from sisimport.demo.growth import grow, pages, sizes
from sisimport.imports.engine.sql import execute, quoted
from students import headcounts

SIZES = (10_000, 100_000, 560_000)
# What is measured across several jobs, at the largest size.
OTHERS: dict[str, Callable[[Bench, dict[str, Job], int], dict[str, Any]]] = {
    "daily": benchmark_daily.measure,
    "decision": benchmark_decision.measure,
    "growth": benchmark_growth.measure,
}


class Command(BaseCommand):
    help = "Time Test, Update, re-Test and Revert at several sizes beside the COPY limit and other tools; exit 1 if a gate fails."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--students", type=int, default=SIZES[-1], help="largest number of lines (default: 560,000)"
        )
        parser.add_argument(
            "--job",
            action="append",
            default=[],
            help=f"only this job ({', '.join([*all_jobs(), *OTHERS])}); may be given several times",
        )
        parser.add_argument(
            "--runs", type=int, default=3, help="run every job this many times and take the medians (default: 3)"
        )
        parser.add_argument("--json", action="store_true")
        parser.add_argument("--step", default="", help="internal: one step in a process of its own")

    def handle(self, *_args: Any, **options: Any) -> None:
        jobs = all_jobs()
        if options["step"]:
            json.dump(step(jobs, json.loads(options["step"])), sys.stdout)
            return
        offered = [*jobs, *OTHERS]
        chosen = options["job"] or offered
        unknown = sorted(set(chosen) - set(offered))
        if unknown:
            raise CommandError(f"No job is called {', '.join(unknown)}. Jobs: {', '.join(offered)}.")
        sizes = sorted({n for n in SIZES if n < options["students"]} | {options["students"]})
        with tempfile.TemporaryDirectory(prefix="sisimport-benchmark-") as folder:
            bench = Bench(Path(folder), runs=max(1, options["runs"]), quiet=options["json"], say=self.stderr.write)
            try:
                results = [
                    bench.measure(jobs[key], sizes) if key in jobs else OTHERS[key](bench, jobs, sizes[-1])
                    for key in chosen
                ]
            finally:
                bench.close()
        if options["json"]:
            json.dump({"jobs": results}, sys.stdout)
            sys.stdout.write("\n")
        else:
            for result in results:
                self.stdout.write(result["text"] if "text" in result else as_text(result))
        if not all(gate["passed"] for result in results for gate in result["gates"]):
            sys.exit(1)


def step(jobs: dict[str, Job], task: dict[str, Any]) -> dict[str, Any]:
    """One step, requested by the comparing process."""
    job, path = jobs[task["job"]], Path(task["path"])
    return STEPS[task["kind"]](job, path, task)


def _prepare(job: Job, path: Path, task: dict[str, Any]) -> dict[str, Any]:
    forget_everything()
    made = job.prepare(task["lines"], path)
    if task.get("grow"):
        grow(**task["grow"])
    _rest()
    return {"path": str(made)}


def _yesterday(job: Job, path: Path, _task: dict[str, Any]) -> dict[str, Any]:
    result = apply_job(job, benchmark_daily.yesterday(path, has_header=job.has_header))
    _rest()
    return result


def _peer(job: Job, path: Path, task: dict[str, Any]) -> dict[str, Any]:
    started = time.perf_counter()
    job.peers[task["peer"]].do(path, task["lines"])
    return {"seconds": time.perf_counter() - started, "memory": peak_memory()}


def _load(job: Job, path: Path, task: dict[str, Any]) -> dict[str, Any]:
    assert job.loaded is not None  # noqa: S101 - asked for only where there is one
    started = time.perf_counter()
    count = job.loaded.load(task["loader"], path)
    seconds = time.perf_counter() - started
    if not count:
        raise CommandError(f"{task['loader']} inserted nothing")
    execute(f"TRUNCATE {quoted(job.loaded.table)}")
    return {"seconds": seconds, "rows": count}


STEPS: dict[str, Callable[[Job, Path, dict[str, Any]], dict[str, Any]]] = {
    "prepare": _prepare,
    "run": lambda job, path, _task: run_job(job, path),
    "yesterday": _yesterday,
    "decide": lambda job, path, _task: benchmark_decision.decide_job(job, path),
    "pages": lambda _job, _path, _task: {"pages": pages(), "sizes": sizes()},
    "processor": lambda job, path, task: {"seconds": processor_of(job, path, without=task["without"])},
    "limit": lambda job, _path, task: copy_limit((*job.tables, *JOURNAL), plan=task["plan"], since=task["since"]),
    "load": _load,
    "apply": lambda job, path, _task: apply_job(job, path),
    "revert": lambda _job, _path, task: revert_job(task["run"]),
    "peer": _peer,
}


def _rest() -> None:
    """Let the next step start from settled records, as in a district that was loaded long ago."""
    headcounts.compact()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")
