"""Measures of the benchmark: one job at one size.

Times are compared as ratios within one run of the benchmark: machines differ, and the same machine varies from hour to
hour.
"""

import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.utils.module_loading import autodiscover_modules

from sisimport.demo.copy_limit import this_moment
from sisimport.demo.loaders import LoadedFile
from sisimport.demo.processor import processor_seconds
from sisimport.imports.engine.sql import execute, fetch_all, quoted
from sisimport.imports.models import ImportFile, ImportRun, RunStatus, Work
from sisimport.imports.runs.execution import execute_run
from sisimport.imports.runs.services import start_revert, start_run, start_update
from sisimport.imports.runs.uploads import keep_file, unpacked
from students.models import LEA, DistrictSettings

Prepare = Callable[[int, Path], Path]  # lines, folder -> the file


@dataclass(frozen=True, slots=True)
class Peer:
    """Another way to do a job, on a number of lines of the file, compared by rows per second; `gate`: the factor to
    beat it by."""

    do: Callable[[Path, int], None]
    lines: int
    gate: float | None = None


@dataclass(frozen=True, kw_only=True)
class Job:
    """One job to measure.

    prepare(n, folder): makes the records and the file of n lines, returns its path. tables: what a finished run wrote,
    as (table, WHERE and ORDER BY) of copy_limit.py, besides its changes and issues. limit_gate: lowest share of the
    COPY limit. loaded: how loaders read the same file. parts: name of an additional part of the job -> a function that
    leaves it out in this process, and its maximum share of the job's processor time. cumulative: the state reissues the
    file daily, with all its earlier lines; has_header: its first line names columns.
    """

    key: str
    title: str
    work: Work
    prepare: Prepare
    tables: tuple[tuple[str, str], ...]
    limit_gate: float
    import_type: str = ""  # if different from the key
    peers: dict[str, Peer] = field(default_factory=dict)
    loaded: LoadedFile | None = None
    parts: dict[str, tuple[Callable[[], None], float]] = field(default_factory=dict)
    cumulative: bool = False
    has_header: bool = False


_jobs: dict[str, Job] = {}


def register_job(job: Job) -> None:
    """Offer a job. Raises ValueError for a key that is taken."""
    if job.key in _jobs:
        raise ValueError(f"benchmark job {job.key!r} is registered twice")
    _jobs[job.key] = job


def all_jobs() -> dict[str, Job]:
    autodiscover_modules("demo.benchmarks")
    return dict(_jobs)


def peak_memory() -> float:
    """Peak memory of this process so far, in MB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


def processor_of(job: Job, path: Path, *, without: str = "") -> float:
    """Processor time of the job's first work on a file, `without` one of its parts; seconds."""
    if without:
        job.parts[without][0]()
    run = _started(job, _kept(path), _first_work(job))
    before = processor_seconds()
    _timed(run)
    return processor_seconds() - before


def run_job(job: Job, path: Path) -> dict[str, Any]:
    """Test, Update (or Import) and Test again of one file, each timed; seconds, and this process's peak memory in MB."""
    never_hold()
    seconds: dict[str, float] = {}
    since = this_moment()
    started = time.perf_counter()
    file = _kept(path)
    if file.member:
        seconds["unpack"] = time.perf_counter() - started
    times, applied = _done(job, file)
    seconds |= times
    seconds["again"], _again = _timed(_started(job, file, _first_work(job)))
    memory = peak_memory()
    return {
        "seconds": seconds,
        "memory": memory,
        "run": applied.pk,
        "plan": applied.plan_run_id,
        "since": since,
        "imported": applied.import_count,
        "records": applied.record_count,
    }


def apply_job(job: Job, path: Path) -> dict[str, Any]:
    """Import of one file, or its Test and Update; seconds, those of the processors, and how many of its lines it brought in."""
    never_hold()
    before = processor_seconds()
    seconds, applied = _done(job, _kept(path))
    spent = processor_seconds() - before
    return {"seconds": seconds, "processor": spent, "imported": applied.import_count, "records": applied.record_count}


def tested(job: Job, path: Path) -> ImportRun:
    """A completed Test of one file."""
    return _timed(_started(job, _kept(path), Work.TEST))[1]


def _done(job: Job, file: ImportFile) -> tuple[dict[str, float], ImportRun]:
    if job.work == Work.IMPORT:
        seconds, applied = _timed(_started(job, file, Work.IMPORT))
        return {"import": seconds}, applied
    testing, test = _timed(_started(job, file, Work.TEST))
    updating, applied = _timed(start_update(test_run=test, user=None, enqueue=False))
    return {"test": testing, "update": updating}, applied


def _first_work(job: Job) -> Work:
    return Work.IMPORT if job.work == Work.IMPORT else Work.TEST


def _kept(path: Path) -> ImportFile:
    with path.open("rb") as stream, unpacked(stream) as inner:
        return keep_file(stream=inner.stream, name=path.name, user=None, member=inner.member, notices=inner.notices)


def _started(job: Job, file: ImportFile, work: Work) -> ImportRun:
    return start_run(
        file=file, import_type=job.import_type or job.key, work=work, options={}, user=None, schools=None, enqueue=False
    )


def never_hold() -> None:
    """Set limits that no job exceeds, so that the cost of hold checks is measured but nothing waits for a second
    person."""
    shares = dict.fromkeys(("hold_students_percent", "hold_ssids_percent", "hold_el_percent"), 100)
    least = dict.fromkeys(("hold_lines_percent", "hold_matched_percent"), 0)
    for lea in LEA.objects.all():
        DistrictSettings.objects.update_or_create(lea=lea, defaults=shares | least)


def revert_job(run_id: int) -> dict[str, float]:
    """Revert the run; seconds."""
    run = ImportRun.objects.get(pk=run_id)
    seconds, _run = _timed(start_revert(run=run, user=None, enqueue=False))
    return {"revert": seconds}


def _timed(run: ImportRun) -> tuple[float, ImportRun]:
    started = time.perf_counter()
    execute_run(run.pk)
    seconds = time.perf_counter() - started
    run = ImportRun.objects.get(pk=run.pk)
    if run.status != RunStatus.COMPLETED:
        raise RuntimeError(f"the benchmark's {run.work} did not complete: {run.status} {run.message}")
    return seconds, run


def forget_everything() -> None:
    """Empty the benchmark's own database."""
    tables = [
        name
        for (name,) in fetch_all("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        if name.startswith(("students_", "imports_", "assessments_", "ssid_"))
    ]
    execute(f"TRUNCATE {', '.join(map(quoted, tables))} RESTART IDENTITY CASCADE")
