"""Measure the imports against COPY and against other ways to do the same, in a database of its own."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection, connections

from sisimport.demo.benchmark import (
    Job,
    all_jobs,
    copy_limit,
    forget_everything,
    peak_memory,
    processor_of,
    revert_job,
    run_job,
)
from sisimport.imports.models import Work

DATABASE = "sisimport_benchmark"
SIZES = (10_000, 100_000, 560_000)
LINEAR_GATE = 0.9
MEMORY_GATE = 20.0  # MB that the worker may grow from the smallest to the largest file
MIN_PEER_SIZE = 10_000
PART_SIZE, PART_RUNS = 100_000, 3  # lines, and runs with and without, that a part of a job is measured by


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
            help=f"only this job ({', '.join(all_jobs())}); may be given again",
        )
        parser.add_argument(
            "--runs", type=int, default=1, help="run every job so many times and take the medians (default: once)"
        )
        parser.add_argument("--json", action="store_true")
        parser.add_argument("--step", default="", help="internal: one step in a process of its own")

    def handle(self, *_args: Any, **options: Any) -> None:
        jobs = all_jobs()
        if options["step"]:
            json.dump(step(jobs, json.loads(options["step"])), sys.stdout)
            return
        chosen = options["job"] or list(jobs)
        unknown = sorted(set(chosen) - set(jobs))
        if unknown:
            raise CommandError(f"No job is called {', '.join(unknown)}. Jobs: {', '.join(jobs)}.")
        sizes = sorted({n for n in SIZES if n < options["students"]} | {options["students"]})
        with tempfile.TemporaryDirectory(prefix="sisimport-benchmark-") as folder:
            bench = Bench(Path(folder), runs=max(1, options["runs"]), quiet=options["json"], say=self.stderr.write)
            try:
                results = [bench.measure(jobs[key], sizes) for key in chosen]
            finally:
                bench.close()
        if options["json"]:
            json.dump({"jobs": results}, sys.stdout)
            sys.stdout.write("\n")
        else:
            for result in results:
                self.stdout.write(as_text(result))
        if not all(gate["passed"] for result in results for gate in result["gates"]):
            sys.exit(1)


def step(jobs: dict[str, Job], task: dict[str, Any]) -> dict[str, Any]:
    """One step, asked for by the process that compares."""
    job, path = jobs[task["job"]], Path(task["path"])
    kind = task["kind"]
    if kind == "prepare":
        forget_everything()
        made = job.prepare(task["lines"], path)
        # The job starts from records at rest, as in a district that was loaded long ago.
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
            cursor.execute("CHECKPOINT")
        return {"path": str(made)}
    if kind == "run":
        return run_job(job, path)
    if kind == "processor":
        return {"seconds": processor_of(job, path, without=task["without"])}
    if kind == "limit":
        return {"limit": copy_limit(job, task["plan"])}
    if kind == "revert":
        return revert_job(task["run"])
    started = time.perf_counter()
    job.peers[task["peer"]](path, task["lines"])
    return {"seconds": time.perf_counter() - started, "memory": peak_memory()}


class Bench:
    """A database and a folder for the time of a benchmark; every step runs in a fresh process, as a worker would."""

    def __init__(self, folder: Path, *, runs: int, quiet: bool, say: Any) -> None:
        self.folder, self.runs, self.quiet, self.say = folder, runs, quiet, say
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
            cursor.execute(f"CREATE DATABASE {DATABASE}")
        self.environment = {
            **os.environ,
            "DATABASE_URL": database_url(DATABASE),
            "SISIMPORT_DATA_DIR": str(folder),
            "DJANGO_SETTINGS_MODULE": settings.SETTINGS_MODULE,
        }
        self._call("migrate", "--verbosity", "0")

    def close(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
        connections.close_all()

    def _call(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "django", *arguments],
            env=self.environment,
            cwd=settings.BASE_DIR,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise CommandError(f"A step of the benchmark failed:\n{done.stderr[-3000:]}")
        return done.stdout

    def _step(self, job: Job, kind: str, path: Path, **more: Any) -> dict[str, Any]:
        task = {"job": job.key, "kind": kind, "path": str(path), **more}
        result: dict[str, Any] = json.loads(self._call("benchmark", "--step", json.dumps(task)))
        return result

    def _round(self, job: Job, lines: int) -> dict[str, Any]:
        """The job once at one size, from records at rest to its Revert."""
        path = Path(self._step(job, "prepare", self.folder, lines=lines)["path"])
        result = self._step(job, "run", path)
        result["lines"] = lines
        result["limit"] = self._step(job, "limit", path, plan=result["plan"])["limit"]
        result["seconds"] |= self._step(job, "revert", path, run=result["run"])
        return result

    def measure(self, job: Job, sizes: list[int]) -> dict[str, Any]:
        """All sizes of one job, its peers, and the gates."""
        measured = []
        for lines in sizes:
            rounds = []
            for number in range(1, self.runs + 1):
                self.tell(f"{job.title}: {lines:,} lines" + (f", run {number} of {self.runs}" if self.runs > 1 else ""))
                rounds.append(self._round(job, lines))
            measured.append(middle(job, rounds))
        peers = {}
        for name, lines in job.peer_lines.items():
            size = min(lines, sizes[-1])
            self.tell(f"{job.title}: {name}, {size:,} lines")
            path = Path(self._step(job, "prepare", self.folder, lines=max(size, min(MIN_PEER_SIZE, sizes[-1])))["path"])
            seconds = self._step(job, "peer", path, peer=name, lines=size)["seconds"]
            peers[name] = {"lines": size, "seconds": seconds, "rate": size / seconds}
        parts = {part: self._share(job, part, min(PART_SIZE, sizes[-1])) for part in job.parts}
        return {
            "job": job.key,
            "title": job.title,
            "sizes": measured,
            "peers": peers,
            "parts": parts,
            "gates": gates(job, measured, peers, parts),
        }

    def _share(self, job: Job, part: str, lines: int) -> float:
        """Share of the job's processor time that the part costs: medians of runs with it and without it, one after the other."""
        spent: dict[str, list[float]] = {"": [], part: []}
        for number in range(PART_RUNS):
            self.tell(f"{job.title}: with and without {part}, {lines:,} lines, run {number + 1} of {PART_RUNS}")
            for without, seconds in spent.items():
                path = Path(self._step(job, "prepare", self.folder, lines=lines)["path"])
                seconds.append(self._step(job, "processor", path, without=without)["seconds"])
        return 1 - median(spent[part]) / median(spent[""])

    def tell(self, text: str) -> None:
        if not self.quiet:
            self.say(text)


def database_url(name: str) -> str:
    """Address of another database on the server of this one."""
    given = connection.settings_dict
    user = quote(given["USER"] or "")
    password = f":{quote(given['PASSWORD'])}" if given["PASSWORD"] else ""
    host, port = given["HOST"] or given["OPTIONS"].get("host", ""), f":{given['PORT']}" if given["PORT"] else ""
    if host.startswith("/"):
        return f"postgres://{user}{password}@/{name}?host={quote(host)}" + (f"&port={given['PORT']}" if port else "")
    return f"postgres://{user}{password}@{host}{port}/{name}"


def job_seconds(job: Job, seconds: dict[str, float]) -> float:
    """What the user waits for: Test and Update together, or the Import."""
    return seconds["import"] if job.work == Work.IMPORT else seconds["test"] + seconds["update"]


def middle(job: Job, rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """One result of several runs: the median of each time, and of its share of the COPY limit; the most memory of all."""
    result = dict(rounds[0])
    result["seconds"] = {name: median(one["seconds"][name] for one in rounds) for name in rounds[0]["seconds"]}
    result["limit"] = median(one["limit"] for one in rounds)
    result["share"] = median(one["limit"] / job_seconds(job, one["seconds"]) for one in rounds)
    result["memory"] = max(one["memory"] for one in rounds)
    result["rate"] = result["records"] / job_seconds(job, result["seconds"])
    return result


def gates(
    job: Job, measured: list[dict[str, Any]], peers: dict[str, Any], parts: dict[str, float]
) -> list[dict[str, Any]]:
    """The promises on speed and memory, each with what was measured."""
    small, large = measured[0], measured[-1]
    first = "import" if job.work == Work.IMPORT else "test"

    def gate(name: str, value: float, least: float | None = None, most: float | None = None) -> dict[str, Any]:
        passed = (least is None or value >= least) and (most is None or value <= most)
        return {"gate": name, "value": value, "least": least, "most": most, "passed": passed}

    found = [
        gate("share of the COPY limit", large["share"], job.limit_gate),
        gate(
            "the same file again, against the first time", large["seconds"]["again"] / large["seconds"][first], most=1.0
        ),
    ]
    found += [
        gate(f"times {name}", large["rate"] / peers[name]["rate"], least) for name, least in job.peer_gates.items()
    ]
    found += [gate(f"share of {part}", share, most=job.parts[part][1]) for part, share in parts.items()]
    if large is not small:
        found.append(gate("rows per second, largest against smallest", large["rate"] / small["rate"], LINEAR_GATE))
        found.append(gate("worker memory growth, MB", large["memory"] - small["memory"], most=MEMORY_GATE))
    return found


def as_text(result: dict[str, Any]) -> str:
    """The report people read."""
    lines = [f"\n{result['title']}"]
    for size in result["sizes"]:
        times = "  ".join(f"{name} {seconds:.2f} s" for name, seconds in size["seconds"].items())
        lines.append(
            f"  {size['lines']:>9,} lines  {times}  {size['rate']:,.0f} rows/s  COPY limit {size['limit']:.2f} s"
            f"  memory {size['memory']:.0f} MB"
        )
    for name, peer in result["peers"].items():
        lines.append(
            f"  {name}: {peer['rate']:,.0f} rows/s, measured on {peer['lines']:,} lines and scaled by rows per second"
        )
    for gate in result["gates"]:
        wanted = f"at least {gate['least']:g}" if gate["least"] is not None else f"at most {gate['most']:g}"
        lines.append(f"  {'passed' if gate['passed'] else 'FAILED'}  {gate['gate']}: {gate['value']:.2f} ({wanted})")
    return "\n".join(lines)
